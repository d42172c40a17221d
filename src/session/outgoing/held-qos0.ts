import type { Followed } from '../../trails/trail.ts'
import type { Message } from '../../protocol/message.ts'
import { Fifo } from '../../base/fifo.ts'
import type { Terms } from '../../store/store.ts'

/** A QoS 0 message that waits. */
export interface HeldMessage {
  readonly message: Message
  readonly terms: Terms
  readonly followed: Followed | undefined
}

/** QoS 0 messages that wait until the past before them is sent, in their order and as many as may be queued for a client. */
export class HeldQos0 {
  readonly #limits: { readonly maxQueuedMessages: number; readonly maxQueuedBytes: number }
  readonly #messages = new Fifo<HeldMessage>()
  #bytes = 0

  constructor(limits: { readonly maxQueuedMessages: number; readonly maxQueuedBytes: number }) {
    this.#limits = limits
  }

  get size(): number {
    return this.#messages.length
  }

  /** Keeps a copy; false when there is no room. */
  push(message: Message, terms: Terms, followed: Followed | undefined): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.#limits
    if (this.size >= maxQueuedMessages || this.#bytes + message.packetBytes > maxQueuedBytes) return false
    this.#messages.push({ message: message.keep(), terms, followed })
    this.#bytes += message.packetBytes
    return true
  }

  shift(): HeldMessage | undefined {
    const held = this.#messages.shift()
    if (held !== undefined) this.#bytes -= held.message.packetBytes
    return held
  }
}
