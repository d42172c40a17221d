import { MEMORY_PARTS, type MemoryAccount } from '../base/memory-account.ts'
import type { MemoryBudget } from '../base/memory-budget.ts'
import type { ExpiryFacts, HistoryFacts } from './facts.ts'
import { DROP_REASONS } from '../protocol/drop-reasons.ts'
import { LIMITS, TOLERATED } from './ledger.ts'
import type { ReadRow } from './metric-row.ts'
import { PROCESS_ROWS } from './metrics-process.ts'

const CONNECTION_ROWS: readonly ReadRow[] = [
  {
    name: 'hubbub_connections',
    kind: 'gauge',
    help: 'Open network connections, also those of clients that have not sent CONNECT yet.',
    read: ({ connections }) => connections,
  },
  {
    name: 'hubbub_connections_total',
    kind: 'counter',
    help: 'Network connections that were opened. A rate far above hubbub_connects_total means a port scan, or clients of another protocol.',
    read: ({ ledger }) => ledger.connections,
  },
  {
    name: 'hubbub_connects_total',
    kind: 'counter',
    help: 'CONNECT packets received. A high rate while the number of connections is steady means that clients lose their connections and come back.',
    read: ({ ledger }) => ledger.connects,
  },
  {
    name: 'hubbub_sessions',
    kind: 'gauge',
    label: 'state',
    help: 'Sessions of clients that are connected, and kept sessions of clients that are not.',
    read: ({ sessions: { connected, disconnected } }) => ({ connected, disconnected }),
  },
  {
    name: 'hubbub_sessions_expired_total',
    kind: 'counter',
    help: 'Kept sessions that ended because their client did not come back in time.',
    read: ({ ledger }) => ledger.expiredSessions,
  },
  {
    name: 'hubbub_subscriptions',
    kind: 'gauge',
    label: 'kind',
    help: 'Subscriptions of clients; a shared subscription counts once for each member.',
    read: ({ sessions }) => ({ plain: sessions.subscriptions, shared: sessions.sharedSubscriptions }),
  },
  {
    name: 'hubbub_tls_certificate_expiry_timestamp_seconds',
    kind: 'gauge',
    label: 'listener',
    help: 'When the first of the certificates of a listener ends: its own, or those that sign certificates of clients.',
    read: ({ expiries }) => firstExpiries(expiries.filter(({ what }) => what !== 'crl')),
  },
  {
    name: 'hubbub_tls_crl_expiry_timestamp_seconds',
    kind: 'gauge',
    label: 'listener',
    help: 'When the list of revoked certificates of a listener ends, after which every client certificate is refused.',
    read: ({ expiries }) => firstExpiries(expiries.filter(({ what }) => what === 'crl')),
  },
  {
    name: 'hubbub_sign_in_failures_total',
    kind: 'counter',
    label: 'outcome',
    help: 'Sign-ins with a wrong name, password or token (wrong); not looked at after too many failures (banned), and connections of such addresses that were ended at once (turned-away); not looked at since too many passwords were being checked (busy); made to wait, since many guess at the name (delayed).',
    read: ({ signIns }) => signIns && { ...signIns },
  },
  {
    name: 'hubbub_limit_hits_total',
    kind: 'counter',
    label: 'limit',
    help: `How often clients ran into a limit: ${Object.keys(LIMITS).join(', ')}.`,
    read: ({ ledger }) => ledger.limitHits,
  },
]

