// Hot path: `deliver` and `deliverRun` run per message; measured by `npm run bench`, rows "QoS 0".
import type { Clock } from '../../base/clock.ts'
import type { DropReason } from '../../protocol/drop-reasons.ts'
import type { Followed, Trail } from '../../trails/trail.ts'
import { Message } from '../../protocol/message.ts'
import type { Delivery } from '../../router/delivery.ts'
import type { Terms } from '../../store/store.ts'
import { HeldQos0 } from './held-qos0.ts'
import { LatestMessages } from './latest-messages.ts'
import type { SessionConnection } from '../session-connection.ts'
import { isExpired } from './waiting-messages.ts'

/** What the QoS 0 half needs of its session. */
export interface Qos0Owner {
  readonly clientId: string
  drop(reason: DropReason, count: number): void
}

/** What the QoS 0 halves of a hub share. */
export interface Qos0Parts {
  readonly clock: Clock
  readonly limits: {
    readonly maxOutputBytes: number
    readonly outputPolicy: 'drop' | 'latest'
    readonly maxQueuedMessages: number
    readonly maxQueuedBytes: number
  }
}

/** A followed message that was written as the `position`th of its connection. */
interface Written {
  readonly position: number
  readonly followed: Followed
}

/** Stands for each message of a run in turn. */
const SINGLE = new Message()

/** What a session delivers at QoS 0: at once, or as the latest of its topic when the client has caught up, or not at all. */
export class OutgoingQos0 {
  readonly #owner: Qos0Owner
  readonly #parts: Qos0Parts
  #connection: SessionConnection | undefined = undefined
  #latest: LatestMessages | undefined = undefined
  #written: Written[] | undefined = undefined
  /** What waits behind the past; undefined: nothing has to. */
  #held: HeldQos0 | undefined = undefined
  #isPastDue = false

  constructor(owner: Qos0Owner, parts: Qos0Parts) {
    this.#owner = owner
    this.#parts = parts
  }

