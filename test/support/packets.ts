import { field, uint16, varint } from './bytes.ts'
import { type Properties, propertyBlock } from './properties.ts'

/**
 * MQTT packets as bytes, written without the code under test. A packet with `properties`, even an empty list, is one of MQTT 5;
 * one without is the same packet of 3.1.1. Every builder can be made to lie: `flags` replaces the low four bits of the first
 * byte, properties can be twice, where they may not be, or a Buffer, and `packet` builds what no builder offers.
 */

/** Names by type; type 0 is reserved. */
export const NAMES = [
  undefined,
  'CONNECT',
  'CONNACK',
  'PUBLISH',
  'PUBACK',
  'PUBREC',
  'PUBREL',
  'PUBCOMP',
  'SUBSCRIBE',
  'SUBACK',
  'UNSUBSCRIBE',
  'UNSUBACK',
  'PINGREQ',
  'PINGRESP',
  'DISCONNECT',
  'AUTH',
] as const

export type PacketName = NonNullable<(typeof NAMES)[number]>

/** Builds any packet. `remainingLength` can be given to differ from the body's. */
export function packet(type: PacketName | number, flags: number, body: Buffer, remainingLength = body.length): Buffer {
  const number = typeof type === 'number' ? type : NAMES.indexOf(type)
  return Buffer.concat([Buffer.from([(number << 4) | flags]), varint(remainingLength), body])
}

/** A packet in parts, each of which a test may spoil: properties stand between `head` and `tail`. */
export interface PacketParts {
  readonly type: PacketName
  /** Low four bits of the first byte. */
  readonly flags: number
  readonly head: Buffer
  readonly tail: Buffer
}

function joined({ type, flags, head, tail }: PacketParts, properties: Properties | undefined): Buffer {
  return packet(type, flags, Buffer.concat([head, propertyBlock(properties), tail]))
}

export interface WillFields {
  readonly topic: string | Buffer
  readonly payload?: string | Buffer
  readonly qos?: number
  readonly retain?: boolean
  /** Of MQTT 5 alone. */
  readonly properties?: Properties | undefined
}

export interface ConnectFields {
  readonly protocolName?: string | Buffer
  /** 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5. Default 5 with properties, else 4. */
  readonly protocolLevel?: number
  readonly clientId?: string | Buffer
  /** Clean Session of 3.1.1, Clean Start of MQTT 5. Default true. */
  readonly isClean?: boolean
  readonly keepAliveSeconds?: number
  readonly properties?: Properties | undefined
  readonly will?: WillFields
  readonly userName?: string | Buffer
  readonly password?: string | Buffer
  /** Replaces the connect flags that follow from the other fields. */
  readonly connectFlags?: number
  readonly flags?: number
  /** Appended to the body. */
  readonly trailer?: Buffer
}

export function connectPacket(fields: ConnectFields = {}): Buffer {
  return joined(connectParts(fields), fields.properties)
}

export function connectParts(fields: ConnectFields): PacketParts {
  const { properties, clientId = '', isClean = true, keepAliveSeconds = 0, will, userName, password } = fields
  const { protocolLevel = properties === undefined ? 4 : 5, flags = 0, trailer = Buffer.alloc(0) } = fields
  const { protocolName = protocolLevel === 3 ? 'MQIsdp' : 'MQTT' } = fields
  let connectFlags = isClean ? 2 : 0
  if (will !== undefined) connectFlags |= 4 | ((will.qos ?? 0) << 3) | (will.retain === true ? 32 : 0)
  if (password !== undefined) connectFlags |= 64
  if (userName !== undefined) connectFlags |= 128
  const head = [field(protocolName), Buffer.from([protocolLevel, fields.connectFlags ?? connectFlags])]
  const tail = [field(clientId)]
  if (will !== undefined) {
    const willProperties = properties === undefined ? undefined : (will.properties ?? [])
    tail.push(propertyBlock(willProperties), field(will.topic), field(will.payload ?? ''))
  }
  if (userName !== undefined) tail.push(field(userName))
  if (password !== undefined) tail.push(field(password))
  return {
    type: 'CONNECT',
    flags,
    head: Buffer.concat([...head, uint16(keepAliveSeconds)]),
    tail: Buffer.concat([...tail, trailer]),
  }
}

