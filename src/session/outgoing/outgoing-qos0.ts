// Hot path: `deliver` and `deliverRun` run per message; measured by `npm run bench`, rows "QoS 0".
import type { Clock } from '../../base/clock.ts'
import type { DropReason } from '../../protocol/drop-reasons.ts'
import type { Followed, Trails } from '../../trails/trails.ts'
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
  readonly router: { readonly trails: Trails }
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
      if (one.followed !== undefined) this.#tellDropped(one.followed, 'connection-lost')
    }
    this.#held = undefined
    this.#isPastDue = false
    if (lost > 0) this.#owner.drop('connection-lost', lost)
    if (this.#written !== undefined)
      for (const { followed } of this.#written) this.#tellDropped(followed, 'connection-lost')
    this.#latest?.tellAll(this.#owner.clientId, 'connection-lost')
    this.#written = undefined
    this.#latest = undefined
    this.#connection = undefined
  }

  deliver(message: Message, terms: Terms): void {
    const connection = this.#connection
    if (connection === undefined) {
      this.drop('offline', 1)
    } else if (!connection.fits(message, terms)) {
      this.drop('too-large', 1)
    } else if (this.#held !== undefined) {
      this.#hold(this.#held, message, terms)
    } else if (connection.isCongested) {
      this.#deliverLate(message, terms)
    } else {
      connection.sendQos0(message, terms)
      if (this.#parts.router.trails.current !== undefined) this.#follow(connection, this.#parts.router.trails.follow(0))
    }
  }

  deliverRun(run: Message, delivery: Delivery): void {
    const connection = this.#connection
    if (connection === undefined) {
      this.drop('offline', run.count)
    } else if (!connection.takesRuns || delivery.identifiers.length > 0 || this.#held !== undefined) {
      this.#deliverEach(run, delivery)
    } else if (connection.isCongested) {
      this.#deliverLate(run, delivery.termsFor(run))
    } else {
      connection.sendRun(run)
      if (this.#parts.router.trails.current !== undefined) this.#follow(connection, this.#parts.router.trails.follow(0))
    }
  }

  /** Counts messages that are being handed out and cannot be delivered. */
  drop(reason: DropReason, count: number): void {
    this.#owner.drop(reason, count)
    const followed = this.#parts.router.trails.follow(0)
    if (followed !== undefined) this.#tellDropped(followed, reason)
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
        this.#owner.drop('expired', 1)
        if (followed !== undefined) this.#tellDropped(followed, 'expired')
      } else {
        connection.sendQos0(message, terms)
        this.#follow(connection, followed)
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
      one.followed.trail.tell(this.#owner.clientId, one.followed.group, 'delivered', 0)
    }
    this.#written = taken === written.length ? undefined : written.slice(taken)
  }

  #follow(connection: SessionConnection, followed: Followed | undefined): void {
    if (followed === undefined) return
    followed.trail.tell(this.#owner.clientId, followed.group, 'sent', 0)
    this.#written ??= []
    this.#written.push({ position: connection.writtenQos0Messages, followed })
  }

  #hold(held: HeldQos0, message: Message, terms: Terms): void {
    const followed = this.#parts.router.trails.follow(0)
    if (!held.push(message, terms, followed)) this.drop('queue-full', 1)
    else followed?.trail.tell(this.#owner.clientId, followed.group, 'queued', 0)
  }

  #sendHeld(connection: SessionConnection, held: HeldQos0): void {
    while (!connection.isCongested) {
      const next = held.shift()
      if (next === undefined) {
        this.#held = undefined
        return
      }
      connection.sendQos0(next.message, next.terms)
      this.#follow(connection, next.followed)
    }
  }

  #deliverEach(run: Message, delivery: Delivery): void {
    for (let at = run.start; at < run.end;) {
      at = SINGLE.takeFromRun(run, at)
      this.deliver(SINGLE, delivery.termsFor(SINGLE))
    }
  }

  /** Takes what the client is too slow for. */
  #deliverLate(run: Message, terms: Terms): void {
    const { outputPolicy, maxOutputBytes } = this.#parts.limits
    if (outputPolicy === 'drop') {
      this.drop('output-full', run.count)
      return
    }
    const followed = this.#parts.router.trails.follow(0)
    this.#latest ??= new LatestMessages(maxOutputBytes)
    const { replaced, refused, gone } = this.#latest.put(run, terms, followed)
    if (refused > 0) {
      this.drop('output-full', refused)
      return
    }
    if (replaced > 0) this.#owner.drop('replaced', replaced)
    if (gone !== undefined) this.#tellDropped(gone, 'replaced')
    followed?.trail.tell(this.#owner.clientId, followed.group, 'queued', 0)
  }

  #tellDropped({ trail, group }: Followed, reason: DropReason): void {
    trail.tell(this.#owner.clientId, group, 'dropped', 0, reason)
  }
}
