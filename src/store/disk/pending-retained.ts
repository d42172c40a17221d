// Hot path: `put` runs per retained message; measured by `npm run bench`, rows "retained".
import type { MemoryAccount } from '../../base/memory-account.ts'
import type { Message } from '../../protocol/message.ts'
import type { Databases } from './databases.ts'
import { CONTENT_START, messageBytes, nameKey, seal, writeMessage } from './records.ts'

/** What is written in a call of `writeSome`: 2 to 4 ms. */
const SOME_CHANGES = 1000

const CHUNK_BYTES = 64 * 1024
/** The bytes of the key, and those of the value with the flags above them. */
const HEADER_BYTES = 8
const LIVE = 1 << 30
const REMOVAL = 1 << 29
const VALUE_MASK = REMOVAL - 1
const FIRST_SLOTS = 256
/** Keys made to collide are written more than once, and cost no more than this. */
const MAX_PROBES = 32
/** Longer keys begin with a NUL (`nameKey`), which no topic does. */
const MAX_OWN_KEY_BYTES = 1024

/** Changes one after the other. */
interface Chunk {
  readonly bytes: Buffer
  usedBytes: number
}

/**
 * Retained messages that were put or removed since the last batch, as the bytes that are to be stored: no object stands for one that
 * waits, however long the disk takes.
 *
 *   1. Changes are written in the order they came; of those of one topic that wait, the last one alone but for rare cases.
 *   2. What was written and not stored (`wasNotWritten`) is written again, before what has come since.
 */
export class PendingRetained {
  readonly #databases: Pick<Databases, 'retained'>
  readonly #memory: MemoryAccount
  /** Numbered from `#firstChunk` on: a chunk has its number for good. */
  #chunks: Chunk[] = []
  #firstChunk = 0
  #spare: Buffer | undefined = undefined
  /** Where the next change to be written is; before it are those on their way, from the first chunk's `#startAt` on. */
  #chunk = 0
  #at = 0
  #startAt = 0
  #waiting = 0
  #onTheirWay = 0
  /** By the hash of its key, where the last change of a topic is: pairs of a chunk, counted from 1, and a place in it. */
  #slots = new Int32Array(FIRST_SLOTS * 2)
  #usedSlots = 0

  /** They count for `memory`. */
  constructor(databases: Pick<Databases, 'retained'>, memory: MemoryAccount) {
    this.#databases = databases
    this.#memory = memory
  }

