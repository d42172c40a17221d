import { lengthBytes, writeLength } from './message.ts'
import { PacketType } from './packet-types.ts'
import type { ReasonCode } from './reason-codes.ts'

/** CONNACK of MQTT 3.1 and 3.1.1 [MQTT-3.1.1 §3.2]. In 3.1 the bit of `isSessionPresent` is reserved: pass false. */
export function encodeConnack(isSessionPresent: boolean, returnCode: number): Buffer {
  return Buffer.from([PacketType.CONNACK << 4, 2, isSessionPresent ? 1 : 0, returnCode])
}

/** CONNACK of MQTT 5 that refuses a client: no flags, no properties [MQTT5 §3.2]. */
export function encodeConnack5(reasonCode: (typeof ReasonCode)[keyof typeof ReasonCode]): Buffer {
  return Buffer.from([PacketType.CONNACK << 4, 3, 0, reasonCode, 0])
}

/** SUBACK with a code for each filter, in their order [MQTT-3.9.3-1]. */
export function encodeSuback(packetId: number, codes: readonly number[]): Buffer {
  const remainingBytes = 2 + codes.length
  const packet = Buffer.allocUnsafe(1 + lengthBytes(remainingBytes) + remainingBytes)
  packet[0] = PacketType.SUBACK << 4
  const at = writeLength(packet, 1, remainingBytes)
  packet.writeUInt16BE(packetId, at)
  packet.set(codes, at + 2)
  return packet
}

/** UNSUBACK of MQTT 3.1 and 3.1.1. */
export function encodeUnsuback(packetId: number): Buffer {
  return Buffer.from([PacketType.UNSUBACK << 4, 2, packetId >>> 8, packetId & 0xff])
}

export const PINGRESP = Buffer.from([PacketType.PINGRESP << 4, 0])
