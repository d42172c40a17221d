import { Type } from 'typebox'
import type { Message } from '../../protocol/message.ts'
import { messageProperties } from '../../protocol/message-properties.ts'
import { topicFilterFault } from '../../protocol/topic.ts'
import { cursorBehind, readCursor } from '../cursor.ts'
import { payloadJson, propertiesJson } from '../../protocol/message-json.ts'
import type { Api, ApiParts } from '../parts.ts'
import { HttpProblem, invalidParameter } from '../problem.ts'
import { answers, Count, Cursor, Limit, MessageFields, NextCursor, TimeMs, TopicFilter, TopicName } from '../schemas.ts'

const SHOWN_TOPICS = 20

const Retained = Type.Object({
  ...MessageFields,
  publisher: Type.Union([Type.String(), Type.Null()]),
  packetBytes: Type.Integer({ description: 'What it takes of limits.maxRetainedBytes.' }),
  atMs: Type.Union([TimeMs, Type.Null()], {
    description: 'When it came; null: before the hub started.',
  }),
})

const Page = Type.Object({
  messages: Type.Array(Retained),
  nextCursor: NextCursor,
})

const Deletion = Type.Object({
  messages: Type.Integer({ description: 'How many are deleted, or would be.' }),
  bytes: Count,
  topics: Type.Array(Type.String(), { description: `The first ${SHOWN_TOPICS} of their topics.` }),
  isDryRun: Type.Boolean(),
  canUndo: Type.Boolean({ description: 'False: more than 64 MiB are not kept for it.' }),
  undoToken: Type.Union([Type.String(), Type.Null()]),
  undoUntilMs: Type.Union([TimeMs, Type.Null()]),
})

const Text = Type.String({
  minLength: 1,
  maxLength: 1000,
  description: 'In the topic or the payload, in upper or lower case.',
})
const Filtered = { filter: TopicFilter, text: Type.Optional(Text) }

/** `retained`: the last message of each topic that was published with RETAIN. */
export function retainedRoutes(app: Api, { admin, topicLimits }: ApiParts): void {
  const { retained } = admin

  app.get(
    '/retained',
    {
      schema: {
        summary: 'Retained messages under a filter, in the order of the tree of topics',
        tags: ['retained'],
        querystring: Type.Object(
          {
            filter: Type.Optional(TopicFilter),
            text: Type.Optional(Text),
            limit: Limit,
            cursor: Type.Optional(Cursor),
          },
          { additionalProperties: false },
        ),
        response: answers('A page of messages.', Page),
      },
    },
    async ({ query: { filter = '#', text, limit, cursor } }) => {
      checkFilter(filter)
      const list = `retained ${filter} ${text ?? ''}`
      const after = readCursor(list, cursor)
      const first = await retained.page(filter, text, after, limit + 1)
      const last = first[limit - 1]
      const nextCursor = first.length > limit && last !== undefined ? cursorBehind(list, last.topic) : null
      return { messages: first.slice(0, limit).map(toJson), nextCursor }
    },
  )

  app.get(
    '/retained/one',
    {
      schema: {
        summary: 'The retained message of a topic',
        tags: ['retained'],
        querystring: Type.Object({ topic: TopicName }, { additionalProperties: false }),
        response: answers('The message.', Retained),
      },
    },
    ({ query: { topic } }) => {
      const message = retained.get(topic)
      if (message === undefined) throw new HttpProblem('not-found', `${JSON.stringify(topic)} has no retained message.`)
      return Promise.resolve(toJson(message))
    },
  )

  app.delete(
    '/retained',
    {
      schema: {
        summary: 'Delete the retained messages under a filter; subscribers get an empty message for each',
        tags: ['retained'],
        querystring: Type.Object(
          { ...Filtered, dryRun: Type.Boolean({ default: false, description: 'Only count them.' }) },
          { additionalProperties: false },
        ),
        response: answers('What was deleted.', Deletion),
      },
    },
    async ({ query: { filter, text, dryRun } }) => {
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
  )

  app.post(
    '/retained/undo',
    {
      schema: {
        summary: 'Put back what was deleted, but where the topic has got another message since',
        tags: ['retained'],
        body: Type.Object({ undoToken: Type.String({ maxLength: 100 }) }, { additionalProperties: false }),
        response: answers('What was put back.', Type.Object({ restored: Count, skipped: Count })),
      },
    },
    async ({ body: { undoToken } }) => {
      const outcome = await retained.putBack(undoToken)
      if (outcome === undefined) {
        const detail =
          'There is nothing to put back by this token: it was used, an hour is over, or there were too many.'
        throw new HttpProblem('not-found', detail)
      }
      return outcome
    },
  )

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
