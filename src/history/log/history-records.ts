// The keys and values of the history on disk, as `src/store/README.md` describes them. Numbers are big-endian.
import type { HistoryTotals, PostingList, StoredChapter, StoredTopic } from './history-log.ts'
import { checked, CONTENT_START, DamagedRecordError, newValue, seal } from '../../store/disk/records.ts'

/** The largest number that a key can hold. */
export const MAX_SEQUENCE = 2 ** 48 - 1

const TOPIC_BYTES = 30
const CHAPTER_BYTES = 42
const RUN_ENTRY_BYTES = 6
const TOTALS_BYTES = 10

export function sequenceKey(sequence: number): Buffer {
  const key = Buffer.allocUnsafe(6)
  key.writeUIntBE(sequence, 0, 6)
  return key
}

export function readSequenceKey(key: Buffer): number {
  return key.readUIntBE(0, 6)
}

export function topicKey(topic: number): Buffer {
  const key = Buffer.allocUnsafe(4)
  key.writeUInt32BE(topic)
  return key
}

export function postingListKey(topic: number, chapter: number): Buffer {
  const key = Buffer.allocUnsafe(10)
  key.writeUInt32BE(topic)
  key.writeUIntBE(chapter, 4, 6)
  return key
}

export function readRunKey(key: Buffer): { readonly topic: number; readonly chapter: number } {
  return { topic: key.readUInt32BE(0), chapter: key.readUIntBE(4, 6) }
}

export function encodePostingList({ deltas, sizes }: PostingList): Buffer {
  const value = newValue(RUN_ENTRY_BYTES * deltas.length)
  let at = CONTENT_START
  for (const delta of deltas) at = value.writeUInt16BE(delta, at)
  for (const size of sizes) at = value.writeUInt32BE(size, at)
  return seal(value)
}

/** @throws DamagedRecordError */
export function decodePostingList(topic: number, chapter: number, value: Buffer): PostingList {
  checked(value, 'an index of the history')
  const count = (value.length - CONTENT_START) / RUN_ENTRY_BYTES
  if (!Number.isInteger(count)) throw new DamagedRecordError('an index of the history is cut off')
  const deltas = new Uint16Array(count)
  const sizes = new Uint32Array(count)
  for (let i = 0; i < count; i++) {
    deltas[i] = value.readUInt16BE(CONTENT_START + 2 * i)
    sizes[i] = value.readUInt32BE(CONTENT_START + 2 * count + 4 * i)
  }
  return { topic, chapter, deltas, sizes }
}

export function encodeMembers(topics: Uint32Array): Buffer {
  const value = newValue(4 * topics.length)
  let at = CONTENT_START
  for (const topic of topics) at = value.writeUInt32BE(topic, at)
  return seal(value)
}

/** @throws DamagedRecordError */
export function decodeMembers(value: Buffer): Uint32Array {
  checked(value, 'the topics of a chapter of the history')
  const topics = new Uint32Array((value.length - CONTENT_START) >>> 2)
  for (let i = 0; i < topics.length; i++) topics[i] = value.readUInt32BE(CONTENT_START + 4 * i)
  return topics
}

export function encodeTopic({ name, messages, bytes, floor, newestAtMs }: StoredTopic): Buffer {
  const value = newValue(TOPIC_BYTES + Buffer.byteLength(name))
  let at = value.writeDoubleBE(messages, CONTENT_START)
  at = value.writeDoubleBE(bytes, at)
  at = value.writeUIntBE(floor, at, 6)
  at = value.writeDoubleBE(newestAtMs, at)
  value.write(name, at)
  return seal(value)
}

/** @throws DamagedRecordError */
export function decodeTopic(key: Buffer, value: Buffer): StoredTopic {
  checked(value, 'a topic of the history')
  return {
    number: key.readUInt32BE(0),
    messages: value.readDoubleBE(CONTENT_START),
    bytes: value.readDoubleBE(CONTENT_START + 8),
    floor: value.readUIntBE(CONTENT_START + 16, 6),
    newestAtMs: value.readDoubleBE(CONTENT_START + 22),
    name: value.toString('utf8', CONTENT_START + TOPIC_BYTES),
  }
}

export function encodeChapter({ first, next, ...chapter }: StoredChapter): Buffer {
  const value = newValue(CHAPTER_BYTES)
  let at = value.writeUInt32BE(next - first, CONTENT_START)
  at = value.writeDoubleBE(chapter.fromMs, at)
  at = value.writeDoubleBE(chapter.toMs, at)
  at = value.writeUIntBE(chapter.messages, at, 6)
  at = value.writeDoubleBE(chapter.bytes, at)
  value.writeDoubleBE(chapter.deadBytes, at)
  return seal(value)
}

/** @throws DamagedRecordError */
export function decodeChapter(key: Buffer, value: Buffer): StoredChapter {
  checked(value, 'a chapter of the history')
  const first = readSequenceKey(key)
  return {
    first,
    next: first + value.readUInt32BE(CONTENT_START),
    fromMs: value.readDoubleBE(CONTENT_START + 4),
    toMs: value.readDoubleBE(CONTENT_START + 12),
    messages: value.readUIntBE(CONTENT_START + 20, 6),
    bytes: value.readDoubleBE(CONTENT_START + 26),
    deadBytes: value.readDoubleBE(CONTENT_START + 34),
  }
}

export function encodeTotals({ nextSequence, nextTopic, open }: HistoryTotals): Buffer {
  const value = newValue(TOTALS_BYTES + 6 * open.length)
  let at = value.writeUInt32BE(nextTopic, value.writeUIntBE(nextSequence, CONTENT_START, 6))
  for (const first of open) at = value.writeUIntBE(first, at, 6)
  return seal(value)
}

/** @throws DamagedRecordError */
export function decodeTotals(value: Buffer): HistoryTotals {
  checked(value, 'the head of the history')
  const open: number[] = []
  for (let at = CONTENT_START + TOTALS_BYTES; at < value.length; at += 6) open.push(value.readUIntBE(at, 6))
  return {
    nextSequence: value.readUIntBE(CONTENT_START, 6),
    nextTopic: value.readUInt32BE(CONTENT_START + 6),
    open,
  }
}
