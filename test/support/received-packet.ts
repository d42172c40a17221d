import { type Acknowledgement, NAMES, type PacketName } from './packets.ts'
import { Id, type Kind, KINDS, type Property, type PropertyValue } from './properties.ts'

/** MQTT 3.1.1 or 5, by its protocol level. What a client of 3.1 gets is as in 3.1.1. */
export type Version = 4 | 5

interface Received<T extends PacketName> {
  readonly type: T
  /** Low four bits of the first byte. */
  readonly flags: number
  /** The whole packet, header included. */
  readonly bytes: Buffer
}

interface WithProperties<T extends PacketName> extends Received<T> {
  /** None in 3.1.1. */
  readonly properties: readonly Property[]
}

interface WithReason<T extends PacketName> extends WithProperties<T> {
  /** 0 where the packet leaves it out, as 3.1.1 always does but in CONNACK. */
  readonly reasonCode: number
}

/** Its reason code is the return code of 3.1.1. */
export interface ReceivedConnack extends WithReason<'CONNACK'> {
  readonly isSessionPresent: boolean
}

export interface ReceivedPublish extends WithProperties<'PUBLISH'> {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: number
  readonly retain: boolean
  readonly dup: boolean
  /** 0 at QoS 0. */
  readonly packetId: number
}

interface ReceivedAcknowledgement<T extends Acknowledgement> extends WithReason<T> {
  readonly packetId: number
}

interface ReceivedCodes<T extends 'SUBACK' | 'UNSUBACK'> extends WithProperties<T> {
  readonly packetId: number
  /** One for each filter; none in an UNSUBACK of 3.1.1. */
  readonly codes: readonly number[]
}

export type ReceivedSuback = ReceivedCodes<'SUBACK'>

/** What each packet that a server sends is parsed to. */
export type ReceivedByName = { readonly [T in Acknowledgement]: ReceivedAcknowledgement<T> } & {
  readonly CONNACK: ReceivedConnack
  readonly PUBLISH: ReceivedPublish
  readonly SUBACK: ReceivedSuback
  readonly UNSUBACK: ReceivedCodes<'UNSUBACK'>
  readonly PINGRESP: Received<'PINGRESP'>
  readonly DISCONNECT: WithReason<'DISCONNECT'>
  readonly AUTH: WithReason<'AUTH'>
}

export type ServerPacketName = keyof ReceivedByName
export type ReceivedPacket = ReceivedByName[ServerPacketName]

type ByPacket = Readonly<Partial<Record<PacketName, readonly number[]>>>

const PUBLISH_CODES = [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]

/** The codes that a server may send in each packet, as the tables of section 3 have them. */
const CODES: Readonly<Record<Version, ByPacket>> = {
  4: { CONNACK: [0, 1, 2, 3, 4, 5], SUBACK: [0, 1, 2, 0x80] },
  5: {
    CONNACK: [
      0, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b,
      0x9c, 0x9d, 0x9f,
    ],
    PUBACK: PUBLISH_CODES,
    PUBREC: PUBLISH_CODES,
    PUBREL: [0, 0x92],
    PUBCOMP: [0, 0x92],
    SUBACK: [0, 1, 2, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2],
    UNSUBACK: [0, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91],
    DISCONNECT: [
      0, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
      0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
    ],
    AUTH: [0, 0x18],
  },
}

const REASON = [Id.REASON_STRING, Id.USER_PROPERTY]

/** The properties that a server may send in each packet [MQTT5 §2.2.2.2]. */
const PROPERTIES: ByPacket = {
  CONNACK: [
    ...REASON,
    Id.SESSION_EXPIRY,
    Id.ASSIGNED_CLIENT_IDENTIFIER,
    Id.SERVER_KEEP_ALIVE,
    Id.AUTHENTICATION_METHOD,
    Id.AUTHENTICATION_DATA,
    Id.RESPONSE_INFORMATION,
    Id.SERVER_REFERENCE,
    Id.RECEIVE_MAXIMUM,
    Id.TOPIC_ALIAS_MAXIMUM,
    Id.MAXIMUM_QOS,
    Id.RETAIN_AVAILABLE,
    Id.MAXIMUM_PACKET_SIZE,
    Id.WILDCARD_AVAILABLE,
    Id.SUBSCRIPTION_IDENTIFIERS_AVAILABLE,
    Id.SHARED_AVAILABLE,
  ],
  PUBLISH: [
    Id.PAYLOAD_FORMAT,
    Id.MESSAGE_EXPIRY,
    Id.CONTENT_TYPE,
    Id.RESPONSE_TOPIC,
    Id.CORRELATION_DATA,
    Id.SUBSCRIPTION_IDENTIFIER,
    Id.TOPIC_ALIAS,
    Id.USER_PROPERTY,
  ],
  PUBACK: REASON,
  PUBREC: REASON,
  PUBREL: REASON,
  PUBCOMP: REASON,
  SUBACK: REASON,
  UNSUBACK: REASON,
  DISCONNECT: [...REASON, Id.SERVER_REFERENCE],
  AUTH: [...REASON, Id.AUTHENTICATION_METHOD, Id.AUTHENTICATION_DATA],
}

