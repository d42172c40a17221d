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

const Level = Type.Object({
  level: Type.String(),
  prefix: Type.String({ description: 'Ask for what is below by this: all levels down to here, each with its slash.' }),
  topics: Type.Integer({ description: 'Topics here and below.' }),
  messages: Count,
  bytes: Count,
  messagesPerSecond: Amount,
  hasChildren: Type.Boolean(),
  topic: orNull(Topic, 'What was published to the topic that ends here.'),
})

const LevelPage = Type.Object({ levels: Type.Array(Level), nextCursor: NextCursor })

const LevelQuery = takes({
  prefix: withDefault(
    Type.String({
      maxLength: 65_535,
      description: 'The levels above, each with its slash: "devices/lamp-1/"; empty for the top.',
    }),
    '',
  ),
  limit: Limit,
  cursor: Type.Optional(Cursor),
})

const TopQuery = takes({
  by: withDefault(
    Type.Enum(['messagesPerSecond', 'bytesPerSecond', 'messages', 'bytes'], {
      description: 'Rates are over about ten seconds, counts since the hub started.',
    }),
    'messagesPerSecond',
  ),
  limit: withDefault(Type.Integer({ minimum: 1, maximum: 1000 }), 20),
})

export const listLevels = route('GET', '/topics', {
  summary: 'One level of the tree of topics, sorted by name',
  tags: ['topics'],
  querystring: LevelQuery,
  response: answers('A page of levels.', LevelPage),
})

export const listTopTopics = route('GET', '/topics/top', {
  summary: 'The topics that talk most, the first highest',
  tags: ['topics'],
  querystring: TopQuery,
  response: answers('Topics.', Type.Object({ topics: Type.Array(Topic) })),
})

export const getTopic = route('GET', '/topics/one', {
  summary: 'One topic',
  tags: ['topics'],
  querystring: takes({ topic: TopicName }),
  response: answers('The topic.', Topic),
})
