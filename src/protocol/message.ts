// Hot path: one call or more per PUBLISH and subscriber; measured by `npm run bench`, rows "QoS 0" to "QoS 2".
import { PacketType, type QoS } from './packet-types.ts'

const EMPTY = Buffer.alloc(0)

/** The most bytes that the fixed header of a packet can take: the type and four bytes of length. */
export const MAX_FIXED_HEADER_BYTES = 5

/**
 * An application message on its way through the hub, held as the bytes of a PUBLISH packet of MQTT 3.1.1.
 *
 *   1. A message that came from a socket is a view of the chunk it came in, and its object is used again for the next
 *      one: whoever needs it after the call returns takes `keep()`.
 *   2. A kept message never changes.
 *   3. `withPacketId` and `withoutPacketId` are the same message in the two shapes a PUBLISH can have. One is how it
 *      came; the other is made when first asked for and serves all subscribers.
 */
export class Message {
  topic = ''
  qos: QoS = 0
  retain = false
  /** Where it came from: a client identifier, or undefined for the hub itself. */
  publisher: string | undefined = undefined

  bytes: Buffer = EMPTY
  start = 0
  end = 0
  payloadStart = 0
  #otherShape: Buffer | undefined = undefined

  /** Makes this object stand for the packet at `bytes[start, end)`. Keeps the buffer, not a copy of it. */
  set(topic: string, qos: QoS, retain: boolean, bytes: Buffer, start: number, payloadStart: number, end: number): void {
    this.topic = topic
    this.qos = qos
    this.retain = retain
    this.bytes = bytes
    this.start = start
    this.payloadStart = payloadStart
    this.end = end
    this.#otherShape = undefined
  }

  /** Builds a message that owns its bytes. `topic` must be a valid topic name; `payload` is copied. */
  static create(topic: string, payload: Buffer, qos: QoS, retain: boolean, publisher: string | undefined): Message {
    const bytes = encodePublish(Buffer.from(topic), payload, qos > 0, false)
    const message = new Message()
    message.set(topic, qos, retain, bytes, 0, bytes.length - payload.length, bytes.length)
    message.publisher = publisher
    return message
  }

  get payloadBytes(): number {
    return this.end - this.payloadStart
  }

  /** A view of the payload, valid as long as the message is. */
  get payload(): Buffer {
    return this.bytes.subarray(this.payloadStart, this.end)
  }

  /** Length of the packet, as the limits and the ledger count it. */
  get packetBytes(): number {
    return this.end - this.start
  }

  /**
   * A copy that owns its bytes and may be held for as long as needed. `isLongLived` gives it a buffer of its own, so that
   * one retained message does not keep a whole pool slab alive; a queued one shares a slab with its neighbours in time.
   */
  keep(isLongLived = false): Message {
    const length = this.end - this.start
    const bytes = isLongLived ? Buffer.allocUnsafeSlow(length) : Buffer.allocUnsafe(length)
    this.bytes.copy(bytes, 0, this.start, this.end)
    const kept = new Message()
    kept.set(this.topic, this.qos, this.retain, bytes, 0, this.payloadStart - this.start, length)
    kept.publisher = this.publisher
    return kept
  }

  /** True when `bytes[start, end)` is itself the shape for QoS 0 (false: the shape for QoS 1 and 2). */
  get isWithoutPacketId(): boolean {
    return this.qos === 0
  }

  /** The packet in the shape that `bytes[start, end)` has not. Made once. Flags and packet identifier are the writer's. */
  otherShape(): Buffer {
    const topicStart = this.#topicStart()
    const topicEnd = this.payloadStart - (this.qos > 0 ? 2 : 0)
    return (this.#otherShape ??= encodePublish(
      this.bytes.subarray(topicStart, topicEnd),
      this.bytes.subarray(this.payloadStart, this.end),
      this.qos === 0,
      false,
    ))
  }

  /** Offset in `bytes` of the topic's first byte, past the length that precedes it. */
  #topicStart(): number {
    let at = this.start + 1
    while (((this.bytes[at] ?? 0) & 0x80) !== 0) at++
    return at + 3
  }
}

/** Encodes a PUBLISH with QoS 1 and packet identifier 0 if it has one: the writer sets the first byte and the identifier. */
export function encodePublish(topic: Buffer, payload: Buffer, hasPacketId: boolean, retain: boolean): Buffer {
  const remainingBytes = 2 + topic.length + (hasPacketId ? 2 : 0) + payload.length
  const packet = Buffer.allocUnsafe(1 + lengthBytes(remainingBytes) + remainingBytes)
  packet[0] = (PacketType.PUBLISH << 4) | (hasPacketId ? 2 : 0) | (retain ? 1 : 0)
  let at = writeLength(packet, 1, remainingBytes)
  at = packet.writeUInt16BE(topic.length, at)
  at += topic.copy(packet, at)
  if (hasPacketId) at = packet.writeUInt16BE(0, at)
  payload.copy(packet, at)
  return packet
}

/** How many bytes a remaining length takes: 1 to 4 [MQTT-3.1.1 §2.2.3]. */
export function lengthBytes(remainingBytes: number): number {
  return remainingBytes < 128 ? 1 : remainingBytes < 16_384 ? 2 : remainingBytes < 2_097_152 ? 3 : 4
}

/** Writes a remaining length at `at` and returns the offset behind it. */
export function writeLength(packet: Buffer, at: number, remainingBytes: number): number {
  let rest = remainingBytes
  while (rest > 127) {
    packet[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  packet[at++] = rest
  return at
}
