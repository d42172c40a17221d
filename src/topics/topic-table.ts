// Hot path: `resolve` runs per PUBLISH; measured by `npm run bench`, all throughput rows.
import { unboundedMemory } from '../base/memory-budget.ts'
import { isUtf8 } from 'node:buffer'
import { randomInt } from 'node:crypto'
import type { TopicLimits } from '../protocol/topic.ts'
import { isReservedName } from './reserved-topics.ts'
import { hashName } from './topic-hash.ts'
import { type IndexedNames, TopicIndex } from './topic-index.ts'
import { type LogOwner, TopicLog } from './topic-log.ts'
import {
  FLAGS,
  HASH,
  HOT_FIELDS,
  LIVE_FLAG,
  RESERVED_FLAG,
  type TopicNumber,
  TopicRecords,
  USED_FLAG,
} from './topic-records.ts'

/** How large a topic name may be, and how much may be known of topics. */
export interface TableLimits extends TopicLimits {
  /** Topics that are known at once. */
  readonly maxTopics: number
  /** For their names and last payloads. */
  readonly maxTopicMemoryBytes: number
}

/** Who keeps something of topics by their numbers. */
export interface TableOwner {
  /** The topic is being forgotten: its number is free for another from now on. Its record is still what it was. */
  forget(number: TopicNumber): void
}

const EMPTY = Buffer.alloc(0)
const PLUS = 0x2b
const HASH_SIGN = 0x23
const SLASH = 0x2f

/**
 * The topics that were published to, each with a number that stands for it: found by the bytes in a packet, so that a PUBLISH needs
 * neither a string nor an object. Bounded in topics and in bytes: whoever was silent for longest is forgotten, at a small cost each.
 *
 * A number is good until the next `resolve`; who keeps it for longer is told when its topic is forgotten, or compares `forgotten`.
 */
export class TopicTable implements IndexedNames, LogOwner {
  readonly records: TopicRecords
  readonly log: TopicLog
  /** Topics that were forgotten so far. */
  forgotten = 0
  readonly #index: TopicIndex
  readonly #limits: TableLimits
  readonly #owner: TableOwner
  readonly #seed: number
  /** The buffer that was looked at last, until `letGo`. */
  #bytes: Buffer = EMPTY
  #view: DataView = new DataView(EMPTY.buffer, EMPTY.byteOffset, 0)

  /** The `seed` of hashes is not for others to know. */
  constructor(limits: TableLimits, owner: TableOwner, seed = randomInt(2 ** 31), memory = unboundedMemory().topics) {
    this.#limits = limits
    this.#owner = owner
    this.#seed = seed
    this.records = new TopicRecords(limits.maxTopics, memory)
    this.log = new TopicLog(this.records, limits.maxTopicMemoryBytes, this, memory)
    this.#index = new TopicIndex(limits.maxTopics, this)
  }

  /**
   * The number of the topic name `bytes[start, end)`, or 0 if that is no valid one. A new topic gets room for a payload of
   * `payloadBytes`.
   */
  resolve(bytes: Buffer, start: number, end: number, payloadBytes: number): TopicNumber {
    const view = this.view(bytes)
    const hash = hashName(bytes, view, start, end, this.#seed)
    let number = this.#index.find(hash, bytes, view, start, end)
    if (number === 0) {
      if (!this.#isValid(bytes, start, end)) return 0
      number = this.#add(hash, bytes, start, end, payloadBytes)
    } else {
      this.records.setFlag(number, USED_FLAG)
    }
    this.log.pinned = number
    return number
  }

  /** The number of a topic if it is known, else 0. */
  find(topic: string): TopicNumber {
    const bytes = Buffer.from(topic)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const hash = hashName(bytes, view, 0, bytes.length, this.#seed)
    return this.#index.find(hash, bytes, view, 0, bytes.length)
  }

  isReserved(number: TopicNumber): boolean {
    return (this.records.flags(number) & RESERVED_FLAG) !== 0
  }

  /** A view of a buffer: the same one as long as it is asked for the same buffer. */
  view(bytes: Buffer): DataView {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    }
    return this.#view
  }

  /** The buffer that was looked at last is not needed any more. */
  letGo(): void {
    this.#bytes = EMPTY
  }

  isName(number: TopicNumber, bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    return this.log.isName(number, bytes, view, start, end)
  }

  displaced(number: TopicNumber): void {
    this.forgotten++
    this.#owner.forget(number)
    this.records.release(number)
  }

  evict(number: TopicNumber): void {
    this.#index.remove(this.records.hot[number * HOT_FIELDS + HASH] ?? 0, number)
    this.displaced(number)
  }

  #add(hash: number, bytes: Buffer, start: number, end: number, payloadBytes: number): TopicNumber {
    const { log, records } = this
    log.pinned = 0
    while (records.isFull) log.advance()
    const number = records.take()
    const record = number * HOT_FIELDS
    records.hot[record + HASH] = hash
    if (isReservedName(bytes, start, end)) records.hot[record + FLAGS] = LIVE_FLAG | RESERVED_FLAG
    log.add(number, bytes, start, end, payloadBytes)
    this.#index.add(hash, number)
    return number
  }

  /** As `topicNameFault` has it. */
  #isValid(bytes: Buffer, start: number, end: number): boolean {
    const { maxTopicBytes, maxTopicLevels } = this.#limits
    if (start === end || end - start > maxTopicBytes) return false
    let all = 0
    let levels = 1
    for (let at = start; at < end; at++) {
      const byte = bytes[at] ?? 0
      if (byte === 0 || byte === PLUS || byte === HASH_SIGN) return false
      if (byte === SLASH) levels++
      all |= byte
    }
    return levels <= maxTopicLevels && (all < 0x80 || isUtf8(bytes.subarray(start, end)))
  }
}
