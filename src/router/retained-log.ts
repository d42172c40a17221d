// Hot path: `place` runs per retained message; measured by `npm run bench`, rows "retained".
import type { RetainedNumber, RetainedRecords } from './retained-records.ts'

const MAX_SEGMENT_BYTES = 1024 ** 2
const FIRST_SEGMENT_BYTES = 16 * 1024
/** What is larger has a segment of its own, which is never cleaned. */
const MAX_SHARED_BYTES = 64 * 1024
/** The number of the message, and the size of the blob. */
const HEADER_BYTES = 8
/** With less that is dead there is nothing to be gained. */
const LEAST_DEAD_BYTES = 64 * 1024
/** For each byte that is placed or freed so many are looked at in the segment that is being cleaned, and some more. */
const CLEANED_SHARE = 5
const CLEANED_BYTES = 2048
const NONE = -1

class Segment {
  readonly bytes: Buffer
  readonly words: Int32Array
  /** Up to where blobs were placed. */
  usedBytes = 0
  /** Of blobs that are still those of their messages. */
  liveBytes = 0

  constructor(size: number) {
    // Not zeroed, so that it takes memory as it is used.
    this.bytes = Buffer.allocUnsafeSlow(size)
    this.words = new Int32Array(this.bytes.buffer)
  }
}

/**
 * The bytes of retained messages: blobs in segments of up to 1 MiB, one after the other.
 *
 *   1. A blob that takes the place of another of about its size lies where that was; else the other one is dead. When more than a
 *      quarter of all full segments is dead, the emptiest is cleaned: its blobs move to the front, some at each call, so that a call
 *      costs no more than a few times what it places. A segment in which all is dead is given back at once.
 *   2. So it takes at most a third more than the blobs do, a segment or two, and what the largest leave free behind them.
 *   3. Blobs move with any other call: what is read of `bytes` is good until then.
 */
export class RetainedLog {
  /** Memory that it takes. */
  heldBytes = 0
  readonly #records: RetainedRecords
  readonly #segments: (Segment | undefined)[] = []
  readonly #freeSegments: number[] = []
  #spare: Segment | undefined = undefined
  /** The segment that blobs are placed in. */
  #front = NONE
  /** Of shared segments that are full. */
  #fullBytes = 0
  #fullLiveBytes = 0
  /** The segment that is being cleaned, and up to where it is. */
  #cleaned = NONE
  #cleanedTo = 0

  constructor(records: RetainedRecords) {
    this.#records = records
  }

  /** The memory in which the message lies. */
  bytes(number: RetainedNumber): Buffer {
    return this.#segments[this.#records.segment(number)]?.bytes ?? NO_BYTES
  }

  /** Where the message begins in `bytes`. */
  start(number: RetainedNumber): number {
    return this.#records.at(number) + HEADER_BYTES
  }

  /** Gives a message room for so many bytes, in place of what it had. */
  place(number: RetainedNumber, bytes: number): void {
    const size = (HEADER_BYTES + bytes + 7) & ~7
    const before = this.#records.segment(number)
    if (before !== NONE) {
      const sizeBefore = this.#sizeOf(number)
      if (size <= sizeBefore && size * 4 >= sizeBefore * 3) return
      this.#kill(before, sizeBefore)
    }
    if (size > MAX_SHARED_BYTES) this.#placeAlone(number, size)
    else this.#placeAtFront(number, size)
    this.#clean(size)
  }

  /** The message is gone. */
  free(number: RetainedNumber): void {
    const size = this.#sizeOf(number)
    this.#kill(this.#records.segment(number), size)
    this.#records.moveTo(number, NONE, 0)
    this.#clean(size)
  }

