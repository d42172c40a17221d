// Hot path: `add` runs per recorded message, at most some 20,000 times a second; measured by `npm run bench:history`.
import type { PostingList } from '../log/history-log.ts'

const FIRST_TOPICS = 16
const FIRST_ENTRIES = 16
/** Slots are at most half full. */
const SLOTS_A_TOPIC = 2
/** The golden ratio in 32 bits: topics have numbers in a row. */
const MULTIPLIER = 0x9e3779b1

/**
 * The entries of a chapter that is not stored yet, by topic, in typed arrays: no object stands for a topic or an entry.
 *
 *   1. Entries are added in the order of their deltas, which are 16 bits: an index has at most 65,536.
 *   2. A topic loses its first entries one by one. One that has lost all still counts as a topic.
 */
export class OpenIndex {
  #topics = 0
  #entries = 0
  /** By the hash of the topic's number: the place of its list, counted from 1; 0 is an empty slot. */
  #slots = new Int32Array(FIRST_TOPICS * SLOTS_A_TOPIC)
  /** By place, in the order in which the topics came. */
  #numbers = new Uint32Array(FIRST_TOPICS)
  #counts = new Uint32Array(FIRST_TOPICS)
  #bytes = new Float64Array(FIRST_TOPICS)
  /** The first and the last entry of each. */
  #firsts = new Uint16Array(FIRST_TOPICS)
  #lasts = new Uint16Array(FIRST_TOPICS)
  /** By entry. */
  #deltas = new Uint16Array(FIRST_ENTRIES)
  #sizes = new Uint32Array(FIRST_ENTRIES)
  /** The next entry of the same topic. */
  #nexts = new Uint16Array(FIRST_ENTRIES)

  /** Topics. Each has a place below this. */
  get size(): number {
    return this.#topics
  }

  has(topic: number): boolean {
    return this.placeOf(topic) !== -1
  }

  add(topic: number, delta: number, bytes: number): void {
    if (this.#entries === this.#deltas.length) this.#growEntries()
    const entry = this.#entries++
    this.#deltas[entry] = delta
    this.#sizes[entry] = bytes
    let place = this.placeOf(topic)
    if (place === -1) place = this.#begin(topic)
    const count = this.#counts[place] ?? 0
    if (count === 0) this.#firsts[place] = entry
    else this.#nexts[this.#lasts[place] ?? 0] = entry
    this.#lasts[place] = entry
    this.#counts[place] = count + 1
    this.#bytes[place] = (this.#bytes[place] ?? 0) + bytes
  }

  /** Where the topic is, or -1. */
  placeOf(topic: number): number {
    const mask = this.#slots.length - 1
    for (let slot = hashOf(topic) & mask; ; slot = (slot + 1) & mask) {
      const place = (this.#slots[slot] ?? 0) - 1
      if (place === -1 || this.#numbers[place] === topic) return place
    }
  }

  topicAt(place: number): number {
    return this.#numbers[place] ?? 0
  }

  /** Entries of the topic that it has not lost. */
  countAt(place: number): number {
    return this.#counts[place] ?? 0
  }

  /** What they take in their blocks. */
  bytesAt(place: number): number {
    return this.#bytes[place] ?? 0
  }

  /** The delta of its first entry; there must be one. */
  firstDeltaAt(place: number): number {
    return this.#deltas[this.#firsts[place] ?? 0] ?? 0
  }

  /** Takes the first entry from the topic, which must have one. Returns its bytes. */
  removeFirstAt(place: number): number {
    const entry = this.#firsts[place] ?? 0
    const bytes = this.#sizes[entry] ?? 0
    this.#firsts[place] = this.#nexts[entry] ?? 0
    this.#counts[place] = (this.#counts[place] ?? 0) - 1
    this.#bytes[place] = (this.#bytes[place] ?? 0) - bytes
    return bytes
  }

  /** All topics that it has, each once. */
  topics(): Uint32Array {
    return this.#numbers.subarray(0, this.#topics)
  }

  deltasAt(place: number): Uint16Array {
    const deltas = new Uint16Array(this.countAt(place))
    let entry = this.#firsts[place] ?? 0
    for (let i = 0; i < deltas.length; i++) {
      deltas[i] = this.#deltas[entry] ?? 0
      entry = this.#nexts[entry] ?? 0
    }
    return deltas
  }

  /** What is stored of the topic; `chapter` is the sequence number of the chapter's first entry. */
  postingListAt(place: number, chapter: number): PostingList {
    const deltas = this.deltasAt(place)
    const sizes = new Uint32Array(deltas.length)
    let entry = this.#firsts[place] ?? 0
    for (let i = 0; i < sizes.length; i++) {
      sizes[i] = this.#sizes[entry] ?? 0
      entry = this.#nexts[entry] ?? 0
    }
    return { topic: this.topicAt(place), chapter, deltas, sizes }
  }

  /** Gives the topic a place. */
  #begin(topic: number): number {
    if (this.#topics === this.#numbers.length) this.#growTopics()
    const place = this.#topics++
    this.#numbers[place] = topic
    this.#enter(topic, place)
    return place
  }

  #enter(topic: number, place: number): void {
    const mask = this.#slots.length - 1
    let slot = hashOf(topic) & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = place + 1
  }

  #growTopics(): void {
    const size = this.#numbers.length * 2
    this.#numbers = grown(this.#numbers, new Uint32Array(size))
    this.#counts = grown(this.#counts, new Uint32Array(size))
    this.#bytes = grown(this.#bytes, new Float64Array(size))
    this.#firsts = grown(this.#firsts, new Uint16Array(size))
    this.#lasts = grown(this.#lasts, new Uint16Array(size))
    this.#slots = new Int32Array(size * SLOTS_A_TOPIC)
    for (let place = 0; place < this.#topics; place++) this.#enter(this.topicAt(place), place)
  }

  #growEntries(): void {
    const size = this.#deltas.length * 2
    this.#deltas = grown(this.#deltas, new Uint16Array(size))
    this.#sizes = grown(this.#sizes, new Uint32Array(size))
    this.#nexts = grown(this.#nexts, new Uint16Array(size))
  }
}

function hashOf(topic: number): number {
  return Math.imul(topic, MULTIPLIER) >>> 8
}

function grown<T extends Uint16Array | Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}
