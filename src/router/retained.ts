// Hot path: `put` runs per retained message; measured by `npm run bench`, rows "retained".
import { hasWildcard } from '../protocol/topic.ts'
import type { Message } from '../protocol/message.ts'
import { isReservedTopic } from '../topics/reserved-topics.ts'
import { TopicNameTree } from '../topics/topic-names.ts'
import type { RetainedNumber } from './retained-records.ts'
import { RetainedTable } from './retained-table.ts'

/** How much may be retained; bytes are those of the PUBLISH packets. */
export interface RetainedLimits {
  readonly maxRetainedMessages: number
  readonly maxRetainedBytes: number
}

/** Whoever connects can make himself one, and what one says of itself is a digit: together they take little. */
const MAX_BRIDGES = 1000
const MAX_STATE_BYTES = 1024

/**
 * The retained messages: the last one of each topic that was published with RETAIN. Those of the hub's own topics (`$SYS/…`)
 * and what bridges say of themselves stand apart: the limits are not for them, and they are not among `count` and `bytes`.
 */
export class RetainedMessages {
  readonly #limits: RetainedLimits
  readonly #table: RetainedTable
  readonly #own = new TopicNameTree<Message>()
  /** Topics where bridges have said their state. */
  readonly #bridges = new Set<string>()

  constructor(limits: RetainedLimits) {
    this.#limits = limits
    this.#table = new RetainedTable(limits.maxRetainedMessages)
  }

  get count(): number {
    return this.#table.count
  }

  /** Of the packets. */
  get bytes(): number {
    return this.#table.packetsBytes
  }

  /** The memory that they take, with what is free or dead in it. */
  get heldBytes(): number {
    return this.#table.heldBytes
  }

  /** A copy of the message of a topic. */
  get(topic: string): Message | undefined {
    if (isReservedTopic(topic)) return this.#own.get(topic)
    const number = this.#table.find(topic)
    return number === 0 ? undefined : this.#table.message(number)
  }

  has(topic: string): boolean {
    return isReservedTopic(topic) ? this.#own.get(topic) !== undefined : this.#table.find(topic) !== 0
  }

  /**
   * Keeps a copy of the message in place of the one that its topic had [MQTT-3.3.1-5]; one without payload only removes that
   * [MQTT-3.3.1-10], [MQTT-3.3.1-11]. Returns the limit that it would pass, and then keeps what was there.
   */
  put(message: Message): keyof RetainedLimits | undefined {
    const known = this.#table.findOf(message)
    if (message.payloadBytes === 0) {
      if (known !== 0) this.#table.remove(known)
      return undefined
    }
    const limit = this.#limitFor(message, known)
    if (limit !== undefined) return limit
    // The hub's limit on waiting is for queues: a retained message goes only when its publisher said so [MQTT5-3.3.2-5].
    this.#table.put(message, known, message.isExpiryForwarded ? message.expiresAtMs : 0)
    return undefined
  }

  /**
   * Keeps a copy of a message of the hub's own, or of the state of a bridge, or with an empty one forgets what its topic had. False:
   * it is a bridge's, and there are too many, or it is too long.
   */
  putOwn(message: Message): boolean {
    const { topic, publisher } = message
    if (message.payloadBytes === 0) {
      this.#own.delete(topic)
      this.#bridges.delete(topic)
      return true
    }
    if (publisher !== undefined) {
      if (message.packetBytes > MAX_STATE_BYTES) return false
      if (!this.#bridges.has(topic) && this.#bridges.size >= MAX_BRIDGES) return false
      this.#bridges.add(topic)
    }
    this.#own.set(topic, message.keepRetained())
    return true
  }

  /** The limit that would be passed if this message were put. */
  limitFor(message: Message): keyof RetainedLimits | undefined {
    return message.payloadBytes === 0 ? undefined : this.#limitFor(message, this.#table.findOf(message))
  }

  /** Takes up a message of the store, which was within the limits when it came. */
  restore(message: Message): void {
    this.#table.put(message, this.#table.findOf(message), message.expiresAtMs)
  }

  /** Takes away a message that has expired. Returns its topic; undefined when none is left that has. */
  removeExpired(nowMs: number): string | undefined {
    const number = this.#table.firstExpired(nowMs)
    if (number === 0) return undefined
    const topic = this.#table.topic(number)
    this.#table.remove(number)
    return topic
  }

  /**
   * Walks the retained messages whose topic falls under a valid filter, in the order of their topics, from the first behind the topic
   * `after` on. `undefined` is a pause: go on in a later turn of the event loop. Messages may come and go during the walk
   * (see `NameWalk.numbers`). Each is a copy. Those of the hub's own come in the order in which the hub says them. What `shows` is
   * false of is passed by.
   */
  *matching(
    filter: string,
    after?: string,
    shows?: (topic: string) => boolean,
  ): Generator<Message | undefined, void, undefined> {
    // No filter reaches both: one with a wildcard before `$SYS` does not match it [MQTT-4.7.2-1].
    if (isReservedTopic(filter)) {
      for (const message of this.#own.matching(filter)) {
        const isAfter = message === undefined || after === undefined || message.topic > after
        if (isAfter && (message === undefined || (shows?.(message.topic) ?? true))) yield message
      }
      return
    }
    const table = this.#table
    if (after === undefined && !hasWildcard(filter)) {
      const number = table.find(filter)
      if (number !== 0 && (shows?.(filter) ?? true)) yield table.message(number)
      return
    }
    for (const number of table.numbers(filter, after)) {
      if (number === 0) yield undefined
      else if (shows?.(table.topic(number)) ?? true) yield table.message(number)
    }
  }

  /** The bytes of each message that `shows` is true of, but for those of topics that begin with `$`; `undefined` is a pause. */
  *sizes(shows: (topic: string) => boolean): Generator<number | undefined, void, undefined> {
    const table = this.#table
    for (const number of table.numbers('#', undefined)) {
      if (number === 0) yield undefined
      else if (shows(table.topic(number))) yield table.packetBytes(number)
    }
  }

  /** The same, or undefined where one look tells that there are none: most clients subscribe to topics of which nothing is retained. */
  matchingIfAny(filter: string): Generator<Message | undefined, void, undefined> | undefined {
    return hasWildcard(filter) || this.has(filter) ? this.matching(filter) : undefined
  }

  #limitFor({ packetBytes }: Message, known: RetainedNumber): keyof RetainedLimits | undefined {
    const { maxRetainedMessages, maxRetainedBytes } = this.#limits
    if (known === 0 && this.count >= maxRetainedMessages) return 'maxRetainedMessages'
    const growthBytes = packetBytes - (known === 0 ? 0 : this.#table.packetBytes(known))
    return this.bytes + growthBytes > maxRetainedBytes ? 'maxRetainedBytes' : undefined
  }
}
