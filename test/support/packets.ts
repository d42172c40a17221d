/**
 * MQTT packets as bytes, written without the code under test. Every builder can be made to lie: `flags` replaces the low
 * four bits of the first byte, and `packet` builds what no builder offers.
 */

export type PacketName =
  | 'CONNECT'
  | 'CONNACK'
  | 'PUBLISH'
  | 'PUBACK'
  | 'PUBREC'
  | 'PUBREL'
  | 'PUBCOMP'
  | 'SUBSCRIBE'
  | 'SUBACK'
  | 'UNSUBSCRIBE'
  | 'UNSUBACK'
  | 'PINGREQ'
  | 'PINGRESP'
  | 'DISCONNECT'
  | 'AUTH'

/** Names by type; type 0 is reserved. */
export const NAMES: readonly (PacketName | undefined)[] = [
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
]

/** Builds any packet. `remainingLength` can be given to differ from the body's. */
export function packet(type: PacketName | number, flags: number, body: Buffer, remainingLength = body.length): Buffer {
  const number = typeof type === 'number' ? type : NAMES.indexOf(type)
  return Buffer.concat([Buffer.from([(number << 4) | flags]), varint(remainingLength), body])
}

/** A variable byte integer, as short as it can be. */
export function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  do {
    const digit = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? digit | 128 : digit)
  } while (rest > 0)
  return Buffer.from(bytes)
}

export function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff])
}

/** Text or bytes with their length in front, as MQTT has all of them. */
export function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([uint16(bytes.length), bytes])
}

export interface WillFields {
  readonly topic: string | Buffer
  readonly payload?: string | Buffer
  readonly qos?: number
  readonly retain?: boolean
}

export interface ConnectFields {
  readonly protocolName?: string | Buffer
  /** 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5. Default 4. */
  readonly protocolLevel?: number
  readonly clientId?: string | Buffer
  readonly isClean?: boolean
  readonly keepAliveSeconds?: number
  readonly will?: WillFields
  readonly userName?: string | Buffer
  readonly password?: string | Buffer
  /** Replaces the connect flags that follow from the other fields. */
  readonly connectFlags?: number
  /** MQTT 5 properties, without their length. */
  readonly properties?: Buffer
  /** Low four bits of the first byte. */
  readonly flags?: number
  /** Appended to the body. */
  readonly trailer?: Buffer
}

export function connectPacket(fields: ConnectFields = {}): Buffer {
  const { protocolLevel = 4, clientId = '', isClean = true, keepAliveSeconds = 0, will, userName, password } = fields
  const { protocolName = protocolLevel === 3 ? 'MQIsdp' : 'MQTT', flags = 0, trailer = Buffer.alloc(0) } = fields
  let connectFlags = isClean ? 2 : 0
  if (will !== undefined) connectFlags |= 4 | ((will.qos ?? 0) << 3) | (will.retain === true ? 32 : 0)
  if (password !== undefined) connectFlags |= 64
  if (userName !== undefined) connectFlags |= 128
  const isVersion5 = protocolLevel === 5
  const properties = fields.properties ?? Buffer.alloc(0)
  const parts = [
    field(protocolName),
    Buffer.from([protocolLevel, fields.connectFlags ?? connectFlags]),
    uint16(keepAliveSeconds),
  ]
  if (isVersion5) parts.push(varint(properties.length), properties)
  parts.push(field(clientId))
  if (will !== undefined) {
    if (isVersion5) parts.push(varint(0))
    parts.push(field(will.topic), field(will.payload ?? ''))
  }
  if (userName !== undefined) parts.push(field(userName))
  if (password !== undefined) parts.push(field(password))
  parts.push(trailer)
  return packet('CONNECT', flags, Buffer.concat(parts))
}

export interface PublishFields {
  readonly topic: string | Buffer
  readonly payload?: string | Buffer
  readonly qos?: number
  readonly retain?: boolean
  readonly dup?: boolean
  /** Default 1 where the QoS asks for one. */
  readonly packetId?: number
}

export function publishPacket(fields: PublishFields): Buffer {
  const { topic, payload = '', qos = 0, retain = false, dup = false, packetId = 1 } = fields
  const flags = (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0)
  const id = qos > 0 ? uint16(packetId) : Buffer.alloc(0)
  return packet('PUBLISH', flags, Buffer.concat([field(topic), id, Buffer.from(payload)]))
}

/** A filter with the QoS asked for. */
export type FilterFields = readonly [filter: string | Buffer, qos: number]

export function subscribePacket(packetId: number, filters: readonly FilterFields[], flags = 2): Buffer {
  const entries = filters.map(([filter, qos]) => Buffer.concat([field(filter), Buffer.from([qos])]))
  return packet('SUBSCRIBE', flags, Buffer.concat([uint16(packetId), ...entries]))
}

export function unsubscribePacket(packetId: number, filters: readonly (string | Buffer)[], flags = 2): Buffer {
  return packet('UNSUBSCRIBE', flags, Buffer.concat([uint16(packetId), ...filters.map((filter) => field(filter))]))
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP. */
export function acknowledgePacket(
  type: 'PUBACK' | 'PUBREC' | 'PUBREL' | 'PUBCOMP',
  packetId: number,
  flags = type === 'PUBREL' ? 2 : 0,
): Buffer {
  return packet(type, flags, uint16(packetId))
}

export const PINGREQ = packet('PINGREQ', 0, Buffer.alloc(0))
export const DISCONNECT = packet('DISCONNECT', 0, Buffer.alloc(0))
