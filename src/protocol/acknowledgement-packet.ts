import { FieldReader, MalformedPacketError } from './field-reader.ts'
import { PACKET_NAMES, PacketType } from './packet-types.ts'
import { PropertyId, readProperties } from './properties.ts'
import { ReasonCode } from './reason-codes.ts'

const PROPERTIES: readonly number[] = [PropertyId.REASON_STRING, PropertyId.USER_PROPERTY]
const OF_PUBLISH: ReadonlySet<number> = new Set([0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99])
const OF_RELEASE: ReadonlySet<number> = new Set([0x00, 0x92])

/**
 * Reads the reason code of a PUBACK, PUBREC, PUBREL or PUBCOMP of MQTT 5 that is not in its short form [MQTT5 §3.4.2.1].
 * @throws MalformedPacketError
 */
export function readAcknowledgement(type: number, bytes: Buffer, bodyStart: number, end: number): number {
  const name = PACKET_NAMES[type] ?? 'the packet'
  const fields = new FieldReader(bytes, bodyStart, end)
  fields.uint16('packet identifier')
  const reasonCode = fields.byte('reason code')
  const allowed = type === PacketType.PUBACK || type === PacketType.PUBREC ? OF_PUBLISH : OF_RELEASE
  if (!allowed.has(reasonCode)) {
    throw new MalformedPacketError(`${name} with reason code ${reasonCode}`, ReasonCode.PROTOCOL_ERROR)
  }
  if (!fields.isAtEnd) readProperties(fields, PROPERTIES, name)
  fields.finish(name)
  return reasonCode
}
