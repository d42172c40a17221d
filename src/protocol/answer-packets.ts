import { packet } from './packet.ts'
import { PacketType } from './packet-types.ts'
import { PropertyId, PropertyWriter } from './properties.ts'
import type { ReasonCode } from './reason-codes.ts'

const ACCEPTED = connack(0, 0)
const ACCEPTED_PRESENT = connack(1, 0)

/** CONNACK of MQTT 3.1 and 3.1.1 [MQTT-3.1.1 §3.2]. In 3.1 the bit of `isSessionPresent` is reserved: pass false. */
export function encodeConnack(isSessionPresent: boolean, returnCode: number): Buffer {
  if (returnCode === 0) return isSessionPresent ? ACCEPTED_PRESENT : ACCEPTED
  return connack(isSessionPresent ? 1 : 0, returnCode)
}

function connack(flags: number, returnCode: number): Buffer {
  return Buffer.from([PacketType.CONNACK << 4, 2, flags, returnCode])
}

/** CONNACK of MQTT 5 [MQTT5 §3.2]. */
export function encodeConnack5(isSessionPresent: boolean, reasonCode: ReasonCode, properties: PropertyWriter): Buffer {
  return packet(PacketType.CONNACK << 4, [Buffer.of(isSessionPresent ? 1 : 0, reasonCode), properties.encode()])
}

/** DISCONNECT of MQTT 5, which alone lets a server send one [MQTT5 §3.14]. */
export function encodeDisconnect(reasonCode: ReasonCode, properties: PropertyWriter): Buffer {
  return packet(PacketType.DISCONNECT << 4, [Buffer.of(reasonCode), properties.encode()])
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP of MQTT 5 with a reason [MQTT5 §3.4]; `reason` is left out when it is undefined. */
export function encodeAcknowledgement(
  firstByte: number,
  packetId: number,
  reasonCode: ReasonCode,
  reason: string | undefined,
): Buffer {
  const header = Buffer.of(packetId >>> 8, packetId & 0xff, reasonCode)
  if (reason === undefined) return packet(firstByte, [header])
  return packet(firstByte, [header, new PropertyWriter().string(PropertyId.REASON_STRING, reason).encode()])
}

/** SUBACK with a code for each filter, in their order [MQTT-3.9.3-1]. */
export function encodeSuback(packetId: number, codes: readonly number[], isVersion5: boolean): Buffer {
  return acknowledgementOfFilters(PacketType.SUBACK, packetId, codes, isVersion5)
}

/** UNSUBACK; MQTT 5 has a code for each filter. */
export function encodeUnsuback(packetId: number, codes: readonly number[], isVersion5: boolean): Buffer {
  return acknowledgementOfFilters(PacketType.UNSUBACK, packetId, isVersion5 ? codes : [], isVersion5)
}

export const PINGRESP = Buffer.from([PacketType.PINGRESP << 4, 0])

function acknowledgementOfFilters(
  type: number,
  packetId: number,
  codes: readonly number[],
  isVersion5: boolean,
): Buffer {
  const codesAt = isVersion5 ? 3 : 2
  const body = Buffer.allocUnsafe(codesAt + codes.length)
  body[0] = packetId >>> 8
  body[1] = packetId & 0xff
  // No properties.
  if (isVersion5) body[2] = 0
  for (const [i, code] of codes.entries()) body[codesAt + i] = code
  return packet(type << 4, [body])
}
