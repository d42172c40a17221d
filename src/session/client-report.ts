import type { DropReason } from '../protocol/drop-reasons.ts'
import type { TrafficReport } from '../observe/traffic.ts'
import type { SubscriptionOptions } from '../protocol/subscription-options.ts'

/** What the hub knows about one client: its session, and its connection while there is one. */
export interface ClientReport {
  readonly clientId: string
  /** Whose it is; undefined: nobody's in particular. */
  readonly user: string | undefined
  /** Undefined while the client is away. */
  readonly connection: ConnectionReport | undefined
  /** When the client left, in ms since 1970; undefined while it is here. */
  readonly leftAtMs: number | undefined
  /** The session outlives the connection. */
  readonly isKept: boolean
  /** How long it outlives it; Infinity means forever. */
  readonly expirySeconds: number
  readonly subscriptionCount: number
  readonly queuedMessages: number
  readonly queuedBytes: number
  readonly inFlightMessages: number
  /** QoS 2 messages from the client that wait for its PUBREL. */
  readonly unreleasedMessages: number
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>
  /** Since the hub started, or the session did. */
  readonly traffic: TrafficReport
  readonly lastError: { readonly atMs: number; readonly reason: string } | undefined
  /** What the access rules kept it from last. */
  readonly lastDenial: Denial | undefined
}

/** What an access rule kept a client from. */
export interface Denial {
  /** In ms since 1970. */
  readonly atMs: number
  readonly action: 'publish' | 'subscribe' | 'receive'
  /** A topic, or the filter of a subscription. */
  readonly topic: string
  /** Names the rule. */
  readonly reason: string
}

/** One network connection. */
export interface ConnectionReport {
  /** `192.0.2.1:50000`. */
  readonly address: string
  readonly transport: 'tcp' | 'websocket'
  /** 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5. */
  readonly protocolLevel: number
  readonly connectedAtMs: number
  /** 0: none. */
  readonly keepAliveSeconds: number
  /** Written to it and not yet taken by the system. */
  readonly pendingBytes: number
  readonly will: WillReport | undefined
}

/** What the hub publishes for a client that goes without saying so. */
export interface WillReport {
  readonly topic: string
  readonly payload: Buffer
  readonly isRetained: boolean
}

/** A subscription as the client asked for it, and what it was granted. */
export interface SubscriptionReport extends SubscriptionOptions {
  readonly filter: string
}