  /** Of its blob. */
  #sizeOf(number: RetainedNumber): number {
    return this.#segments[this.#records.segment(number)]?.words[(this.#records.at(number) >> 2) + 1] ?? 0
  }

  #placeAlone(number: RetainedNumber, size: number): void {
    const index = this.#enter(new Segment(size))
    this.#write(number, index, size)
  }

  #placeAtFront(number: RetainedNumber, size: number): void {
    const front = this.#segments[this.#front]
    if (front === undefined || front.bytes.length - front.usedBytes < size) this.#openFront(size)
    this.#write(number, this.#front, size)
  }

  #write(number: RetainedNumber, index: number, size: number): void {
    const segment = this.#segments[index]
    if (segment === undefined) return
    const at = segment.usedBytes
    segment.words[at >> 2] = number
    segment.words[(at >> 2) + 1] = size
    segment.usedBytes += size
    segment.liveBytes += size
    this.#records.moveTo(number, index, at)
  }

  /** A new front, as large as all that there is, so that little takes little. */
  #openFront(size: number): void {
    const front = this.#segments[this.#front]
    if (front !== undefined && front.liveBytes === 0) {
      this.#drop(this.#front, front)
    } else if (front !== undefined) {
      this.#fullBytes += front.bytes.length
      this.#fullLiveBytes += front.liveBytes
    }
    let bytes = FIRST_SEGMENT_BYTES
    while (bytes < MAX_SEGMENT_BYTES && (bytes < size || bytes < this.#fullBytes)) bytes *= 2
    const spare = bytes === MAX_SEGMENT_BYTES ? this.#spare : undefined
    if (spare !== undefined) {
      this.#spare = undefined
      this.heldBytes -= spare.bytes.length
    }
    this.#front = this.#enter(spare ?? new Segment(bytes))
  }

  #enter(segment: Segment): number {
    const index = this.#freeSegments.pop() ?? this.#segments.length
    this.#segments[index] = segment
    this.heldBytes += segment.bytes.length
    return index
  }

  /** A blob of a segment is that of its message no more. */
  #kill(index: number, size: number): void {
    const segment = this.#segments[index]
    if (segment === undefined) return
    segment.liveBytes -= size
    const isFull = index !== this.#front && size <= MAX_SHARED_BYTES
    if (isFull) this.#fullLiveBytes -= size
    if (segment.liveBytes > 0) return
    if (isFull) this.#fullBytes -= segment.bytes.length
    if (index === this.#front) segment.usedBytes = 0
    else this.#drop(index, segment)
  }

  #drop(index: number, segment: Segment): void {
    this.#segments[index] = undefined
    this.#freeSegments.push(index)
    this.heldBytes -= segment.bytes.length
    if (index === this.#cleaned) this.#cleaned = NONE
    if (segment.bytes.length !== MAX_SEGMENT_BYTES || this.#spare !== undefined) return
    segment.usedBytes = 0
    this.#spare = segment
    this.heldBytes += segment.bytes.length
  }

  /** Goes on with cleaning, if there is something to clean, for as much as is due for a blob of `size`. */
  #clean(size: number): void {
    let dueBytes = Math.min(size, MAX_SHARED_BYTES) * CLEANED_SHARE + CLEANED_BYTES
    while (dueBytes > 0) {
      if (this.#cleaned === NONE && !this.#chooseCleaned()) return
      const segment = this.#segments[this.#cleaned]
      if (segment === undefined) return
      const at = this.#cleanedTo
      const number = segment.words[at >> 2] ?? 0
      const blobBytes = segment.words[(at >> 2) + 1] ?? 0
      this.#cleanedTo = at + blobBytes
      dueBytes -= blobBytes
      if (this.#records.segment(number) === this.#cleaned && this.#records.at(number) === at)
        this.#moveToFront(number, segment, at, blobBytes)
    }
  }

  #moveToFront(number: RetainedNumber, segment: Segment, at: number, size: number): void {
    this.#placeAtFront(number, size)
    segment.bytes.copy(this.bytes(number), this.start(number), at + HEADER_BYTES, at + size)
    this.#kill(this.#cleaned, size)
  }

  /** The segment that has most that is dead, if enough is: at least a quarter of it then. */
  #chooseCleaned(): boolean {
    const deadBytes = this.#fullBytes - this.#fullLiveBytes
    if (deadBytes < LEAST_DEAD_BYTES || deadBytes * 3 < this.#fullLiveBytes) return false
    let most = 0
    for (const [index, segment] of this.#segments.entries()) {
      if (segment === undefined || index === this.#front) continue
      const share = 1 - segment.liveBytes / segment.bytes.length
      if (share <= most) continue
      most = share
      this.#cleaned = index
    }
    this.#cleanedTo = 0
    return most > 0
  }
}

const NO_BYTES = Buffer.alloc(0)
