import { field, uint16, uint32, varint } from './bytes.ts'

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
/** Properties as a list, or as bytes with their length. */
export type Properties = readonly Property[] | Buffer

export type Kind = 'byte' | 'two bytes' | 'four bytes' | 'varint' | 'string' | 'binary' | 'pair'

/** What a property's value is made of. */
export const KINDS: Readonly<Record<number, Kind>> = {
  [Id.PAYLOAD_FORMAT]: 'byte',
  [Id.MESSAGE_EXPIRY]: 'four bytes',
  [Id.CONTENT_TYPE]: 'string',
  [Id.RESPONSE_TOPIC]: 'string',
  [Id.CORRELATION_DATA]: 'binary',
  [Id.SUBSCRIPTION_IDENTIFIER]: 'varint',
  [Id.SESSION_EXPIRY]: 'four bytes',
  [Id.ASSIGNED_CLIENT_IDENTIFIER]: 'string',
  [Id.SERVER_KEEP_ALIVE]: 'two bytes',
  [Id.AUTHENTICATION_METHOD]: 'string',
  [Id.AUTHENTICATION_DATA]: 'binary',
  [Id.REQUEST_PROBLEM_INFORMATION]: 'byte',
  [Id.WILL_DELAY]: 'four bytes',
  [Id.REQUEST_RESPONSE_INFORMATION]: 'byte',
  [Id.RESPONSE_INFORMATION]: 'string',
  [Id.SERVER_REFERENCE]: 'string',
  [Id.REASON_STRING]: 'string',
  [Id.RECEIVE_MAXIMUM]: 'two bytes',
  [Id.TOPIC_ALIAS_MAXIMUM]: 'two bytes',
  [Id.TOPIC_ALIAS]: 'two bytes',
  [Id.MAXIMUM_QOS]: 'byte',
  [Id.RETAIN_AVAILABLE]: 'byte',
  [Id.USER_PROPERTY]: 'pair',
  [Id.MAXIMUM_PACKET_SIZE]: 'four bytes',
  [Id.WILDCARD_AVAILABLE]: 'byte',
  [Id.SUBSCRIPTION_IDENTIFIERS_AVAILABLE]: 'byte',
  [Id.SHARED_AVAILABLE]: 'byte',
}

/** All properties there are. */
export const PROPERTY_IDS: readonly number[] = Object.values(Id)

/** Properties with their length in front. A Buffer is taken as it is, length and all, and may lie; 3.1.1 has none at all. */
export function propertyBlock(properties: Properties | undefined): Buffer {
  if (properties === undefined) return Buffer.alloc(0)
  if (Buffer.isBuffer(properties)) return properties
  const body = Buffer.concat(properties.map((property) => propertyBytes(property)))
  return Buffer.concat([varint(body.length), body])
}

/** One property. A Buffer as value is written as it is, save where the property is binary data. */
export function propertyBytes([id, value]: Property): Buffer {
  return Buffer.concat([varint(id), valueBytes(id, value)])
}

function valueBytes(id: number, value: PropertyValue): Buffer {
  const kind = KINDS[id]
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

/** A value of the right form for each property, for tests that put each where it may not be. */
export function anyValueOf(id: number): PropertyValue {
  switch (KINDS[id]) {
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
