import { Readable } from 'node:stream'
import type { HistoryEntry } from '../../admin/history-view.ts'
import { messageProperties } from '../../protocol/message-properties.ts'
import { goneSignal } from '../gone.ts'
import { readConditions, requirePosition } from '../history-query.ts'
import { propertiesJson } from '../../protocol/message-json.ts'
import { listPieces, sendPieces } from '../json-pieces.ts'
import { type MessageParts, messagePieces } from '../message-pieces.ts'
import type { Api, ApiParts } from '../parts.ts'
import { invalidParameter } from '../problem.ts'
import { shownBytes } from '../shown-payload.ts'
import { type EntryFields, exportHistory, importHistory, NDJSON, searchMessages } from '../schemas/messages.ts'

/** `messages` and `history`: what was said before. */
export function messageRoutes(app: Api, { admin, callers, topicLimits }: ApiParts): void {
  app.route({
    ...searchMessages,
    handler: async (request, reply) => {
      const { around, payload, limit, cursor, ...conditions } = request.query
      const { history } = callers.seenBy(request)
      const nowMs = admin.nowMs()
      const position = around === undefined ? undefined : requirePosition('around', around, nowMs)
      if (
        position !== undefined &&
        (conditions.before ?? conditions.after ?? conditions.order ?? cursor) !== undefined
      ) {
        throw invalidParameter('around', around, 'it does not go together with before, after, order or cursor')
      }
      const query = { ...readConditions(conditions, topicLimits, nowMs), around: position, limit, cursor }
      const shown = { shownBytes: shownBytes(Infinity, payload) }
      const { entries, ...page } = await history.page({ ...query, ...shown }, goneSignal(reply))
      return sendPieces(
        reply,
        listPieces('messages', entries, (entry) => messagePieces(partsOf(entry), payload), page),
      )
    },
  })

  app.route({
    ...exportHistory,
    handler: (request, reply) => {
      const conditions = readConditions(request.query, topicLimits, admin.nowMs())
      const lines = callers.seenBy(request).history.export({ order: 'oldest', ...conditions }, goneSignal(reply))
      reply.raw.once(
        'close',
        callers.whenOver(request, () => reply.raw.destroy()),
      )
      return reply
        .type(NDJSON)
        .header('Content-Disposition', 'attachment; filename="hubbub-history.ndjson"')
        .send(Readable.from(lines, { objectMode: false }))
    },
  })

  app.addContentTypeParser(NDJSON, (_request, body, done) => done(null, body))
  app.route({
    ...importHistory,
    handler: async (request) => {
      const { body } = request
      if (!(body instanceof Readable)) {
        throw invalidParameter('Content-Type', undefined, `it must be ${NDJSON}`)
      }
      const { faults, ...summary } = await callers.seenBy(request).history.import(body)
      return { ...summary, faults: [...faults] }
    },
  })
}

function partsOf({ message, ...entry }: HistoryEntry): MessageParts<EntryFields> {
  const properties = propertiesJson(messageProperties(message, entry.atMs))
  return { fields: { ...entry, ...properties }, payload: message.payload }
}
