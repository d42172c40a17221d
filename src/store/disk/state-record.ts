// What changes often in a session, in one value, and the chunks of its queue, as `src/store/README.md` describes them.
import { CONTENT_START, newValue, readQoS, seal } from './records.ts'
import type { ByPacketId } from '../packet-id-map.ts'
import { type Terms, UNKNOWN_CONTENT } from '../store.ts'
import { NO_IDENTIFIERS, termsOf } from '../terms.ts'

const RETAINED = 4
const RELEASED = 8
const HAS_IDENTIFIERS = 16

/** Messages of a queue that have consecutive bodies and the same terms. */
export interface Run {
  /** Position of the first in the queue. */
  readonly position: number
  /** Number of the first body. */
  readonly body: number
  readonly terms: Terms
  count: number
}

/** What the store keeps of a message in flight; `body` is 0 when it was released. */
export interface StoredInFlight extends Terms {
  readonly body: number
  readonly isReleased: boolean
}

/** What changes often in a session. */
export interface StateRecord {
  readonly leftAtMs: number
  /** Positions in the queue: of the oldest message, and behind the newest. */
  readonly head: number
  readonly tail: number
  readonly queuedBytes: number
  /** By packet identifier, in the order sent. */
  readonly inFlight: ByPacketId<StoredInFlight>
  /** What tells the content of each, by packet identifier. */
  readonly receivedIds: ByPacketId<number>
  /** The newest messages of the queue, up to its tail. */
  readonly runs: readonly Run[]
}

const STATE_HEAD_BYTES = 8 + 6 + 6 + 8 + 6 + 2 + 2
const IN_FLIGHT_BYTES = 2 + 1 + 6
const RECEIVED_BYTES = 2 + 4
const RUN_BYTES = 6 + 4 + 1

/** The value of a chunk: runs that follow each other. */
export function encodeRuns(runs: readonly Run[]): Buffer {
  const value = newValue(runsBytes(runs))
  writeRuns(value, CONTENT_START, runs)
  return seal(value)
}

/** The runs of a chunk that begins at `position`. */
export function decodeRuns(value: Buffer, position: number): Run[] {
  return readRuns(value, CONTENT_START, position)
}

export function encodeState(state: StateRecord): Buffer {
  const { receivedIds, runs } = state
  const inFlight = [...state.inFlight]
  let bytes = STATE_HEAD_BYTES + receivedIds.size * RECEIVED_BYTES + runsBytes(runs)
  for (const [, { identifiers }] of inFlight) bytes += IN_FLIGHT_BYTES + identifiersBytes(identifiers)
  const value = newValue(bytes)
  let at = value.writeDoubleBE(state.leftAtMs, CONTENT_START)
  at = value.writeUIntBE(state.head, at, 6)
  at = value.writeUIntBE(state.tail, at, 6)
  at = value.writeDoubleBE(state.queuedBytes, at)
  at = value.writeUIntBE(runs[0]?.position ?? state.tail, at, 6)
  at = value.writeUInt16BE(inFlight.length, at)
  at = value.writeUInt16BE(receivedIds.size, at)
  for (const [packetId, { body, qos, isRetained, isReleased, identifiers }] of inFlight) {
    at = value.writeUInt16BE(packetId, at)
    value[at++] = flagsOf(qos, isRetained, identifiers) | (isReleased ? RELEASED : 0)
    at = value.writeUIntBE(body, at, 6)
    at = writeIdentifiers(value, at, identifiers)
  }
  for (const [packetId, contentHash] of receivedIds) {
    at = value.writeUInt16BE(packetId, at)
    at = value.writeInt32BE(contentHash, at)
  }
  writeRuns(value, at, runs)
  return seal(value)
}

