import type { MemoryBudget } from '../base/memory-budget.ts'
import type { Ledger } from './ledger.ts'
import type { StopCounts } from './loop-stops.ts'

/** What the sessions of a hub hold together. */
export interface SessionTotals {
  readonly connected: number
  /** Kept, and the client is away. */
  readonly disconnected: number
  /** Without the shared ones. */
  readonly subscriptions: number
  /** Memberships in shared subscriptions. */
  readonly sharedSubscriptions: number
  /** Messages of QoS 1 and 2 that wait for clients and for shared subscriptions, with the length of their packets. */
  readonly queuedMessages: number
  readonly queuedBytes: number
  /** Sent at QoS 1 and 2 and not finished. */
  readonly inFlightMessages: number
  /** QoS 2 messages from clients that wait for their PUBREL. */
  readonly unreleasedMessages: number
  /** All that is neither delivered nor dropped: the `pending` of the ledger's identity. */
  readonly pendingMessages: number
  /** Clients that are as far behind as they may be (limits.maxOutputBytes). */
  readonly congestedClients: number
}

/** The history in numbers; all zero while it is empty. */
export interface HistoryFacts {
  readonly messages: number
  readonly bytes: number
  readonly topics: number
  readonly oldestAtMs: number | undefined
  readonly recorded: number
  readonly leftOut: Readonly<Record<string, number>>
  /** Recorded and not yet stored. */
  readonly pending: number
  readonly isFailing: boolean
}

/** A certificate, or a list of revoked ones, that a listener uses. */
export interface ExpiryFacts {
  readonly listener: string
  readonly what: 'certificate' | 'ca' | 'crl'
  /** In ms since 1970; Infinity: it does not say. */
  readonly atMs: number
}

/** Sign-ins that were not what they should be since the start, by what became of them. */
export interface SignInFacts {
  /** A name, password or token that was not good. */
  readonly wrong: number
  /** Not looked at, after too many failures. */
  readonly banned: number
  /** Connections that were ended before a word, after too many failures from their address. */
  readonly 'turned-away': number
  /** Not looked at, since too many passwords were being checked. */
  readonly busy: number
  /** Made to wait, since many guess at the name. */
  readonly delayed: number
}

/** The state of the hub at one moment, from which metrics and `$SYS` topics are made. */
export interface HubFacts {
  readonly ledger: Ledger
  readonly sessions: SessionTotals
  /** Network connections that are open, whether or not their client has said CONNECT. */
  readonly connections: number
  /** Topics that are counted. */
  readonly topics: number
  readonly retainedMessages: number
  readonly retainedBytes: number
  readonly isStoreFailing: boolean
  /** What the hub holds for its clients, and may hold. */
  readonly memory: MemoryBudget
  /** What held the event loop for 20 ms or more. */
  readonly loopStops: ReadonlyMap<string, StopCounts>
  /** Undefined: the hub keeps no history. */
  readonly history: HistoryFacts | undefined
  /** Of all listeners with TLS. */
  readonly expiries: readonly ExpiryFacts[]
  /** Undefined: the hub can have no users. */
  readonly signIns: SignInFacts | undefined
}
