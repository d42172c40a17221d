// The values of the store, as `src/store/README.md` describes them. Numbers are big-endian, texts are UTF-8.
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Message } from '../protocol/message.ts'
import type { QoS } from '../protocol/packet-types.ts'

/** A value of the store is not what was written. */
export class DamagedRecordError extends Error {
  override readonly name = 'DamagedRecordError'
}

const CHECKSUM_BYTES = 4
/** Longest name that is a key itself; LMDB's bound is 1,978 bytes. */
const MAX_NAME_KEY_BYTES = 1024
const HAS_PUBLISHER = 1
const HAS_EXPIRY = 2
const QOS_MASK = 3
const RETAINED = 4
const RELEASED = 8

/** A new value with room for `bytes` behind its checksum, which begin at `CONTENT_START`. */
export function newValue(bytes: number): Buffer {
  return Buffer.allocUnsafe(CONTENT_START + bytes)
}

/** Where the content of a value begins. */
export const CONTENT_START = CHECKSUM_BYTES

/** Writes the checksum of a finished value and returns it. */
export function seal(value: Buffer): Buffer {
  value.writeUInt32BE(crc32(value.subarray(CONTENT_START)), 0)
  return value
}

/**
 * Gives the value back when its checksum is right.
 * @throws DamagedRecordError when it is not; `what` names the value for people
 */
export function checked(value: Buffer, what: string): Buffer {
  if (value.length < CONTENT_START || value.readUInt32BE(0) !== crc32(value.subarray(CONTENT_START))) {
    throw new DamagedRecordError(`the checksum of ${what} is wrong`)
  }
  return value
}

// ---- keys

/** The key of what has a name: the name itself, or for a long one a hash of it behind a byte no name begins with. */
export function nameKey(name: string): Buffer {
  const bytes = Buffer.from(name)
  if (bytes.length > 0 && bytes.length <= MAX_NAME_KEY_BYTES && bytes[0] !== 0) return bytes
  return Buffer.concat([Buffer.of(0), createHash('sha256').update(bytes).digest()])
}

/** The key of a session or its state. */
export function sessionKey(session: number): Buffer {
  const key = Buffer.allocUnsafe(4)
  key.writeUInt32BE(session)
  return key
}

/** The key of a subscription; without a filter, where those of the session begin. */
export function subscriptionKey(session: number, filter?: string): Buffer {
  return filter === undefined ? sessionKey(session) : Buffer.concat([sessionKey(session), nameKey(filter)])
}

/** The key of the chunk of a session's queue that begins at `position`. */
export function queueKey(session: number, position: number): Buffer {
  const key = Buffer.allocUnsafe(10)
  key.writeUInt32BE(session)
  key.writeUIntBE(position, 4, 6)
  return key
}

export function readQueueKey(key: Buffer): { session: number; position: number } {
  return { session: key.readUInt32BE(0), position: key.readUIntBE(4, 6) }
}

export function blockKey(block: number): Buffer {
  const key = Buffer.allocUnsafe(6)
  key.writeUIntBE(block, 0, 6)
  return key
}

// ---- messages

/** How many bytes `writeMessage` takes. */
export function messageBytes(message: Message): number {
  const { publisher } = message
  const publisherBytes = publisher === undefined ? 0 : 2 + Buffer.byteLength(publisher)
  return 1 + (message.expiresAtMs === 0 ? 0 : 8) + publisherBytes + 4 + message.packetBytes
}

/** Writes flags, expiry, publisher and the PUBLISH packet; returns the offset behind it. */
export function writeMessage(target: Buffer, start: number, message: Message): number {
  const { publisher, expiresAtMs } = message
  let at = start
  target[at++] = (publisher === undefined ? 0 : HAS_PUBLISHER) | (expiresAtMs === 0 ? 0 : HAS_EXPIRY)
  if (expiresAtMs !== 0) at = target.writeDoubleBE(expiresAtMs, at)
  if (publisher !== undefined) {
    const bytes = target.write(publisher, at + 2)
    at = target.writeUInt16BE(bytes, at) + bytes
  }
  at = target.writeUInt32BE(message.packetBytes, at)
  message.bytes.copy(target, at, message.start, message.end)
  // The bytes are as the message came or was made; the flags that count are the message's.
  target[at] = 0x30 | (message.qos << 1) | (message.retain ? 1 : 0)
  return at + message.packetBytes
}

/** The message at `start`, as a view of `source`; what follows it begins at the message's `end`. */
export function readMessage(source: Buffer, start: number): Message {
  const flags = source[start] ?? 0
  let at = start + 1
  let expiresAtMs = 0
  if (flags & HAS_EXPIRY) {
    expiresAtMs = source.readDoubleBE(at)
    at += 8
  }
  let publisher: string | undefined
  if (flags & HAS_PUBLISHER) {
    const publisherStart = at + 2
    at = publisherStart + source.readUInt16BE(at)
    publisher = source.toString('utf8', publisherStart, at)
  }
  const packetStart = at + 4
  const message = Message.restore(source, packetStart, packetStart + source.readUInt32BE(at), publisher)
  message.expiresAtMs = expiresAtMs
  return message
}

/** A message alone in a value. */
export function encodeMessage(message: Message): Buffer {
  const value = newValue(messageBytes(message))
  writeMessage(value, CONTENT_START, message)
  return seal(value)
}

// ---- names

/** A text, with a byte before it: a session's client identifier, or a filter with its QoS. */
export function encodeName(name: string, option: number): Buffer {
  const value = newValue(1 + Buffer.byteLength(name))
  value[CONTENT_START] = option
  value.write(name, CONTENT_START + 1)
  return seal(value)
}

