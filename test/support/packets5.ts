import { field, packet, uint16 } from './packets.ts'
import { type Property, propertyBlock } from './properties5.ts'

/**
 * MQTT 5 packets as bytes, written without the code under test. Every builder can be made to lie, as those of `packets.ts`:
 * properties are a list, so they can be twice or where they may not be, or a Buffer, so that their length can be wrong.
 */

/** Properties as a list, or as bytes with their length. */
export type Properties = readonly Property[] | Buffer

export interface WillFields5 {
  readonly topic: string | Buffer
  readonly payload?: string | Buffer
  readonly qos?: number
  readonly retain?: boolean
  readonly properties?: Properties
}

export interface ConnectFields5 {
  readonly protocolName?: string | Buffer
  /** Default 5. */
  readonly protocolLevel?: number
  readonly clientId?: string | Buffer
  /** Default true. */
  readonly isCleanStart?: boolean
  readonly keepAliveSeconds?: number
  readonly properties?: Properties
  readonly will?: WillFields5
  readonly userName?: string | Buffer
  readonly password?: string | Buffer
  /** Replaces the connect flags that follow from the other fields. */
  readonly connectFlags?: number
  /** Low four bits of the first byte. */
  readonly flags?: number
  /** Appended to the body. */
  readonly trailer?: Buffer
}

export function connectPacket5(fields: ConnectFields5 = {}): Buffer {
  const { clientId = '', isCleanStart = true, keepAliveSeconds = 0, will, userName, password } = fields
  const { protocolName = 'MQTT', protocolLevel = 5, flags = 0, trailer = Buffer.alloc(0) } = fields
  let connectFlags = isCleanStart ? 2 : 0
  if (will !== undefined) connectFlags |= 4 | ((will.qos ?? 0) << 3) | (will.retain === true ? 32 : 0)
  if (password !== undefined) connectFlags |= 64
  if (userName !== undefined) connectFlags |= 128
  const parts = [
    field(protocolName),
    Buffer.from([protocolLevel, fields.connectFlags ?? connectFlags]),
    uint16(keepAliveSeconds),
    propertyBlock(fields.properties),
    field(clientId),
  ]
  if (will !== undefined) parts.push(propertyBlock(will.properties), field(will.topic), field(will.payload ?? ''))
  if (userName !== undefined) parts.push(field(userName))
  if (password !== undefined) parts.push(field(password))
  parts.push(trailer)
  return packet('CONNECT', flags, Buffer.concat(parts))
}

export interface PublishFields5 {
  readonly topic: string | Buffer
  readonly payload?: string | Buffer
  readonly qos?: number
  readonly retain?: boolean
  readonly dup?: boolean
  /** Default 1 where the QoS asks for one. */
  readonly packetId?: number
  readonly properties?: Properties
}

export function publishPacket5(fields: PublishFields5): Buffer {
  const { topic, payload = '', qos = 0, retain = false, dup = false, packetId = 1, properties } = fields
  const flags = (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0)
  const id = qos > 0 ? uint16(packetId) : Buffer.alloc(0)
  return packet('PUBLISH', flags, Buffer.concat([field(topic), id, propertyBlock(properties), Buffer.from(payload)]))
}

/** Bits of the options byte of a subscription, to be added to its QoS. */
export const NO_LOCAL = 4
export const RETAIN_AS_PUBLISHED = 8
/** Retain Handling 1: retained messages only where the subscription is new. */
export const RETAINED_IF_NEW = 0x10
/** Retain Handling 2: no retained messages. */
export const RETAINED_NEVER = 0x20

/** A filter with its options byte, whose low two bits are the QoS. */
export type FilterFields5 = readonly [filter: string | Buffer, options: number]

export function subscribePacket5(
  packetId: number,
  filters: readonly FilterFields5[],
  properties?: Properties,
  flags = 2,
): Buffer {
  const entries = filters.map(([filter, options]) => Buffer.concat([field(filter), Buffer.from([options])]))
  return packet('SUBSCRIBE', flags, Buffer.concat([uint16(packetId), propertyBlock(properties), ...entries]))
}

export function unsubscribePacket5(
  packetId: number,
  filters: readonly (string | Buffer)[],
  properties?: Properties,
  flags = 2,
): Buffer {
  const entries = filters.map((filter) => field(filter))
  return packet('UNSUBSCRIBE', flags, Buffer.concat([uint16(packetId), propertyBlock(properties), ...entries]))
}

export type Acknowledgement5 = 'PUBACK' | 'PUBREC' | 'PUBREL' | 'PUBCOMP'

/** PUBACK, PUBREC, PUBREL or PUBCOMP; what is not given is left out of the packet. */
export function acknowledgePacket5(
  type: Acknowledgement5,
  packetId: number,
  reasonCode?: number,
  properties?: Properties,
  flags = type === 'PUBREL' ? 2 : 0,
): Buffer {
  return packet(type, flags, Buffer.concat([uint16(packetId), reasonBytes(reasonCode, properties)]))
}

export function disconnectPacket5(reasonCode?: number, properties?: Properties, flags = 0): Buffer {
  return packet('DISCONNECT', flags, reasonBytes(reasonCode, properties))
}

export function authPacket5(reasonCode?: number, properties?: Properties, flags = 0): Buffer {
  return packet('AUTH', flags, reasonBytes(reasonCode, properties))
}

function reasonBytes(reasonCode: number | undefined, properties: Properties | undefined): Buffer {
  if (reasonCode === undefined) return Buffer.alloc(0)
  const code = Buffer.from([reasonCode])
  return properties === undefined ? code : Buffer.concat([code, propertyBlock(properties)])
}
