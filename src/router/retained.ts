import type { Message } from '../protocol/message.ts'
import { TopicNameTree } from './topic-names.ts'

/** How much may be retained; bytes are those of the PUBLISH packets. */
export interface RetainedLimits {
  readonly maxRetainedMessages: number
  readonly maxRetainedBytes: number
}

/** The retained messages: the last one of each topic that was published with RETAIN. */
export class RetainedMessages {
  readonly #limits: RetainedLimits
  readonly #messages = new TopicNameTree<Message>()
  #bytes = 0

  constructor(limits: RetainedLimits) {
    this.#limits = limits
  }

  get count(): number {
    return this.#messages.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get(topic: string): Message | undefined {
    return this.#messages.get(topic)
  }

  /**
   * Keeps a copy of the message in place of the one that its topic had [MQTT-3.3.1-5]; one without payload only removes that
   * [MQTT-3.3.1-10], [MQTT-3.3.1-11]. Returns the limit that it would pass, and then keeps what was there.
   */
  put(message: Message): keyof RetainedLimits | undefined {
    const { topic, packetBytes } = message
    const before = this.#messages.get(topic)
    if (message.payloadBytes === 0) {
      if (before !== undefined) this.#remove(before)
      return undefined
    }
    const { maxRetainedMessages, maxRetainedBytes } = this.#limits
    const growthBytes = packetBytes - (before?.packetBytes ?? 0)
    if (before === undefined && this.count >= maxRetainedMessages) return 'maxRetainedMessages'
    if (this.#bytes + growthBytes > maxRetainedBytes) return 'maxRetainedBytes'
    this.#messages.set(topic, message.keepRetained())
    this.#bytes += growthBytes
    return undefined
  }

  /** Takes up a kept message of the store, which was within the limits when it came. Keeps it, not a copy. */
  restore(message: Message): void {
    this.#messages.set(message.topic, message)
    this.#bytes += message.packetBytes
  }

  /**
   * Walks the retained messages whose topic falls under a valid filter. `undefined` is a pause: go on in a later turn of the
   * event loop (see `TopicNameTree.matching`). Messages may come and go during the walk.
   */
  matching(filter: string): Generator<Message | undefined, void, undefined> {
    return this.#messages.matching(filter)
  }

  #remove(message: Message): void {
    this.#messages.delete(message.topic)
    this.#bytes -= message.packetBytes
  }
}
