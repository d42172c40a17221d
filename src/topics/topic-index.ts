// Hot path: `find` runs per PUBLISH; measured by `npm run bench`, rows with topics at random.
import { idleMemory } from './idle-memory.ts'
import type { TopicNumber } from './topic-records.ts'

/** Slots of a segment; it is split when three quarters are taken, which takes some 20 µs. */
const SEGMENT_SLOTS = 1024
const SLOT_MASK = SEGMENT_SLOTS - 1
const FULL_SLOTS = SEGMENT_SLOTS * 0.75
/** Of a segment that is split because a name found no place near its own. */
const SPLIT_FROM_SLOTS = SEGMENT_SLOTS / 2
/** Names made to collide cost no more than this many comparisons. */
const MAX_PROBES = 64
/** Segments that are allocated together. */
const CHUNK_BITS = 12
const CHUNK_SEGMENTS = 1 << CHUNK_BITS
const CHUNK_MASK = CHUNK_SEGMENTS - 1
/** Of a slot. */
const SLOT_BYTES = 8
/** The directory has at most so many times as many entries as there are segments. */
const DIRECTORY_SHARE = 4

/** Who knows the names of the topics in an index. */
export interface IndexedNames {
  /** Whether this is the name of the topic; `view` is of the same bytes. Asked only when the hashes are equal. */
  isName(number: TopicNumber, bytes: Uint8Array, view: DataView, start: number, end: number): boolean
  /** The topic was in the way of another: it is not in the index any more. */
  displaced(number: TopicNumber): void
}

/**
 * Numbers of topics by the hashes of their names: extendible hashing over segments of open slots, so that it grows by one small
 * segment at a time.
 *
 *   1. A look-up, an addition and a removal look at 64 slots at most, whatever the names.
 *   2. Of names that collide more than that, one that came before gives way (`displaced`), if there is one with the same hash.
 *   3. Memory is allocated for three million topics at a time, and taken as it is used (see `TopicRecords`); only the directory grows.
 */
export class TopicIndex {
  readonly #names: IndexedNames
  /** Pairs of hash and number, of so many segments each; number 0 is an empty slot. */
  readonly #chunks: Int32Array[] = []
  readonly #segmentDepths: Uint8Array
  readonly #segmentSizes: Uint16Array
  readonly #maxSegments: number
  readonly #maxDepth: number
  /** The segment by the upper `#depth` bits of a hash. */
  #directory = Int32Array.of(0, 1)
  #depth = 1
  #segments = 2

  constructor(maxTopics: number, names: IndexedNames) {
    this.#names = names
    // Hashes are even enough that all segments are split at about the same time: to up to twice as many as are needed.
    const maxSegments = 2 * 2 ** Math.max(1, Math.ceil(Math.log2(maxTopics / FULL_SLOTS)))
    this.#maxSegments = maxSegments
    this.#chunks.push(this.#newChunk())
    this.#segmentDepths = new Uint8Array(maxSegments).fill(1)
    this.#segmentSizes = new Uint16Array(maxSegments)
    this.#maxDepth = Math.log2(maxSegments * DIRECTORY_SHARE)
  }

  /** Memory that it has taken. */
  get heldBytes(): number {
    return this.#segments * SEGMENT_SLOTS * SLOT_BYTES + this.#directory.byteLength + this.#segmentDepths.length * 3
  }

