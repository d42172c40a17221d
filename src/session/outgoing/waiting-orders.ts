// Hot path: `QueueInState` runs per message that has to wait; measured by `npm run bench`, rows "kept".
import type { MemoryAccount } from '../../base/memory-account.ts'
import { hold, letGo } from '../../store/memory/held-messages.ts'
import { Fifo } from '../../base/fifo.ts'
import type { Message } from '../../protocol/message.ts'
import { MessageQueue, type QueuedMessage } from '../../store/memory/message-queue.ts'
import type { SessionState, Terms } from '../../store/store.ts'
import type { Followed } from '../../trails/trail.ts'
import type { WaitingOrder } from './waiting-room.ts'

/** A kept message that waits in memory. */
export interface WaitingMessage extends QueuedMessage {
  readonly followed: Followed | undefined
}

/** Messages that are followed in one queue of a state. */
const MAX_FOLLOWED = 256

/** First in, first out, in the state of a session or of a shared subscription: in memory or on disk, as its store has it. */
export class QueueInState implements WaitingOrder<void> {
  readonly state: SessionState
  /** Messages that have left since the queue was opened. */
  #left = 0
  /** Followed messages, each with how many had been before it since the queue was opened: the state does not hold them. */
  #followed: Fifo<{ readonly place: number; readonly followed: Followed }> | undefined = undefined

  constructor(state: SessionState) {
    this.state = state
  }

  get messages(): number {
    return this.state.queuedMessages
  }

  get bytes(): number {
    return this.state.queuedBytes
  }

  get isInMemory(): boolean {
    return this.state.isInMemory === true
  }

  replacedBy(): undefined {}

  push(message: Message, terms: Terms, followed: Followed | undefined): void {
    if (followed !== undefined) this.#follow(followed)
    this.state.enqueue(message, terms)
  }

  get next(): Message | undefined {
    return this.state.peekNext()
  }

  get nextFollowed(): Followed | undefined {
    const first = this.#followed?.first
    return first?.place === this.#left ? first.followed : undefined
  }

  shift(): void {
    this.#leave()
    this.state.dropNext()
  }

  /** In place of `shift`: the message is in flight from now on. */
  start(packetId: number): Terms {
    this.#leave()
    return this.state.startNext(packetId)
  }

  *allFollowed(): Generator<Followed, void, undefined> {
    const all = this.#followed
    if (all === undefined) return
    for (let one = all.shift(); one !== undefined; one = all.shift()) yield one.followed
  }

  #follow(followed: Followed): void {
    this.#followed ??= new Fifo()
    if (this.#followed.length >= MAX_FOLLOWED) return
    this.#followed.push({ place: this.#left + this.messages, followed })
    followed.tell('queued')
  }

  #leave(): void {
    if (this.#followed?.first?.place === this.#left) this.#followed.shift()
    this.#left++
  }
}

/** First in, first out, in memory. */
export class QueueInMemory implements WaitingOrder<WaitingMessage | undefined> {
  readonly isInMemory = true
  readonly #queue = new MessageQueue<WaitingMessage>()
  readonly #memory: MemoryAccount

  constructor(memory: MemoryAccount) {
    this.#memory = memory
  }

  get messages(): number {
    return this.#queue.length
  }

  get bytes(): number {
    return this.#queue.bytes
  }

  replacedBy(): undefined {}

  push(message: Message, terms: Terms, followed: Followed | undefined): void {
    const kept = message.keep()
    hold(this.#memory, kept)
    this.#queue.push({ message: kept, terms, followed })
    followed?.tell('queued')
  }

  get next(): Message | undefined {
    return this.#queue.first?.message
  }

  get nextFollowed(): Followed | undefined {
    return this.#queue.first?.followed
  }

  shift(): WaitingMessage | undefined {
    const first = this.#queue.shift()
    if (first !== undefined) letGo(this.#memory, first.message)
    return first
  }

  *allFollowed(): Generator<Followed, void, undefined> {
    for (let one = this.shift(); one !== undefined; one = this.shift())
      if (one.followed !== undefined) yield one.followed
  }
}

/** Only the newest message of each topic, in memory; the topic that has been silent for longest leaves first. */
export class NewestOfTopic implements WaitingOrder<WaitingMessage | undefined> {
  readonly isInMemory = true
  readonly #byTopic = new Map<string, WaitingMessage>()
  readonly #memory: MemoryAccount
  #bytes = 0

  constructor(memory: MemoryAccount) {
    this.#memory = memory
  }

  get messages(): number {
    return this.#byTopic.size
  }

  get bytes(): number {
    return this.#bytes
  }

  replacedBy({ topic }: Message): WaitingMessage | undefined {
    return this.#byTopic.get(topic)
  }

  push(message: Message, terms: Terms, followed: Followed | undefined): void {
    const { topic } = message
    const replaced = this.#byTopic.get(topic)
    this.#bytes += message.packetBytes - (replaced === undefined ? 0 : replaced.message.packetBytes)
    // Deleted first, so that the topic stands behind those that were heard of before it.
    this.#byTopic.delete(topic)
    if (replaced !== undefined) letGo(this.#memory, replaced.message)
    const kept = message.keep()
    hold(this.#memory, kept)
    this.#byTopic.set(topic, { message: kept, terms, followed })
    followed?.tell('queued')
  }

  get next(): Message | undefined {
    return this.#first?.message
  }

  get nextFollowed(): Followed | undefined {
    return this.#first?.followed
  }

  shift(): WaitingMessage | undefined {
    const first = this.#first
    if (first === undefined) return undefined
    this.#byTopic.delete(first.message.topic)
    this.#bytes -= first.message.packetBytes
    letGo(this.#memory, first.message)
    return first
  }

  *allFollowed(): Generator<Followed, void, undefined> {
    for (const { message, followed } of this.#byTopic.values()) {
      letGo(this.#memory, message)
      if (followed !== undefined) yield followed
    }
    this.#byTopic.clear()
  }

  get #first(): WaitingMessage | undefined {
    for (const first of this.#byTopic.values()) return first
    return undefined
  }
}
