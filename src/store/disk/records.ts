// The values of the store, as `src/store/README.md` describes them. Numbers are big-endian, texts are UTF-8.
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Message } from '../../protocol/message.ts'
import type { QoS } from '../../protocol/packet-types.ts'
import { publishFirstByte } from '../../protocol/publish-packet.ts'
import type { SubscriptionOptions } from '../../protocol/subscription-options.ts'
import type { StoredWill } from '../store.ts'

/** A value of the store is not what was written. */
export class DamagedRecordError extends Error {
  override readonly name = 'DamagedRecordError'
}

const CHECKSUM_BYTES = 4
/** Up to here a loop copies faster than a call of the engine. */
const SHORT_BYTES = 48
/** Longest name that is a key itself; LMDB's bound is 1,978 bytes. */
const MAX_NAME_KEY_BYTES = 1024
const HAS_PUBLISHER = 1
const HAS_EXPIRY = 2
const IS_VERSION_5 = 4
const IS_EXPIRY_FORWARDED = 8

const QOS_MASK = 3
const NO_LOCAL = 4
const RETAIN_AS_PUBLISHED = 8
const HAS_IDENTIFIER = 16

const SESSION_EXPIRES = 1
const IS_GROUP = 2
const HAS_USER = 4
/** Of a will. */
const IS_CERTIFIED = 1

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

/** The publisher of the last message, since most that come after another are of the same client. */
let lastPublisher = ''
let lastPublisherBytes = Buffer.alloc(0)

function publisherBytesOf(publisher: string): Buffer {
  if (publisher !== lastPublisher) {
    lastPublisherBytes = Buffer.from(publisher)
    lastPublisher = publisher
  }
  return lastPublisherBytes
}

/** How many bytes `writeMessage` takes. */
export function messageBytes(message: Message): number {
  const { publisher } = message
  const publisherBytes = publisher === undefined ? 0 : 2 + publisherBytesOf(publisher).length
  return 1 + (message.expiresAtMs === 0 ? 0 : 8) + publisherBytes + 4 + message.packetBytes
}

/** Writes flags, expiry, publisher and the PUBLISH packet; returns the offset behind it. */
export function writeMessage(target: Buffer, start: number, message: Message): number {
  const { publisher, expiresAtMs } = message
  let at = start
  target[at++] =
    (publisher === undefined ? 0 : HAS_PUBLISHER) |
    (expiresAtMs === 0 ? 0 : HAS_EXPIRY) |
    (message.isVersion5 ? IS_VERSION_5 : 0) |
    (message.isExpiryForwarded ? IS_EXPIRY_FORWARDED : 0)
  if (expiresAtMs !== 0) at = target.writeDoubleBE(expiresAtMs, at)
  if (publisher !== undefined) {
    const bytes = publisherBytesOf(publisher)
    at = target.writeUInt16BE(bytes.length, at)
    if (bytes.length > SHORT_BYTES) at += bytes.copy(target, at)
    else for (let i = 0; i < bytes.length; i++) target[at++] = bytes[i] ?? 0
  }
  at = target.writeUInt32BE(message.packetBytes, at)
  message.bytes.copy(target, at, message.start, message.end)
  // The bytes are as the message came or was made; the flags that count are the message's.
  target[at] = publishFirstByte(message.qos, false, message.retain)
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
  const packetEnd = packetStart + source.readUInt32BE(at)
  const message = Message.restore(source, packetStart, packetEnd, publisher, (flags & IS_VERSION_5) !== 0)
  message.expiresAtMs = expiresAtMs
  message.isExpiryForwarded = (flags & IS_EXPIRY_FORWARDED) !== 0
  return message
}

/** When the message at `start` expires, without reading the rest of it; 0 is never. */
export function readExpiry(source: Buffer, start: number): number {
  return ((source[start] ?? 0) & HAS_EXPIRY) === 0 ? 0 : source.readDoubleBE(start + 1)
}

/** A will: the message; behind it the delay, if there is one or a user follows; behind that a byte of flags and the user up to the end. */
export function encodeWill({ message, delaySeconds, user = '', isCertified }: StoredWill): Buffer {
  const bytes = messageBytes(message)
  const hasDelay = delaySeconds !== 0 || user !== ''
  const userBytes = user === '' ? 0 : 1 + Buffer.byteLength(user)
  const value = newValue(bytes + (hasDelay ? 4 + userBytes : 0))
  writeMessage(value, CONTENT_START, message)
  if (hasDelay) value.writeUInt32BE(delaySeconds, CONTENT_START + bytes)
  if (userBytes > 0) value.write(user, value.writeUInt8(isCertified ? IS_CERTIFIED : 0, CONTENT_START + bytes + 4))
  return seal(value)
}

