// Hot path: `read` runs per PUBLISH received, `publishFirstByte` per one sent; measured by `npm run bench`, all throughput rows.
import { MalformedPacketError } from './field-reader.ts'
import { PacketType, type QoS } from './packet-types.ts'
import { PublishProperties } from './publish-properties.ts'
import { ReasonCode } from './reason-codes.ts'
import { readVarint, varintBytes, varintEnd, writeVarint } from './varint.ts'

const DUP = 8
const QOS_BITS = 6
const RETAIN = 1
const QOS_BY_BITS: readonly (QoS | undefined)[] = [0, 1, 2, undefined]

/** The first byte of a PUBLISH at QoS 0 that is neither a duplicate nor to be retained. */
export const PLAIN_PUBLISH = publishFirstByte(0, false, false)

/** Stands for the length of properties where there are none, not even a length: in MQTT 3.1.1. */
export const NO_PROPERTIES = -1

/**
 * Where the fields of a PUBLISH lie in the buffer that it was read from; nothing is copied. One object serves all packets, one
 * after the other: what it says holds until it reads the next.
 */
export class PublishPacket {
  isVersion5 = false
  qos: QoS = 0
  /** The low four bits of the first byte. */
  flags = 0
  /** 0 at QoS 0. */
  packetId = 0
  start = 0
  topicStart = 0
  topicEnd = 0
  /** Properties are `[propertiesStart, payloadStart)`, the payload `[payloadStart, end)`. */
  propertiesStart = 0
  payloadStart = 0
  end = 0
  /** What the hub itself acts on; of the last packet of MQTT 5. */
  readonly properties = new PublishProperties()

  /** The bytes can go on to receivers as they came, and so can those of other packets with the same header. */
  get isPlain(): boolean {
    return this.flags === 0 && (!this.isVersion5 || this.properties.arePlain)
  }

  get isDuplicate(): boolean {
    return (this.flags & DUP) !== 0
  }

  get isRetained(): boolean {
    return (this.flags & RETAIN) !== 0
  }

  /**
   * Reads the PUBLISH `bytes[start, end)` of a client, whose variable header begins at `bodyStart`. Whether the topic is a valid
   * one is not looked at. @throws MalformedPacketError when it breaks a rule of its version of MQTT
   */
  read(bytes: Buffer, start: number, bodyStart: number, end: number, isVersion5: boolean): void {
    this.#readHeader(bytes, start, bodyStart, end, isVersion5)
    // [MQTT-2.3.1-1] [MQTT5-2.2.1-3]
    if (this.qos > 0 && this.packetId === 0)
      throw new MalformedPacketError('PUBLISH with packet identifier 0', ReasonCode.PROTOCOL_ERROR)
    if (!isVersion5) return
    this.#readPropertyLength(bytes)
    this.properties.read(bytes, this.propertiesStart, this.payloadStart)
  }

  /**
   * Reads a PUBLISH that was kept in a store: its properties were checked when it came, its packet identifier means nothing.
   * @throws MalformedPacketError when it is none
   */
  readKept(bytes: Buffer, start: number, end: number, isVersion5: boolean): void {
    if ((bytes[start] ?? 0) >> 4 !== PacketType.PUBLISH) throw new MalformedPacketError('no PUBLISH packet')
    this.#readHeader(bytes, start, varintEnd(bytes, start + 1, end), end, isVersion5)
    if (isVersion5) this.#readPropertyLength(bytes)
  }

