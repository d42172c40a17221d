// The few MQTT 3.1.1 packets that the load generator sends, built by hand.

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
  disconnect: 14,
} as const

export type QoS = 0 | 1 | 2

/** A clean session, or one that the broker keeps; without a keep-alive, so that an idle connection stays silent. */
export function connectPacket(clientId: string, isKept: boolean): Buffer {
  const variableHeader = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, isKept ? 0 : 0b10, 0, 0])
  return frame(0x10, [variableHeader, prefixed(clientId)])
}

export function subscribePacket(packetId: number, filter: string, qos: QoS): Buffer {
  return frame(0x82, [uint16(packetId), prefixed(filter), Buffer.from([qos])])
}

export function publishPacket(topic: string, payload: Buffer, qos: QoS, packetId: number, retain = false): Buffer {
  const head = [prefixed(topic), ...(qos > 0 ? [uint16(packetId)] : [])]
  return frame(0x30 | (qos << 1) | (retain ? 1 : 0), [...head, payload])
}

export const DISCONNECT = Buffer.from([0xe0, 0])

/** The first byte of a PUBACK, PUBREC, PUBREL or PUBCOMP: PUBREL alone has a reserved bit set [MQTT-3.6.1-1]. */
export function acknowledgementByte(type: number): number {
  return (type << 4) | (type === PacketType.pubrel ? 0b10 : 0)
}

function frame(firstByte: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const header = [firstByte]
  let rest = body.length
  do {
    const digit = rest & 0x7f
    rest >>>= 7
    header.push(rest > 0 ? digit | 0x80 : digit)
  } while (rest > 0)
  return Buffer.concat([Buffer.from(header), body])
}

function prefixed(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([uint16(bytes.length), bytes])
}

function uint16(value: number): Buffer {
  return Buffer.from([value >>> 8, value & 0xff])
}
