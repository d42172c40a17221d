import { Type } from 'typebox'
import { POSITION_FORMS } from '../../admin/position-forms.ts'
import { Count, Limit, MessageFields, NextCursor, orNull, TimeMs, TopicFilter } from './fields.ts'
import { answers, PROBLEMS, route, takes } from './route.ts'

export const NDJSON = 'application/x-ndjson'

const Position = (description: string) =>
  Type.String({
    maxLength: 64,
    description: `${description}: ${POSITION_FORMS}.`,
  })

const HistoryConditions = {
  filter: Type.Optional(TopicFilter),
  before: Type.Optional(Position('Only what is older')),
  after: Type.Optional(Position('Only what is newer')),
  text: Type.Optional(
    Type.String({ minLength: 1, maxLength: 1000, description: 'In the payload or the topic, in upper or lower case.' }),
  ),
  where: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1000,
      description: 'A filter of RFC 9535 over the payload as JSON: @.temperature > 20 && @.unit == "C"',
    }),
  ),
  order: Type.Optional(Type.Enum(['newest', 'oldest'])),
}

const Entry = Type.Object({
  sequence: Type.Integer({ description: 'Grows with each message that is recorded; not without gaps.' }),
  atMs: TimeMs,
  publisher: orNull(Type.String(), 'Null: the hub itself, or its API.'),
  ...MessageFields,
})

const Page = Type.Object({
  messages: Type.Array(Entry),
  nextCursor: NextCursor,
  previousCursor: orNull(Type.String(), 'Goes on before the first message; only with `around`.'),
  scanned: Type.Integer({ description: 'Messages that were looked at for this page.' }),
  isComplete: Type.Boolean({
    description: 'False: enough was looked at for one answer; go on with `nextCursor`, even from an empty page.',
  }),
})

const Query = takes({
  ...HistoryConditions,
  around: Type.Optional(
    Type.String({ maxLength: 64, description: 'As many on both sides of this as the limit allows, oldest first.' }),
  ),
  limit: Limit,
  cursor: Type.Optional(Type.String({ maxLength: 4096, description: '`nextCursor` or `previousCursor` of a page.' })),
})

/** What is looked for in the history. */
export const ExportQuery = takes(HistoryConditions)

const Imported = Type.Object({
  imported: Count,
  tooOld: Type.Integer({ description: 'Older than the history keeps anything.' }),
  faulty: Type.Integer({ description: 'Lines that are no messages.' }),
  faults: Type.Array(Type.String(), { description: 'The first few of them, with what is wrong.' }),
})

export const searchMessages = route('GET', '/messages', {
  summary: 'Messages of the past, the newest first unless asked otherwise',
  tags: ['messages'],
  querystring: Query,
  response: answers('A page of messages.', Page),
})

export const exportHistory = route('GET', '/history/export', {
  summary: 'All that matches, as NDJSON, the oldest first unless asked otherwise',
  tags: ['messages'],
  querystring: ExportQuery,
  produces: [NDJSON],
  response: {
    200: { description: 'A message on each line.', content: { [NDJSON]: { schema: Type.Any() } } },
    ...PROBLEMS,
  },
})

export const importHistory = route('POST', '/history/import', {
  summary: 'Record messages of an earlier export, sent as NDJSON',
  tags: ['messages'],
  consumes: [NDJSON],
  response: answers('What was taken.', Imported),
})