/** The value of a property that is there once or not at all. */
export function valueOf(packet: { readonly properties: readonly Property[] }, id: number): PropertyValue | undefined {
  return packet.properties.find(([other]) => other === id)?.[1]
}

/** All values of a property, in their order. */
export function valuesOf(packet: { readonly properties: readonly Property[] }, id: number): PropertyValue[] {
  return packet.properties.filter(([other]) => other === id).map(([, value]) => value)
}

/**
 * Cuts a stream into packets, whatever its chunks, and takes none that breaks the standard: reserved flags, codes and
 * properties that may not be in that packet, lengths that do not fit, strings that are not UTF-8.
 */
export class PacketCutter {
  readonly #version: Version
  /** What has come of a packet that is not whole. */
  #parts: Buffer[] = []
  #partsBytes = 0
  /** Length of that packet, 0 while it has not been read. */
  #packetBytes = 0

  constructor(version: Version) {
    this.#version = version
  }

  push(chunk: Buffer): ReceivedPacket[] {
    this.#parts.push(chunk)
    this.#partsBytes += chunk.length
    if (this.#partsBytes < this.#packetBytes) return []
    const bytes = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts)
    const packets: ReceivedPacket[] = []
    let start = 0
    let end = packetEnd(bytes, start)
    while (end !== undefined && end <= bytes.length) {
      packets.push(parse(bytes.subarray(start, end), this.#version))
      start = end
      end = packetEnd(bytes, start)
    }
    this.#parts = start === bytes.length ? [] : [bytes.subarray(start)]
    this.#partsBytes = bytes.length - start
    this.#packetBytes = end === undefined ? 0 : end - start
    return packets
  }
}

/** Where the packet that begins at `start` ends, once its length is there. */
function packetEnd(bytes: Buffer, start: number): number | undefined {
  for (let at = start + 1; at < Math.min(bytes.length, start + 5); at++) {
    if ((bytes[at] ?? 0) >= 128) continue
    return at + 1 + new Reader(bytes.subarray(start + 1, at + 1), 4).varint()
  }
  if (bytes.length >= start + 5)
    throw new Error(`the hub sent a length of more than four bytes: ${bytes.toString('hex', start, start + 8)}`)
  return undefined
}

function parse(bytes: Buffer, version: Version): ReceivedPacket {
  const reader = new Reader(bytes, version)
  const first = reader.byte()
  const flags = first & 15
  reader.varint()
  const parsed = parseBody(NAMES[first >> 4], flags, bytes, reader)
  if (!reader.isAtEnd) throw new Error(`the hub sent a packet with bytes too many: ${bytes.toString('hex')}`)
  const expectedFlags = parsed.type === 'PUBREL' ? 2 : 0
  if (parsed.type !== 'PUBLISH' && flags !== expectedFlags)
    throw new Error(`the hub sent ${parsed.type} with flags ${flags}`)
  return parsed
}

function parseBody(type: PacketName | undefined, flags: number, bytes: Buffer, reader: Reader): ReceivedPacket {
  switch (type) {
    case 'CONNACK': {
      const acknowledgeFlags = reader.byte()
      if (acknowledgeFlags > 1) throw new Error(`the hub sent CONNACK with reserved flags: ${acknowledgeFlags}`)
      const reasonCode = reader.code(type)
      const isSessionPresent = acknowledgeFlags === 1
      if (isSessionPresent && reasonCode !== 0) throw new Error('the hub refused a CONNECT with session present')
      return { type, flags, bytes, isSessionPresent, reasonCode, properties: reader.properties(type) }
    }
    case 'PUBLISH':
      return parsePublish(flags, bytes, reader)
    case 'PUBACK':
    case 'PUBREC':
    case 'PUBREL':
    case 'PUBCOMP':
      return { type, flags, bytes, packetId: reader.packetId(), ...reader.reason(type) }
    case 'SUBACK':
    case 'UNSUBACK': {
      const packetId = reader.packetId()
      const properties = reader.properties(type)
      return { type, flags, bytes, packetId, properties, codes: reader.codes(type) }
    }
    case 'PINGRESP':
      return { type, flags, bytes }
    case 'DISCONNECT':
    case 'AUTH':
      if (reader.version === 5) return { type, flags, bytes, ...reader.reason(type) }
  }
  throw new Error(`the hub sent ${type ?? 'a packet of type 0'}, which a server may not`)
}

function parsePublish(flags: number, bytes: Buffer, reader: Reader): ReceivedPublish {
  const type = 'PUBLISH'
  const qos = (flags >> 1) & 3
  const dup = (flags & 8) !== 0
  if (qos === 3) throw new Error('the hub sent PUBLISH at QoS 3')
  if (qos === 0 && dup) throw new Error('the hub sent PUBLISH at QoS 0 with DUP')
  const topic = reader.string()
  if (/[+#]/.test(topic)) throw new Error(`the hub sent PUBLISH to "${topic}"`)
  const packetId = qos > 0 ? reader.packetId() : 0
  const properties = reader.properties(type)
  if (topic === '' && valueOf({ properties }, Id.TOPIC_ALIAS) === undefined)
    throw new Error('the hub sent PUBLISH with neither topic nor alias')
  return {
    type,
    flags,
    bytes,
    topic,
    qos,
    retain: (flags & 1) !== 0,
    dup,
    packetId,
    properties,
    payload: reader.rest(),
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads bytes of a packet from front to end, as strictly as the standard allows.
 * @throws Error when they are not what it says
 */
class Reader {
  readonly version: Version
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer, version: Version) {
    this.#bytes = bytes
    this.version = version
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#skip(1))
  }

  varint(): number {
    let value = 0
    for (let i = 0; i < 4; i++) {
      const digit = this.byte()
      value += (digit & 127) * 128 ** i
      if (digit < 128) {
        if (digit === 0 && i > 0) throw new Error('the hub sent a variable byte integer that is longer than need be')
        return value
      }
    }
    throw new Error('the hub sent a variable byte integer of more than four bytes')
  }

  string(): string {
    const text = UTF8.decode(this.#binary())
    if (text.includes('\0')) throw new Error('the hub sent a string with U+0000')
    return text
  }

  rest(): Buffer {
    return this.#take(this.#bytes.length - this.#at)
  }

  packetId(): number {
    const packetId = this.#uint16()
    if (packetId === 0) throw new Error('the hub sent the packet identifier 0')
    return packetId
  }

  code(type: PacketName): number {
    const code = this.byte()
    if (CODES[this.version][type]?.includes(code) === true) return code
    throw new Error(`the hub sent ${type} with reason code 0x${code.toString(16)}`)
  }

  codes(type: 'SUBACK' | 'UNSUBACK'): number[] {
    const codes: number[] = []
    while (!this.isAtEnd) codes.push(this.code(type))
    if (codes.length === 0 && CODES[this.version][type] !== undefined)
      throw new Error(`the hub sent ${type} without a code`)
    return codes
  }

  /** Reason code and properties, which may be left out from the end; 3.1.1 has neither. */
  reason(type: PacketName): { reasonCode: number; properties: Property[] } {
    if (this.isAtEnd) return { reasonCode: 0, properties: [] }
    const reasonCode = this.code(type)
    return { reasonCode, properties: this.isAtEnd ? [] : this.properties(type) }
  }

  /** Properties that a server may send in a packet of this type. */
  properties(type: PacketName): Property[] {
    if (this.version === 4) return []
    const block = new Reader(this.#take(this.varint()), 5)
    const properties: Property[] = []
    while (!block.isAtEnd) {
      const id = block.varint()
      const kind = KINDS[id]
      const name = `property 0x${id.toString(16)}`
      if (kind === undefined || PROPERTIES[type]?.includes(id) !== true)
        throw new Error(`the hub sent ${name} in ${type}`)
      const mayRepeat = id === Id.USER_PROPERTY || id === Id.SUBSCRIPTION_IDENTIFIER
      if (!mayRepeat && properties.some(([other]) => other === id)) throw new Error(`the hub sent ${name} twice`)
      const value = block.#value(kind)
      if (value === 0 && id === Id.SUBSCRIPTION_IDENTIFIER)
        throw new Error('the hub sent the subscription identifier 0')
      properties.push([id, value])
    }
    return properties
  }

  #value(kind: Kind): PropertyValue {
    switch (kind) {
      case 'byte':
        return this.byte()
      case 'two bytes':
        return this.#uint16()
      case 'four bytes':
        return this.#bytes.readUInt32BE(this.#skip(4))
      case 'varint':
        return this.varint()
      case 'string':
        return this.string()
      case 'binary':
        return this.#binary()
      default:
        return [this.string(), this.string()]
    }
  }

  #uint16(): number {
    return this.#bytes.readUInt16BE(this.#skip(2))
  }

  #binary(): Buffer {
    return this.#take(this.#uint16())
  }

  #take(length: number): Buffer {
    const start = this.#skip(length)
    return this.#bytes.subarray(start, this.#at)
  }

  /** Goes on by that many bytes, and says where they begin. */
  #skip(length: number): number {
    const start = this.#at
    if (start + length > this.#bytes.length)
      throw new Error(`the hub sent a packet that ends early: ${this.#bytes.toString('hex')}`)
    this.#at += length
    return start
  }
}
