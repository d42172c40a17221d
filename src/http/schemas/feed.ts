import { type Static, Type } from 'typebox'
import { Will } from './clients.ts'
import { Count, orNull, TimeMs, TopicFilter } from './fields.ts'
import { Overview } from './overview.ts'
import { PROBLEMS, route, takes, withDefault } from './route.ts'
import { Topic } from './topics.ts'

const ShortTopic = Type.Tuple(
  [
    Type.String({ description: 'Its name.' }),
    Type.Integer({ description: 'Messages since the start.' }),
    Type.Number({ description: 'When the last one came, in ms since 1970.' }),
    orNull(Type.String(), 'Who published it; null: the hub.'),
    orNull(Type.String(), 'The first 120 characters of its payload; null: it is not text.'),
  ],
  { description: 'A topic in short form.' },
)

const Presence = Type.Object({
  clientId: Type.String(),
  state: Type.Enum(['here', 'away', 'gone'], { description: 'gone: it no longer has a session.' }),
  atMs: TimeMs,
  will: orNull(
    Will,
    'For a client that has come: the message that is published when its connection ends without DISCONNECT.',
  ),
})

const Ready = Type.Object({ topics: Count }, { description: 'How many topics there are.' })

/** What the data of the events are arrays of. */
export const FEED_SCHEMAS = { Topic, ShortTopic, Presence, Overview, Ready }

/** A topic as lists of very many tell it. */
export type ShortTopicJson = Static<typeof ShortTopic>

/** By event, what its data are an array of. */
export interface FeedEntries {
  readonly topics: Static<typeof Topic> | ShortTopicJson
  readonly presence: Static<typeof Presence>
  readonly overview: Static<typeof Overview>
  /** All topics that there are were told. */
  readonly ready: Static<typeof Ready>
}

export const EVENTS = ['topics', 'presence', 'overview'] as const

const Query = takes({
  filter: Type.Optional(TopicFilter),
  events: withDefault(
    Type.String({ maxLength: 100, description: `The events, separated by commas: ${EVENTS.join(', ')}.` }),
    'topics,presence',
  ),
  form: withDefault(
    Type.Enum(['whole', 'short'], { description: 'The form of topics: `Topic` or `ShortTopic`.' }),
    'whole',
  ),
})

const SUMMARY = `Changes, as server-sent events: \`topics\` (first all topics, then at most four times a second those with new messages), \`presence\` (clients that came, left, or no longer have a session), \`overview\` (once a second). \`ready\` comes after the first list of all topics. A slow reader gets only the latest values.`

export const followFeed = route('GET', '/feed', 'viewer', {
  summary: SUMMARY,
  tags: ['feed'],
  querystring: Query,
  response: {
    200: {
      description:
        'Events. The data of each event is an array of `Topic` or `ShortTopic`, `Presence`, `Overview` or `Ready`.',
      content: { 'text/event-stream': { schema: Type.Any() } },
    },
    ...PROBLEMS,
  },
})
