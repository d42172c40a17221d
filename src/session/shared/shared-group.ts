import type { DropReason } from '../../protocol/drop-reasons.ts'
import type { Trail } from '../../trails/trail.ts'
import type { Message } from '../../protocol/message.ts'
import type { QoS } from '../../protocol/packet-types.ts'
import type { SubscriptionOptions } from '../../protocol/subscription-options.ts'
import { Delivery, type Subscriber } from '../../router/delivery.ts'
import type { SessionState } from '../../store/store.ts'
import { NO_IDENTIFIERS, termsOf } from '../../store/terms.ts'
import { Losses, type LossesParts } from '../losses.ts'
import type { Lender } from '../outgoing/outgoing.ts'
import { QueueInState } from '../outgoing/waiting-orders.ts'
import { isExpired, type QueueLimits, type WaitingParts, WaitingRoom } from '../outgoing/waiting-room.ts'

/** How a shared subscription picks the member that gets a message. */
export type SharedStrategy = 'round-robin' | 'sticky' | 'least-loaded'

/** What a shared subscription asks of the session of a member. */
export interface GroupMember extends Subscriber {
  readonly clientId: string
  readonly isKept: boolean
  /** Its client is connected. */
  readonly isHere: boolean
  /** A message at QoS 1 or 2 could go out at once. */
  readonly hasRoom: boolean
  readonly pendingMessages: number
  /** The rules let its client have the message. */
  mayReceive(message: Message): boolean
  /** Takes a message; above QoS 0 only while there is `hasRoom`. */
  deliverLent(message: Message, delivery: Delivery, lender: Lender, trail: Trail | undefined): void
}

/** What shared subscriptions are built from. */
export interface GroupParts extends WaitingParts, LossesParts {
  readonly limits: QueueLimits & LossesParts['limits'] & { readonly sharedStrategy: SharedStrategy }
}

type CanTake = (session: GroupMember, message: Message) => boolean

interface Member {
  readonly session: GroupMember
  readonly delivery: Delivery
}

/**
 * A shared subscription [MQTT5 §4.8.2]: each message goes to one of its members that is there and has room. Messages of QoS 1
 * and 2 that no member can take now wait in a queue of the group's own, not behind a member that may never come back; so does
 * what a member had not acknowledged at QoS 1 when it left.
 */
export class SharedGroup implements Subscriber, Lender {
  /** The whole `$share/<name>/<filter>`. */
  readonly filter: string
  readonly #parts: GroupParts
  #queue: QueueInState
  #waiting: WaitingRoom<void>
  readonly #members: Member[] = []
  /** Where the round goes on. */
  #next = 0
  #sticky: GroupMember | undefined = undefined
  #losses: Losses | undefined = undefined

  constructor(filter: string, state: SessionState, parts: GroupParts) {
    this.filter = filter
    this.#parts = parts
    this.#queue = new QueueInState(state)
    this.#waiting = new WaitingRoom(this, this.#queue, parts)
  }

  get state(): SessionState {
    return this.#queue.state
  }

  get isEmpty(): boolean {
    return this.#members.length === 0
  }

  /** A member is kept, so what waits for the group must be stored. */
  get isKept(): boolean {
    return this.#members.some(({ session }) => session.isKept)
  }

  /** Who takes turns, and the QoS that each was granted. */
  members(): { readonly session: GroupMember; readonly qos: QoS }[] {
    return this.#members.map(({ session, delivery }) => ({ session, qos: delivery.qos }))
  }

  /** Adds a member, or replaces what it asked for before. */
  join(session: GroupMember, options: SubscriptionOptions): void {
    const member = { session, delivery: Delivery.of(session, options) }
    const index = this.#indexOf(session)
    if (index === -1) this.#members.push(member)
    else this.#members[index] = member
  }