export interface PublishFields {
  readonly topic: string | Buffer
  readonly payload?: string | Buffer
  readonly qos?: number
  readonly retain?: boolean
  readonly dup?: boolean
  /** Default 1 where the QoS asks for one. */
  readonly packetId?: number
  readonly properties?: Properties | undefined
}

export function publishPacket(fields: PublishFields): Buffer {
  return joined(publishParts(fields), fields.properties)
}

export function publishParts(fields: PublishFields): PacketParts {
  const { topic, payload = '', qos = 0, retain = false, dup = false, packetId = 1 } = fields
  const flags = (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0)
  const id = qos > 0 ? uint16(packetId) : Buffer.alloc(0)
  return { type: 'PUBLISH', flags, head: Buffer.concat([field(topic), id]), tail: Buffer.from(payload) }
}

/** Bits of the options byte of a subscription of MQTT 5, to be added to its QoS. */
export const NO_LOCAL = 4
export const RETAIN_AS_PUBLISHED = 8
/** Retain Handling 1: retained messages only where the subscription is new. */
export const RETAINED_IF_NEW = 0x10
/** Retain Handling 2: no retained messages. */
export const RETAINED_NEVER = 0x20

/** A filter with the QoS asked for: the low two bits of the options byte of MQTT 5. */
export type FilterFields = readonly [filter: string | Buffer, options: number]

export function subscribePacket(
  packetId: number,
  filters: readonly FilterFields[],
  properties?: Properties,
  flags?: number,
): Buffer {
  return joined(subscribeParts(packetId, filters, flags), properties)
}

export function subscribeParts(packetId: number, filters: readonly FilterFields[], flags = 2): PacketParts {
  const entries = filters.map(([filter, options]) => Buffer.concat([field(filter), Buffer.from([options])]))
  return { type: 'SUBSCRIBE', flags, head: uint16(packetId), tail: Buffer.concat(entries) }
}

export function unsubscribePacket(
  packetId: number,
  filters: readonly (string | Buffer)[],
  properties?: Properties,
  flags?: number,
): Buffer {
  return joined(unsubscribeParts(packetId, filters, flags), properties)
}

export function unsubscribeParts(packetId: number, filters: readonly (string | Buffer)[], flags = 2): PacketParts {
  const tail = Buffer.concat(filters.map((filter) => field(filter)))
  return { type: 'UNSUBSCRIBE', flags, head: uint16(packetId), tail }
}

export type Acknowledgement = 'PUBACK' | 'PUBREC' | 'PUBREL' | 'PUBCOMP'

/** PUBACK, PUBREC, PUBREL or PUBCOMP; what is not given is left out of the packet, as 3.1.1 leaves it. */
export function acknowledgePacket(
  type: Acknowledgement,
  packetId: number,
  reasonCode?: number,
  properties?: Properties,
  flags = type === 'PUBREL' ? 2 : 0,
): Buffer {
  return packet(type, flags, Buffer.concat([uint16(packetId), reasonBytes(reasonCode, properties)]))
}

export function disconnectPacket(reasonCode?: number, properties?: Properties, flags = 0): Buffer {
  return packet('DISCONNECT', flags, reasonBytes(reasonCode, properties))
}

export function authPacket(reasonCode?: number, properties?: Properties, flags = 0): Buffer {
  return packet('AUTH', flags, reasonBytes(reasonCode, properties))
}

function reasonBytes(reasonCode: number | undefined, properties: Properties | undefined): Buffer {
  const code = reasonCode === undefined ? [] : [reasonCode]
  return Buffer.concat([Buffer.from(code), propertyBlock(properties)])
}

export const PINGREQ = packet('PINGREQ', 0, Buffer.alloc(0))
export const DISCONNECT = disconnectPacket()
