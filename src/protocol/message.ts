// Hot path: one call or more per PUBLISH and subscriber; measured by `npm run bench`, rows "QoS 0" to "QoS 2".
import { PacketType, type QoS } from './packet-types.ts'

const EMPTY = Buffer.alloc(0)

/**
 * An application message on its way through the hub, held as the bytes of a PUBLISH packet of MQTT 3.1.1.
 *
 *   1. A message that came from a socket is a view of the chunk it came in, and its object is used again for the next
 *      one: whoever needs it after the call returns takes `keep()`.
 *   2. A kept message never changes.
 *   3. It may stand for a run: packets of one topic at QoS 0 that lie behind each other (`count` over 1). Only those take
 *      a run who pass on bytes; to all others it is given packet by packet (`takeFromRun`).
 *   4. A PUBLISH has two shapes, with a packet identifier and without. One is how the message came, the other is made when
 *      it is first asked for; each serves all subscribers, who write their own flags and identifier into their copy.
 */
export class Message {
  topic = ''
  qos: QoS = 0
  retain = false
  /** The client it came from, or undefined for the hub itself. */
  publisher: string | undefined = undefined
  /** When it is no longer worth delivering, in ms since 1970 by the hub's clock; 0 is never. */
  expiresAtMs = 0
  /** Where a store has its body: the store's own number. */
  body = 0

  /** The packet is `bytes[start, end)`, its payload `bytes[payloadStart, end)`. */
  bytes: Buffer = EMPTY
  start = 0
  payloadStart = 0
  end = 0
  /** Packets in `bytes[start, end)`. In a run, `payloadStart` is that of the first. */
  count = 1
  #otherShape: Buffer | undefined = undefined
  #kept: Message | undefined = undefined

  /** Makes this object stand for the packet at `bytes[start, end)`. Keeps the buffer, not a copy of it. */
  set(topic: string, qos: QoS, retain: boolean, bytes: Buffer, start: number, payloadStart: number, end: number): void {
    this.topic = topic
    this.qos = qos
    this.retain = retain
    this.bytes = bytes
    this.start = start
    this.payloadStart = payloadStart
    this.end = end
    this.count = 1
    this.expiresAtMs = 0
    this.#otherShape = undefined
    this.#kept = undefined
  }

  /** Makes this object stand for the packet of `run` that begins at `at`; returns the offset behind it. */
  takeFromRun(run: Message, at: number): number {
    const { bytes } = run
    let bodyStart = at + 1
    let remainingBytes = 0
    let scale = 1
    let byte = 0x80
    while (byte >= 0x80) {
      byte = bytes[bodyStart++] ?? 0
      remainingBytes += (byte & 0x7f) * scale
      scale *= 128
    }
    const topicBytes = ((bytes[bodyStart] ?? 0) << 8) | (bytes[bodyStart + 1] ?? 0)
    const end = bodyStart + remainingBytes
    this.set(run.topic, 0, false, bytes, at, bodyStart + 2 + topicBytes, end)
    this.publisher = run.publisher
    return end
  }

  /** Builds a kept message. `topic` must be a valid topic name; `payload` is copied. */
  static create(topic: string, payload: Buffer, qos: QoS, retain: boolean, publisher: string | undefined): Message {
    const bytes = encodePublish(Buffer.from(topic), payload, qos > 0)
    const message = new Message()
    message.set(topic, qos, retain, bytes, 0, bytes.length - payload.length, bytes.length)
    message.publisher = publisher
    message.#kept = message
    return message
  }

  /**
   * A kept message that is the packet `bytes[start, end)`, as a store gives it back. Keeps the buffer.
   * @throws RangeError when that is no PUBLISH packet
   */
  static restore(bytes: Buffer, start: number, end: number, publisher: string | undefined): Message {
    const bodyStart = fieldStart(bytes, start)
    const topicStart = bodyStart + 2
    const topicEnd = topicStart + bytes.readUInt16BE(bodyStart)
    const first = bytes[start] ?? 0
    const qos = first & 4 ? 2 : first & 2 ? 1 : 0
    const payloadStart = topicEnd + (qos > 0 ? 2 : 0)
    if (first >> 4 !== PacketType.PUBLISH || payloadStart > end) throw new RangeError('no PUBLISH packet')
    const message = new Message()
    const topic = bytes.toString('utf8', topicStart, topicEnd)
    message.set(topic, qos, (first & 1) !== 0, bytes, start, payloadStart, end)
    message.publisher = publisher
    message.#kept = message
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

  /** True when `bytes` is the shape without a packet identifier. */
  get isWithoutPacketId(): boolean {
    return this.qos === 0
  }

  /** The same message for as long as it is needed; all who ask share one copy. */
  keep(): Message {
    return (this.#kept ??= this.#copy(Buffer.allocUnsafe(this.packetBytes), this.retain))
  }

  /**
   * A kept message of its own for the retained messages: with RETAIN set, and in a buffer of its own, since one that lives
   * for years must not keep the slab alive that `keep()` shares with its neighbours in time.
   */
  keepRetained(): Message {
    return this.#copy(Buffer.allocUnsafeSlow(this.packetBytes), true)
  }

  /** The packet in the shape that `bytes` has not. Its flags and packet identifier are the writer's to set. */
  otherShape(): Buffer {
    if (this.#otherShape !== undefined) return this.#otherShape
    const shape = encodePublish(
      this.bytes.subarray(this.#topicStart(), this.payloadStart - (this.qos > 0 ? 2 : 0)),
      this.bytes.subarray(this.payloadStart, this.end),
      this.qos === 0,
    )
    // A retained message would hold it for years, for the one subscriber that asked.
    if (this.#kept !== this || !this.retain) this.#otherShape = shape
    return shape
  }

  #copy(bytes: Buffer, retain: boolean): Message {
    this.bytes.copy(bytes, 0, this.start, this.end)
    const kept = new Message()
    kept.set(this.topic, this.qos, retain, bytes, 0, this.payloadStart - this.start, bytes.length)
    kept.publisher = this.publisher
    kept.expiresAtMs = this.expiresAtMs
    kept.#kept = kept
    return kept
  }

  /** Offset in `bytes` of the topic's first byte, past its length. */
  #topicStart(): number {
    return fieldStart(this.bytes, this.start) + 2
  }
}

/** Offset of the first field of the packet that begins at `start`, past its remaining length. */
function fieldStart(bytes: Buffer, start: number): number {
  let at = start + 1
  while (((bytes[at] ?? 0) & 0x80) !== 0) at++
  return at + 1
}

/** Encodes a PUBLISH, at QoS 1 with packet identifier 0 or at QoS 0: whoever sends it sets both. */
export function encodePublish(topic: Buffer, payload: Buffer, hasPacketId: boolean): Buffer {
  const remainingBytes = 2 + topic.length + (hasPacketId ? 2 : 0) + payload.length
  const packet = Buffer.allocUnsafe(1 + lengthBytes(remainingBytes) + remainingBytes)
  packet[0] = (PacketType.PUBLISH << 4) | (hasPacketId ? 2 : 0)
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
