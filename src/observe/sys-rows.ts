import type { HubFacts } from './facts.ts'
import type { DropReason } from '../protocol/drop-reasons.ts'

/** What the values under `$SYS/broker` are computed from. */
export interface SysFacts extends HubFacts {
  readonly version: string
  readonly uptimeSeconds: number
  readonly heapBytes: number
  readonly maximumHeapBytes: number
}

export type SysValue = (facts: SysFacts) => number | string

/** What happens because a queue or an output is full. */
const LIMIT_DROPS: readonly DropReason[] = ['queue-full', 'output-full', 'replaced']

/** The topics below `$SYS/broker/`, with Mosquitto's names and, nearly always, the meaning that mosquitto(8) gives. */
export const SYS_VALUES: Readonly<Record<string, SysValue>> = {
  version: ({ version }) => `hubbub version ${version}`,
  uptime: ({ uptimeSeconds }) => `${Math.floor(uptimeSeconds)} seconds`,
  'clients/total': ({ sessions }) => sessions.connected + sessions.disconnected,
  'clients/connected': connected,
  'clients/active': connected,
  'clients/disconnected': disconnected,
  'clients/inactive': disconnected,
  'clients/maximum': ({ ledger }) => ledger.mostConnections,
  'clients/expired': ({ ledger }) => ledger.expiredSessions,
  'subscriptions/count': ({ sessions }) => sessions.subscriptions,
  'shared_subscriptions/count': ({ sessions }) => sessions.sharedSubscriptions,
  'messages/received': packetsReceived,
  'messages/sent': packetsSent,
  'messages/inflight': ({ sessions }) => sessions.inFlightMessages,
  'messages/stored': stored,
  'store/messages/count': stored,
  // Counts whole PUBLISH packets, here and below; Mosquitto counts payloads.
  'store/messages/bytes': ({ retainedBytes, sessions }) => retainedBytes + sessions.queuedBytes,
  'retained messages/count': ({ retainedMessages }) => retainedMessages,
  'publish/messages/received': publishesReceived,
  'publish/messages/sent': publishesSent,
  'publish/messages/dropped': dropped,
  'publish/bytes/received': ({ ledger }) => ledger.receivedBytes,
  'publish/bytes/sent': ({ ledger }) => ledger.sentBytes,
  'bytes/received': ({ ledger }) => ledger.inputBytes,
  'bytes/sent': ({ ledger }) => ledger.outputBytes,
  'heap/current': ({ heapBytes }) => heapBytes,
  'heap/maximum': ({ maximumHeapBytes }) => maximumHeapBytes,
}

/** What is averaged over 1, 5 and 15 minutes, by the topic above these. */
export const SYS_LOADS: Readonly<Record<string, (facts: HubFacts) => number>> = {
  'load/messages/received': packetsReceived,
  'load/messages/sent': packetsSent,
  'load/publish/received': publishesReceived,
  'load/publish/sent': publishesSent,
  'load/publish/dropped': dropped,
  'load/bytes/received': ({ ledger }) => ledger.inputBytes,
  'load/bytes/sent': ({ ledger }) => ledger.outputBytes,
  'load/sockets': ({ ledger }) => ledger.connections,
  'load/connections': ({ ledger }) => ledger.connects,
}

function connected({ sessions }: HubFacts): number {
  return sessions.connected
}

function disconnected({ sessions }: HubFacts): number {
  return sessions.disconnected
}

function publishesReceived({ ledger }: HubFacts): number {
  return sum(ledger.received)
}

function publishesSent({ ledger }: HubFacts): number {
  return sum(ledger.sent)
}

function packetsReceived({ ledger }: HubFacts): number {
  return sum(ledger.received) + ledger.otherReceived
}

function packetsSent({ ledger }: HubFacts): number {
  return sum(ledger.sent) + ledger.otherSent
}

/** A message that waits for several sessions counts once for each. */
function stored({ retainedMessages, sessions }: HubFacts): number {
  return retainedMessages + sessions.queuedMessages
}

function dropped({ ledger }: HubFacts): number {
  return sum(LIMIT_DROPS.map((reason) => ledger.dropped[reason]))
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