export function decodeWill(value: Buffer): StoredWill {
  const message = readMessage(value, CONTENT_START)
  const delaySeconds = message.end < value.length ? value.readUInt32BE(message.end) : 0
  const flagsAt = message.end + 4
  const hasUser = flagsAt < value.length
  const user = hasUser ? value.toString('utf8', flagsAt + 1) : undefined
  const isCertified = hasUser && ((value[flagsAt] ?? 0) & IS_CERTIFIED) !== 0
  return { clientId: message.publisher ?? '', user, isCertified, message, delaySeconds }
}

// ---- names

/** A text behind a byte that is 0: the format. */
export function encodeText(text: string): Buffer {
  return encodeBehind(Buffer.of(0), text)
}

export function decodeText(value: Buffer): string {
  return value.toString('utf8', CONTENT_START + 1)
}

/** What a session or the queue of a shared subscription is called. */
export interface NameRecord {
  /** The client identifier, or the whole filter of a shared subscription. */
  readonly clientId: string
  readonly isGroup: boolean
  /** Infinity means forever. */
  readonly expirySeconds: number
  /** Whose it is. */
  readonly user: string | undefined
}

export function encodeName({ clientId, isGroup, expirySeconds, user }: NameRecord): Buffer {
  const expires = expirySeconds !== Infinity
  const flags = (expires ? SESSION_EXPIRES : 0) | (isGroup ? IS_GROUP : 0) | (user === undefined ? 0 : HAS_USER)
  const head: Buffer[] = [Buffer.of(flags)]
  if (expires) {
    const expiry = Buffer.allocUnsafe(4)
    expiry.writeUInt32BE(expirySeconds)
    head.push(expiry)
  }
  if (user !== undefined) {
    const bytes = Buffer.from(user)
    head.push(Buffer.of(bytes.length >>> 8, bytes.length & 0xff), bytes)
  }
  return encodeBehind(Buffer.concat(head), clientId)
}

export function decodeName(value: Buffer): NameRecord {
  const flags = value[CONTENT_START] ?? 0
  const expires = (flags & SESSION_EXPIRES) !== 0
  let at = CONTENT_START + (expires ? 5 : 1)
  let user: string | undefined
  if ((flags & HAS_USER) !== 0) {
    const userEnd = at + 2 + value.readUInt16BE(at)
    user = value.toString('utf8', at + 2, userEnd)
    at = userEnd
  }
  return {
    clientId: value.toString('utf8', at),
    isGroup: (flags & IS_GROUP) !== 0,
    expirySeconds: expires ? value.readUInt32BE(CONTENT_START + 1) : Infinity,
    user,
  }
}

export function encodeSubscription(filter: string, options: SubscriptionOptions): Buffer {
  const { qos, isNoLocal, isRetainAsPublished, identifier } = options
  const flags = qos | (isNoLocal ? NO_LOCAL : 0) | (isRetainAsPublished ? RETAIN_AS_PUBLISHED : 0)
  if (identifier === 0) return encodeBehind(Buffer.of(flags), filter)
  const head = Buffer.of(flags | HAS_IDENTIFIER, 0, 0, 0, 0)
  head.writeUInt32BE(identifier, 1)
  return encodeBehind(head, filter)
}

export function decodeSubscription(value: Buffer): readonly [filter: string, options: SubscriptionOptions] {
  const flags = value[CONTENT_START] ?? 0
  const hasIdentifier = (flags & HAS_IDENTIFIER) !== 0
  return [
    value.toString('utf8', CONTENT_START + (hasIdentifier ? 5 : 1)),
    {
      qos: readQoS(flags),
      isNoLocal: (flags & NO_LOCAL) !== 0,
      isRetainAsPublished: (flags & RETAIN_AS_PUBLISHED) !== 0,
      identifier: hasIdentifier ? value.readUInt32BE(CONTENT_START + 1) : 0,
    },
  ]
}

/** The QoS in the low bits of a byte of flags. @throws DamagedRecordError */
export function readQoS(flags: number): QoS {
  const qos = flags & QOS_MASK
  if (qos === 0 || qos === 1 || qos === 2) return qos
  throw new DamagedRecordError('a QoS of 3 was read')
}

function encodeBehind(head: Buffer, text: string): Buffer {
  const value = newValue(head.length + Buffer.byteLength(text))
  head.copy(value, CONTENT_START)
  value.write(text, CONTENT_START + head.length)
  return seal(value)
}
