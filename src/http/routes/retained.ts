import type { Message } from '../../protocol/message.ts'
import { messageProperties } from '../../protocol/message-properties.ts'
import { topicFilterFault } from '../../protocol/topic.ts'
import { cursorBehind, readCursor } from '../list-cursor.ts'
import { propertiesJson } from '../../protocol/message-json.ts'
import { listPieces, sendPieces } from '../json-pieces.ts'
import { type MessageParts, messagePieces } from '../message-pieces.ts'
import type { Api, ApiParts } from '../parts.ts'
import { HttpProblem, invalidParameter } from '../problem.ts'
import { shownBytes } from '../shown-payload.ts'
import {
  deleteRetained,
  getRetained,
  listRetained,
  type RetainedFields,
  SHOWN_TOPICS,
  undoDeletion,
} from '../schemas/retained.ts'

/** `retained`: the last message of each topic that was published with RETAIN. */
export function retainedRoutes(app: Api, { admin, topicLimits }: ApiParts): void {
  const { retained } = admin

  app.route({
    ...listRetained,
    handler: async ({ query: { filter = '#', text, payload, limit, cursor } }, reply) => {
      checkFilter(filter)
      const list = `retained ${filter} ${text ?? ''}`
      const after = readCursor(list, cursor)
      const shown = shownBytes(Infinity, payload)
      const { messages, last, isComplete } = await retained.page({ filter, text, after, limit, shownBytes: shown })
      const nextCursor = last === undefined ? null : cursorBehind(list, last)
      return sendPieces(
        reply,
        listPieces('messages', messages, (message) => messagePieces(partsOf(message), payload), {
          nextCursor,
          isComplete,
        }),
      )
    },
  })

  app.route({
    ...getRetained,
    handler: async ({ query: { topic, payload } }, reply) => {
      const message = retained.get(topic)
      if (message === undefined) throw new HttpProblem('not-found', `${JSON.stringify(topic)} has no retained message.`)
      return sendPieces(reply, messagePieces(partsOf(message), payload))
    },
  })

  app.route({
    ...deleteRetained,
    handler: async ({ query: { filter, text, dryRun } }) => {
      checkFilter(filter)
      const { messages, bytes, canUndo, undo } = await retained.delete(filter, text, dryRun)
      return {
        messages: messages.length,
        bytes,
        topics: messages.slice(0, SHOWN_TOPICS).map(({ topic }) => topic),
        isDryRun: dryRun,
        canUndo,
        undoToken: undo?.token ?? null,
        undoUntilMs: undo === undefined ? null : Math.round(admin.nowMs() + undo.validMs),
      }
    },
  })

  app.route({
    ...undoDeletion,
    handler: async ({ body: { undoToken } }) => {
      const outcome = await retained.putBack(undoToken)
      if (outcome === undefined) {
        const detail =
          'There is nothing to restore for this token: it was used, it is older than an hour, or it was displaced by newer ones.'
        throw new HttpProblem('not-found', detail)
      }
      return outcome
    },
  })

  function partsOf(message: Message): MessageParts<RetainedFields> {
    const { topic, payload, qos, publisher = null, packetBytes } = message
    const atMs = admin.topics.get(topic)?.retainedAtMs ?? null
    const properties = propertiesJson(messageProperties(message, admin.lifetimeMs()))
    const fields = { topic, qos, retain: true, ...properties, publisher, packetBytes }
    return { fields: { ...fields, atMs: atMs === null ? null : Math.round(atMs) }, payload }
  }

  function checkFilter(filter: string): void {
    const fault = topicFilterFault(filter, topicLimits)
    if (fault !== undefined) throw invalidParameter('filter', filter, fault)
  }
}
