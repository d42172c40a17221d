// Hot path: `push` and `next` run per message that has to wait; measured by `npm run bench`, rows "kept".
import type { Clock } from '../../base/clock.ts'
import type { DropReason } from '../../protocol/drop-reasons.ts'
import type { Followed } from '../../trails/trail.ts'
import type { Message } from '../../protocol/message.ts'
import type { SessionState, Terms } from '../../store/store.ts'
import { NO_IDENTIFIERS, termsOf } from '../../store/terms.ts'

/** How much may wait for one client or one shared subscription, and what happens beyond it. */
export interface QueueLimits {
  readonly maxQueuedMessages: number
  readonly maxQueuedBytes: number
  readonly queuePolicy: 'drop-oldest' | 'drop-newest' | 'disconnect'
}

/** Followed messages in one queue: of those beyond them is not told what becomes of them here. */
const MAX_FOLLOWED = 256

/** Whose messages wait. */
export interface WaitingOwner {
  drop(reason: DropReason, count: number): void
  /** A message was dropped under the policy "disconnect". */
  queueOverflowed(): void
}

/** What the queues of a hub share. */
export interface WaitingParts {
  readonly limits: QueueLimits
  readonly clock: Clock
}

/** A followed message in the queue. */
interface Place {
  /** How many messages had been before it since the queue was opened. */
  readonly index: number
  readonly followed: Followed
}

/** A queue of a state, held to its limits: what does not fit, has expired or cannot be read any more is dropped and counted. */
export class WaitingMessages {
  readonly #owner: WaitingOwner
  readonly #parts: WaitingParts
  #state: SessionState
  /** Messages that have left the queue. */
  #left = 0
  #places: Place[] = []

  constructor(owner: WaitingOwner, state: SessionState, parts: WaitingParts) {
    this.#owner = owner
    this.#state = state
    this.#parts = parts
  }

  get isEmpty(): boolean {
    return this.#state.queuedMessages === 0
  }

  get state(): SessionState {
    return this.#state
  }

  push(message: Message, terms: Terms, followed: Followed | undefined): void {
    if (this.#isTooMuch(message)) {
      const { queuePolicy } = this.#parts.limits
      if (queuePolicy === 'drop-oldest') this.#makeRoom(message)
      if (this.#isTooMuch(message)) {
        this.#owner.drop('queue-full', 1)
        followed?.tell('dropped', 'queue-full')
        if (queuePolicy === 'disconnect') this.#owner.queueOverflowed()
        return
      }
    }
    if (followed !== undefined && this.#places.length < MAX_FOLLOWED) {
      this.#places.push({ index: this.#left + this.#state.queuedMessages, followed })
      followed.tell('queued')
    }
    this.#state.enqueue(message, terms)
  }

  /** The oldest message that can still be sent; it stays in the queue. Undefined when the queue is empty. */
  next(): Message | undefined {
    const state = this.#state
    while (state.queuedMessages > 0) {
      const message = state.peekNext()
      if (message !== undefined && !isExpired(message, this.#parts.clock)) return message
      this.#drop(message === undefined ? 'damaged' : 'expired')
    }
    return undefined
  }

  /** How the oldest message is followed, if it is. */
  get nextFollowed(): Followed | undefined {
    const place = this.#places[0]
    return place?.index === this.#left ? place.followed : undefined
  }

  /** The oldest message is in flight from now on. */
  start(packetId: number): Terms {
    this.#leave()
    return this.#state.startNext(packetId)
  }

  /** The oldest message is in other hands. */
  shift(): void {
    this.#leave()
    this.#state.dropNext()
  }

  /** From now on what waits is held by another state, which is empty. */
  moveTo(state: SessionState): void {
    const places: Place[] = []
    let moved = 0
    for (let message = this.next(); message !== undefined; message = this.next()) {
      const followed = this.nextFollowed
      if (followed !== undefined) places.push({ index: moved, followed })
      state.enqueue(message, termsOf(message.qos, false, NO_IDENTIFIERS))
      this.shift()
      moved++
    }
    this.#state = state
    this.#left = 0
    this.#places = places
  }

  /** Tells of all that wait that they are not delivered; their count is the owner's to drop. */
  tellAll(reason: DropReason): void {
    for (const { followed } of this.#places) followed.tell('dropped', reason)
    this.#places = []
  }

  #makeRoom(message: Message): void {
    while (this.#state.queuedMessages > 0 && this.#isTooMuch(message)) this.#drop('queue-full')
  }

  /** Drops the oldest message. */
  #drop(reason: DropReason): void {
    const followed = this.nextFollowed
    this.shift()
    this.#owner.drop(reason, 1)
    followed?.tell('dropped', reason)
  }

  #leave(): void {
    if (this.#places[0]?.index === this.#left) this.#places.shift()
    this.#left++
  }

  #isTooMuch(message: Message): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.#parts.limits
    const { queuedMessages, queuedBytes } = this.#state
    return queuedMessages >= maxQueuedMessages || queuedBytes + message.packetBytes > maxQueuedBytes
  }
}

/** Tells whether a message is no longer worth delivering. */
export function isExpired(message: Message, clock: Clock): boolean {
  return message.expiresAtMs !== 0 && message.expiresAtMs <= clock.nowMs()
}