const MESSAGE_ROWS: readonly ReadRow[] = [
  {
    name: 'hubbub_messages_received_total',
    kind: 'counter',
    label: 'qos',
    help: 'PUBLISH packets received from clients. A repeated packet of QoS 2 counts once.',
    read: ({ ledger }) => byQos(ledger.received),
  },
  {
    name: 'hubbub_messages_sent_total',
    kind: 'counter',
    label: 'qos',
    help: 'PUBLISH packets written to clients. A packet that is repeated after a reconnect counts again.',
    read: ({ ledger }) => byQos(ledger.sent),
  },
  {
    name: 'hubbub_publish_received_bytes_total',
    kind: 'counter',
    help: 'Bytes of the PUBLISH packets received: headers, properties and payloads.',
    read: ({ ledger }) => ledger.receivedBytes,
  },
  {
    name: 'hubbub_publish_sent_bytes_total',
    kind: 'counter',
    help: 'Bytes of the PUBLISH packets written: headers, properties and payloads.',
    read: ({ ledger }) => ledger.sentBytes,
  },
  {
    name: 'hubbub_packets_received_total',
    kind: 'counter',
    help: 'MQTT packets of any type received.',
    read: ({ ledger }) => packetsOf(ledger.received, ledger.otherReceived),
  },
  {
    name: 'hubbub_packets_sent_total',
    kind: 'counter',
    help: 'MQTT packets of any type written.',
    read: ({ ledger }) => packetsOf(ledger.sent, ledger.otherSent),
  },
  {
    name: 'hubbub_received_bytes_total',
    kind: 'counter',
    help: 'All bytes received as MQTT, without what TCP, TLS and WebSocket add.',
    read: ({ ledger }) => ledger.inputBytes,
  },
  {
    name: 'hubbub_sent_bytes_total',
    kind: 'counter',
    help: 'All bytes written as MQTT, without what TCP, TLS and WebSocket add.',
    read: ({ ledger }) => ledger.outputBytes,
  },
  {
    name: 'hubbub_messages_matched_total',
    kind: 'counter',
    help: 'Deliveries that were due, one for each message and session that it matches. This is the sum of delivered, dropped and pending.',
    read: ({ ledger }) => ledger.matched,
  },
  {
    name: 'hubbub_messages_delivered_total',
    kind: 'counter',
    help: 'Deliveries that are done: at QoS 0 the operating system took the message, at QoS 1 and 2 the client acknowledged it.',
    read: ({ ledger }) => ledger.delivered,
  },
  {
    name: 'hubbub_messages_dropped_total',
    kind: 'counter',
    label: 'reason',
    help: `Deliveries that did not happen: ${Object.keys(DROP_REASONS).join(', ')}. docs/limits-and-drops.md says what each means.`,
    read: ({ ledger }) => ledger.dropped,
  },
  {
    name: 'hubbub_messages_pending',
    kind: 'gauge',
    help: 'Deliveries that are neither done nor dropped: queued, in flight, or written but not yet taken by the operating system.',
    read: ({ sessions }) => sessions.pendingMessages,
  },
  {
    name: 'hubbub_messages_refused_total',
    kind: 'counter',
    help: 'Messages that clients may not publish: an access rule denies it, or the topic is the hub\'s own, such as "$SYS/…". They went to nobody.',
    read: ({ ledger }) => ledger.refused,
  },
  {
    name: 'hubbub_subscriptions_denied_total',
    kind: 'counter',
    help: 'Filters of SUBSCRIBE that the access rules did not grant.',
    read: ({ ledger }) => ledger.deniedSubscriptions,
  },
  {
    name: 'hubbub_tolerated_faults_total',
    kind: 'counter',
    label: 'fault',
    help: `What clients did against the standard and the hub put up with: ${Object.keys(TOLERATED).join(', ')}. docs/limits-and-drops.md says more.`,
    read: ({ ledger }) => ledger.tolerated,
  },
  {
    name: 'hubbub_messages_not_retained_total',
    kind: 'counter',
    help: 'Messages that were not retained because a limit was reached (limits.maxRetainedMessages, limits.maxRetainedBytes, limits.memory).',
    read: ({ ledger }) => ledger.notRetained,
  },
]

const HELD_ROWS: readonly ReadRow[] = [
  {
    name: 'hubbub_queued_messages',
    kind: 'gauge',
    help: 'Messages of QoS 1 and 2 that wait for clients that are away or slow. A message counts once for each client.',
    read: ({ sessions }) => sessions.queuedMessages,
  },
  {
    name: 'hubbub_queued_bytes',
    kind: 'gauge',
    help: 'The same in bytes of PUBLISH packets, as the limits count them. A message that waits for many clients is in memory only once.',
    read: ({ sessions }) => sessions.queuedBytes,
  },
  {
    name: 'hubbub_inflight_messages',
    kind: 'gauge',
    label: 'direction',
    help: 'Messages of QoS 1 and 2 that clients have not acknowledged (to_clients), and of QoS 2 that they have not released (from_clients).',
    read: ({ sessions: { inFlightMessages, unreleasedMessages } }) => ({
      to_clients: inFlightMessages,
      from_clients: unreleasedMessages,
    }),
  },
  {
    name: 'hubbub_congested_clients',
    kind: 'gauge',
    help: 'Clients that are too far behind (limits.maxOutputBytes) and therefore lose QoS 0.',
    read: ({ sessions }) => sessions.congestedClients,
  },
  {
    name: 'hubbub_retained_messages',
    kind: 'gauge',
    help: 'Retained messages.',
    read: ({ retainedMessages }) => retainedMessages,
  },
  {
    name: 'hubbub_retained_bytes',
    kind: 'gauge',
    help: 'Bytes of the retained messages as PUBLISH packets.',
    read: ({ retainedBytes }) => retainedBytes,
  },
  {
    name: 'hubbub_topics',
    kind: 'gauge',
    help: 'Topics that are counted. When there are too many, those that were silent longest are forgotten (limits.maxTopics).',
    read: ({ topics }) => topics,
  },
  {
    name: 'hubbub_memory_bytes',
    kind: 'gauge',
    label: 'part',
    help: `Memory that the hub holds for its clients, by an estimate for each thing: ${Object.keys(MEMORY_PARTS).join(', ')}.`,
    read: ({ memory }) => byPart(memory, ({ bytes }) => bytes),
  },
  {
    name: 'hubbub_memory_heap_bytes',
    kind: 'gauge',
    label: 'part',
    help: 'How much of that lies on the JavaScript heap.',
    read: ({ memory }) => byPart(memory, ({ heapBytes }) => heapBytes),
  },
  {
    name: 'hubbub_memory_limit_bytes',
    kind: 'gauge',
    help: 'How much all of it may be (limits.memory).',
    read: ({ memory }) => memory.limitBytes,
  },
  {
    name: 'hubbub_memory_heap_limit_bytes',
    kind: 'gauge',
    help: 'How much of it may lie on the JavaScript heap, which follows from the size that Node gives the heap.',
    read: ({ memory }) => memory.heapLimitBytes,
  },
  {
    name: 'hubbub_memory_refusals_total',
    kind: 'counter',
    label: 'part',
    help: 'How often something was refused or forgotten because there was no memory for it.',
    read: ({ memory }) => byPart(memory, ({ refused }) => refused),
  },
  {
    name: 'hubbub_store_failing',
    kind: 'gauge',
    help: '1 while the store cannot write; messages that must be kept are then not acknowledged.',
    read: ({ isStoreFailing }) => (isStoreFailing ? 1 : 0),
  },
]

