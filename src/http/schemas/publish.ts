import { Type } from 'typebox'
import { Count, MessageFields, Properties, QoS, TopicName } from './fields.ts'
import { answers, withDefault, route, takes } from './route.ts'

const MAX_MESSAGES = 1000

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

/** A message that is to be published. */
export const OutgoingMessage = takes(Outgoing)

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

const RequestBody = takes({
  ...Outgoing,
  timeoutMs: withDefault(
    Type.Integer({ minimum: 100, maximum: 60_000, description: 'How long to wait for the reply.' }),
    5000,
  ),
})

export const getLimits = route('GET', '/limits', {
  summary: 'How large a message may be: who sends a larger one over MQTT is disconnected',
  tags: ['publish'],
  response: answers('The limits.', Limits),
})

export const publishOne = route('POST', '/publish', {
  summary: 'Publish a message; answered when what has to be kept of it is stored',
  tags: ['publish'],
  body: OutgoingMessage,
  response: answers('It was published.', Published),
})

export const publishMany = route('POST', '/publish/many', {
  summary: `Publish up to ${MAX_MESSAGES} messages in their order; none when one of them is not valid`,
  tags: ['publish'],
  body: OutgoingMessages,
  response: answers('They were published.', Type.Object({ published: Type.Array(Published), messages: Count })),
})

export const publishRequest = route('POST', '/request', {
  summary: 'Publish a message with a Response Topic and Correlation Data, and wait for the reply',
  tags: ['publish'],
  body: RequestBody,
  response: answers('The reply.', Reply),
})
