import { field, type PacketName, uint16, varint } from './packets.ts'

/** Properties of MQTT 5 as bytes, written and read without the code under test. Identifiers as in its section 2.2.2.2. */
export const Id = {
  PAYLOAD_FORMAT: 0x01,
  MESSAGE_EXPIRY: 0x02,
  CONTENT_TYPE: 0x03,
  RESPONSE_TOPIC: 0x08,
  CORRELATION_DATA: 0x09,
  SUBSCRIPTION_IDENTIFIER: 0x0b,
  SESSION_EXPIRY: 0x11,
  ASSIGNED_CLIENT_IDENTIFIER: 0x12,
  SERVER_KEEP_ALIVE: 0x13,
  AUTHENTICATION_METHOD: 0x15,
  AUTHENTICATION_DATA: 0x16,
  REQUEST_PROBLEM_INFORMATION: 0x17,
  WILL_DELAY: 0x18,
  REQUEST_RESPONSE_INFORMATION: 0x19,
  RESPONSE_INFORMATION: 0x1a,
  SERVER_REFERENCE: 0x1c,
  REASON_STRING: 0x1f,
  RECEIVE_MAXIMUM: 0x21,
  TOPIC_ALIAS_MAXIMUM: 0x22,
  TOPIC_ALIAS: 0x23,
  MAXIMUM_QOS: 0x24,
  RETAIN_AVAILABLE: 0x25,
  USER_PROPERTY: 0x26,
  MAXIMUM_PACKET_SIZE: 0x27,
  WILDCARD_AVAILABLE: 0x28,
  SUBSCRIPTION_IDENTIFIERS_AVAILABLE: 0x29,
  SHARED_AVAILABLE: 0x2a,
} as const

/** A name and a value, for a User Property. */
export type Pair = readonly [name: string | Buffer, value: string | Buffer]
export type PropertyValue = number | string | Buffer | Pair
/** Identifier and value, in the order of sending; nothing keeps them from being twice or in the wrong packet. */
export type Property = readonly [id: number, value: PropertyValue]

type Kind = 'byte' | 'two bytes' | 'four bytes' | 'varint' | 'string' | 'binary' | 'pair'

interface Row {
  readonly kind: Kind
  /** The packets in which a server may send it. */
  readonly fromServer: readonly PacketName[]
}

const REASONED: readonly PacketName[] = [
  'CONNACK',
  'PUBACK',
  'PUBREC',
  'PUBREL',
  'PUBCOMP',
  'SUBACK',
  'UNSUBACK',
  'DISCONNECT',
  'AUTH',
]

const ROWS: Readonly<Record<number, Row>> = {
  [Id.PAYLOAD_FORMAT]: { kind: 'byte', fromServer: ['PUBLISH'] },
  [Id.MESSAGE_EXPIRY]: { kind: 'four bytes', fromServer: ['PUBLISH'] },
  [Id.CONTENT_TYPE]: { kind: 'string', fromServer: ['PUBLISH'] },
  [Id.RESPONSE_TOPIC]: { kind: 'string', fromServer: ['PUBLISH'] },
  [Id.CORRELATION_DATA]: { kind: 'binary', fromServer: ['PUBLISH'] },
  [Id.SUBSCRIPTION_IDENTIFIER]: { kind: 'varint', fromServer: ['PUBLISH'] },
  [Id.SESSION_EXPIRY]: { kind: 'four bytes', fromServer: ['CONNACK'] },
  [Id.ASSIGNED_CLIENT_IDENTIFIER]: { kind: 'string', fromServer: ['CONNACK'] },
  [Id.SERVER_KEEP_ALIVE]: { kind: 'two bytes', fromServer: ['CONNACK'] },
  [Id.AUTHENTICATION_METHOD]: { kind: 'string', fromServer: ['CONNACK', 'AUTH'] },
  [Id.AUTHENTICATION_DATA]: { kind: 'binary', fromServer: ['CONNACK', 'AUTH'] },
  [Id.REQUEST_PROBLEM_INFORMATION]: { kind: 'byte', fromServer: [] },
  [Id.WILL_DELAY]: { kind: 'four bytes', fromServer: [] },
  [Id.REQUEST_RESPONSE_INFORMATION]: { kind: 'byte', fromServer: [] },
  [Id.RESPONSE_INFORMATION]: { kind: 'string', fromServer: ['CONNACK'] },
  [Id.SERVER_REFERENCE]: { kind: 'string', fromServer: ['CONNACK', 'DISCONNECT'] },
  [Id.REASON_STRING]: { kind: 'string', fromServer: REASONED },
  [Id.RECEIVE_MAXIMUM]: { kind: 'two bytes', fromServer: ['CONNACK'] },
  [Id.TOPIC_ALIAS_MAXIMUM]: { kind: 'two bytes', fromServer: ['CONNACK'] },
  [Id.TOPIC_ALIAS]: { kind: 'two bytes', fromServer: ['PUBLISH'] },
  [Id.MAXIMUM_QOS]: { kind: 'byte', fromServer: ['CONNACK'] },
  [Id.RETAIN_AVAILABLE]: { kind: 'byte', fromServer: ['CONNACK'] },
  [Id.USER_PROPERTY]: { kind: 'pair', fromServer: [...REASONED, 'PUBLISH'] },
  [Id.MAXIMUM_PACKET_SIZE]: { kind: 'four bytes', fromServer: ['CONNACK'] },
  [Id.WILDCARD_AVAILABLE]: { kind: 'byte', fromServer: ['CONNACK'] },
  [Id.SUBSCRIPTION_IDENTIFIERS_AVAILABLE]: { kind: 'byte', fromServer: ['CONNACK'] },
  [Id.SHARED_AVAILABLE]: { kind: 'byte', fromServer: ['CONNACK'] },
}

