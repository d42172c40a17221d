import { Type } from 'typebox'
import { Amount, Count, orNull, TimeMs } from './fields.ts'
import { answers, route } from './route.ts'

const ByQos = Type.Tuple([Count, Count, Count], { description: 'By QoS.' })

const Times = Type.Object({ meanMs: Amount, worstMs: Amount })

/** The hub in numbers; counts are since it started. */
export const Overview = Type.Object({
  version: Type.String(),
  atMs: TimeMs,
  startedAtMs: TimeMs,
  faults: Type.Array(Type.String(), { description: 'Why it cannot work right now.' }),
  clients: Type.Integer({ description: 'Connected, or with a kept session.' }),
  received: ByQos,
  receivedBytes: Count,
  matched: Type.Integer({ description: 'Deliveries that were due.' }),
  delivered: Count,
  dropped: Type.Record(Type.String(), Count, { description: 'By reason.' }),
  limits: Type.Record(Type.String(), Count, { description: 'Limits that clients have hit.' }),
  notRetained: Type.Integer({ description: 'Messages that were not retained because a limit was reached.' }),
  sent: ByQos,
  sentBytes: Count,
  refused: Type.Integer({ description: 'Messages to topics that only the hub may publish to.' }),
  topics: Count,
  retained: Type.Object({ messages: Count, bytes: Count }),
  history: Type.Object({
    isEnabled: Type.Boolean(),
    messages: Count,
    bytes: Count,
    topics: Count,
    oldestAtMs: orNull(TimeMs),
    recorded: Count,
    leftOut: Type.Record(Type.String(), Count, { description: 'Messages that were not recorded, by reason.' }),
    pending: Count,
    isFailing: Type.Boolean(),
  }),
  memoryBytes: Amount,
  eventLoopDelay: orNull(
    Times,
    'How long an event waits until the event loop gets to it, over the last 10 to 20 seconds.',
  ),
  store: Type.Object({
    isFailing: Type.Boolean(),
    bytes: orNull(Count, 'On disk; null: the store is in memory.'),
    writes: orNull(Times, 'How long the store took to write, over the last 10 to 20 seconds; null: it wrote nothing.'),
  }),
})

export const getOverview = route('GET', '/overview', 'viewer', {
  summary: 'The hub in numbers',
  tags: ['overview'],
  response: answers('The numbers.', Overview),
})
