import { Type } from 'typebox'
import { DROP_REASONS } from '../../protocol/drop-reasons.ts'
import { ClientId, Count, orNull, QoS, TimeMs, TopicName } from './fields.ts'
import { answers, route, takes } from './route.ts'

const Step = Type.Object({
  clientId: orNull(
    Type.String(),
    'Null: it waits for a shared subscription, or went to a program that embeds the hub.',
  ),
  group: orNull(Type.String(), 'The $share/… filter that it matched.'),
  outcome: Type.Enum(['queued', 'sent', 'delivered', 'received', 'acknowledged', 'handed-on', 'dropped']),
  reason: orNull(Type.String(), `Why it was dropped: ${Object.keys(DROP_REASONS).join(', ')}.`),
  qos: QoS,
  afterMs: Type.Number({ description: 'Since the hub took the message.' }),
})

const Explanation = Type.Object({
  topic: Type.String(),
  clientId: orNull(Type.String()),
  summary: Type.Array(Type.String(), { description: 'The answer in sentences, the most important first.' }),
  denial: orNull(Type.String(), 'Why no client may publish there.'),
  subscribers: Count,
  subscriptions: Type.Array(
    Type.Object({
      clientId: orNull(Type.String()),
      filter: Type.String(),
      qos: QoS,
      isConnected: Type.Boolean(),
    }),
  ),
  nearest: orNull(
    Type.Object({
      filter: Type.String(),
      matchingLevels: Type.Integer({ description: 'Levels that agree from the left.' }),
      departure: Type.Enum(['shorter', 'longer', 'leading-wildcard', 'spaces', 'case', 'level'], {
        description: 'How it does not match from there on.',
      }),
      filterLevel: orNull(Type.String(), 'Its first level that does not agree; null: it ends before.'),
      topicLevel: orNull(Type.String(), 'The same level of the topic; null: the topic ends before.'),
      difference: Type.String({ description: 'The same as a sentence.' }),
    }),
  ),
  messages: Type.Array(
    Type.Object({
      atMs: TimeMs,
      publisher: orNull(Type.String()),
      qos: QoS,
      retain: Type.Boolean(),
      payloadBytes: Count,
      messages: Type.Integer({ description: 'More than 1: several QoS 0 messages that arrived together.' }),
      matched: Count,
      steps: Type.Array(Step),
      omittedReceivers: Type.Integer({ description: 'Those of `matched` that were too many to follow.' }),
    }),
  ),
  unfollowedMessages: Type.Integer({ description: 'Messages since the start that came too fast to be followed.' }),
})

const Query = takes({ topic: TopicName, clientId: Type.Optional(ClientId) })

export const explainTopic = route('GET', '/explain', 'viewer', {
  summary: 'Which subscriptions match a topic, and what became of its last messages',
  tags: ['explain'],
  querystring: Query,
  response: answers('The explanation.', Explanation),
})