/** All properties there are. */
export const PROPERTY_IDS: readonly number[] = Object.values(Id)

/** Properties with their length in front. A Buffer is taken as it is, length and all, and may lie. */
export function propertyBlock(properties: readonly Property[] | Buffer = []): Buffer {
  if (Buffer.isBuffer(properties)) return properties
  const body = Buffer.concat(properties.map((property) => propertyBytes(property)))
  return Buffer.concat([varint(body.length), body])
}

/** One property. A Buffer as value is written as it is, save where the property is binary data. */
function propertyBytes([id, value]: Property): Buffer {
  return Buffer.concat([varint(id), valueBytes(id, value)])
}

function valueBytes(id: number, value: PropertyValue): Buffer {
  const kind = ROWS[id]?.kind
  if (Buffer.isBuffer(value)) return kind === 'binary' ? field(value) : value
  if (typeof value === 'string') return field(value)
  if (typeof value !== 'number') return Buffer.concat([field(value[0]), field(value[1])])
  switch (kind) {
    case 'two bytes':
      return uint16(value)
    case 'four bytes':
      return uint32(value)
    case 'varint':
      return varint(value)
    default:
      return Buffer.from([value])
  }
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** A value of the right form for each property, for tests that put each where it may not be. */
export function anyValueOf(id: number): PropertyValue {
  switch (ROWS[id]?.kind) {
    case 'string':
      return 'text'
    case 'binary':
      return Buffer.from('data')
    case 'pair':
      return ['name', 'value']
    case 'four bytes':
      return 1000
    default:
      return 1
  }
}

/**
 * Reads bytes of a packet from front to end, as strictly as the standard allows.
 * @throws Error when they are not what it says
 */
export class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  byte(): number {
    return this.take(1).readUInt8(0)
  }

  uint16(): number {
    return this.take(2).readUInt16BE(0)
  }

  uint32(): number {
    return this.take(4).readUInt32BE(0)
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

  binary(): Buffer {
    return this.take(this.uint16())
  }

  string(): string {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.binary())
    if (text.includes('\0')) throw new Error('the hub sent a string with U+0000')
    return text
  }

  rest(): Buffer {
    return this.take(this.#bytes.length - this.#at)
  }

  take(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#bytes.length)
      throw new Error(`the hub sent a packet that ends early: ${this.#bytes.toString('hex')}`)
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }

  /** Properties that a server may send in a packet of this type. */
  properties(type: PacketName): Property[] {
    const block = new Reader(this.take(this.varint()))
    const properties: Property[] = []
    while (!block.isAtEnd) {
      const id = block.varint()
      const row = ROWS[id]
      const name = `property 0x${id.toString(16)}`
      if (row === undefined || !row.fromServer.includes(type)) throw new Error(`the hub sent ${name} in ${type}`)
      const mayRepeat = id === Id.USER_PROPERTY || id === Id.SUBSCRIPTION_IDENTIFIER
      if (!mayRepeat && properties.some(([other]) => other === id)) throw new Error(`the hub sent ${name} twice`)
      properties.push([id, block.value(row.kind)])
    }
    return properties
  }

  value(kind: Kind): PropertyValue {
    switch (kind) {
      case 'byte':
        return this.byte()
      case 'two bytes':
        return this.uint16()
      case 'four bytes':
        return this.uint32()
      case 'varint':
        return this.varint()
      case 'string':
        return this.string()
      case 'binary':
        return this.binary()
      default:
        return [this.string(), this.string()]
    }
  }
}