const HISTORY_ROWS: readonly ReadRow[] = [
  {
    name: 'hubbub_history_messages',
    kind: 'gauge',
    help: 'Messages in the history.',
    read: ({ history }) => history?.messages,
  },
  {
    name: 'hubbub_history_bytes',
    kind: 'gauge',
    help: 'Bytes that the history takes in the store.',
    read: ({ history }) => history?.bytes,
  },
  {
    name: 'hubbub_history_topics',
    kind: 'gauge',
    help: 'Topics that have messages in the history.',
    read: ({ history }) => history?.topics,
  },
  {
    name: 'hubbub_history_oldest_timestamp_seconds',
    kind: 'gauge',
    help: 'When the oldest message of the history was published, in seconds since 1970. Absent while the history is empty.',
    read: ({ history }) => (history?.oldestAtMs === undefined ? undefined : history.oldestAtMs / 1000),
  },
  {
    name: 'hubbub_history_recorded_messages_total',
    kind: 'counter',
    help: 'Messages that went into the history.',
    read: ({ history }) => history?.recorded,
  },
  {
    name: 'hubbub_history_left_out_messages_total',
    kind: 'counter',
    label: 'reason',
    help: 'Messages that did not go into the history, because of a rule or a limit.',
    read: ({ history }) => history?.leftOut,
  },
  {
    name: 'hubbub_history_pending_messages',
    kind: 'gauge',
    help: 'Messages that were recorded but are not stored yet.',
    read: ({ history }) => history?.pending,
  },
  {
    name: 'hubbub_history_failing',
    kind: 'gauge',
    help: '1 while the history cannot be written.',
    read: ({ history }) => failing(history),
  },
]

/** What is read at each scrape. */
export const READ_ROWS: readonly ReadRow[] = [
  ...CONNECTION_ROWS,
  ...MESSAGE_ROWS,
  ...HELD_ROWS,
  ...HISTORY_ROWS,
  ...PROCESS_ROWS,
]

function byQos([qos0, qos1, qos2]: readonly [number, number, number]): Readonly<Record<string, number>> {
  return { 0: qos0, 1: qos1, 2: qos2 }
}

function packetsOf([qos0, qos1, qos2]: readonly [number, number, number], other: number): number {
  return qos0 + qos1 + qos2 + other
}

function failing(history: HistoryFacts | undefined): number | undefined {
  return history === undefined ? undefined : Number(history.isFailing)
}

function byPart(memory: MemoryBudget, read: (account: MemoryAccount) => number): Readonly<Record<string, number>> {
  return Object.fromEntries(memory.accounts.map((account) => [account.part, read(account)]))
}

/** The earliest of each listener, in seconds since 1970. */
function firstExpiries(expiries: readonly ExpiryFacts[]): Record<string, number> {
  const seconds: Record<string, number> = {}
  for (const { listener, atMs } of expiries) {
    if (atMs !== Infinity) seconds[listener] = Math.min(seconds[listener] ?? Infinity, atMs / 1000)
  }
  return seconds
}
