import { type Static, Type } from 'typebox'
import { POSITION_FORMS } from '../../admin/position-forms.ts'
import { Count, Limit, NextCursor, orNull, ShownMessageFields, ShownPayloads, TimeMs, TopicFilter } from './fields.ts'
import type { WithoutPayload } from '../message-pieces.ts'
import { answers, PROBLEMS, route, takes } from './route.ts'

export const NDJSON = 'application/x-ndjson'

const Position = (description: string) =>
  Type.String({
    maxLength: 64,
    description: `${description}: ${POSITION_FORMS}.`,
  })

const HistoryConditions = {
  filter: Type.Optional(TopicFilter),
  before: Type.Optional(Position('Only older messages')),
  after: Type.Optional(Position('Only newer messages')),
  text: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1000,
      description: 'Text in the topic or the first 256 KiB of the payload; upper and lower case are the same.',
    }),
  ),
  where: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1000,
      description: 'An RFC 9535 filter on the payload as JSON: @.temperature > 20 && @.unit == "C"',
    }),
  ),
  order: Type.Optional(Type.Enum(['newest', 'oldest'])),
}

const Entry = Type.Object({
  sequence: Type.Integer({ description: 'Grows with each recorded message; there may be gaps.' }),
  atMs: TimeMs,
  publisher: orNull(Type.String(), 'Null: the hub itself, or its API.'),
  ...ShownMessageFields,
})

export type EntryFields = WithoutPayload<Static<typeof Entry>>

const Page = Type.Object({
  messages: Type.Array(Entry),
  nextCursor: NextCursor,
  previousCursor: orNull(Type.String(), 'Continues before the first message; only with `around`.'),
  scanned: Type.Integer({ description: 'Messages that were searched for this page.' }),
  unsearched: Type.Integer({
    description:
      'Those of them whose payload is too large for `where`: 256 KiB, or less for an expression that compares two paths, or looks at all members, as `@[*]` and `@[?@.on == true]` do: the less, the more it asks of each.',
  }),
  isComplete: Type.Boolean({
    description:
      'False: the page ended at what may be searched, or sent, for one answer; continue with `nextCursor`, even after an empty page.',
  }),
})

const Query = takes({
  ...HistoryConditions,
  around: Type.Optional(
    Type.String({ maxLength: 64, description: 'The messages on both sides of this, up to the limit, oldest first.' }),
  ),
  payload: ShownPayloads,
  limit: Limit,
  cursor: Type.Optional(Type.String({ maxLength: 4096, description: '`nextCursor` or `previousCursor` of a page.' })),
})

/** What is looked for in the history. */
export const ExportQuery = takes(HistoryConditions)

const Imported = Type.Object({
  imported: Count,
  tooOld: Type.Integer({ description: 'Messages older than the history keeps.' }),
  faulty: Type.Integer({ description: 'Lines that are not messages.' }),
  faults: Type.Array(Type.String(), { description: 'The first few of them, and what is wrong with them.' }),
})

export const searchMessages = route('GET', '/messages', 'viewer', {
  summary: 'Recorded messages, by default the newest first',
  tags: ['messages'],
  querystring: Query,
  response: answers('A page of messages.', Page),
})

export const exportHistory = route('GET', '/history/export', 'viewer', {
  summary: 'All matching messages as NDJSON, by default the oldest first',
  tags: ['messages'],
  querystring: ExportQuery,
  produces: [NDJSON],
  response: {
    200: { description: 'One message per line.', content: { [NDJSON]: { schema: Type.Any() } } },
    ...PROBLEMS,
  },
})

export const importHistory = route('POST', '/history/import', 'admin', {
  summary: 'Import messages of an earlier export, sent as NDJSON',
  tags: ['messages'],
  consumes: [NDJSON],
  response: answers('The result of the import.', Imported),
})
