// Hot path: `isName` runs per PUBLISH, `keepPayload` for each topic in a chunk; measured by `npm run bench`, rows with topics at random.
import type { MemoryAccount } from '../base/memory-account.ts'
import { unboundedMemory } from '../base/memory-budget.ts'
import { countedMemory } from './idle-memory.ts'
import { lastWord } from './topic-hash.ts'
import {
  AT,
  FLAGS,
  HOT_FIELDS,
  LIVE_FLAG,
  SIZES,
  type TopicNumber,
  type TopicRecords,
  USED_FLAG,
} from './topic-records.ts'

/** How much of a payload is kept. */
export const KEPT_PAYLOAD_BYTES = 512
/** The number of the topic, or 0, and the size of the blob. */
const HEADER_BYTES = 8
/** Topics in use that are kept in a row before one is forgotten: what a new topic costs has a bound. */
const MAX_MOVES = 32
/** From here on the engine copies faster than a loop does. */
const LONG_BYTES = 200

/** How much of the ring is taken into use at a time; three of the largest blobs fit into it. */
const GROWTH_BYTES = 256 * 1024

/** Who forgets topics. */
export interface LogOwner {
  /** The blob of the topic is gone: forget it. */
  evict(number: TopicNumber): void
}

/**
 * The names of topics, and the last payload of each: a ring of bytes in which each topic has one blob, found by AT of its record.
 *
 *   1. It never takes more than its bytes. Where there is no room, the oldest blob gives way: of a topic that was in use since it
 *      was written (USED_FLAG) it is written once more at the front, else the topic is forgotten (`LogOwner.evict`). So whoever was
 *      silent for longest goes first, more or less, for no more than 32 copies at a time.
 *   2. A payload that has room in the blob is overwritten in it; else the topic has a new blob, and the old one is dead.
 *   3. A topic that is `pinned`, or is written at the moment, is not forgotten.
 *
 * It must have room for three of the largest blobs.
 */
export class TopicLog {
  /** For whom a number is in use right now. */
  pinned: TopicNumber = 0
  readonly #records: TopicRecords
  readonly #owner: LogOwner
  readonly #bytes: Buffer
  readonly #words: Int32Array
  readonly #memory: MemoryAccount
  /** So much of the ring is in use yet. It grows where it would else begin anew. */
  #length: number
  #head = 0
  #tail = 0
  #usedBytes = 0
  #moves = 0
  #written: TopicNumber = 0