  /** What is held or written, and not yet taken by the system. */
  get pendingMessages(): number {
    const written = this.#connection === undefined ? 0 : this.#connection.pendingQos0Messages
    const held = this.#held === undefined ? 0 : this.#held.size
    return written + held + (this.#latest === undefined ? 0 : this.#latest.size)
  }

  attach(connection: SessionConnection): void {
    this.#connection = connection
  }

  /** The connection is gone, and what was written to it and not taken with it: `lostMessages`. */
  detach(lostMessages: number): void {
    const held = this.#held === undefined ? 0 : this.#held.size
    const lost = lostMessages + held + (this.#latest === undefined ? 0 : this.#latest.size)
    for (let one = this.#held?.shift(); one !== undefined; one = this.#held?.shift()) {
      one.followed?.tell('dropped', 'connection-lost')
    }
    this.#held = undefined
    this.#isPastDue = false
    if (lost > 0) this.#owner.drop('connection-lost', lost)
    if (this.#written !== undefined)
      for (const { followed } of this.#written) followed.tell('dropped', 'connection-lost')
    this.#latest?.tellAll('connection-lost')
    this.#written = undefined
    this.#latest = undefined
    this.#connection = undefined
  }

  /** `group` is the `$share/…` filter by which the message came. */
  deliver(message: Message, terms: Terms, trail: Trail | undefined, group: string | undefined): void {
    const connection = this.#connection
    if (connection === undefined) {
      this.drop('offline', 1, trail?.at(this.#owner.clientId, group, 0))
    } else if (!connection.fits(message, terms)) {
      this.drop('too-large', 1, trail?.at(this.#owner.clientId, group, 0))
    } else if (this.#held !== undefined) {
      this.#hold(this.#held, message, terms, trail?.at(this.#owner.clientId, group, 0))
    } else if (connection.isCongested) {
      this.#deliverLate(message, terms, trail?.at(this.#owner.clientId, group, 0))
    } else {
      connection.sendQos0(message, terms)
      if (trail !== undefined) this.#sent(connection, trail.at(this.#owner.clientId, group, 0))
    }
  }

  deliverRun(run: Message, delivery: Delivery, trail: Trail | undefined): void {
    const connection = this.#connection
    if (connection === undefined) {
      this.drop('offline', run.count, trail?.at(this.#owner.clientId, undefined, 0))
    } else if (!connection.takesRuns || delivery.identifiers.length > 0 || this.#held !== undefined) {
      this.#deliverEach(run, delivery, trail)
    } else if (connection.isCongested) {
      this.#deliverLate(run, delivery.termsFor(run), trail?.at(this.#owner.clientId, undefined, 0))
    } else {
      connection.sendRun(run)
      if (trail !== undefined) this.#sent(connection, trail.at(this.#owner.clientId, undefined, 0))
    }
  }

  /** Counts messages that cannot be delivered, and tells of it. */
  drop(reason: DropReason, count: number, followed: Followed | undefined): void {
    this.#owner.drop(reason, count)
    followed?.tell('dropped', reason)
  }

  /** From now on messages wait until `pastSent`. */
  waitForPast(): void {
    this.#held ??= new HeldQos0(this.#parts.limits)
    this.#isPastDue = true
  }

  /** The past is sent: what waited behind it can go. */
  pastSent(): void {
    this.#isPastDue = false
    this.drain()
  }

  /** The client has caught up: sends what was held for it. */
  drain(): void {
    const connection = this.#connection
    if (connection !== undefined && !this.#isPastDue && this.#held !== undefined) this.#sendHeld(connection, this.#held)
    const latest = this.#latest
    if (latest === undefined || connection === undefined) return
    while (!connection.isCongested) {
      const next = latest.shift()
      if (next === undefined) return
      const { message, terms, followed } = next
      if (isExpired(message, this.#parts.clock)) {
        this.drop('expired', 1, followed)
      } else {
        connection.sendQos0(message, terms)
        if (followed !== undefined) this.#sent(connection, followed)
      }
    }
  }

  /** The system has taken all but the last `pendingMessages` of what was written to the connection. */
  taken(position: number): void {
    const written = this.#written
    if (written === undefined) return
    let taken = 0
    for (; taken < written.length; taken++) {
      const one = written[taken]
      if (one === undefined || one.position > position) break
      one.followed.tell('delivered')
    }
    this.#written = taken === written.length ? undefined : written.slice(taken)
  }

  #sent(connection: SessionConnection, followed: Followed): void {
    followed.tell('sent')
    this.#written ??= []
    this.#written.push({ position: connection.writtenQos0Messages, followed })
  }

  #hold(held: HeldQos0, message: Message, terms: Terms, followed: Followed | undefined): void {
    if (held.push(message, terms, followed)) followed?.tell('queued')
    else this.drop('queue-full', 1, followed)
  }

  #sendHeld(connection: SessionConnection, held: HeldQos0): void {
    while (!connection.isCongested) {
      const next = held.shift()
      if (next === undefined) {
        this.#held = undefined
        return
      }
      connection.sendQos0(next.message, next.terms)
      if (next.followed !== undefined) this.#sent(connection, next.followed)
    }
  }

  #deliverEach(run: Message, delivery: Delivery, trail: Trail | undefined): void {
    for (let at = run.start; at < run.end;) {
      at = SINGLE.takeFromRun(run, at)
      this.deliver(SINGLE, delivery.termsFor(SINGLE), trail, undefined)
    }
  }

  /** Takes what the client is too slow for. */
  #deliverLate(run: Message, terms: Terms, followed: Followed | undefined): void {
    const { outputPolicy, maxOutputBytes } = this.#parts.limits
    if (outputPolicy === 'drop') {
      this.drop('output-full', run.count, followed)
      return
    }
    this.#latest ??= new LatestMessages(maxOutputBytes)
    const { replaced, refused, gone } = this.#latest.put(run, terms, followed)
    if (refused > 0) {
      this.drop('output-full', refused, followed)
      return
    }
    if (replaced > 0) this.#owner.drop('replaced', replaced)
    gone?.tell('dropped', 'replaced')
    followed?.tell('queued')
  }
}
