import type { QoS } from '../protocol/packet-types.ts'
import type { DropReason } from './ledger.ts'

/**
 * What a session, or a shared subscription whose members are all busy, has done with a message:
 *
 *   - `queued`: it waits, for the client to come or to acknowledge what it has;
 *   - `sent`: it was handed to the connection;
 *   - `delivered`: QoS 0, and the system has taken it from the hub;
 *   - `received`: QoS 2, and the client's PUBREC came;
 *   - `acknowledged`: PUBACK or PUBCOMP came;
 *   - `dropped`: the client does not get it, for the `reason`.
 */
export type Outcome = 'queued' | 'sent' | 'delivered' | 'received' | 'acknowledged' | 'dropped'

/** What became of a message at one receiver. */
export interface TrailStep {
  /** The client; undefined while it waits for a shared subscription, and for a program that embeds the hub. */
  readonly clientId: string | undefined
  /** The `$share/…` filter by which it came there. */
  readonly group: string | undefined
  readonly outcome: Outcome
  /** Why it was dropped. */
  readonly reason: DropReason | undefined
  /** The QoS at which the receiver gets it. */
  readonly qos: QoS
  /** From when the hub took the message until the outcome, in ms. */
  readonly afterMs: number
}

/** A message that the hub followed. */
export interface MessageTrail {
  readonly topic: string
  /** By the hub's clock, in ms since 1970. */
  readonly atMs: number
  /** Undefined: the hub itself, or its API. */
  readonly publisher: string | undefined
  readonly qos: QoS
  readonly retain: boolean
  readonly payloadBytes: number
  /** More than 1: QoS 0 messages of the topic that came in one piece and went the same way. */
  readonly messages: number
  /** How many subscribers it was for. */
  readonly matched: number
  /** The latest of each receiver, in the order in which they were first heard of; at most 100. */
  readonly steps: readonly TrailStep[]
  /** Receivers that had no more room in `steps`. */
  readonly omittedReceivers: number
}
