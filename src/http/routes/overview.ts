import { Type } from 'typebox'
import type { Api, ApiParts } from '../parts.ts'
import { answers, Amount, Count, TimeMs } from '../schemas.ts'

const ByQos = Type.Tuple([Count, Count, Count], { description: 'By QoS.' })

const Times = Type.Object({ meanMs: Amount, worstMs: Amount })

/** The hub in numbers; counts are since it started. */
export const Overview = Type.Object({
  version: Type.String(),
  atMs: TimeMs,
  startedAtMs: TimeMs,
  faults: Type.Array(Type.String(), { description: 'Why it cannot do its work now.' }),
  clients: Type.Integer({ description: 'Connected, or with a kept session.' }),
  received: ByQos,
  receivedBytes: Count,
  matched: Type.Integer({ description: 'Deliveries that were due.' }),
  delivered: Count,
  dropped: Type.Record(Type.String(), Count, { description: 'By reason.' }),
  limits: Type.Record(Type.String(), Count, { description: 'Limits that clients have hit.' }),
  notRetained: Type.Integer({ description: 'Messages that there was no room to retain.' }),
  sent: ByQos,
  sentBytes: Count,
  refused: Type.Integer({ description: 'Messages to where only the hub publishes.' }),
  topics: Count,
  retained: Type.Object({ messages: Count, bytes: Count }),
  history: Type.Object({
    isEnabled: Type.Boolean(),
    messages: Count,
    bytes: Count,
    topics: Count,
    oldestAtMs: Type.Union([TimeMs, Type.Null()]),
    recorded: Count,
    leftOut: Type.Record(Type.String(), Count, { description: 'Messages that were not recorded, by reason.' }),
    pending: Count,
    isFailing: Type.Boolean(),
  }),
  memoryBytes: Amount,
  eventLoopDelay: Type.Union([Times, Type.Null()], {
    description:
      'How long what comes at any moment waits until the event loop gets to it, over the last 10 to 20 seconds.',
  }),
  store: Type.Object({
    isFailing: Type.Boolean(),
    bytes: Type.Union([Count, Type.Null()], { description: 'On disk; null: the store is in memory.' }),
    writes: Type.Union([Times, Type.Null()], {
      description: 'How long the store took to write, over the last 10 to 20 seconds; null: it wrote nothing.',
    }),
  }),
})

/** What `overview` answers, and the feed tells once a second. */
export function overviewOf({ admin, history }: ApiParts) {
  const { ledger, retained, clients, topics, status } = admin
  const { oldestAtMs, ...past } = history.snapshot()
  const { eventLoopDelay, storeWrites, isStoreFailing, storeBytes } = status.health()
  const [qos0, qos1, qos2] = ledger.received
  const [sent0, sent1, sent2] = ledger.sent
  return {
    version: status.version,
    atMs: Math.round(admin.nowMs()),
    startedAtMs: Math.round(admin.startedAtMs),
    faults: [...status.faults()],
    clients: clients.count,
    received: [qos0, qos1, qos2] satisfies [number, number, number],
    receivedBytes: ledger.receivedBytes,
    sent: [sent0, sent1, sent2] satisfies [number, number, number],
    sentBytes: ledger.sentBytes,
    matched: ledger.matched,
    delivered: ledger.delivered,
    dropped: { ...ledger.dropped },
    limits: { ...ledger.limitHits },
    notRetained: ledger.notRetained,
    refused: ledger.refused,
    topics: topics.count,
    retained: { messages: retained.count, bytes: retained.bytes },
    history: { ...past, leftOut: { ...past.leftOut }, oldestAtMs: oldestAtMs ?? null },
    memoryBytes: process.memoryUsage.rss(),
    eventLoopDelay: eventLoopDelay === undefined ? null : { ...eventLoopDelay },
    store: {
      isFailing: isStoreFailing,
      bytes: storeBytes ?? null,
      writes: storeWrites === undefined ? null : { ...storeWrites },
    },
  }
}

/** `overview`: the hub in numbers. */
export function overviewRoute(app: Api, parts: ApiParts): void {
  app.get(
    '/overview',
    {
      schema: {
        summary: 'The hub in numbers',
        tags: ['overview'],
        response: answers('The numbers.', Overview),
      },
    },
    () => Promise.resolve(overviewOf(parts)),
  )
}
