import type { FastifyRequest } from 'fastify'
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
export function retainedRoutes(app: Api, { admin, callers, topicLimits }: ApiParts): void {
  const retainedFor = (request: FastifyRequest) => callers.seenBy(request).admin.retained

  app.route({
    ...listRetained,
    handler: async (request, reply) => {
      const { filter = '#', text, payload, limit, cursor } = request.query
      checkFilter(filter)
      const list = `retained ${filter} ${text ?? ''}`
      const after = readCursor(list, cursor)
      const shown = shownBytes(Infinity, payload)
      const page = { filter, text, after, limit, shownBytes: shown }
      const { messages, last, isComplete } = await retainedFor(request).page(page)
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
    handler: async (request, reply) => {
      const { topic, payload } = request.query
      const message = retainedFor(request).get(topic)
      if (message === undefined) throw new HttpProblem('not-found', `${JSON.stringify(topic)} has no retained message.`)
      return sendPieces(reply, messagePieces(partsOf(message), payload))
    },
  })

  app.route({
    ...deleteRetained,
    handler: async (request) => {
      const { filter, text, dryRun } = request.query
      checkFilter(filter)
      const { messages, bytes, canUndo, undo } = await retainedFor(request).delete(filter, text, dryRun)
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
    handler: async (request) => {
      const outcome = await retainedFor(request).putBack(request.body.undoToken)
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
