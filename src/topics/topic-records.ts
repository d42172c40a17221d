// Hot path: a record is read and written per message; measured by `npm run bench`, rows with topics at random.
import type { MemoryAccount } from '../base/memory-account.ts'
import { unboundedMemory } from '../base/memory-budget.ts'
import { idleMemory } from './idle-memory.ts'

/** A topic by its place in the table: 1 to the most topics there may be; 0 is none. Of no use once the topic is forgotten. */
export type TopicNumber = number

/** Integers of a record in `hot`: 64 bytes, all that a message needs. The first six are the three numbers of `floats`. */
export const HOT_FIELDS = 16
export const HASH = 6
/** Where the blob of the topic lies in the log; of a record that is free, the next free one. */
export const AT = 7
/** Bytes of the name, and of the payload that is kept in the upper half. */
export const SIZES = 8
export const LAST_PAYLOAD_BYTES = 9
/** QoS and RETAIN of the last message, and the bits below. */
export const FLAGS = 10
export const PUBLISHER = 11
/** For whoever matches topics with subscriptions: what matched, and after how many changes of subscriptions. */
export const MATCH_SET = 12
export const SEEN_CHANGES = 13
/** See `RecordTag`. */
export const TAG = 14
/** Of the last message, in the buffer that is being handled. */
export const PAYLOAD_START = 15

/** Numbers of a record in `floats`, which lie where its first integers do. */
export const HOT_FLOATS = 8
export const MESSAGES = 0
export const BYTES = 1
export const LAST_AT_MS = 2

/** Integers of a record in `cold`: 32 bytes that most messages do not need. The first two are the number of `coldFloats`. */
export const COLD_FIELDS = 8
/** What had been counted, in the lower 32 bits, when the current ten seconds of the topic began. */
export const MESSAGES_AT_WINDOW = 2
export const BYTES_AT_WINDOW = 3
/** What was counted in the ten seconds before. */
export const MESSAGES_BEFORE = 4
export const BYTES_BEFORE = 5
export const FOLLOWED_MESSAGES = 6
/** Which record it is of all that ever were, in 32 bits: another one may have its number later. */
export const BORN = 7

/** Numbers of a record in `coldFloats`. */
export const COLD_FLOATS = 4
export const RETAINED_AT_MS = 0

export const QOS_BITS = 3
export const RETAIN_FLAG = 1 << 2
/** One of the messages that came since the record was settled was to be retained. */
export const RETAINED_SINCE_FLAG = 1 << 3
/** Only the hub speaks there. */
export const RESERVED_FLAG = 1 << 4
/** It was looked for since its blob was last at the tail of the log. */
export const USED_FLAG = 1 << 5
/** It is in the list of those to be settled. */
export const DIRTY_FLAG = 1 << 6
/** It is in the list of those that changed. */
export const CHANGED_FLAG = 1 << 7
export const VERSION5_FLAG = 1 << 8
/** The record is that of a topic. */
export const LIVE_FLAG = 1 << 9
/** A message was counted. */
export const COUNTED_FLAG = 1 << 10

/** With its share of the index. */
const RECORD_BYTES = 4 * (HOT_FIELDS + COLD_FIELDS) + 24
/** Records that are taken into use at a time. */
const GROWTH_RECORDS = 1024

/** A topic that has no blob yet. */
const NOWHERE = -1

/**
 * The records of topics, in typed arrays: nothing for the garbage collector to walk. All of it is allocated at once and takes
 * memory as it is used (`idleMemory`).
 */
export class TopicRecords {
  readonly maxTopics: number
  readonly hot: Int32Array
  readonly floats: Float64Array
  readonly cold: Int32Array
  readonly coldFloats: Float64Array
  /** The first free record below `#next`; the others follow by AT. */
  #free = 0
  #next = 1
  #taken = 0
  /** There is memory for those that have a lower number. */
  #end: number
  readonly #memory: MemoryAccount

