// Hot path: `push` and `next` run per message that has to wait; measured by `npm run bench`, rows "kept".
import type { MemoryBudget } from '../../base/memory-budget.ts'
import { mayHold } from '../../store/memory/held-messages.ts'
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
  /** False when the rules do not let it have a message any more; absent where there are none. */
  mayStillReceive?(message: Message): boolean
}

/** Older messages that give way to a new one where there is no memory. */
const MAX_DROPPED_FOR_MEMORY = 8

/** What a waiting room is held to. */
export interface WaitingParts {
  readonly limits: QueueLimits
  readonly clock: Clock
  readonly memory: MemoryBudget
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
  /** What waits takes memory of the hub. */
  readonly isInMemory: boolean
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
    let refusal = this.#refusalOf(message)
    if (refusal !== undefined) {
      const { queuePolicy } = this.#parts.limits
      if (queuePolicy === 'drop-oldest') refusal = this.#makeRoom(message)
      if (refusal !== undefined) {
        this.#countDrop(refusal)
        followed?.tell('dropped', refusal)
        if (queuePolicy === 'disconnect' && refusal !== 'no-memory') this.#owner.queueOverflowed()
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
      if (message === undefined) this.#drop('damaged')
      else if (isExpired(message, this.#parts.clock)) this.#drop('expired')
      else if (this.#owner.mayStillReceive?.(message) === false) this.#drop('not-allowed')
      else return message
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

  /** Returns why there is still none. */
  #makeRoom(message: Message): DropReason | undefined {
    let droppedForMemory = 0
    for (;;) {
      const refusal = this.#refusalOf(message)
      if (refusal === undefined || this.#order.messages === 0) return refusal
      // What others hold as well gives nothing back: the queue is not to be emptied for one message.
      if (refusal === 'no-memory' && droppedForMemory++ === MAX_DROPPED_FOR_MEMORY) return refusal
      this.#drop(refusal)
    }
  }

  /** Drops the message that is to leave next. */
  #drop(reason: DropReason): void {
    const followed = this.#order.nextFollowed
    this.#order.shift()
    this.#countDrop(reason)
    followed?.tell('dropped', reason)
  }

  #countDrop(reason: DropReason): void {
    this.#owner.drop(reason, 1)
    if (reason === 'no-memory') this.#parts.memory.queues.refuse()
  }

  /** Why there is no room for the message. */
  #refusalOf(message: Message): DropReason | undefined {
    if (this.#isTooMuch(message)) return this.#fullReason
    return this.#order.isInMemory && !mayHold(this.#parts.memory.queues, message) ? 'no-memory' : undefined
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
  return message.expiresAtMs !== 0 && message.expiresAtMs <= clock.lifetimeMs()
}

/** Lets a message expire at the hub's own limit on waiting, where that ends before the publisher's. */
export function limitExpiry(message: Message, limitMs: number): void {
  if (message.expiresAtMs === 0 || message.expiresAtMs > limitMs) message.expiresAtMs = limitMs
}
