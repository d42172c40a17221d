import { NAMES, type PacketName } from './packets.ts'
import { type Property, type PropertyValue, Reader } from './properties5.ts'

interface Received<T extends PacketName> {
  readonly type: T
  /** Low four bits of the first byte. */
  readonly flags: number
  /** Of the whole packet, header included. */
  readonly lengthBytes: number
}

interface WithReason<T extends PacketName> extends Received<T> {
  readonly reasonCode: number
  readonly properties: readonly Property[]
}

export interface ReceivedConnack5 extends WithReason<'CONNACK'> {
  readonly isSessionPresent: boolean
}

export interface ReceivedPublish5 extends Received<'PUBLISH'> {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: number
  readonly retain: boolean
  readonly dup: boolean
  /** 0 at QoS 0. */
  readonly packetId: number
  readonly properties: readonly Property[]
}

type Acknowledgement = 'PUBACK' | 'PUBREC' | 'PUBREL' | 'PUBCOMP'

export interface ReceivedAcknowledgement5<T extends Acknowledgement> extends WithReason<T> {
  readonly packetId: number
}

export interface ReceivedCodes5<T extends 'SUBACK' | 'UNSUBACK'> extends Received<T> {
  readonly packetId: number
  readonly codes: readonly number[]
  readonly properties: readonly Property[]
}

/** What each packet that a server sends is parsed to. */
export type Received5ByName = { readonly [T in Acknowledgement]: ReceivedAcknowledgement5<T> } & {
  readonly CONNACK: ReceivedConnack5
  readonly PUBLISH: ReceivedPublish5
  readonly SUBACK: ReceivedCodes5<'SUBACK'>
  readonly UNSUBACK: ReceivedCodes5<'UNSUBACK'>
  readonly PINGRESP: Received<'PINGRESP'>
  readonly DISCONNECT: WithReason<'DISCONNECT'>
  readonly AUTH: WithReason<'AUTH'>
}

export type ServerPacketName = keyof Received5ByName
export type ReceivedPacket5 = Received5ByName[ServerPacketName]

