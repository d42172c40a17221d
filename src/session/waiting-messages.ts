// Hot path: `push` and `next` run per message that has to wait; measured by `npm run bench`, rows "kept".
import type { Clock } from '../observe/clock.ts'
import type { DropReason } from '../observe/ledger.ts'
import type { Message } from '../protocol/message.ts'
import type { SessionState, Terms } from '../store/store.ts'

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

/** A queue of a state, held to its limits: what does not fit, has expired or cannot be read any more is dropped and counted. */
export class WaitingMessages {
  readonly #owner: WaitingOwner
  readonly #state: SessionState
  readonly #limits: QueueLimits
  readonly #clock: Clock

  constructor(owner: WaitingOwner, state: SessionState, limits: QueueLimits, clock: Clock) {
    this.#owner = owner
    this.#state = state
    this.#limits = limits
    this.#clock = clock
  }

  get isEmpty(): boolean {
    return this.#state.queuedMessages === 0
  }

  push(message: Message, terms: Terms): void {
    if (this.#isTooMuch(message)) {
      const { queuePolicy } = this.#limits
      if (queuePolicy === 'drop-oldest') this.#makeRoom(message)
      if (this.#isTooMuch(message)) {
        this.#owner.drop('queue-full', 1)
        if (queuePolicy === 'disconnect') this.#owner.queueOverflowed()
        return
      }
    }
    this.#state.enqueue(message, terms)
  }

  /** The oldest message that can still be sent; it stays in the queue. Undefined when the queue is empty. */
  next(): Message | undefined {
    const state = this.#state
    while (state.queuedMessages > 0) {
      const message = state.peekNext()
      if (message !== undefined && !isExpired(message, this.#clock)) return message
      state.dropNext()
      this.#owner.drop(message === undefined ? 'damaged' : 'expired', 1)
    }
    return undefined
  }

  #makeRoom(message: Message): void {
    while (this.#state.queuedMessages > 0 && this.#isTooMuch(message)) {
      this.#state.dropNext()
      this.#owner.drop('queue-full', 1)
    }
  }

  #isTooMuch(message: Message): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.#limits
    const { queuedMessages, queuedBytes } = this.#state
    return queuedMessages >= maxQueuedMessages || queuedBytes + message.packetBytes > maxQueuedBytes
  }
}

/** Tells whether a message is no longer worth delivering. */
export function isExpired(message: Message, clock: Clock): boolean {
  return message.expiresAtMs !== 0 && message.expiresAtMs <= clock.nowMs()
}
