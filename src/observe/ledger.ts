// Hot path: counted per message and delivery; measured by `npm run bench`, all rows.
import type { DropReason } from '../protocol/drop-reasons.ts'

/**
 * The limits of clients that cause no drops, each with what happens when it is hit. The names are stable: they are labels of
 * metrics and appear in logs.
 */
export const LIMITS = {
  connections: 'a connection was refused because too many were open (limits.maxConnections)',
  'connections-per-address':
    'a connection was refused because too many from its address were open (limits.maxConnectionsPerAddress)',
  'open-files':
    'a connection was closed at once because the hub may not open more files and sockets (ulimit -n); some are held back for HTTP',
  'connect-timeout': 'a connection was closed because its CONNECT did not come in time (limits.connectTimeoutSeconds)',
  'packet-size':
    'a connection was closed because a packet was too large (limits.maxPacketBytes, limits.maxConnectPacketBytes)',
  topic:
    'a connection was closed, or a subscription refused, because a topic name or topic filter was too long or had too many levels (limits.maxTopicBytes, limits.maxTopicLevels)',
  subscriptions: 'a subscription was refused because its client had too many (limits.maxSubscriptionsPerClient)',
  memory:
    'a connection, a subscription or a packet was refused because there was no memory for it beside all that the hub holds (limits.memory)',
  'publish-rate': 'a client published too fast, so the hub stopped reading from it for a while (limits.maxPublishRate)',
  'receive-maximum':
    'an MQTT 5 client was disconnected because it had too many QoS 2 messages in flight to the hub (limits.receiveMaximum)',
} as const

export type LimitName = keyof typeof LIMITS

/** What clients do against the standard and the hub puts up with. The names are labels of a metric. */
export const TOLERATED = {
  'dup-at-qos-0': 'a PUBLISH at QoS 0 had DUP, which means nothing there',
  'packet-identifier-in-use':
    'a PUBLISH at QoS 2 had the packet identifier of another that waited for its PUBREL: it is taken too',
} as const

export type ToleratedFault = keyof typeof TOLERATED

/**
 * Counts what becomes of every message. At any moment between two messages:
 *
 *     matched = delivered + pending + the sum of dropped
 *
 * where `matched` grows by one for each session a message is for, and `pending` is what sessions hold: queued, in flight, or
 * written and not yet taken by the system. Sessions count `pending` themselves, so the identity can fail, and a test or an
 * operator notices when a message is lost without a reason.
 */
export class Ledger {
  /** PUBLISH packets taken from clients, by QoS. A repeated QoS 2 PUBLISH counts once. */
  readonly received: [number, number, number] = [0, 0, 0]
  receivedBytes = 0
  /** PUBLISH packets written to connections, by QoS. One that is sent again counts again. */
  readonly sent: [number, number, number] = [0, 0, 0]
  sentBytes = 0
  /** Packets of all other types: CONNECT, SUBSCRIBE, acknowledgements, PINGREQ and so on. */
  otherReceived = 0
  otherSent = 0
  /** Bytes received and written, packets of any type. */
  inputBytes = 0
  outputBytes = 0
  /** Network connections that were accepted. */
  connections = 0
  /** The most that were open at once. */
  mostConnections = 0
  /** CONNECT packets. */
  connects = 0
  /** Sessions that ended because their client did not come back in time. */
  expiredSessions = 0
  /** Deliveries that are due: one for each message and session that it matches, and for each retained message sent anew. */
  matched = 0
  /** QoS 0: the operating system took it. QoS 1: the PUBACK came. QoS 2: the PUBCOMP came. */
  delivered = 0
  readonly dropped: Record<DropReason, number>
  /** How often a limit was hit. Limits of queues and outputs count in `dropped`, those of retained messages in `notRetained`. */
  readonly limitHits: Record<LimitName, number>
  /** How often clients did what the standard forbids and the hub puts up with. */
  readonly tolerated: Record<ToleratedFault, number> = { 'dup-at-qos-0': 0, 'packet-identifier-in-use': 0 }
  /** Messages that clients may not publish, by the rules or to the hub's own topics: acknowledged, and delivered to nobody. */
  refused = 0
  /** Filters of SUBSCRIBE that the access rules did not grant. */
  deniedSubscriptions = 0
  /** Messages that were delivered but not retained for later, because a limit on retained messages was reached. */
  notRetained = 0

  constructor() {
    this.dropped = {
      offline: 0,
      'output-full': 0,
      'queue-full': 0,
      'no-memory': 0,
      replaced: 0,
      expired: 0,
      damaged: 0,
      'connection-lost': 0,
      'too-large': 0,
      rejected: 0,
      'not-allowed': 0,
      'session-ended': 0,
    }
    this.limitHits = {
      connections: 0,
      'connections-per-address': 0,
      'open-files': 0,
      'connect-timeout': 0,
      'packet-size': 0,
      topic: 0,
      subscriptions: 0,
      memory: 0,
      'publish-rate': 0,
      'receive-maximum': 0,
    }
  }

  drop(reason: DropReason, count: number): void {
    this.dropped[reason] += count
  }

  hit(limit: LimitName): void {
    this.limitHits[limit]++
  }

  get droppedTotal(): number {
    let total = 0
    for (const count of Object.values(this.dropped)) total += count
    return total
  }
}
