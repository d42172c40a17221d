import type { Message } from '../protocol/message.ts'
import type { QoS } from '../protocol/packet-types.ts'
import { Fifo } from './fifo.ts'

/** A kept message that waits, and the QoS it is to be sent at. */
export interface QueuedMessage {
  readonly message: Message
  readonly qos: QoS
}

/** A queue in memory, counted in messages and bytes. */
export class MessageQueue {
  readonly #messages = new Fifo<QueuedMessage>()
  #bytes = 0

  get length(): number {
    return this.#messages.length
  }

  get bytes(): number {
    return this.#bytes
  }

  get first(): QueuedMessage | undefined {
    return this.#messages.first
  }

  push(queued: QueuedMessage): void {
    this.#messages.push(queued)
    this.#bytes += queued.message.packetBytes
  }

  shift(): QueuedMessage | undefined {
    const queued = this.#messages.shift()
    if (queued !== undefined) this.#bytes -= queued.message.packetBytes
    return queued
  }
}
