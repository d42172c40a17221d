import { type FieldReader, MalformedPacketError } from './field-reader.ts'
import { ReasonCode } from './reason-codes.ts'
import { varintBytes, writeVarint } from './varint.ts'

/** Identifiers of the properties of MQTT 5 [MQTT5 §2.2.2.2]. All are below 128, so that each is one byte. */
export const PropertyId = {
  PAYLOAD_FORMAT_INDICATOR: 1,
  MESSAGE_EXPIRY_INTERVAL: 2,
  CONTENT_TYPE: 3,
  RESPONSE_TOPIC: 8,
  CORRELATION_DATA: 9,
  SUBSCRIPTION_IDENTIFIER: 11,
  SESSION_EXPIRY_INTERVAL: 17,
  ASSIGNED_CLIENT_IDENTIFIER: 18,
  SERVER_KEEP_ALIVE: 19,
  AUTHENTICATION_METHOD: 21,
  AUTHENTICATION_DATA: 22,
  REQUEST_PROBLEM_INFORMATION: 23,
  WILL_DELAY_INTERVAL: 24,
  REQUEST_RESPONSE_INFORMATION: 25,
  RESPONSE_INFORMATION: 26,
  SERVER_REFERENCE: 28,
  REASON_STRING: 31,
  RECEIVE_MAXIMUM: 33,
  TOPIC_ALIAS_MAXIMUM: 34,
  TOPIC_ALIAS: 35,
  MAXIMUM_QOS: 36,
  RETAIN_AVAILABLE: 37,
  USER_PROPERTY: 38,
  MAXIMUM_PACKET_SIZE: 39,
  WILDCARD_SUBSCRIPTION_AVAILABLE: 40,
  SUBSCRIPTION_IDENTIFIER_AVAILABLE: 41,
  SHARED_SUBSCRIPTION_AVAILABLE: 42,
} as const

/** `pair` is two strings, `flag` a byte that is 0 or 1, `positive` numbers must not be 0. */
type PropertyType =
  | 'flag'
  | 'uint16'
  | 'positive uint16'
  | 'uint32'
  | 'positive uint32'
  | 'positive varint'
  | 'string'
  | 'binary'
  | 'pair'

interface PropertyKind {
  readonly name: string
  readonly type: PropertyType
}

/** The properties that a client may send; what only a server sends is not valid in any of its packets. */
const KINDS: Readonly<Partial<Record<number, PropertyKind>>> = {
  [PropertyId.PAYLOAD_FORMAT_INDICATOR]: { name: 'Payload Format Indicator', type: 'flag' },
  [PropertyId.MESSAGE_EXPIRY_INTERVAL]: { name: 'Message Expiry Interval', type: 'uint32' },
  [PropertyId.CONTENT_TYPE]: { name: 'Content Type', type: 'string' },
  [PropertyId.RESPONSE_TOPIC]: { name: 'Response Topic', type: 'string' },
  [PropertyId.CORRELATION_DATA]: { name: 'Correlation Data', type: 'binary' },
  [PropertyId.SUBSCRIPTION_IDENTIFIER]: { name: 'Subscription Identifier', type: 'positive varint' },
  [PropertyId.SESSION_EXPIRY_INTERVAL]: { name: 'Session Expiry Interval', type: 'uint32' },
  [PropertyId.AUTHENTICATION_METHOD]: { name: 'Authentication Method', type: 'string' },
  [PropertyId.AUTHENTICATION_DATA]: { name: 'Authentication Data', type: 'binary' },
  [PropertyId.REQUEST_PROBLEM_INFORMATION]: { name: 'Request Problem Information', type: 'flag' },
  [PropertyId.WILL_DELAY_INTERVAL]: { name: 'Will Delay Interval', type: 'uint32' },
  [PropertyId.REQUEST_RESPONSE_INFORMATION]: { name: 'Request Response Information', type: 'flag' },
  [PropertyId.REASON_STRING]: { name: 'Reason String', type: 'string' },
  [PropertyId.RECEIVE_MAXIMUM]: { name: 'Receive Maximum', type: 'positive uint16' },
  [PropertyId.TOPIC_ALIAS_MAXIMUM]: { name: 'Topic Alias Maximum', type: 'uint16' },
  [PropertyId.USER_PROPERTY]: { name: 'User Property', type: 'pair' },
  [PropertyId.MAXIMUM_PACKET_SIZE]: { name: 'Maximum Packet Size', type: 'positive uint32' },
}

/** The properties of one packet, by identifier. */
export class Properties {
  readonly #numbers = new Map<number, number>()
  readonly #strings = new Map<number, string>()
  readonly #binaries = new Map<number, Buffer>()
  /** User Properties in the order they came [MQTT5-3.3.2-18]. */
  readonly userProperties: (readonly [name: string, value: string])[] = []

