// The few MQTT packets that the load generator sends, built by hand: of 3.1.1, and of 5.

/** Packet types as they stand in the upper four bits of a frame's first byte. */
export const PacketType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  pingresp: 13,
  disconnect: 14,
} as const

export type QoS = 0 | 1 | 2

/** The protocol level in CONNECT: 4 is MQTT 3.1.1. */
export type Version = 4 | 5

/** What a client asks for in CONNECT. */
export type Greeting =
  /** A clean session, or one that the broker keeps. */
  | { version: 4; isKept: boolean }
  /** A clean session with so many messages of QoS 1 and 2 on their way to the client. */
  | { version: 5; receiveMaximum: number }

export const CLEAN_SESSION: Greeting = { version: 4, isKept: false }
export const KEPT_SESSION: Greeting = { version: 4, isKept: true }

/** Without a keep-alive, so that an idle connection stays silent. */
export function connectPacket(clientId: string, greeting: Greeting): Buffer {
  const isClean = greeting.version === 5 || !greeting.isKept
  const head = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, greeting.version, isClean ? 0b10 : 0, 0, 0])
  const properties = greeting.version === 5 ? [receiveMaximumProperty(greeting.receiveMaximum)] : []
  return frame(0x10, [head, ...properties, prefixed(clientId)])
}

export function subscribePacket(packetId: number, filter: string, qos: QoS, version: Version = 4): Buffer {
  return subscribeToAllPacket(packetId, [filter], qos, version)
}

/** A SUBSCRIBE with several filters, all at one QoS. */
export function subscribeToAllPacket(
  packetId: number,
  filters: readonly string[],
  qos: QoS,
  version: Version = 4,
): Buffer {
  const properties = version === 5 ? [withLength([])] : []
  // Of MQTT 5's options only the QoS: it is the lowest two bits, where 3.1.1 has it.
  const options = Buffer.from([qos])
  return frame(0x82, [uint16(packetId), ...properties, ...filters.flatMap((filter) => [prefixed(filter), options])])
}

export interface PublishHead {
  topic: string
  qos: QoS
  packetId: number
  isRetained?: boolean
  /** As `publishProperties` makes them; none at 3.1.1. */
  properties?: Buffer
}

export function publishPacket(head: PublishHead, payload: Buffer): Buffer {
  const { topic, qos, packetId, isRetained, properties } = head
  const parts = [prefixed(topic), ...(qos > 0 ? [uint16(packetId)] : []), ...(properties ? [properties] : [])]
  return frame(0x30 | (qos << 1) | (isRetained === true ? 1 : 0), [...parts, payload])
}

/** What stands between packet identifier and payload: nothing at 3.1.1, else a length and so many user properties. */
export function publishProperties(version: Version, userProperties: number): Buffer {
  if (version === 4) return Buffer.alloc(0)
  return withLength(
    Array.from({ length: userProperties }, (_, number) =>
      Buffer.concat([Buffer.from([0x26]), prefixed(`key-${number}`), prefixed(`value-${number}`)]),
    ),
  )
}

export const PINGREQ = Buffer.from([0xc0, 0])
export const DISCONNECT = Buffer.from([0xe0, 0])

/** The first byte of a PUBACK, PUBREC, PUBREL or PUBCOMP: PUBREL alone has a reserved bit set [MQTT-3.6.1-1]. */
export function acknowledgementByte(type: number): number {
  return (type << 4) | (type === PacketType.pubrel ? 0b10 : 0)
}

function receiveMaximumProperty(messages: number): Buffer {
  return withLength([Buffer.from([0x21]), uint16(messages)])
}

function frame(firstByte: number, parts: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([firstByte]), withLength(parts)])
}

/** The parts behind their length as MQTT writes it, seven bits a byte. */
function withLength(parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const digits: number[] = []
  let rest = body.length
  do {
    const digit = rest & 0x7f
    rest >>>= 7
    digits.push(rest > 0 ? digit | 0x80 : digit)
  } while (rest > 0)
  return Buffer.concat([Buffer.from(digits), body])
}

function prefixed(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([uint16(bytes.length), bytes])
}

function uint16(value: number): Buffer {
  return Buffer.from([value >>> 8, value & 0xff])
}
