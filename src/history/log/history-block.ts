// Hot path: `append` runs per recorded message, at most some 20,000 times a second; measured by `npm run bench` with history.
import type { Message } from '../../protocol/message.ts'
import {
  CONTENT_START,
  DamagedRecordError,
  messageBytes,
  readExpiry,
  readMessage,
  seal,
  writeMessage,
} from '../../store/disk/records.ts'

/**
 * A block holds the messages that came in a short time, so that LMDB has one value to write for many of them. With its header
 * it fills two pages of LMDB: to find one message costs less than with four, to go through all of them little more.
 */
const FULL_BYTES = 2 * 4096 - 16
const MAX_ENTRIES = 512
/** Behind the checksum: the times of the first and the last entry, and how many there are. */
const HEADER_BYTES = CONTENT_START + 18
/** Before the message of an entry: its length, what its sequence number is past the first, topic, ms past the first. */
const ENTRY_HEADER_BYTES = 14
/** Entries of one block lie within this time. */
const MAX_SPAN_MS = 3_600_000

/** What a message takes in a block. */
export function entryBytes(message: Message): number {
  return ENTRY_HEADER_BYTES + messageBytes(message)
}

/**
 * Gathers entries of a block, in the order of their sequence numbers and their times. One buffer serves all its blocks, and what
 * is finished is a copy; but an entry that does not fit is written where it stays, so that a large payload is copied once.
 */
export class BlockWriter {
  /** Sequence number of the first entry; 0 while there is none. */
  first = 0
  count = 0
  #firstAtMs = 0
  #lastAtMs = 0
  readonly #buffer = Buffer.allocUnsafeSlow(FULL_BYTES)
  /** The value of a block of one entry for which the buffer is too small. */
  #large: Buffer | undefined = undefined
  #used = HEADER_BYTES
  #peeked: HistoryBlock | undefined = undefined

  /** Whether an entry of this time, in whole ms, this sequence number and this size may stand in the block. */
  takes(sequence: number, atMs: number, bytes: number): boolean {
    if (this.count === 0) return true
    return (
      this.#used + bytes <= FULL_BYTES &&
      this.count < MAX_ENTRIES &&
      sequence - this.first <= 0xffff &&
      atMs >= this.#lastAtMs &&
      atMs - this.#firstAtMs <= MAX_SPAN_MS
    )
  }