  /** The value of a property with a number or a flag, or undefined when it was not sent. */
  number(id: number): number | undefined {
    return this.#numbers.get(id)
  }

  string(id: number): string | undefined {
    return this.#strings.get(id)
  }

  binary(id: number): Buffer | undefined {
    return this.#binaries.get(id)
  }

  /** Takes the value of the property `id` from `fields`. @throws MalformedPacketError */
  take(id: number, { name, type }: PropertyKind, fields: FieldReader): void {
    // [MQTT5 §2.2.2.2]: only User Property may stand more than once in what a client sends.
    if (this.#numbers.has(id) || this.#strings.has(id) || this.#binaries.has(id)) {
      throw new MalformedPacketError(`${name} is given twice`, ReasonCode.PROTOCOL_ERROR)
    }
    if (type === 'pair') this.userProperties.push([fields.string(`${name} name`), fields.string(`${name} value`)])
    else if (type === 'string') this.#strings.set(id, fields.string(name))
    else if (type === 'binary') this.#binaries.set(id, Buffer.from(fields.binary(name)))
    else this.#numbers.set(id, readNumber(type, name, fields))
  }
}

function readNumber(
  type: Exclude<PropertyType, 'string' | 'binary' | 'pair'>,
  name: string,
  fields: FieldReader,
): number {
  switch (type) {
    case 'flag': {
      const flag = fields.byte(name)
      if (flag > 1) throw new MalformedPacketError(`${name} must be 0 or 1, it is ${flag}`, ReasonCode.PROTOCOL_ERROR)
      return flag
    }
    case 'uint16':
      return fields.uint16(name)
    case 'uint32':
      return fields.uint32(name)
    case 'positive uint16':
      return positive(fields.uint16(name), name)
    case 'positive uint32':
      return positive(fields.uint32(name), name)
    default:
      return positive(fields.variableByteInteger(name), name)
  }
}

function positive(value: number, name: string): number {
  if (value === 0) throw new MalformedPacketError(`${name} must not be 0`, ReasonCode.PROTOCOL_ERROR)
  return value
}

/**
 * Reads a property length and the properties behind it. `allowed` are the identifiers that the packet may carry.
 * @throws MalformedPacketError with code 0x82 for a property given twice or out of its range, else 0x81
 */
export function readProperties(fields: FieldReader, allowed: readonly number[], packetName: string): Properties {
  const properties = new Properties()
  const part = fields.part(fields.variableByteInteger('property length'), 'properties')
  while (!part.isAtEnd) {
    const id = part.variableByteInteger('property identifier')
    const kind = KINDS[id]
    if (kind === undefined || !allowed.includes(id)) {
      throw new MalformedPacketError(`${kind?.name ?? `property ${id}`} must not stand in ${packetName}`)
    }
    properties.take(id, kind, part)
  }
  return properties
}

/** Gathers properties that the hub sends, in the order they are added. */
export class PropertyWriter {
  readonly #parts: Buffer[] = []
  #bytes = 0

  byte(id: number, value: number): this {
    return this.#add(Buffer.of(id, value))
  }

  uint16(id: number, value: number): this {
    return this.#add(Buffer.of(id, value >>> 8, value & 0xff))
  }

  uint32(id: number, value: number): this {
    const property = Buffer.allocUnsafe(5)
    property[0] = id
    property.writeUInt32BE(value, 1)
    return this.#add(property)
  }

  string(id: number, value: string): this {
    return this.binary(id, Buffer.from(value))
  }

  binary(id: number, value: Uint8Array): this {
    return this.#add(Buffer.concat([Buffer.of(id, value.length >>> 8, value.length & 0xff), value]))
  }

  pair(id: number, name: string, value: string): this {
    const nameBytes = Buffer.byteLength(name)
    const pair = Buffer.allocUnsafe(5 + nameBytes + Buffer.byteLength(value))
    pair[0] = id
    pair.writeUInt16BE(nameBytes, 1)
    pair.write(name, 3)
    pair.writeUInt16BE(pair.length - 5 - nameBytes, 3 + nameBytes)
    pair.write(value, 5 + nameBytes)
    return this.#add(pair)
  }

  /** The properties without their length. */
  join(): Buffer {
    return Buffer.concat(this.#parts)
  }

  /** The property length and the properties. */
  encode(): Buffer {
    const length = Buffer.allocUnsafe(varintBytes(this.#bytes))
    writeVarint(length, 0, this.#bytes)
    return Buffer.concat([length, ...this.#parts])
  }

  #add(property: Buffer): this {
    this.#parts.push(property)
    this.#bytes += property.length
    return this
  }
}
