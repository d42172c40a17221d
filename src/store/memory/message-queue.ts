import type { Message } from '../../protocol/message.ts'
import { Fifo } from '../../base/fifo.ts'
import type { Terms } from '../store.ts'

/** A kept message that waits, and how it is to be sent. */
export interface QueuedMessage {
  readonly message: Message
  readonly terms: Terms
}

/** A queue in memory, counted in messages and bytes. */
export class MessageQueue<T extends QueuedMessage = QueuedMessage> {
  readonly #messages = new Fifo<T>()
  #bytes = 0

  get length(): number {
    return this.#messages.length
  }

  get bytes(): number {
    return this.#bytes
  }

  get first(): T | undefined {
    return this.#messages.first
  }

  push(queued: T): void {
    this.#messages.push(queued)
    this.#bytes += queued.message.packetBytes
  }

  shift(): T | undefined {
    const queued = this.#messages.shift()
    if (queued !== undefined) this.#bytes -= queued.message.packetBytes
    return queued
  }
}