  /** Record 0 is that of no topic. What is used counts for `memory`. */
  constructor(maxTopics: number, memory = unboundedMemory().topics) {
    this.maxTopics = maxTopics
    this.#memory = memory
    this.#end = Math.min(maxTopics + 1, GROWTH_RECORDS)
    memory.take(this.#end * RECORD_BYTES, 0)
    const hotFields = (maxTopics + 1) * HOT_FIELDS
    const coldFields = (maxTopics + 1) * COLD_FIELDS
    const hot = idleMemory(hotFields * 4)
    const cold = idleMemory(coldFields * 4)
    this.hot = new Int32Array(hot, 0, hotFields)
    this.floats = new Float64Array(hot, 0, hotFields / 2)
    this.cold = new Int32Array(cold, 0, coldFields)
    this.coldFloats = new Float64Array(cold, 0, coldFields / 2)
  }

  get isFull(): boolean {
    return this.#free === 0 && this.#next === this.#end && !this.#extend()
  }

  /** Has room for more, if there is memory for that. */
  #extend(): boolean {
    const records = Math.min(GROWTH_RECORDS, this.maxTopics + 1 - this.#end)
    if (records === 0) return false
    if (!this.#memory.mayTake(records * RECORD_BYTES, 0)) {
      this.#memory.refuse()
      return false
    }
    this.#memory.take(records * RECORD_BYTES, 0)
    this.#end += records
    return true
  }

  /** All that were ever in use have a lower number. */
  get end(): number {
    return this.#next
  }

  /** A record with nothing in it but LIVE_FLAG, and no blob. There must be one: `isFull`. */
  take(): TopicNumber {
    let number = this.#free
    if (number === 0) {
      number = this.#next++
    } else {
      this.#free = this.hot[number * HOT_FIELDS + AT] ?? 0
      this.hot.fill(0, number * HOT_FIELDS, (number + 1) * HOT_FIELDS)
      this.cold.fill(0, number * COLD_FIELDS, (number + 1) * COLD_FIELDS)
    }
    this.cold[number * COLD_FIELDS + BORN] = ++this.#taken
    this.hot[number * HOT_FIELDS + FLAGS] = LIVE_FLAG
    this.hot[number * HOT_FIELDS + AT] = NOWHERE
    return number
  }

  /** The record may be taken again, for another topic. Until then its flags are 0. */
  release(number: TopicNumber): void {
    this.hot[number * HOT_FIELDS + FLAGS] = 0
    this.hot[number * HOT_FIELDS + AT] = this.#free
    this.#free = number
  }

  /** Tells records of one number apart, see `BORN`. */
  born(number: TopicNumber): number {
    return this.cold[number * COLD_FIELDS + BORN] ?? 0
  }

  flags(number: TopicNumber): number {
    return this.hot[number * HOT_FIELDS + FLAGS] ?? 0
  }

  /** Whether the record is that of a topic which had a message and is not the hub's own: what people are shown. */
  isCounted(number: TopicNumber): boolean {
    return (this.flags(number) & COUNTED_FLAG) !== 0
  }

  /** Adds to the messages of the topic that were followed. */
  addFollowed(number: TopicNumber, messages: number): void {
    const field = number * COLD_FIELDS + FOLLOWED_MESSAGES
    this.cold[field] = (this.cold[field] ?? 0) + messages
  }

  followedMessages(number: TopicNumber): number {
    return (this.cold[number * COLD_FIELDS + FOLLOWED_MESSAGES] ?? 0) >>> 0
  }

  setFlag(number: TopicNumber, flag: number): void {
    this.hot[number * HOT_FIELDS + FLAGS] = this.flags(number) | flag
  }

  clearFlag(number: TopicNumber, flag: number): void {
    this.hot[number * HOT_FIELDS + FLAGS] = this.flags(number) & ~flag
  }

  messages(number: TopicNumber): number {
    return this.floats[number * HOT_FLOATS + MESSAGES] ?? 0
  }

  bytes(number: TopicNumber): number {
    return this.floats[number * HOT_FLOATS + BYTES] ?? 0
  }

  lastAtMs(number: TopicNumber): number {
    return this.floats[number * HOT_FLOATS + LAST_AT_MS] ?? 0
  }
}