  leave(session: GroupMember): void {
    const index = this.#indexOf(session)
    if (index !== -1) this.#members.splice(index, 1)
    if (this.#sticky === session) this.#sticky = undefined
  }

  giveBack(message: Message, trail: Trail | undefined): void {
    if (isExpired(message, this.#parts.clock)) this.#dropNew('expired', message.qos, trail)
    else this.#take(message, trail)
  }

  deliver(message: Message, _delivery: Delivery, trail: Trail | undefined): void {
    this.#take(message, trail)
  }

  #take(message: Message, trail: Trail | undefined): void {
    if (this.isEmpty) {
      // The last member has left since the message was routed or lent: nobody would ever look into the queue.
      this.#dropNew('session-ended', message.qos, trail)
      return
    }
    if (message.qos === 0) {
      const member = this.#pick(isFree, message) ?? this.#pick(isHere, message)
      if (member === undefined) this.#dropNew(this.mayStillReceive(message) ? 'offline' : 'not-allowed', 0, trail)
      else member.session.deliverLent(message, member.delivery, this, trail)
      return
    }
    const member = this.#waiting.isEmpty ? this.#pick(isFree, message) : undefined
    if (member !== undefined) {
      member.session.deliverLent(message, member.delivery, this, trail)
      return
    }
    if (!this.mayStillReceive(message)) {
      // It would wait forever, and all others behind it.
      this.#dropNew('not-allowed', message.qos, trail)
      return
    }
    const followed = trail?.at(undefined, this.filter, message.qos)
    this.#waiting.push(message, termsOf(message.qos, false, NO_IDENTIFIERS), followed)
  }

  /** A member has room: it takes what waits, as far as it is its turn. */
  feed(session: GroupMember): void {
    const member = this.#members[this.#indexOf(session)]
    if (member === undefined) return
    if (this.#parts.limits.sharedStrategy === 'sticky' && this.#sticky?.isHere === true && this.#sticky !== session)
      return
    while (session.hasRoom) {
      const message = this.#waiting.next()
      if (message === undefined) break
      // Another member is to have it: order is kept, so it is waited for.
      if (!session.mayReceive(message)) break
      // It is in the member's hands before the group lets it go, so that its body is stored all the time.
      session.deliverLent(message, member.delivery, this, this.#waiting.nextFollowed?.trail)
      this.#queue.shift()
    }
  }

  /** From now on what waits is held by `state`: the first kept member has come. */
  moveTo(state: SessionState): void {
    const from = this.#waiting
    const queue = new QueueInState(state)
    for (let message = from.next(); message !== undefined; message = from.next()) {
      queue.push(message, termsOf(message.qos, false, NO_IDENTIFIERS), from.nextFollowed)
      this.#queue.shift()
    }
    this.#queue = queue
    this.#waiting = new WaitingRoom(this, queue, this.#parts)
  }

  /** Nobody will ever look into the queue. */
  end(): void {
    this.#waiting.dropAll('session-ended')
  }

  drop(reason: DropReason, count: number): void {
    this.#losses ??= new Losses(this, this.#parts)
    this.#losses.drop(reason, count)
    if (reason === 'offline') return
    this.#parts.log.debug({ filter: this.filter, reason, count }, 'a shared subscription drops messages')
  }

  /** Drops a message that was not queued. */
  #dropNew(reason: DropReason, qos: QoS, trail: Trail | undefined): void {
    this.drop(reason, 1)
    trail?.at(undefined, this.filter, qos).tell('dropped', reason)
  }

  /** There is nobody to disconnect: the drop is all that happens. */
  queueOverflowed(): void {}

  /** The rules let some member have the message. */
  mayStillReceive(message: Message): boolean {
    for (const { session } of this.#members) if (session.mayReceive(message)) return true
    return false
  }

  #indexOf(session: GroupMember): number {
    return this.#members.findIndex((member) => member.session === session)
  }

  #pick(canTake: CanTake, message: Message): Member | undefined {
    const { sharedStrategy } = this.#parts.limits
    if (sharedStrategy === 'least-loaded') return this.#leastLoaded(canTake, message)
    return sharedStrategy === 'sticky' ? this.#stickyMember(canTake, message) : this.#nextOf(canTake, message)
  }

  #nextOf(canTake: CanTake, message: Message): Member | undefined {
    const { length } = this.#members
    for (let step = 0; step < length; step++) {
      const index = (this.#next + step) % length
      const member = this.#members[index]
      if (member === undefined || !canTake(member.session, message)) continue
      this.#next = index + 1
      return member
    }
    return undefined
  }

  #leastLoaded(canTake: CanTake, message: Message): Member | undefined {
    let best: Member | undefined
    for (const member of this.#members) {
      if (!canTake(member.session, message)) continue
      if (best === undefined || member.session.pendingMessages < best.session.pendingMessages) best = member
    }
    return best
  }

  #stickyMember(canTake: CanTake, message: Message): Member | undefined {
    if (this.#sticky?.isHere !== true) this.#sticky = this.#nextOf(isHere, message)?.session
    const sticky = this.#sticky
    return sticky !== undefined && canTake(sticky, message) ? this.#members[this.#indexOf(sticky)] : undefined
  }
}

function isHere(session: GroupMember, message: Message): boolean {
  return session.isHere && session.mayReceive(message)
}

function isFree(session: GroupMember, message: Message): boolean {
  return session.hasRoom && session.mayReceive(message)
}
