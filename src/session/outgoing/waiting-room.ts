// Hot path: `push` and `next` run per message that has to wait; measured by `npm run bench`, rows "kept".
import type { Clock } from '../../base/clock.ts'
import type { DropReason } from '../../protocol/drop-reasons.ts'
import type { Message } from '../../protocol/message.ts'
import type { Terms } from '../../store/store.ts'
import type { Followed } from '../../trails/trail.ts'

/** How much may wait for one client or one shared subscription, and what happens beyond it. */
export interface QueueLimits {
  readonly maxQueuedMessages: number
  readonly maxQueuedBytes: number
  readonly queuePolicy: 'drop-oldest' | 'drop-newest' | 'disconnect'
}

/** Whose messages wait. */
export interface WaitingOwner {
  drop(reason: DropReason, count: number): void
  /** A message was dropped under the policy "disconnect". */
  queueOverflowed(): void
}

/** What a waiting room is held to. */
export interface WaitingParts {
  readonly limits: QueueLimits
  readonly clock: Clock
}

/**
 * Where messages wait, and in which order they leave.
 *
 *   1. Messages may be views: `push` keeps what it needs.
 *   2. `push` tells a message that it follows that it is queued. It need not follow all; of the others nothing is told.
 */
export interface WaitingOrder<Taken> {
  readonly messages: number
  /** Their length as PUBLISH packets. */
  readonly bytes: number
  /** What waits and is to give its place to the message; undefined: nothing has to. */
  replacedBy(message: Message): Replaced | undefined
  push(message: Message, terms: Terms, followed: Followed | undefined): void
  /** The message that is to leave next; undefined when none waits, or it cannot be read any more. */
  readonly next: Message | undefined
  /** How that message is followed, if it is. */
  readonly nextFollowed: Followed | undefined
  /** Lets go of the message that is to leave next. */
  shift(): Taken
  allFollowed(): Iterable<Followed>
}

/** A message that gives its place to a newer one. */
export interface Replaced {
  readonly message: Message
  readonly followed: Followed | undefined
}

/**
 * Messages that cannot be sent yet. What does not fit, has expired while it waited, or cannot be read any more is dropped,
 * counted, and its trail is told; in which order the others leave is for its `WaitingOrder` to say.
 */
export class WaitingRoom<Taken> {
  readonly #owner: WaitingOwner
  readonly #order: WaitingOrder<Taken>
  readonly #parts: WaitingParts
  /** What is said of messages for which there is no room. */
  readonly #fullReason: DropReason

  constructor(
    owner: WaitingOwner,
    order: WaitingOrder<Taken>,
    parts: WaitingParts,
    fullReason: DropReason = 'queue-full',
  ) {
    this.#owner = owner
    this.#order = order
    this.#parts = parts
    this.#fullReason = fullReason
  }

  get isEmpty(): boolean {
    return this.#order.messages === 0
  }

  get messages(): number {
    return this.#order.messages
  }

  push(message: Message, terms: Terms, followed: Followed | undefined): void {
    if (this.#isTooMuch(message)) {
      const { queuePolicy } = this.#parts.limits
      if (queuePolicy === 'drop-oldest') this.#makeRoom(message)
      if (this.#isTooMuch(message)) {
        this.#owner.drop(this.#fullReason, 1)
        followed?.tell('dropped', this.#fullReason)
        if (queuePolicy === 'disconnect') this.#owner.queueOverflowed()
        return
      }
    }
    const replaced = this.#order.replacedBy(message)
    this.#order.push(message, terms, followed)
    if (replaced === undefined) return
    this.#owner.drop('replaced', 1)
    replaced.followed?.tell('dropped', 'replaced')
  }

  /** The next message that can still be sent; it stays until it is taken. Undefined when none waits. */
  next(): Message | undefined {
    const order = this.#order
    while (order.messages > 0) {
      const message = order.next
      if (message !== undefined && !isExpired(message, this.#parts.clock)) return message
      this.#drop(message === undefined ? 'damaged' : 'expired')
    }
    return undefined
  }

  /** How the message that `next` gave is followed, if it is. */
  get nextFollowed(): Followed | undefined {
    return this.#order.nextFollowed
  }

  /** Lets go of the next message that can still be sent, and gives it as its order has it. */
  take(): Taken | undefined {
    return this.next() === undefined ? undefined : this.#order.shift()
  }

  /** Counts all that wait as dropped. Nothing may be asked of the room any more. */
  dropAll(reason: DropReason): void {
    const { messages } = this.#order
    if (messages > 0) this.#owner.drop(reason, messages)
    for (const followed of this.#order.allFollowed()) followed.tell('dropped', reason)
  }

  #makeRoom(message: Message): void {
    while (this.#order.messages > 0 && this.#isTooMuch(message)) this.#drop(this.#fullReason)
  }

  /** Drops the message that is to leave next. */
  #drop(reason: DropReason): void {
    const followed = this.#order.nextFollowed
    this.#order.shift()
    this.#owner.drop(reason, 1)
    followed?.tell('dropped', reason)
  }

  #isTooMuch(message: Message): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.#parts.limits
    const order = this.#order
    const replaced = order.replacedBy(message)
    const messages = order.messages + (replaced === undefined ? 1 : 0)
    const bytes = order.bytes + message.packetBytes - (replaced === undefined ? 0 : replaced.message.packetBytes)
    return messages > maxQueuedMessages || bytes > maxQueuedBytes
  }
}

/** Tells whether a message is no longer worth delivering. */
export function isExpired(message: Message, clock: Clock): boolean {
  return message.expiresAtMs !== 0 && message.expiresAtMs <= clock.nowMs()
}
