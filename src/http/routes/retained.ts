import type { Message } from '../../protocol/message.ts'
import { messageProperties } from '../../protocol/message-properties.ts'
import { topicFilterFault } from '../../protocol/topic.ts'
import { cursorBehind, readCursor } from '../list-cursor.ts'
import { payloadJson, propertiesJson } from '../../protocol/message-json.ts'
import type { Api, ApiParts } from '../parts.ts'
import { HttpProblem, invalidParameter } from '../problem.ts'
import { deleteRetained, getRetained, listRetained, SHOWN_TOPICS, undoDeletion } from '../schemas/retained.ts'

/** `retained`: the last message of each topic that was published with RETAIN. */
export function retainedRoutes(app: Api, { admin, topicLimits }: ApiParts): void {
  const { retained } = admin

  app.route({
    ...listRetained,
    handler: async ({ query: { filter = '#', text, limit, cursor } }) => {
      checkFilter(filter)
      const list = `retained ${filter} ${text ?? ''}`
      const after = readCursor(list, cursor)
      const first = await retained.page(filter, text, after, limit + 1)
      const last = first[limit - 1]
      const nextCursor = first.length > limit && last !== undefined ? cursorBehind(list, last.topic) : null
      return { messages: first.slice(0, limit).map(toJson), nextCursor }
    },
  })

  app.route({
    ...getRetained,
    handler: ({ query: { topic } }) => {
      const message = retained.get(topic)
      if (message === undefined) throw new HttpProblem('not-found', `${JSON.stringify(topic)} has no retained message.`)
      return Promise.resolve(toJson(message))
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

  function toJson(message: Message) {
    const atMs = admin.topics.get(message.topic)?.retainedAtMs
    return { ...retainedJson(message, admin.nowMs()), atMs: atMs === undefined ? null : Math.round(atMs) }
  }

  function checkFilter(filter: string): void {
    const fault = topicFilterFault(filter, topicLimits)
    if (fault !== undefined) throw invalidParameter('filter', filter, fault)
  }
}

function retainedJson(message: Message, nowMs: number) {
  const { topic, payload, qos, publisher, packetBytes } = message
  const properties = propertiesJson(messageProperties(message, nowMs))
  return { topic, ...payloadJson(payload), qos, retain: true, ...properties, publisher: publisher ?? null, packetBytes }
}
