import type { Message } from '../protocol/message.ts'
import { isReservedTopic } from '../topics/reserved-topics.ts'
import { TopicNameTree } from '../topics/topic-names.ts'

/** How much may be retained; bytes are those of the PUBLISH packets. */
export interface RetainedLimits {
  readonly maxRetainedMessages: number
  readonly maxRetainedBytes: number
}

/**
 * The retained messages: the last one of each topic that was published with RETAIN. Those of the hub's own topics (`$SYS/…`)
 * stand apart: no limit is for them, and they are not among `count` and `bytes`.
 */
export class RetainedMessages {
  readonly #limits: RetainedLimits
  readonly #messages = new TopicNameTree<Message>()
  readonly #own = new TopicNameTree<Message>()
  readonly #expiring = new Set<string>()
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
    return this.#treeOf(topic).get(topic)
  }

  /**
   * Keeps a copy of the message in place of the one that its topic had [MQTT-3.3.1-5]; one without payload only removes that
   * [MQTT-3.3.1-10], [MQTT-3.3.1-11]. Returns the limit that it would pass, and then keeps what was there.
   */
  put(message: Message): keyof RetainedLimits | undefined {
    const { topic } = message
    const before = this.#messages.get(topic)
    if (message.payloadBytes === 0) {
      if (before !== undefined) this.#remove(before)
      return undefined
    }
    const limit = this.limitFor(message)
    if (limit !== undefined) return limit
    this.#set(message.keepRetained())
    return undefined
  }

  /** Keeps a copy of a message of the hub's own, or with an empty one forgets what its topic had. */
  putOwn(message: Message): void {
    if (message.payloadBytes === 0) this.#own.delete(message.topic)
    else this.#own.set(message.topic, message.keepRetained())
  }

  /** The limit that would be passed if this message were put. */
  limitFor({ topic, packetBytes, payloadBytes }: Message): keyof RetainedLimits | undefined {
    if (payloadBytes === 0) return undefined
    const before = this.#messages.get(topic)
    const { maxRetainedMessages, maxRetainedBytes } = this.#limits
    const growthBytes = packetBytes - (before?.packetBytes ?? 0)
    if (before === undefined && this.count >= maxRetainedMessages) return 'maxRetainedMessages'
    return this.#bytes + growthBytes > maxRetainedBytes ? 'maxRetainedBytes' : undefined
  }

  /** Takes up a kept message of the store, which was within the limits when it came. Keeps it, not a copy. */
  restore(message: Message): void {
    this.#set(message)
  }

  /** Topics whose message has an expiry, in the order they came. */
  get expiring(): Iterable<string> {
    return this.#expiring
  }

  /** Takes away the message of a topic. */
  remove(topic: string): void {
    const message = this.#messages.get(topic)
    if (message !== undefined) this.#remove(message)
  }

  /**
   * Walks the retained messages whose topic falls under a valid filter. `undefined` is a pause: go on in a later turn of the
   * event loop (see `TopicNameTree.matching`). Messages may come and go during the walk.
   */
  matching(filter: string): Generator<Message | undefined, void, undefined> {
    return this.#treeOf(filter).matching(filter)
  }

  /** No filter reaches both: one with a wildcard before `$SYS` does not match it [MQTT-4.7.2-1]. */
  #treeOf(topicOrFilter: string): TopicNameTree<Message> {
    return isReservedTopic(topicOrFilter) ? this.#own : this.#messages
  }

  #set(message: Message): void {
    const { topic, packetBytes } = message
    this.#bytes += packetBytes - (this.#messages.get(topic)?.packetBytes ?? 0)
    this.#messages.set(topic, message)
    if (message.expiresAtMs !== 0) this.#expiring.add(topic)
    else this.#expiring.delete(topic)
  }

  #remove(message: Message): void {
    this.#messages.delete(message.topic)
    this.#bytes -= message.packetBytes
    this.#expiring.delete(message.topic)
  }
}