  /** How many calls of `writeSome` it takes until `write` takes no longer than one. */
  get parts(): number {
    return Math.floor(this.#waiting / SOME_CHANGES)
  }

  put(message: Message): void {
    const { topicBytes } = message
    const key = topicBytes.length > MAX_OWN_KEY_BYTES ? nameKey(message.topic) : topicBytes
    const valueBytes = CONTENT_START + messageBytes(message)
    const value = this.#append(key, valueBytes, LIVE)
    writeMessage(value, CONTENT_START, message)
    seal(value)
  }

  remove(topic: string): void {
    this.#append(nameKey(topic), 0, LIVE | REMOVAL)
  }

  /** Writes what changed. Part of a batch. */
  write(): void {
    this.#write(Infinity)
  }

  /** Writes some of what changed. */
  writeSome(): void {
    this.#write(SOME_CHANGES)
  }

  /** What was written is stored. */
  wasWritten(): void {
    this.#onTheirWay = 0
    if (this.#waiting === 0) {
      for (const chunk of this.#chunks) this.#letGo(chunk)
      this.#firstChunk += this.#chunks.length
      this.#chunks = []
      this.#chunk = this.#firstChunk
      this.#at = 0
    } else {
      for (const chunk of this.#chunks.splice(0, this.#chunk - this.#firstChunk)) this.#letGo(chunk)
      this.#firstChunk = this.#chunk
    }
    this.#startAt = this.#at
  }

  /** The batch is not stored: its changes go into the next. */
  wasNotWritten(): void {
    this.#chunk = this.#firstChunk
    this.#at = this.#startAt
    this.#waiting += this.#onTheirWay
    this.#onTheirWay = 0
  }

  #write(maxChanges: number): void {
    const database = this.#databases.retained
    for (let changes = 0; changes < maxChanges && this.#waiting > 0;) {
      const chunk = this.#chunks[this.#chunk - this.#firstChunk]
      if (chunk === undefined) return
      if (this.#at === chunk.usedBytes) {
        this.#chunk++
        this.#at = 0
        continue
      }
      const { bytes } = chunk
      const keyStart = this.#at + HEADER_BYTES
      const keyEnd = keyStart + bytes.readInt32LE(this.#at)
      const value = bytes.readInt32LE(this.#at + 4)
      const valueEnd = keyEnd + (value & VALUE_MASK)
      this.#at = valueEnd
      if ((value & LIVE) === 0) continue
      changes++
      this.#waiting--
      this.#onTheirWay++
      const key = bytes.subarray(keyStart, keyEnd)
      if ((value & REMOVAL) !== 0) void database.remove(key)
      else void database.put(key, bytes.subarray(keyEnd, valueEnd))
    }
  }

  /** Adds a change of a key, in place of one that waits. Returns where its value is to be written. */
  #append(key: Buffer, valueBytes: number, flags: number): Buffer {
    const bytes = HEADER_BYTES + key.length + valueBytes
    let chunk = this.#chunks.at(-1)
    if (chunk === undefined || chunk.bytes.length - chunk.usedBytes < bytes) chunk = this.#addChunk(bytes)
    const at = chunk.usedBytes
    chunk.bytes.writeInt32LE(key.length, at)
    chunk.bytes.writeInt32LE(valueBytes | flags, at + 4)
    key.copy(chunk.bytes, at + HEADER_BYTES)
    chunk.usedBytes = at + bytes
    this.#waiting++
    if (this.#usedSlots * 4 >= this.#slots.length) this.#rebuildSlots()
    this.#enter(key, this.#firstChunk + this.#chunks.length - 1, at)
    return chunk.bytes.subarray(at + HEADER_BYTES + key.length, at + bytes)
  }

  #addChunk(bytes: number): Chunk {
    const spare = bytes <= CHUNK_BYTES ? this.#spare : undefined
    if (spare !== undefined) this.#spare = undefined
    const chunk = { bytes: spare ?? Buffer.allocUnsafeSlow(Math.max(bytes, CHUNK_BYTES)), usedBytes: 0 }
    this.#chunks.push(chunk)
    this.#memory.take(chunk.bytes.length, 0)
    return chunk
  }

  #letGo({ bytes }: Chunk): void {
    this.#memory.give(bytes.length, 0)
    if (bytes.length === CHUNK_BYTES) this.#spare = bytes
  }

  /** The change of a key is the last one of it. */
  #enter(key: Buffer, chunk: number, at: number): void {
    const slots = this.#slots
    const mask = slots.length / 2 - 1
    const home = hashOf(key) & mask
    let place = -1
    for (let probe = 0; probe < MAX_PROBES; probe++) {
      const slot = (home + probe) & mask
      const otherChunk = (slots[slot * 2] ?? 0) - 1
      const otherAt = slots[slot * 2 + 1] ?? 0
      const isWaiting = this.#isWaiting(otherChunk, otherAt)
      if (!isWaiting && place === -1) place = slot
      if (isWaiting && this.#supersede(otherChunk, otherAt, key)) {
        place = slot
        break
      }
      if (otherChunk === -1) break
    }
    if (place === -1) place = home
    if (slots[place * 2] === 0) this.#usedSlots++
    slots[place * 2] = chunk + 1
    slots[place * 2 + 1] = at
  }

  #isWaiting(chunk: number, at: number): boolean {
    return chunk > this.#chunk || (chunk === this.#chunk && at >= this.#at)
  }

  /** Whether a change is of this key; then it need not be written. */
  #supersede(chunkNumber: number, at: number, key: Buffer): boolean {
    const chunk = this.#chunks[chunkNumber - this.#firstChunk]
    if (chunk === undefined || chunk.bytes.readInt32LE(at) !== key.length) return false
    const keyStart = at + HEADER_BYTES
    if (chunk.bytes.compare(key, 0, key.length, keyStart, keyStart + key.length) !== 0) return false
    chunk.bytes.writeInt32LE(chunk.bytes.readInt32LE(at + 4) & ~LIVE, at + 4)
    this.#waiting--
    return true
  }

  /** Makes room, with those that do not wait any more left out. */
  #rebuildSlots(): void {
    const before = this.#slots
    let size = FIRST_SLOTS
    while (size < this.#waiting * 4) size *= 2
    this.#slots = new Int32Array(size * 2)
    this.#usedSlots = 0
    for (let i = 0; i < before.length; i += 2) {
      const chunkNumber = (before[i] ?? 0) - 1
      const at = before[i + 1] ?? 0
      const chunk = this.#chunks[chunkNumber - this.#firstChunk]
      if (chunk === undefined || !this.#isWaiting(chunkNumber, at)) continue
      const keyStart = at + HEADER_BYTES
      this.#enter(chunk.bytes.subarray(keyStart, keyStart + chunk.bytes.readInt32LE(at)), chunkNumber, at)
    }
  }
}

/** FNV-1a. */
function hashOf(key: Buffer): number {
  let hash = 0x811c9dc5
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash ^ (hash >>> 15)
}
