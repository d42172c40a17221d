import type { Message } from '../protocol/message.ts'
import type { QoS } from '../protocol/packet-types.ts'
import type { DropReason } from '../protocol/drop-reasons.ts'

/**
 * What a session, or a shared subscription whose members are all busy, has done with a message:
 *
 *   - `queued`: it waits, for the client to come or to acknowledge what it has;
 *   - `sent`: it was handed to the connection;
 *   - `delivered`: QoS 0, and the system has taken it from the hub;
 *   - `received`: QoS 2, and the client's PUBREC came;
 *   - `acknowledged`: PUBACK or PUBCOMP came;
 *   - `handed-on`: the member of a shared subscription left before it had acknowledged: another gets it;
 *   - `dropped`: the client does not get it, for the `reason`.
 */
export type Outcome = 'queued' | 'sent' | 'delivered' | 'received' | 'acknowledged' | 'handed-on' | 'dropped'

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
  /** Why the hub did not take it; undefined: it did. */
  readonly refusal: string | undefined
  /** The latest of each receiver, in the order in which they were first heard of; at most 100. */
  readonly steps: readonly TrailStep[]
  /** Those of `matched` that are not in `steps`: there were too many to follow. */
  readonly omittedReceivers: number
}

/** Receivers in one trail. */
const MAX_STEPS = 100

/** Who keeps a trail. */
export interface TrailOwner {
  /** How long it has been followed. */
  afterMs(trail: Trail): number
  /** Something became of its message at one receiver. */
  told(trail: Trail, outcome: Outcome, qos: QoS, afterMs: number): void
}

/** What is told of a message that is followed. */
export class Trail implements MessageTrail {
  readonly topic: string
  readonly atMs: number
  readonly publisher: string | undefined
  readonly qos: QoS
  readonly retain: boolean
  readonly payloadBytes: number
  readonly messages: number
  /** The id by which the publisher wants to be told what becomes of it. */
  readonly receipt: string | undefined
  matched = 0
  /** Why the hub did not take the message, or does not follow it. */
  refusal: string | undefined = undefined
  readonly #owner: TrailOwner
  readonly #steps = new Map<string, TrailStep>()

  constructor(message: Message, atMs: number, owner: TrailOwner) {
    this.topic = message.topic
    this.atMs = atMs
    this.publisher = message.publisher
    this.qos = message.qos
    this.retain = message.retain
    this.payloadBytes = message.payloadBytes
    this.messages = message.count
    this.receipt = message.receipt
    this.#owner = owner
  }

  get steps(): readonly TrailStep[] {
    return [...this.#steps.values()]
  }

  get omittedReceivers(): number {
    let receivers = 0
    for (const { outcome } of this.#steps.values()) if (outcome !== 'handed-on') receivers++
    return Math.max(0, this.matched - receivers)
  }

  /** What holds the message for a receiver tells by this what becomes of it; `group` is the `$share/…` filter it came by. */
  at(clientId: string | undefined, group: string | undefined, qos: QoS): Followed {
    return new Followed(this, clientId, group, qos)
  }

  /** Notes what has become of it at one receiver: in place of what was noted before of that one. */
  tell(clientId: string | undefined, group: string | undefined, outcome: Outcome, qos: QoS, reason?: DropReason): void {
    const key = this.#keyOf(clientId, group)
    // A group that has found a member for it holds it no more.
    if (clientId !== undefined && group !== undefined) this.#steps.delete(`group ${group}`)
    if (this.#steps.size >= MAX_STEPS && !this.#steps.has(key)) return
    const afterMs = this.#owner.afterMs(this)
    this.#steps.set(key, { clientId, group, outcome, reason, qos, afterMs })
    this.#owner.told(this, outcome, qos, afterMs)
  }

  #keyOf(clientId: string | undefined, group: string | undefined): string {
    if (clientId !== undefined) return `client ${clientId}`
    // A program that embeds the hub is heard of once, when it has the message.
    return group === undefined ? `program ${this.#steps.size}` : `group ${group}`
  }
}

/** A followed message at one receiver. */
export class Followed {
  readonly trail: Trail
  readonly #clientId: string | undefined
  readonly #group: string | undefined
  readonly #qos: QoS

  constructor(trail: Trail, clientId: string | undefined, group: string | undefined, qos: QoS) {
    this.trail = trail
    this.#clientId = clientId
    this.#group = group
    this.#qos = qos
  }

  /** Notes what the receiver, or whoever holds it for the receiver, has done with it. */
  tell(outcome: Outcome, reason?: DropReason): void {
    this.trail.tell(this.#clientId, this.#group, outcome, this.#qos, reason)
  }
}
