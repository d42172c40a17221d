import type { Seen } from '../../admin/seen.ts'
import type { Api, ApiParts } from '../parts.ts'
import { getOverview } from '../schemas/overview.ts'

/** What `overview` answers, and the feed tells once a second. */
export async function overviewOf(seen: Seen) {
  await seen.countAnew()
  const { admin, history } = seen
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
export function overviewRoute(app: Api, { callers }: ApiParts): void {
  app.route({ ...getOverview, handler: (request) => overviewOf(callers.seenBy(request)) })
}
