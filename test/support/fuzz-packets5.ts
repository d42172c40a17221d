import fc from 'fast-check'
import { field, uint16, uint32, varint } from './bytes.ts'
import {
  type ConnectFields,
  connectParts,
  packet,
  type PacketName,
  type PacketParts,
  type PublishFields,
  publishParts,
  type FilterFields,
  subscribeParts,
} from './packets.ts'
import { Id } from './properties.ts'

/**
 * Packets of MQTT 5 that a client may send, and sets of properties valid or not, made without the code under test.
 */

export interface Property {
  readonly id: number
  /** What stands behind the identifier. */
  readonly value: Buffer
  /** Its identifier is known and its value is one that the standard allows. */
  readonly isValid: boolean
}

/** A packet in the parts that a test may spoil. */
export interface PacketModel extends PacketParts {
  readonly properties: readonly Property[]
}

/** Which properties a client may send with which packet [MQTT5 §2.2.2.2]. */
export const CLIENT_PROPERTIES = {
  CONNECT: [17, 21, 22, 23, 25, 33, 34, 38, 39],
  PUBLISH: [1, 2, 3, 8, 9, 35, 38],
  PUBACK: [31, 38],
  PUBREC: [31, 38],
  PUBREL: [31, 38],
  PUBCOMP: [31, 38],
  SUBSCRIBE: [11, 38],
  UNSUBSCRIBE: [38],
  DISCONNECT: [17, 31, 38],
  AUTH: [21, 22, 31, 38],
} as const satisfies Partial<Record<PacketName, readonly number[]>>

export type PropertyPacket = keyof typeof CLIENT_PROPERTIES
export const PROPERTY_PACKETS = Object.keys(CLIENT_PROPERTIES).filter((name): name is PropertyPacket =>
  Object.hasOwn(CLIENT_PROPERTIES, name),
)

export function encodeProperty({ id, value }: Pick<Property, 'id' | 'value'>): Buffer {
  return Buffer.concat([varint(id), value])
}

/** `lies` are added to the lengths that the packet states. */
export function encode(model: PacketModel, lies: { remaining?: number; properties?: number } = {}): Buffer {
  const properties = Buffer.concat(model.properties.map(encodeProperty))
  const propertiesLength = varint(Math.max(0, properties.length + (lies.properties ?? 0)))
  const body = Buffer.concat([model.head, propertiesLength, properties, model.tail])
  return packet(model.type, model.flags, body, Math.max(0, body.length + (lies.remaining ?? 0)))
}

/** Text of any planes; U+0000 may not stand in a string [MQTT5-1.5.4-2]. */
const text = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((value) => !value.includes('\0'))
const binary = fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes))
const topicName = fc.constantFrom('a', 'a/b', 'ответ/🏠', 'r', '/')

function property(id: number, value: fc.Arbitrary<Buffer>, isValid = true): fc.Arbitrary<Property> {
  return value.map((bytes) => ({ id, value: bytes, isValid }))
}

const flag = fc.constantFrom(0, 1).map((value) => Buffer.from([value]))
const textValue = text.map((value) => field(value))
const binaryValue = binary.map((value) => field(value))
const seconds = fc.constantFrom(1000, 86_400, 0xffff_ffff).map(uint32)

/** Each property with a value that is valid in every packet that may have it. */
const VALID_PROPERTIES: Readonly<Record<number, fc.Arbitrary<Property>>> = {
  1: property(1, flag),
  2: property(2, seconds),
  3: property(3, textValue),
  8: property(
    8,
    topicName.map((value) => field(value)),
  ),
  9: property(9, binaryValue),
  11: property(11, fc.constantFrom(1, 127, 128, 268_435_455).map(varint)),
  17: property(17, seconds),
  23: property(23, flag),
  25: property(25, flag),
  31: property(31, textValue),
  33: property(33, fc.constantFrom(1, 3, 65_535).map(uint16)),
  34: property(34, fc.constantFrom(0, 1, 65_535).map(uint16)),
  35: property(35, fc.integer({ min: 1, max: 100 }).map(uint16)),
  38: property(
    38,
    fc.tuple(text, text).map((pair) => Buffer.concat(pair.map((value) => field(value)))),
  ),
  39: property(39, fc.constantFrom(200, 2000, 0xffff_ffff).map(uint32)),
}

const BAD_TEXTS = ['00', 'ff', 'eda080', 'c080'].map((hex) => field(Buffer.from(hex, 'hex')))

/** Values that the standard forbids, by property. */
const BAD_VALUES: Readonly<Record<number, readonly Buffer[]>> = {
  1: [Buffer.from([2]), Buffer.from([255])],
  3: BAD_TEXTS,
  8: [...BAD_TEXTS, ...['a/#', '+', 'a/+/b', '#', ''].map((value) => field(value))],
  11: [varint(0), Buffer.from([0x80, 0x80, 0x80, 0x80, 1])],
  23: [Buffer.from([7])],
  25: [Buffer.from([2])],
  31: BAD_TEXTS,
  33: [uint16(0)],
  35: [uint16(0), uint16(101), uint16(65_535)],
  38: BAD_TEXTS.flatMap((bad) => [Buffer.concat([bad, field('x')]), Buffer.concat([field('x'), bad])]),
  39: [uint32(0)],
}

