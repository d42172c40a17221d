import { Readable } from 'node:stream'
import type { HistoryEntry } from '../../admin/history-view.ts'
import { messageProperties } from '../../protocol/message-properties.ts'
import { goneSignal } from '../gone.ts'
import { readConditions, requirePosition } from '../history-query.ts'
import { payloadJson, propertiesJson } from '../../protocol/message-json.ts'
import type { Api, ApiParts } from '../parts.ts'
import { invalidParameter } from '../problem.ts'
import { exportHistory, importHistory, NDJSON, searchMessages } from '../schemas/messages.ts'

/** `messages` and `history`: what was said before. */
export function messageRoutes(app: Api, { admin, history, topicLimits }: ApiParts): void {
  app.route({
    ...searchMessages,
    handler: async ({ query: { around, limit, cursor, ...conditions } }, reply) => {
      const nowMs = admin.nowMs()
      const position = around === undefined ? undefined : requirePosition('around', around, nowMs)
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
  })

  app.route({
    ...exportHistory,
    handler: ({ query }, reply) => {
      const conditions = readConditions(query, topicLimits, admin.nowMs())
      const lines = history.export({ order: 'oldest', ...conditions }, goneSignal(reply))
      return reply
        .type(NDJSON)
        .header('Content-Disposition', 'attachment; filename="hubbub-history.ndjson"')
        .send(Readable.from(lines, { objectMode: false }))
    },
  })

  app.addContentTypeParser(NDJSON, (_request, body, done) => done(null, body))
  app.route({
    ...importHistory,
    handler: async ({ body }) => {
      if (!(body instanceof Readable)) {
        throw invalidParameter('Content-Type', undefined, `it must be ${NDJSON}`)
      }
      const { faults, ...summary } = await history.import(body)
      return { ...summary, faults: [...faults] }
    },
  })
}

function entryJson({ sequence, atMs, topic, publisher, qos, retain, message }: HistoryEntry) {
  const properties = propertiesJson(messageProperties(message, atMs))
  return { sequence, atMs, publisher, topic, ...payloadJson(message.payload), qos, retain, ...properties }
}