  /** `logBytes` is rounded down to a multiple of 8. What is used of them counts for `memory`. */
  constructor(records: TopicRecords, logBytes: number, owner: LogOwner, memory = unboundedMemory().topics) {
    this.#records = records
    this.#owner = owner
    const size = logBytes - (logBytes % 8)
    const ring = countedMemory(size)
    this.#bytes = Buffer.from(ring, 0, size)
    this.#words = new Int32Array(ring, 0, size / 4)
    this.#memory = memory
    this.#length = Math.min(size, GROWTH_BYTES)
    memory.take(this.#length, 0)
  }

  /** Blobs, also dead ones. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Takes up the name `bytes[start, end)` of a topic that has no blob, with room for a payload. */
  add(number: TopicNumber, bytes: Uint8Array, start: number, end: number, payloadBytes: number): void {
    const nameBytes = end - start
    const at = this.#take(number, nameBytes, payloadBytes) + HEADER_BYTES
    const { hot } = this.#records
    hot[number * HOT_FIELDS + AT] = at - HEADER_BYTES
    hot[number * HOT_FIELDS + SIZES] = nameBytes
    const words = this.#words
    const lastAt = at + (nameBytes & ~3)
    if (lastAt < at + nameBytes) words[lastAt >> 2] = 0
    const own = this.#bytes
    for (let i = 0; i < nameBytes; i++) own[at + i] = bytes[start + i] ?? 0
  }

  /** Whether `bytes[start, end)`, of which `view` is a view as well, is the name of the topic. */
  isName(number: TopicNumber, bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    const { hot } = this.#records
    const record = number * HOT_FIELDS
    if (((hot[record + SIZES] ?? 0) & 0xffff) !== end - start) return false
    const words = this.#words
    let word = ((hot[record + AT] ?? 0) + HEADER_BYTES) >> 2
    let at = start
    for (; at + 4 <= end; at += 4) if (words[word++] !== view.getInt32(at, true)) return false
    return at === end || words[word] === lastWord(bytes, at, end)
  }

  /** Keeps what there is room for of the payload `bytes[start, start + payloadBytes)` in place of the one before. */
  keepPayload(number: TopicNumber, bytes: Buffer, view: DataView, start: number, payloadBytes: number): void {
    const { hot } = this.#records
    const record = number * HOT_FIELDS
    const kept = Math.min(payloadBytes, KEPT_PAYLOAD_BYTES)
    const nameBytes = (hot[record + SIZES] ?? 0) & 0xffff
    const nameRoom = (nameBytes + 3) & ~3
    let at = hot[record + AT] ?? 0
    if (kept > (this.#words[(at >> 2) + 1] ?? 0) - HEADER_BYTES - nameRoom) at = this.#replace(number, nameBytes, kept)
    hot[record + SIZES] = nameBytes | (kept << 16)
    const to = at + HEADER_BYTES + nameRoom
    if (kept > LONG_BYTES) {
      bytes.copy(this.#bytes, to, start, start + kept)
      return
    }
    const words = this.#words
    const wholeBytes = kept & ~3
    for (let i = 0; i < wholeBytes; i += 4) words[(to + i) >> 2] = view.getInt32(start + i, true)
    for (let i = wholeBytes; i < kept; i++) this.#bytes[to + i] = bytes[start + i] ?? 0
  }

  /** Has the oldest blob give way or move, whatever room there is. There must be one. */
  advance(): void {
    const length = this.#length
    const { hot } = this.#records
    const at = this.#tail
    const number = this.#words[at >> 2] ?? 0
    const size = this.#words[(at >> 2) + 1] ?? 0
    this.#tail = at + size === length ? 0 : at + size
    this.#usedBytes -= size
    const record = number * HOT_FIELDS
    const flags = hot[record + FLAGS] ?? 0
    if (number === 0 || (flags & LIVE_FLAG) === 0 || hot[record + AT] !== at) return
    const isKept = number === this.pinned || number === this.#written
    if (isKept || ((flags & USED_FLAG) !== 0 && this.#moves < MAX_MOVES)) {
      hot[record + FLAGS] = flags & ~USED_FLAG
      this.#moves++
      this.#move(record, at, size)
    } else {
      this.#moves = 0
      this.#owner.evict(number)
    }
  }

  name(number: TopicNumber): string {
    const start = this.nameStart(number)
    return this.#bytes.toString('utf8', start, start + this.nameBytes(number))
  }

  /** The bytes in which the names lie. They change with every other call. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  nameStart(number: TopicNumber): number {
    return (this.#records.hot[number * HOT_FIELDS + AT] ?? 0) + HEADER_BYTES
  }

  nameBytes(number: TopicNumber): number {
    return (this.#records.hot[number * HOT_FIELDS + SIZES] ?? 0) & 0xffff
  }

  /** A copy of what is kept of the last payload. */
  payload(number: TopicNumber): Buffer {
    const sizes = this.#records.hot[number * HOT_FIELDS + SIZES] ?? 0
    const start = this.nameStart(number) + (((sizes & 0xffff) + 3) & ~3)
    return Buffer.from(this.#bytes.subarray(start, start + (sizes >>> 16)))
  }

  /** A larger blob for a topic, with its name in it. Returns where. */
  #replace(number: TopicNumber, nameBytes: number, payloadBytes: number): number {
    this.#written = number
    const at = this.#take(number, nameBytes, payloadBytes)
    this.#written = 0
    const nameStart = this.nameStart(number)
    this.#bytes.copyWithin(at + HEADER_BYTES, nameStart, nameStart + ((nameBytes + 3) & ~3))
    this.#records.hot[number * HOT_FIELDS + AT] = at
    return at
  }

  /** Takes room for a blob at the front and returns where; others give way to it. */
  #take(number: TopicNumber, nameBytes: number, payloadBytes: number): number {
    const roomBytes = ((nameBytes + 3) & ~3) + ((Math.min(payloadBytes, KEPT_PAYLOAD_BYTES) + 15) & ~15)
    const size = (HEADER_BYTES + roomBytes + 7) & ~7
    for (;;) {
      // Blobs that move take room at the front too, so it is looked at anew each time.
      const restBytes = this.#length - this.#head
      const freeBytes = this.#length - this.#usedBytes
      // Behind the head nothing is in use, unless the ring is closed.
      if (restBytes <= size && (this.#tail < this.#head || this.#usedBytes === 0) && this.#extend()) continue
      if (freeBytes < Math.min(size, restBytes)) this.advance()
      else if (restBytes < size) this.#skipRest()
      else break
    }
    const at = this.#head
    this.#words[at >> 2] = number
    this.#words[(at >> 2) + 1] = size
    this.#grow(size)
    return at
  }

  /** The blob that was at the tail goes to the front: there is room, if nowhere else then where it was. */
  #move(record: number, at: number, size: number): void {
    if (this.#length - this.#head < size) this.#skipRest()
    const to = this.#head
    this.#bytes.copyWithin(to, at, at + size)
    this.#records.hot[record + AT] = to
    this.#grow(size)
  }

  /** What is left up to the end of the ring is too short for a blob. */
  #skipRest(): void {
    const restBytes = this.#length - this.#head
    this.#words[this.#head >> 2] = 0
    this.#words[(this.#head >> 2) + 1] = restBytes
    this.#grow(restBytes)
  }

  #grow(bytes: number): void {
    this.#usedBytes += bytes
    const head = this.#head + bytes
    this.#head = head === this.#length ? 0 : head
  }

  /** Has the ring grow behind the head, if there is memory for that. */
  #extend(): boolean {
    const bytes = Math.min(GROWTH_BYTES, this.#bytes.length - this.#length)
    if (bytes === 0) return false
    if (!this.#memory.mayTake(bytes, 0)) {
      this.#memory.refuse()
      return false
    }
    this.#memory.take(bytes, 0)
    this.#length += bytes
    return true
  }
}