/** Each forbidden value of the properties that `name` may have. */
export function badProperties(name: PropertyPacket): Property[] {
  return CLIENT_PROPERTIES[name].flatMap((id) => (BAD_VALUES[id] ?? []).map((value) => ({ id, value, isValid: false })))
}

const badProperty = fc.constantFrom(...PROPERTY_PACKETS.flatMap(badProperties))

/** What only a server sends, and identifiers that there are not. */
const foreignProperty = fc.oneof(
  fc.constantFrom(0, 4, 7, 10, 43, 99, 127, 128, 16_384).chain((id) => property(id, binary, false)),
  fc.constantFrom(12, 18, 26, 28).chain((id) => property(id, textValue, false)),
  fc.constantFrom(36, 37, 40, 41, 42).chain((id) => property(id, flag, false)),
)

const anyProperty = fc.oneof(
  { weight: 3, arbitrary: fc.oneof(...Object.values(VALID_PROPERTIES)) },
  { weight: 1, arbitrary: fc.oneof(badProperty, foreignProperty) },
)

/** A set of properties that `name` may have, in any order. */
export function validProperties(name: PropertyPacket, except: readonly number[] = []): fc.Arbitrary<Property[]> {
  const ids: readonly number[] = CLIENT_PROPERTIES[name]
  const single = ids.filter((id) => id !== Id.USER_PROPERTY && !except.includes(id))
  const singles = single.map((id) => fc.option(VALID_PROPERTIES[id] ?? fc.constant(undefined)))
  const users = fc.array(VALID_PROPERTIES[Id.USER_PROPERTY] ?? fc.constant(undefined), { maxLength: 4 })
  return fc.tuple(fc.tuple(...singles), users).chain(([some, more]) => {
    const all = [...some, ...more].filter((one) => one !== null && one !== undefined)
    return fc.shuffledSubarray(all, { minLength: all.length })
  })
}

/** Any properties: valid ones, or often with one fault among them. */
export function anyProperties(name: PropertyPacket): fc.Arbitrary<readonly Property[]> {
  const valid = validProperties(name)
  const badOfIts = fc.constantFrom(...badProperties(name))
  return fc.oneof(
    valid,
    fc.array(anyProperty, { maxLength: 5 }),
    fc.tuple(valid, fc.oneof(badOfIts, anyProperty)).map(([some, one]) => some.concat(one)),
    fc.tuple(valid, fc.oneof(badOfIts, anyProperty)).map(([some, one]) => [one].concat(some)),
    valid.map((some) => some.concat(some.slice(0, 1))),
    // Cut off at the end, where nothing can make it whole.
    valid.map((some) => some.map((one, i) => (i < some.length - 1 ? one : cutOff(one)))),
  )
}

function cutOff({ id, value }: Property): Property {
  return { id, value: value.subarray(0, -1), isValid: false }
}

/** Whether the standard lets a client send these properties with that packet. */
export function isValidSet(name: PropertyPacket, properties: readonly Property[]): boolean {
  const allowed: readonly number[] = CLIENT_PROPERTIES[name]
  const single = properties.filter(({ id }) => id !== Id.USER_PROPERTY)
  return (
    properties.every(({ id, isValid }) => isValid && allowed.includes(id)) &&
    new Set(single.map(({ id }) => id)).size === single.length
  )
}

type Fields<T> = Omit<T, 'properties'> & { readonly properties?: readonly Property[] }

export function connect5({ properties = [], ...fields }: Fields<ConnectFields>): PacketModel {
  return { ...connectParts({ ...fields, properties: [] }), properties }
}

/** Properties with a number, by its size in bytes. */
export function numberProperty(id: number, value: number, bytes: 1 | 2 | 4): Property {
  const wide = uint32(value)
  return { id, value: wide.subarray(4 - bytes), isValid: true }
}

export function publish5({ properties = [], ...fields }: Fields<PublishFields>): PacketModel {
  return { ...publishParts(fields), properties }
}

export function subscribe5(
  packetId: number,
  filters: readonly FilterFields[],
  properties: readonly Property[] = [],
): PacketModel {
  return { ...subscribeParts(packetId, filters), properties }
}

/** UNSUBSCRIBE, an acknowledgement, DISCONNECT or AUTH: packets whose head is all that differs. */
export function plain5(
  type: PropertyPacket,
  head: readonly number[],
  properties: readonly Property[] = [],
  filters: readonly string[] = [],
): PacketModel {
  const tail = Buffer.concat(filters.map((filter) => field(filter)))
  const flags = type === 'PUBREL' || type === 'UNSUBSCRIBE' ? 2 : 0
  return { type, flags, head: Buffer.from(head), properties, tail }
}