/** A value of format 2 or before has no content hashes: `hasContentHashes` is false. */
export function decodeState(value: Buffer, hasContentHashes = true): StateRecord {
  const inFlightCount = value.readUInt16BE(CONTENT_START + 34)
  const receivedIdCount = value.readUInt16BE(CONTENT_START + 36)
  let at = CONTENT_START + STATE_HEAD_BYTES
  const inFlight = new Map<number, StoredInFlight>()
  for (let i = 0; i < inFlightCount; i++) {
    const flags = value[at + 2] ?? 0
    const identifiers = readIdentifiers(value, at + IN_FLIGHT_BYTES, flags)
    inFlight.set(value.readUInt16BE(at), {
      body: value.readUIntBE(at + 3, 6),
      qos: readQoS(flags),
      isRetained: (flags & RETAINED) !== 0,
      identifiers,
      isReleased: (flags & RELEASED) !== 0,
    })
    at += IN_FLIGHT_BYTES + identifiersBytes(identifiers)
  }
  const receivedIds = new Map<number, number>()
  for (let i = 0; i < receivedIdCount; i++) {
    receivedIds.set(value.readUInt16BE(at), hasContentHashes ? value.readInt32BE(at + 2) : UNKNOWN_CONTENT)
    at += hasContentHashes ? RECEIVED_BYTES : 2
  }
  return {
    leftAtMs: value.readDoubleBE(CONTENT_START),
    head: value.readUIntBE(CONTENT_START + 8, 6),
    tail: value.readUIntBE(CONTENT_START + 14, 6),
    queuedBytes: value.readDoubleBE(CONTENT_START + 20),
    inFlight,
    receivedIds,
    runs: readRuns(value, at, value.readUIntBE(CONTENT_START + 28, 6)),
  }
}

function runsBytes(runs: readonly Run[]): number {
  let bytes = 0
  for (const { terms } of runs) bytes += RUN_BYTES + identifiersBytes(terms.identifiers)
  return bytes
}

function writeRuns(value: Buffer, start: number, runs: readonly Run[]): void {
  let at = start
  for (const { body, count, terms } of runs) {
    at = value.writeUIntBE(body, at, 6)
    at = value.writeUInt32BE(count, at)
    value[at++] = flagsOf(terms.qos, terms.isRetained, terms.identifiers)
    at = writeIdentifiers(value, at, terms.identifiers)
  }
}

/** The runs from `start` to the end of the value. */
function readRuns(value: Buffer, start: number, position: number): Run[] {
  const runs: Run[] = []
  let next = position
  for (let at = start; at < value.length;) {
    const body = value.readUIntBE(at, 6)
    const count = value.readUInt32BE(at + 6)
    const flags = value[at + 10] ?? 0
    const identifiers = readIdentifiers(value, at + RUN_BYTES, flags)
    const terms = termsOf(readQoS(flags), (flags & RETAINED) !== 0, identifiers)
    runs.push({ position: next, body, count, terms })
    next += count
    at += RUN_BYTES + identifiersBytes(identifiers)
  }
  return runs
}

function flagsOf(qos: number, isRetained: boolean, identifiers: readonly number[]): number {
  return qos | (isRetained ? RETAINED : 0) | (identifiers.length > 0 ? HAS_IDENTIFIERS : 0)
}

function identifiersBytes(identifiers: readonly number[]): number {
  return identifiers.length === 0 ? 0 : 2 + identifiers.length * 4
}

function writeIdentifiers(value: Buffer, start: number, identifiers: readonly number[]): number {
  if (identifiers.length === 0) return start
  let at = value.writeUInt16BE(identifiers.length, start)
  for (const identifier of identifiers) at = value.writeUInt32BE(identifier, at)
  return at
}

function readIdentifiers(value: Buffer, start: number, flags: number): readonly number[] {
  if ((flags & HAS_IDENTIFIERS) === 0) return NO_IDENTIFIERS
  return Array.from({ length: value.readUInt16BE(start) }, (_, i) => value.readUInt32BE(start + 2 + i * 4))
}
