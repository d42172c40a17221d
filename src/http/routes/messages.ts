import { Readable } from 'node:stream'
import { Type } from 'typebox'
import type { HistoryEntry } from '../../admin/history-view.ts'
import { messageProperties } from '../../protocol/message-properties.ts'
import { goneSignal } from '../gone.ts'
import { HistoryConditions, readConditions, readPlace } from '../history-query.ts'
import { payloadJson, propertiesJson } from '../../protocol/message-json.ts'
import type { Api, ApiParts } from '../parts.ts'
import { invalidParameter } from '../problem.ts'
import { answers, Count, Limit, MessageFields, NextCursor, Problem, TimeMs } from '../schemas.ts'

const NDJSON = 'application/x-ndjson'

const Entry = Type.Object({
  sequence: Type.Integer({ description: 'Grows with each message that is recorded; not without gaps.' }),
  atMs: TimeMs,
  publisher: Type.Union([Type.String(), Type.Null()], { description: 'Null: the hub itself, or its API.' }),
  ...MessageFields,
})

const Page = Type.Object({
  messages: Type.Array(Entry),
  nextCursor: NextCursor,
  previousCursor: Type.Union([Type.String(), Type.Null()], {
    description: 'Goes on before the first message; only with `around`.',
  }),
  scanned: Type.Integer({ description: 'Messages that were looked at for this page.' }),
  isComplete: Type.Boolean({
    description: 'False: enough was looked at for one answer; go on with `nextCursor`, even from an empty page.',
  }),
})

const Query = Type.Object(
  {
    ...HistoryConditions,
    around: Type.Optional(
      Type.String({ maxLength: 64, description: 'As many on both sides of this as the limit allows, oldest first.' }),
    ),
    limit: Limit,
    cursor: Type.Optional(Type.String({ maxLength: 4096, description: '`nextCursor` or `previousCursor` of a page.' })),
  },
  { additionalProperties: false },
)

const ExportQuery = Type.Object(HistoryConditions, { additionalProperties: false })

const Imported = Type.Object({
  imported: Count,
  tooOld: Type.Integer({ description: 'Older than the history keeps anything.' }),
  faulty: Type.Integer({ description: 'Lines that are no messages.' }),
  faults: Type.Array(Type.String(), { description: 'The first few of them, with what is wrong.' }),
})

/** `messages` and `history`: what was said before. */
export function messageRoutes(app: Api, { admin, history, topicLimits }: ApiParts): void {
  app.get(
    '/messages',
    {
      schema: {
        summary: 'Messages of the past, the newest first unless asked otherwise',
        tags: ['messages'],
        querystring: Query,
        response: answers('A page of messages.', Page),
      },
    },
    async ({ query: { around, limit, cursor, ...conditions } }, reply) => {
      const nowMs = admin.nowMs()
      const position = around === undefined ? undefined : readPlace('around', around, nowMs)
      if (
        position !== undefined &&
        (conditions.before ?? conditions.after ?? conditions.order ?? cursor) !== undefined
      ) {
        throw invalidParameter('around', around, 'it does not go together with before, after, order or cursor')
      }
      const query = { ...readConditions(conditions, topicLimits, nowMs), around: position, limit, cursor }
      const { entries, ...page } = await history.page(query, goneSignal(reply))
      return { messages: entries.map(entryJson), ...page }
    },
  )

  app.get(
    '/history/export',
    {
      schema: {
        summary: 'All that matches, as NDJSON, the oldest first unless asked otherwise',
        tags: ['messages'],
        querystring: ExportQuery,
        produces: [NDJSON],
        response: {
          200: { description: 'A message on each line.', content: { [NDJSON]: { schema: Type.Any() } } },
          '4xx': Problem,
        },
      },
    },
    ({ query }, reply) => {
      const conditions = readConditions(query, topicLimits, admin.nowMs())
      const lines = history.export({ order: 'oldest', ...conditions }, goneSignal(reply))
      return reply
        .type(NDJSON)
        .header('Content-Disposition', 'attachment; filename="hubbub-history.ndjson"')
        .send(Readable.from(lines, { objectMode: false }))
    },
  )

  app.addContentTypeParser(NDJSON, (_request, body, done) => done(null, body))
  app.post(
    '/history/import',
    {
      schema: {
        summary: 'Record messages of an earlier export, sent as NDJSON',
        tags: ['messages'],
        consumes: [NDJSON],
        response: answers('What was taken.', Imported),
      },
    },
    async ({ body }) => {
      if (!(body instanceof Readable)) {
        throw invalidParameter('Content-Type', undefined, `it must be ${NDJSON}`)
      }
      const { faults, ...summary } = await history.import(body)
      return { ...summary, faults: [...faults] }
    },
  )
}

function entryJson({ sequence, atMs, topic, publisher, qos, retain, message }: HistoryEntry) {
  const properties = propertiesJson(messageProperties(message, atMs))
  return { sequence, atMs, publisher, topic, ...payloadJson(message.payload), qos, retain, ...properties }
}
