import { Type } from 'typebox'
import { Count, MessageFields, Properties, QoS, TopicName } from './fields.ts'
import { answers, withDefault, route, takes } from './route.ts'

const MAX_MESSAGES = 1000

const Outgoing = {
  topic: TopicName,
  payload: Type.Optional(Type.String({ description: 'The payload as text. Give at most one of the three.' })),
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
  matched: Type.Integer({
    description: 'Sessions and shared subscriptions that it was for; 0: there are no subscribers.',
  }),
})

const Limits = Type.Object({
  maxTopicBytes: Type.Integer({ description: 'Of a topic, in UTF-8.' }),
  maxTopicLevels: Type.Integer(),
  maxPacketBytes: Type.Integer({ description: 'Of a PUBLISH with its header, topic and properties.' }),
})

const Reply = Type.Object({
  ...MessageFields,
  latencyMs: Type.Number({ description: 'Time from publishing to the reply.' }),
})

const RequestBody = takes({
  ...Outgoing,
  timeoutMs: withDefault(
    Type.Integer({ minimum: 100, maximum: 60_000, description: 'How long to wait for the reply.' }),
    5000,
  ),
})

export const getLimits = route('GET', '/limits', 'viewer', {
  summary: 'How large a message may be; an MQTT client that sends a larger one is disconnected',
  tags: ['publish'],
  response: answers('The limits.', Limits),
})

export const publishOne = route('POST', '/publish', 'operator', {
  summary: 'Publish a message; the answer comes when everything that must be kept is stored',
  tags: ['publish'],
  body: OutgoingMessage,
  response: answers('It was published.', Published),
})

export const publishMany = route('POST', '/publish/many', 'operator', {
  summary: `Publish up to ${MAX_MESSAGES} messages in order; if one is not valid, none is published`,
  tags: ['publish'],
  body: OutgoingMessages,
  response: answers('They were published.', Type.Object({ published: Type.Array(Published), messages: Count })),
})

export const publishRequest = route('POST', '/request', 'operator', {
  summary: 'Publish a message with a Response Topic and Correlation Data, and wait for the reply',
  tags: ['publish'],
  body: RequestBody,
  response: answers('The reply.', Reply),
})