  #readHeader(bytes: Buffer, start: number, bodyStart: number, end: number, isVersion5: boolean): void {
    const first = bytes[start] ?? 0
    const qos = QOS_BY_BITS[(first >> 1) & 3]
    if (qos === undefined) throw new MalformedPacketError('PUBLISH at QoS 3') // [MQTT-3.3.1-4]
    const topicStart = bodyStart + 2
    const topicEnd = topicStart + uint16(bytes, bodyStart)
    const headerEnd = qos === 0 ? topicEnd : topicEnd + 2
    if (topicStart > end || headerEnd > end || (isVersion5 && headerEnd === end))
      throw new MalformedPacketError('PUBLISH ends inside its header')
    this.isVersion5 = isVersion5
    this.qos = qos
    this.flags = first & 0x0f
    this.packetId = qos === 0 ? 0 : uint16(bytes, topicEnd)
    this.start = start
    this.topicStart = topicStart
    this.topicEnd = topicEnd
    this.propertiesStart = headerEnd
    this.payloadStart = headerEnd
    this.end = end
  }

  /** Finds the properties behind the header, where their length is. */
  #readPropertyLength(bytes: Buffer): void {
    const lengthStart = this.propertiesStart
    const lengthEnd = varintEnd(bytes, lengthStart, this.end)
    const propertiesBytes = readVarint(bytes, lengthStart)
    this.propertiesStart = lengthEnd
    this.payloadStart = lengthEnd + propertiesBytes
    // One that is cut off or too long has no end behind its start.
    if (lengthEnd - lengthStart !== varintBytes(propertiesBytes) || this.payloadStart > this.end)
      throw new MalformedPacketError('the property length of PUBLISH is wrong')
  }
}

/** Type and flags of a PUBLISH [MQTT-3.1.1 §3.3.1]. */
export function publishFirstByte(qos: QoS, isDuplicate: boolean, isRetained: boolean): number {
  return (PacketType.PUBLISH << 4) | (isDuplicate ? DUP : 0) | (qos << 1) | (isRetained ? RETAIN : 0)
}

/** The length of a whole PUBLISH. `propertiesBytes` is without their length, or NO_PROPERTIES. */
export function publishBytes(
  topicBytes: number,
  hasPacketId: boolean,
  propertiesBytes: number,
  payloadBytes: number,
): number {
  const remainingBytes = headerBytes(topicBytes, hasPacketId, propertiesBytes) + payloadBytes
  return 1 + varintBytes(remainingBytes) + remainingBytes
}

/**
 * Writes a PUBLISH at `start` up to where its properties begin, or its payload in 3.1.1, and returns that offset. There must be
 * room for it. The packet identifier is for QoS 1 and 2 only.
 */
export function writePublishHeader(
  target: Buffer,
  start: number,
  firstByte: number,
  topic: Buffer,
  packetId: number,
  propertiesBytes: number,
  payloadBytes: number,
): number {
  const hasPacketId = (firstByte & QOS_BITS) !== 0
  target[start] = firstByte
  const remainingBytes = headerBytes(topic.length, hasPacketId, propertiesBytes) + payloadBytes
  let at = writeVarint(target, start + 1, remainingBytes)
  at = target.writeUInt16BE(topic.length, at)
  at += topic.copy(target, at)
  if (hasPacketId) at = target.writeUInt16BE(packetId, at)
  return propertiesBytes === NO_PROPERTIES ? at : writeVarint(target, at, propertiesBytes)
}

/**
 * A PUBLISH in a buffer of its own, at QoS 1 with packet identifier 0 or at QoS 0: whoever sends it sets both. `properties`
 * without their length make it one of MQTT 5, undefined one of 3.1.1.
 */
export function encodePublish(
  topic: Buffer,
  properties: Buffer | undefined,
  payload: Buffer,
  hasPacketId: boolean,
): Buffer {
  const propertiesBytes = properties === undefined ? NO_PROPERTIES : properties.length
  const packet = Buffer.allocUnsafe(publishBytes(topic.length, hasPacketId, propertiesBytes, payload.length))
  const firstByte = publishFirstByte(hasPacketId ? 1 : 0, false, false)
  let at = writePublishHeader(packet, 0, firstByte, topic, 0, propertiesBytes, payload.length)
  if (properties !== undefined) at += properties.copy(packet, at)
  payload.copy(packet, at)
  return packet
}

/** What lies between the remaining length and the payload. */
function headerBytes(topicBytes: number, hasPacketId: boolean, propertiesBytes: number): number {
  const propertyFieldBytes = propertiesBytes === NO_PROPERTIES ? 0 : varintBytes(propertiesBytes) + propertiesBytes
  return 2 + topicBytes + (hasPacketId ? 2 : 0) + propertyFieldBytes
}

/** Past the end of `bytes` they count as 0. */
function uint16(bytes: Buffer, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}