/** The reason codes that a server may send in each packet, as the tables of section 3 have them. */
const REASON_CODES: Readonly<Partial<Record<PacketName, ReadonlySet<number>>>> = {
  CONNACK: new Set([
    0, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b, 0x9c,
    0x9d, 0x9f,
  ]),
  PUBACK: new Set([0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]),
  PUBREC: new Set([0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]),
  PUBREL: new Set([0, 0x92]),
  PUBCOMP: new Set([0, 0x92]),
  SUBACK: new Set([0, 1, 2, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2]),
  UNSUBACK: new Set([0, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91]),
  DISCONNECT: new Set([
    0, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
    0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
  ]),
  AUTH: new Set([0, 0x18]),
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
 * Cuts a stream into packets of MQTT 5, whatever its chunks, and takes none that breaks the standard: reserved flags,
 * reason codes and properties that may not be in that packet, lengths that do not fit, strings that are not UTF-8.
 */
export class PacketCutter5 {
  #rest: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): ReceivedPacket5[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const packets: ReceivedPacket5[] = []
    for (;;) {
      const end = packetEnd(this.#rest)
      if (end === undefined || this.#rest.length < end) return packets
      packets.push(parse(this.#rest.subarray(0, end)))
      this.#rest = this.#rest.subarray(end)
    }
  }
}

/** Where the first packet ends, once its length is there. */
function packetEnd(bytes: Buffer): number | undefined {
  for (let at = 1; at < Math.min(bytes.length, 5); at++) {
    if ((bytes[at] ?? 0) >= 128) continue
    return at + 1 + new Reader(bytes.subarray(1, at + 1)).varint()
  }
  if (bytes.length >= 5)
    throw new Error(`the hub sent a length of more than four bytes: ${bytes.toString('hex', 0, 8)}`)
  return undefined
}

function parse(bytes: Buffer): ReceivedPacket5 {
  const reader = new Reader(bytes)
  const first = reader.byte()
  const flags = first & 15
  reader.varint()
  const parsed = parseBody(NAMES[first >> 4], flags, bytes.length, reader)
  if (!reader.isAtEnd) throw new Error(`the hub sent a packet with bytes too many: ${bytes.toString('hex')}`)
  const mayHaveFlags = parsed.type === 'PUBLISH'
  const expectedFlags = parsed.type === 'PUBREL' ? 2 : 0
  if (!mayHaveFlags && flags !== expectedFlags) throw new Error(`the hub sent ${parsed.type} with flags ${flags}`)
  return parsed
}

function parseBody(type: PacketName | undefined, flags: number, lengthBytes: number, reader: Reader): ReceivedPacket5 {
  switch (type) {
    case 'CONNACK': {
      const acknowledgeFlags = reader.byte()
      if (acknowledgeFlags > 1) throw new Error(`the hub sent CONNACK with reserved flags: ${acknowledgeFlags}`)
      const reasonCode = checkCode(type, reader.byte())
      const isSessionPresent = acknowledgeFlags === 1
      if (isSessionPresent && reasonCode !== 0) throw new Error('the hub refused a CONNECT with session present')
      return { type, flags, lengthBytes, isSessionPresent, reasonCode, properties: reader.properties(type) }
    }
    case 'PUBLISH':
      return parsePublish(flags, lengthBytes, reader)
    case 'PUBACK':
    case 'PUBREC':
    case 'PUBREL':
    case 'PUBCOMP':
      return { type, flags, lengthBytes, packetId: readPacketId(reader), ...readReason(type, reader) }
    case 'SUBACK':
    case 'UNSUBACK': {
      const packetId = readPacketId(reader)
      const properties = reader.properties(type)
      const codes = [...reader.rest()].map((code) => checkCode(type, code))
      return { type, flags, lengthBytes, packetId, properties, codes }
    }
    case 'PINGRESP':
      return { type, flags, lengthBytes }
    case 'DISCONNECT':
    case 'AUTH':
      return { type, flags, lengthBytes, ...readReason(type, reader) }
    default:
      throw new Error(`the hub sent ${type ?? 'a packet of type 0'}, which a server may not`)
  }
}

function readReason(
  type: Acknowledgement | 'DISCONNECT' | 'AUTH',
  reader: Reader,
): { reasonCode: number; properties: Property[] } {
  if (reader.isAtEnd) return { reasonCode: 0, properties: [] }
  const reasonCode = checkCode(type, reader.byte())
  return { reasonCode, properties: reader.isAtEnd ? [] : reader.properties(type) }
}

function parsePublish(flags: number, lengthBytes: number, reader: Reader): ReceivedPublish5 {
  const type = 'PUBLISH'
  const qos = (flags >> 1) & 3
  const dup = (flags & 8) !== 0
  if (qos === 3) throw new Error('the hub sent PUBLISH at QoS 3')
  if (qos === 0 && dup) throw new Error('the hub sent PUBLISH at QoS 0 with DUP')
  const topic = reader.string()
  if (/[+#]/.test(topic)) throw new Error(`the hub sent PUBLISH to "${topic}"`)
  const packetId = qos > 0 ? readPacketId(reader) : 0
  const properties = reader.properties(type)
  return {
    type,
    flags,
    lengthBytes,
    topic,
    qos,
    retain: (flags & 1) !== 0,
    dup,
    packetId,
    properties,
    payload: reader.rest(),
  }
}

function readPacketId(reader: Reader): number {
  const packetId = reader.uint16()
  if (packetId === 0) throw new Error('the hub sent the packet identifier 0')
  return packetId
}

function checkCode(type: PacketName, code: number): number {
  if (REASON_CODES[type]?.has(code) === true) return code
  throw new Error(`the hub sent ${type} with reason code 0x${code.toString(16)}`)
}
