// The keys and values of the history on disk, as `src/store/README.md` describes them. Numbers are big-endian.
import type { HistoryTotals, Run, Segment, StoredTopic } from './history-log.ts'
import { checked, CONTENT_START, DamagedRecordError, newValue, seal } from './records.ts'

/** The largest number that a key can hold. */
export const MAX_SEQUENCE = 2 ** 48 - 1

const SEGMENT_BYTES = 23
const TOTALS_BYTES = 24
const TOPIC_BYTES = 36
const RUN_BYTES = 12

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

export function runKey(topic: number, first: number): Buffer {
  const key = Buffer.allocUnsafe(10)
  key.writeUInt32BE(topic)
  key.writeUIntBE(first, 4, 6)
  return key
}

export function encodeRun({ deltas, lastAtMs, bytes }: Run): Buffer {
  const value = newValue(RUN_BYTES + 2 * deltas.length)
  let at = value.writeUInt32BE(bytes, value.writeDoubleBE(lastAtMs, CONTENT_START))
  for (const delta of deltas) at = value.writeUInt16BE(delta, at)
  return seal(value)
}

export function decodeRun(key: Buffer, value: Buffer): Run {
  checked(value, 'an index of the history')
  const deltas = new Uint16Array((value.length - CONTENT_START - RUN_BYTES) / 2)
  for (let i = 0; i < deltas.length; i++) deltas[i] = value.readUInt16BE(CONTENT_START + RUN_BYTES + 2 * i)
  return {
    topic: key.readUInt32BE(0),
    first: key.readUIntBE(4, 6),
    lastAtMs: value.readDoubleBE(CONTENT_START),
    bytes: value.readUInt32BE(CONTENT_START + 8),
    deltas,
  }
}

export function encodeTopic({ name, messages, bytes, floor, lastSequence, newestAtMs }: StoredTopic): Buffer {
  const value = newValue(TOPIC_BYTES + Buffer.byteLength(name))
  let at = value.writeDoubleBE(messages, CONTENT_START)
  at = value.writeDoubleBE(bytes, at)
  at = value.writeUIntBE(floor, at, 6)
  at = value.writeUIntBE(lastSequence, at, 6)
  at = value.writeDoubleBE(newestAtMs, at)
  value.write(name, at)
  return seal(value)
}

export function decodeTopic(key: Buffer, value: Buffer): StoredTopic {
  checked(value, 'a topic of the history')
  return {
    number: key.readUInt32BE(0),
    messages: value.readDoubleBE(CONTENT_START),
    bytes: value.readDoubleBE(CONTENT_START + 8),
    floor: value.readUIntBE(CONTENT_START + 16, 6),
    lastSequence: value.readUIntBE(CONTENT_START + 22, 6),
    newestAtMs: value.readDoubleBE(CONTENT_START + 28),
    name: value.toString('utf8', CONTENT_START + TOPIC_BYTES),
  }
}

export function encodeTotals({ nextSequence, nextTopic, bytes, deadBytes, segments }: HistoryTotals): Buffer {
  const value = newValue(TOTALS_BYTES + 2 + segments.length * SEGMENT_BYTES)
  let at = value.writeUIntBE(nextSequence, CONTENT_START, 6)
  at = value.writeUInt32BE(nextTopic, at)
  at = value.writeDoubleBE(bytes, at)
  at = value.writeUIntBE(deadBytes, at, 6)
  at = value.writeUInt16BE(segments.length, at)
  for (const { first, fromMs, toMs, isOrdered } of segments) {
    at = value.writeUIntBE(first, at, 6)
    at = value.writeDoubleBE(fromMs, at)
    at = value.writeDoubleBE(toMs, at)
    at = value.writeUInt8(isOrdered ? 1 : 0, at)
  }
  return seal(value)
}

export function decodeTotals(value: Buffer): HistoryTotals {
  checked(value, 'the head of the history')
  const count = value.readUInt16BE(CONTENT_START + TOTALS_BYTES)
  if (value.length !== CONTENT_START + TOTALS_BYTES + 2 + count * SEGMENT_BYTES) {
    throw new DamagedRecordError('the head of the history is cut off')
  }
  const segments: Segment[] = []
  for (let i = 0; i < count; i++) {
    const at = CONTENT_START + TOTALS_BYTES + 2 + i * SEGMENT_BYTES
    segments.push({
      first: value.readUIntBE(at, 6),
      fromMs: value.readDoubleBE(at + 6),
      toMs: value.readDoubleBE(at + 14),
      isOrdered: value[at + 22] === 1,
    })
  }
  return {
    nextSequence: value.readUIntBE(CONTENT_START, 6),
    nextTopic: value.readUInt32BE(CONTENT_START + 6),
    bytes: value.readDoubleBE(CONTENT_START + 10),
    deadBytes: value.readUIntBE(CONTENT_START + 18, 6),
    segments,
  }
}