  /** Adds a copy of the message, which the block must take. Returns what it takes in the block. */
  append(sequence: number, atMs: number, topic: number, message: Message): number {
    const bodyBytes = messageBytes(message)
    const bytes = ENTRY_HEADER_BYTES + bodyBytes
    let at = this.#begin(sequence, atMs, bytes)
    const buffer = this.#target
    at = buffer.writeUInt32BE(bodyBytes, at)
    at = buffer.writeUInt16BE(sequence - this.first, at)
    at = buffer.writeUInt32BE(topic, at)
    at = buffer.writeUInt32BE(atMs - this.#firstAtMs, at)
    this.#used = writeMessage(buffer, at, message)
    return bytes
  }

  /** Adds an entry of a finished block, which this one must take, as it is. */
  copy(block: HistoryBlock, index: number): void {
    const sequence = block.sequence(index)
    const atMs = block.atMs(index)
    const start = block.offset(index)
    const bytes = block.entryBytes(index)
    const at = this.#begin(sequence, atMs, bytes)
    const target = this.#target
    this.#used += block.value.copy(target, at, start, start + bytes)
    target.writeUInt16BE(sequence - this.first, at + 4)
    target.writeUInt32BE(atMs - this.#firstAtMs, at + 10)
  }

  /** The entries so far, of which there must be one, as a block that more entries do not change. Its checksum is not there yet. */
  peek(): HistoryBlock {
    return (this.#peeked ??= new HistoryBlock(this.first, this.#finish()))
  }

  /** The finished block, and an empty writer again. There must be an entry. */
  take(): HistoryBlock {
    const block = new HistoryBlock(this.first, seal(this.#finish()))
    this.count = 0
    this.first = 0
    this.#used = HEADER_BYTES
    this.#peeked = undefined
    this.#large = undefined
    return block
  }

  #begin(sequence: number, atMs: number, bytes: number): number {
    if (this.count++ === 0) {
      if (HEADER_BYTES + bytes > FULL_BYTES) this.#large = Buffer.allocUnsafeSlow(HEADER_BYTES + bytes)
      this.first = sequence
      this.#firstAtMs = atMs
    }
    this.#lastAtMs = atMs
    this.#peeked = undefined
    return this.#used
  }

  get #target(): Buffer {
    return this.#large ?? this.#buffer
  }

  #finish(): Buffer {
    let value = this.#large
    if (value === undefined) {
      value = Buffer.allocUnsafeSlow(this.#used)
      this.#buffer.copy(value, 0, 0, this.#used)
    }
    const at = value.writeDoubleBE(this.#firstAtMs, CONTENT_START)
    value.writeUInt16BE(this.count, value.writeDoubleBE(this.#lastAtMs, at))
    return value
  }
}

/** A finished block. Its messages are views of its value. */
export class HistoryBlock {
  readonly first: number
  readonly value: Buffer
  readonly #offsets: Uint32Array

  /** `value` must have the right checksum. @throws DamagedRecordError */
  constructor(first: number, value: Buffer) {
    this.first = first
    this.value = value
    const count = value.readUInt16BE(CONTENT_START + 16)
    this.#offsets = new Uint32Array(count)
    let at = HEADER_BYTES
    for (let i = 0; i < count; i++) {
      if (at + ENTRY_HEADER_BYTES > value.length) throw new DamagedRecordError('a block of the history is cut off')
      this.#offsets[i] = at
      at += ENTRY_HEADER_BYTES + value.readUInt32BE(at)
    }
  }

  get count(): number {
    return this.#offsets.length
  }

  get bytes(): number {
    return this.value.length
  }

  get firstAtMs(): number {
    return this.value.readDoubleBE(CONTENT_START)
  }

  get lastAtMs(): number {
    return this.value.readDoubleBE(CONTENT_START + 8)
  }

  sequence(index: number): number {
    return this.first + this.value.readUInt16BE(this.offset(index) + 4)
  }

  topic(index: number): number {
    return this.value.readUInt32BE(this.offset(index) + 6)
  }

  atMs(index: number): number {
    return this.firstAtMs + this.value.readUInt32BE(this.offset(index) + 10)
  }

  /** What the entry takes in the block. */
  entryBytes(index: number): number {
    return ENTRY_HEADER_BYTES + this.value.readUInt32BE(this.offset(index))
  }

  /** When the message is no longer worth delivering; 0 is never. */
  expiresAtMs(index: number): number {
    return readExpiry(this.value, this.offset(index) + ENTRY_HEADER_BYTES)
  }

  /** A view of the block. @throws DamagedRecordError, RangeError, MalformedPacketError */
  message(index: number): Message {
    return readMessage(this.value, this.offset(index) + ENTRY_HEADER_BYTES)
  }

  /** The message in a buffer of its own. @throws DamagedRecordError, RangeError, MalformedPacketError */
  copyOf(index: number): Message {
    const start = this.offset(index)
    const bytes = Buffer.from(this.value.subarray(start + ENTRY_HEADER_BYTES, start + this.entryBytes(index)))
    return readMessage(bytes, 0)
  }

  /** The index of the first entry with this sequence number or a later one; `count` when there is none. */
  lowerBound(sequence: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.sequence(middle) < sequence) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The index of the entry with this sequence number, or -1. */
  indexOf(sequence: number): number {
    const index = this.lowerBound(sequence)
    return index < this.count && this.sequence(index) === sequence ? index : -1
  }

  /** Where the entry begins. */
  offset(index: number): number {
    return this.#offsets[index] ?? 0
  }
}