export function decodeName(value: Buffer): string {
  return value.toString('utf8', CONTENT_START + 1)
}

export function decodeSubscription(value: Buffer): readonly [filter: string, qos: QoS] {
  return [decodeName(value), readQoS(value[CONTENT_START] ?? 0)]
}

// ---- queues

/** Messages of a queue whose bodies have consecutive numbers. */
export interface Run {
  /** Position in the queue of the first. */
  readonly position: number
  /** Number of the first body. */
  readonly body: number
  readonly qos: QoS
  count: number
}

const RUN_BYTES = 6 + 4 + 1

/** The value of a chunk: runs that follow each other. */
export function encodeRuns(runs: readonly Run[]): Buffer {
  const value = newValue(runs.length * RUN_BYTES)
  writeRuns(value, CONTENT_START, runs)
  return seal(value)
}

/** The runs of a chunk that begins at `position`. */
export function decodeRuns(value: Buffer, position: number): Run[] {
  return readRuns(value, CONTENT_START, position)
}

function writeRuns(value: Buffer, start: number, runs: readonly Run[]): void {
  let at = start
  for (const { body, count, qos } of runs) {
    at = value.writeUIntBE(body, at, 6)
    at = value.writeUInt32BE(count, at)
    value[at++] = qos
  }
}

/** The runs from `start` to the end of the value. */
function readRuns(value: Buffer, start: number, position: number): Run[] {
  const runs: Run[] = []
  let next = position
  for (let at = start; at < value.length; at += RUN_BYTES) {
    const count = value.readUInt32BE(at + 6)
    runs.push({ position: next, body: value.readUIntBE(at, 6), count, qos: readQoS(value[at + 10] ?? 0) })
    next += count
  }
  return runs
}

// ---- states

/** What the store keeps of a message in flight; `body` is 0 when it was released. */
export interface StoredInFlight {
  readonly body: number
  readonly qos: QoS
  readonly isRetained: boolean
  readonly isReleased: boolean
}

/** What changes often in a session, in one value. */
export interface StateRecord {
  readonly leftAtMs: number
  /** Positions in the queue: of the oldest message, and behind the newest. */
  readonly head: number
  readonly tail: number
  readonly queuedBytes: number
  /** By packet identifier, in the order sent. */
  readonly inFlight: ReadonlyMap<number, StoredInFlight>
  readonly receivedIds: ReadonlySet<number>
  /** The newest messages of the queue, up to its tail. */
  readonly runs: readonly Run[]
}

const STATE_HEAD_BYTES = 8 + 6 + 6 + 8 + 6 + 2 + 2
const IN_FLIGHT_BYTES = 2 + 1 + 6

export function encodeState(state: StateRecord): Buffer {
  const { inFlight, receivedIds, runs } = state
  const listBytes = inFlight.size * IN_FLIGHT_BYTES + receivedIds.size * 2 + runs.length * RUN_BYTES
  const value = newValue(STATE_HEAD_BYTES + listBytes)
  let at = value.writeDoubleBE(state.leftAtMs, CONTENT_START)
  at = value.writeUIntBE(state.head, at, 6)
  at = value.writeUIntBE(state.tail, at, 6)
  at = value.writeDoubleBE(state.queuedBytes, at)
  at = value.writeUIntBE(runs[0]?.position ?? state.tail, at, 6)
  at = value.writeUInt16BE(inFlight.size, at)
  at = value.writeUInt16BE(receivedIds.size, at)
  for (const [packetId, { body, qos, isRetained, isReleased }] of inFlight) {
    at = value.writeUInt16BE(packetId, at)
    value[at++] = qos | (isRetained ? RETAINED : 0) | (isReleased ? RELEASED : 0)
    at = value.writeUIntBE(body, at, 6)
  }
  for (const packetId of receivedIds) at = value.writeUInt16BE(packetId, at)
  writeRuns(value, at, runs)
  return seal(value)
}

export function decodeState(value: Buffer): StateRecord {
  const inFlightCount = value.readUInt16BE(CONTENT_START + 34)
  const receivedIdsEnd =
    CONTENT_START + STATE_HEAD_BYTES + inFlightCount * IN_FLIGHT_BYTES + value.readUInt16BE(CONTENT_START + 36) * 2
  let at = CONTENT_START + STATE_HEAD_BYTES
  const inFlight = new Map<number, StoredInFlight>()
  for (let i = 0; i < inFlightCount; i++) {
    const flags = value[at + 2] ?? 0
    inFlight.set(value.readUInt16BE(at), {
      body: value.readUIntBE(at + 3, 6),
      qos: readQoS(flags),
      isRetained: (flags & RETAINED) !== 0,
      isReleased: (flags & RELEASED) !== 0,
    })
    at += IN_FLIGHT_BYTES
  }
  const receivedIds = new Set<number>()
  for (; at < receivedIdsEnd; at += 2) receivedIds.add(value.readUInt16BE(at))
  return {
    leftAtMs: value.readDoubleBE(CONTENT_START),
    head: value.readUIntBE(CONTENT_START + 8, 6),
    tail: value.readUIntBE(CONTENT_START + 14, 6),
    queuedBytes: value.readDoubleBE(CONTENT_START + 20),
    inFlight,
    receivedIds,
    runs: readRuns(value, receivedIdsEnd, value.readUIntBE(CONTENT_START + 28, 6)),
  }
}

function readQoS(flags: number): QoS {
  const qos = flags & QOS_MASK
  if (qos === 0 || qos === 1 || qos === 2) return qos
  throw new DamagedRecordError('a QoS of 3 was read')
}
