import { Type } from 'typebox'
import { topicNameFault } from '../../protocol/topic.ts'
import type { MessageTrail, TrailStep } from '../../trails/trail.ts'
import type { MatchingSubscription } from '../../admin/matching.ts'
import type { Api, ApiParts } from '../parts.ts'
import { invalidParameter } from '../problem.ts'
import { answers, ClientId, Count, QoS, TimeMs, TopicName } from '../schemas.ts'

const Step = Type.Object({
  clientId: Type.Union([Type.String(), Type.Null()], {
    description: 'Null: it waits for a shared subscription, or went to a program that embeds the hub.',
  }),
  group: Type.Union([Type.String(), Type.Null()], { description: 'The $share/… filter that it came by.' }),
  outcome: Type.String({ description: 'queued, sent, delivered, received, acknowledged, handed-on or dropped.' }),
  reason: Type.Union([Type.String(), Type.Null()], { description: 'Why it was dropped.' }),
  qos: QoS,
  afterMs: Type.Number({ description: 'From when the hub took the message.' }),
})

const Explanation = Type.Object({
  topic: Type.String(),
  clientId: Type.Union([Type.String(), Type.Null()]),
  summary: Type.Array(Type.String(), { description: 'The answer in sentences, the most important first.' }),
  denial: Type.Union([Type.String(), Type.Null()], { description: 'Why no client may publish there.' }),
  subscribers: Count,
  subscriptions: Type.Array(
    Type.Object({
      clientId: Type.Union([Type.String(), Type.Null()]),
      filter: Type.String(),
      qos: QoS,
      isConnected: Type.Boolean(),
    }),
  ),
  nearest: Type.Union([
    Type.Object({ filter: Type.String(), matchingLevels: Count, difference: Type.String() }),
    Type.Null(),
  ]),
  messages: Type.Array(
    Type.Object({
      atMs: TimeMs,
      publisher: Type.Union([Type.String(), Type.Null()]),
      qos: QoS,
      retain: Type.Boolean(),
      payloadBytes: Count,
      messages: Type.Integer({ description: 'More than 1: QoS 0 messages that came in one piece.' }),
      matched: Count,
      steps: Type.Array(Step),
      omittedReceivers: Type.Integer({ description: 'Those of `matched` that were too many to follow.' }),
    }),
  ),
  unfollowedMessages: Type.Integer({ description: 'Messages since the start that were too many at once to follow.' }),
})

const Query = Type.Object({ topic: TopicName, clientId: Type.Optional(ClientId) }, { additionalProperties: false })

/** `explain`: why did it not arrive? */
export function explainRoute(app: Api, { admin, topicLimits }: ApiParts): void {
  app.get(
    '/explain',
    {
      schema: {
        summary: 'Which subscriptions match a topic, and what became of its last messages',
        tags: ['explain'],
        querystring: Query,
        response: answers('The explanation.', Explanation),
      },
    },
    ({ query: { topic, clientId } }) => {
      const fault = topicNameFault(topic, topicLimits)
      if (fault !== undefined) throw invalidParameter('topic', topic, fault)
      const { matching, messages, nearest, summary, ...rest } = admin.explain(topic, clientId)
      return Promise.resolve({
        ...rest,
        nearest: nearest === null ? null : { ...nearest },
        summary: [...summary],
        subscribers: matching.subscribers,
        subscriptions: matching.subscriptions.map(subscriptionJson),
        messages: messages.map(trailJson),
      })
    },
  )
}

function subscriptionJson({ clientId, filter, qos, isConnected }: MatchingSubscription) {
  return { clientId: clientId ?? null, filter, qos, isConnected }
}

function trailJson({
  atMs,
  publisher,
  qos,
  retain,
  payloadBytes,
  messages,
  matched,
  steps,
  omittedReceivers,
}: MessageTrail) {
  return {
    atMs: Math.round(atMs),
    publisher: publisher ?? null,
    qos,
    retain,
    payloadBytes,
    messages,
    matched,
    steps: steps.map(stepJson),
    omittedReceivers,
  }
}

function stepJson({ clientId, group, outcome, reason, qos, afterMs }: TrailStep) {
  return {
    clientId: clientId ?? null,
    group: group ?? null,
    outcome,
    reason: reason ?? null,
    qos,
    afterMs: Math.round(afterMs * 1000) / 1000,
  }
}
