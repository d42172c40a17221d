import { Type } from 'typebox'
import { Amount, Count, Cursor, Limit, NextCursor, orNull, PayloadFields, QoS, TimeMs, TopicName } from './fields.ts'
import { answers, withDefault, route, takes } from './route.ts'

/** What a topic has seen since the hub started. */
export const Topic = Type.Object({
  topic: Type.String(),
  messages: Count,
  bytes: Count,
  messagesPerSecond: Amount,
  bytesPerSecond: Amount,
  last: Type.Object({
    atMs: TimeMs,
    publisher: orNull(Type.String(), 'Null: the hub itself, or its API.'),
    qos: QoS,
    retain: Type.Boolean(),
    payloadBytes: Count,
    isWhole: Type.Boolean({ description: 'False: only the first 512 bytes of the payload are here.' }),
    ...PayloadFields,
  }),
})

/** A level of the topic tree. */
export const Level = Type.Object({
  level: Type.String(),
  prefix: Type.String({
    description: 'Use this to ask for the topics below: all levels down to here, each with its slash.',
  }),
  topics: Type.Integer({ description: 'Topics here and below.' }),
  messages: Count,
  bytes: Count,
  messagesPerSecond: Amount,
  hasChildren: Type.Boolean(),
  topic: orNull(Topic, 'The topic that ends here, if anything was published to it.'),
})

const LevelPage = Type.Object({ levels: Type.Array(Level), nextCursor: NextCursor })

const LevelQuery = takes({
  prefix: withDefault(
    Type.String({
      maxLength: 65_535,
      description: 'The levels above, each with its slash: "devices/lamp-1/"; empty for the top level.',
    }),
    '',
  ),
  limit: Limit,
  cursor: Type.Optional(Cursor),
})

const TopQuery = takes({
  by: withDefault(
    Type.Enum(['messagesPerSecond', 'bytesPerSecond', 'messages', 'bytes'], {
      description: 'Rates cover about ten seconds; counts begin when the hub started.',
    }),
    'messagesPerSecond',
  ),
  limit: withDefault(Type.Integer({ minimum: 1, maximum: 1000 }), 20),
})

export const listLevels = route('GET', '/topics', 'viewer', {
  summary: 'One level of the topic tree, sorted by name',
  tags: ['topics'],
  querystring: LevelQuery,
  response: answers('A page of levels.', LevelPage),
})

export const listTopTopics = route('GET', '/topics/top', 'viewer', {
  summary: 'The busiest topics, the busiest first',
  tags: ['topics'],
  querystring: TopQuery,
  response: answers('Topics.', Type.Object({ topics: Type.Array(Topic) })),
})

export const getTopic = route('GET', '/topics/one', 'viewer', {
  summary: 'One topic',
  tags: ['topics'],
  querystring: takes({ topic: TopicName }),
  response: answers('The topic.', Topic),
})
