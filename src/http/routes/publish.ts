import { type Static, Type } from 'typebox'
import { topicNameFault, type TopicLimits } from '../../protocol/topic.ts'
import { goneSignal } from '../gone.ts'
import type { ReceivedMessage } from '../../admin/local-subscriber.ts'
import type { MessageToPublish } from '../../admin/publisher.ts'
import { request } from '../../admin/request.ts'
import { payloadJson, propertiesJson } from '../../protocol/message-json.ts'
import { readBase64, readProperties } from '../read-message.ts'
import type { Api, ApiParts } from '../parts.ts'
import { HttpProblem, invalidParameter } from '../problem.ts'
import { answers, Count, MessageFields, Properties, QoS, TopicName } from '../schemas.ts'

const MAX_MESSAGES = 1000
/** Requests that wait for a reply. */
const MAX_OPEN_REQUESTS = 1000

const Outgoing = {
  topic: TopicName,
  payload: Type.Optional(
    Type.String({ description: 'As text; or give one of the two below, or none for no payload.' }),
  ),
  payloadBase64: Type.Optional(Type.String()),
  payloadJson: Type.Optional(Type.Unknown({ description: 'Any JSON value, sent as text.' })),
  qos: Type.Optional(QoS),
  retain: Type.Optional(Type.Boolean()),
  properties: Type.Optional(Properties),
}

const OutgoingMessage = Type.Object(Outgoing, { additionalProperties: false })
const OutgoingMessages = Type.Array(OutgoingMessage, { minItems: 1, maxItems: MAX_MESSAGES })

const Published = Type.Object({
  topic: Type.String(),
  matched: Type.Integer({ description: 'Sessions and shared subscriptions that it was for; 0: nobody listens.' }),
})

const Limits = Type.Object({
  maxTopicBytes: Type.Integer({ description: 'Of a topic, in UTF-8.' }),
  maxTopicLevels: Type.Integer(),
  maxPacketBytes: Type.Integer({ description: 'Of a PUBLISH with its header, topic and properties.' }),
})

const Reply = Type.Object({
  ...MessageFields,
  latencyMs: Type.Number({ description: 'From when it was published until the reply came.' }),
})

const RequestBody = Type.Object(
  {
    ...Outgoing,
    timeoutMs: Type.Integer({
      minimum: 100,
      maximum: 60_000,
      default: 5000,
      description: 'How long to wait for the reply.',
    }),
  },
  { additionalProperties: false },
)

/** `publish` and `request`: speaking over HTTP; `limits`: what may be said. */
export function publishRoutes(app: Api, { admin, topicLimits, maxPacketBytes }: ApiParts): void {
  let openRequests = 0

  app.get(
    '/limits',
    {
      schema: {
        summary: 'How large a message may be: who sends a larger one over MQTT is disconnected',
        tags: ['publish'],
        response: answers('The limits.', Limits),
      },
    },
    () => {
      const { maxTopicBytes, maxTopicLevels } = topicLimits
      return Promise.resolve({ maxTopicBytes, maxTopicLevels, maxPacketBytes })
    },
  )

  app.post(
    '/publish',
    {
      schema: {
        summary: 'Publish a message; answered when what has to be kept of it is stored',
        tags: ['publish'],
        body: OutgoingMessage,
        response: answers('It was published.', Published),
      },
    },
    async ({ body }) => {
      const message = readMessage(body, topicLimits, '')
      return { topic: message.topic, matched: await admin.publish(message) }
    },
  )

  app.post(
    '/publish/many',
    {
      schema: {
        summary: `Publish up to ${MAX_MESSAGES} messages in their order; none when one of them is not valid`,
        tags: ['publish'],
        body: OutgoingMessages,
        response: answers('They were published.', Type.Object({ published: Type.Array(Published), messages: Count })),
      },
    },
    async ({ body }) => {
      const messages = body.map((json, index) => readMessage(json, topicLimits, `${index}/`))
      const matched = await Promise.all(messages.map((message) => admin.publish(message)))
      const published = messages.map(({ topic }, index) => ({ topic, matched: matched[index] ?? 0 }))
      return { published, messages: published.length }
    },
  )

  app.post(
    '/request',
    {
      schema: {
        summary: 'Publish a message with a Response Topic and Correlation Data, and wait for the reply',
        tags: ['publish'],
        body: RequestBody,
        response: answers('The reply.', Reply),
      },
    },
    async ({ body }, reply) => {
      if (openRequests >= MAX_OPEN_REQUESTS) {
        throw new HttpProblem('too-many', `${MAX_OPEN_REQUESTS} requests wait for their replies already.`)
      }
      const { timeoutMs, ...json } = body
      const message = readMessage(json, topicLimits, '')
      openRequests++
      try {
        const options = { responseTopicPrefix: 'response/http', timeoutMs, signal: goneSignal(reply) }
        const { message: answer, latencyMs } = await request(admin, message, options)
        return { ...messageJson(answer), latencyMs: Math.round(latencyMs * 10) / 10 }
      } finally {
        openRequests--
      }
    },
  )
}

/** @throws HttpProblem naming the parameter below `path` */
function readMessage(json: Static<typeof OutgoingMessage>, limits: TopicLimits, path: string): MessageToPublish {
  const { topic, qos = 0, retain = false } = json
  const fault = topicNameFault(topic, limits)
  if (fault !== undefined) throw invalidParameter(`${path}topic`, topic, fault)
  const { responseTopic } = json.properties ?? {}
  const responseFault = responseTopic === undefined ? undefined : topicNameFault(responseTopic, limits)
  if (responseFault !== undefined) {
    throw invalidParameter(`${path}properties/responseTopic`, responseTopic, responseFault)
  }
  return { topic, qos, retain, payload: readPayload(json, path), properties: readProperties(json.properties, path) }
}

function readPayload(json: Static<typeof OutgoingMessage>, path: string): Buffer {
  const given = (['payload', 'payloadBase64', 'payloadJson'] as const).filter((name) => json[name] !== undefined)
  if (given.length > 1) {
    throw invalidParameter(`${path}${given[1]}`, undefined, `only one payload may be given, there is ${given[0]} too`)
  }
  if (json.payloadBase64 !== undefined) return readBase64(json.payloadBase64, `${path}payloadBase64`)
  return Buffer.from(json.payloadJson === undefined ? (json.payload ?? '') : JSON.stringify(json.payloadJson))
}

function messageJson({ topic, payload, qos, retain, properties }: ReceivedMessage) {
  return { topic, ...payloadJson(payload), qos, retain, ...propertiesJson(properties) }
}