  /** The number of the topic with the name `bytes[start, end)`, or 0. */
  find(hash: number, bytes: Uint8Array, view: DataView, start: number, end: number): TopicNumber {
    const segment = this.#segmentOf(hash)
    const slots = this.#slotsOf(segment)
    const base = firstSlot(segment)
    let slot = hash & SLOT_MASK
    for (let probes = 0; probes < MAX_PROBES; probes++) {
      const i = (base + slot) * 2
      const number = slots[i + 1] ?? 0
      if (number === 0) return 0
      if (slots[i] === hash && this.#names.isName(number, bytes, view, start, end)) return number
      slot = (slot + 1) & SLOT_MASK
    }
    return 0
  }

  /** Adds a topic that is not in it. */
  add(hash: number, number: TopicNumber): void {
    for (;;) {
      const segment = this.#segmentOf(hash)
      const size = this.#segmentSizes[segment] ?? 0
      if (size >= FULL_SLOTS && this.#split(segment, hash)) continue
      if (this.#put(segment, hash, number)) return
      if (size >= SPLIT_FROM_SLOTS && this.#split(segment, hash)) continue
      this.#displace(segment, hash, number)
      return
    }
  }

  /** Takes out a topic that is in it. */
  remove(hash: number, number: TopicNumber): void {
    const segment = this.#segmentOf(hash)
    const slots = this.#slotsOf(segment)
    const base = firstSlot(segment)
    let hole = hash & SLOT_MASK
    while (slots[(base + hole) * 2 + 1] !== number) hole = (hole + 1) & SLOT_MASK
    this.#segmentSizes[segment] = (this.#segmentSizes[segment] ?? 0) - 1
    // What follows moves back, so that no mark of the removal has to stay.
    let next = hole
    for (let steps = 1; steps < SEGMENT_SLOTS; steps++) {
      next = (next + 1) & SLOT_MASK
      const from = (base + next) * 2
      if (slots[from + 1] === 0) break
      const home = (slots[from] ?? 0) & SLOT_MASK
      if (((next - home) & SLOT_MASK) < ((next - hole) & SLOT_MASK)) continue
      slots[(base + hole) * 2] = slots[from] ?? 0
      slots[(base + hole) * 2 + 1] = slots[from + 1] ?? 0
      hole = next
    }
    slots[(base + hole) * 2 + 1] = 0
  }

  #segmentOf(hash: number): number {
    return this.#directory[hash >>> (32 - this.#depth)] ?? 0
  }

  #slotsOf(segment: number): Int32Array {
    return this.#chunks[segment >> CHUNK_BITS] ?? NO_SLOTS
  }

  /** Memory for segments that are yet to be used. */
  #newChunk(): Int32Array {
    const segments = Math.min(CHUNK_SEGMENTS, this.#maxSegments - this.#chunks.length * CHUNK_SEGMENTS)
    const slots = segments * SEGMENT_SLOTS * 2
    return new Int32Array(idleMemory(slots * 4), 0, slots)
  }

  /** Puts a topic near its place; false if there is no room. */
  #put(segment: number, hash: number, number: TopicNumber): boolean {
    const slots = this.#slotsOf(segment)
    const base = firstSlot(segment)
    let slot = hash & SLOT_MASK
    for (let probes = 0; probes < MAX_PROBES; probes++) {
      const i = (base + slot) * 2
      if (slots[i + 1] === 0) {
        slots[i] = hash
        slots[i + 1] = number
        this.#segmentSizes[segment] = (this.#segmentSizes[segment] ?? 0) + 1
        return true
      }
      slot = (slot + 1) & SLOT_MASK
    }
    return false
  }

  /** Puts a topic in the place of the farthest of those in its way that have its hash, or if none has of the farthest of all. */
  #displace(segment: number, hash: number, number: TopicNumber): void {
    const slots = this.#slotsOf(segment)
    const base = firstSlot(segment)
    let place = (base + ((hash + MAX_PROBES - 1) & SLOT_MASK)) * 2
    for (let probe = MAX_PROBES - 1; probe >= 0; probe--) {
      const i = (base + ((hash + probe) & SLOT_MASK)) * 2
      if (slots[i] !== hash) continue
      place = i
      break
    }
    const displaced = slots[place + 1] ?? 0
    slots[place] = hash
    slots[place + 1] = number
    this.#names.displaced(displaced)
  }

  /** Moves the half of a segment that its hashes' next bit says to a new one; false if there may be no more. */
  #split(segment: number, hash: number): boolean {
    const depth = this.#segmentDepths[segment] ?? 0
    if (this.#segments === this.#segmentDepths.length || depth === this.#maxDepth) return false
    if (depth === this.#depth) this.#growDirectory()
    const added = this.#segments++
    if (added >> CHUNK_BITS === this.#chunks.length) this.#chunks.push(this.#newChunk())
    this.#segmentDepths[segment] = depth + 1
    this.#segmentDepths[added] = depth + 1
    const entries = 1 << (this.#depth - depth)
    const first = (hash >>> (32 - depth)) * entries
    this.#directory.fill(added, first + entries / 2, first + entries)
    const slots = this.#slotsOf(segment)
    const start = firstSlot(segment) * 2
    const before = slots.slice(start, start + SEGMENT_SLOTS * 2)
    slots.fill(0, start, start + SEGMENT_SLOTS * 2)
    this.#segmentSizes[segment] = 0
    // Each finds room within the probes that it took before: from an empty slot on, in the order of the slots.
    let from = 0
    while (before[from * 2 + 1] !== 0) from++
    for (let step = 0; step < SEGMENT_SLOTS; step++) {
      const i = ((from + step) & SLOT_MASK) * 2
      const moved = before[i + 1] ?? 0
      if (moved !== 0) this.#put(this.#segmentOf(before[i] ?? 0), before[i] ?? 0, moved)
    }
    return true
  }

  #growDirectory(): void {
    const grown = new Int32Array(this.#directory.length * 2)
    for (let i = 0; i < grown.length; i++) grown[i] = this.#directory[i >> 1] ?? 0
    this.#directory = grown
    this.#depth++
  }
}

const NO_SLOTS = new Int32Array(0)

/** Where a segment begins in its chunk. */
function firstSlot(segment: number): number {
  return (segment & CHUNK_MASK) * SEGMENT_SLOTS
}
