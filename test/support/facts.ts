import { MemoryBudget } from '../../src/base/memory-budget.ts'
import type { HistoryFacts, HubFacts, SessionTotals } from '../../src/observe/facts.ts'
import { Ledger } from '../../src/observe/ledger.ts'
import { Metrics } from '../../src/observe/metrics.ts'

const NOTHING_HELD: SessionTotals = {
  connected: 0,
  disconnected: 0,
  subscriptions: 0,
  sharedSubscriptions: 0,
  queuedMessages: 0,
  queuedBytes: 0,
  inFlightMessages: 0,
  unreleasedMessages: 0,
  pendingMessages: 0,
  congestedClients: 0,
}

export const HISTORY: HistoryFacts = {
  messages: 3,
  bytes: 500,
  topics: 2,
  oldestAtMs: 1_700_000_000_500,
  recorded: 7,
  leftOut: { 'qos0-topic-rate': 4, 'store-behind': 0 },
  pending: 1,
  isFailing: true,
}

/** The metrics of a hub that is not there. */
export function createMetrics(facts: Partial<HubFacts> = {}): Metrics {
  const all = {
    ledger: new Ledger(),
    sessions: NOTHING_HELD,
    connections: 0,
    topics: 0,
    retainedMessages: 0,
    retainedBytes: 0,
    isStoreFailing: false,
    memory: new MemoryBudget({ bytes: 1000, heapBytes: 500 }),
    loopStops: new Map([['reading', { stops: 2, seconds: 0.07, longestSeconds: 0.04 }]]),
    history: undefined,
    signIns: { wrong: 0, banned: 0, 'turned-away': 0, busy: 0, delayed: 0 },
    expiries: [
      { listener: 'mqtts', what: 'certificate' as const, atMs: 1_800_000_000_000 },
      { listener: 'mqtts', what: 'ca' as const, atMs: 1_900_000_000_000 },
      { listener: 'mqtts', what: 'crl' as const, atMs: 1_790_000_000_000 },
    ],
    ...facts,
  }
  return new Metrics({ version: '1.2.3', facts: () => Promise.resolve(all) })
}
