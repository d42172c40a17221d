import { FieldReader, MalformedPacketError } from './field-reader.ts'
import { packet } from './packet.ts'
import { PacketType } from './packet-types.ts'
import { PropertyId, PropertyWriter, readProperties } from './properties.ts'
import { ReasonCode } from './reason-codes.ts'

/** One step of an enhanced authentication [MQTT5 §3.15]. */
export interface AuthPacket {
  /** CONTINUE_AUTHENTICATION, or RE_AUTHENTICATE. */
  readonly reasonCode: number
  readonly method: string
  readonly data: Buffer | undefined
}

const AUTH_PROPERTIES: readonly number[] = [
  PropertyId.AUTHENTICATION_METHOD,
  PropertyId.AUTHENTICATION_DATA,
  PropertyId.REASON_STRING,
  PropertyId.USER_PROPERTY,
]

/** Reads an AUTH of a client from the start of its variable header. @throws MalformedPacketError */
export function readAuth(bytes: Buffer, bodyStart: number, end: number): AuthPacket {
  const fields = new FieldReader(bytes, bodyStart, end)
  const reasonCode = fields.isAtEnd ? ReasonCode.SUCCESS : fields.byte('reason code')
  if (reasonCode !== ReasonCode.CONTINUE_AUTHENTICATION && reasonCode !== ReasonCode.RE_AUTHENTICATE) {
    // [MQTT5-3.15.2-1]
    const fault = `a client may not send AUTH with reason code ${reasonCode}`
    throw new MalformedPacketError(fault, ReasonCode.PROTOCOL_ERROR)
  }
  const properties = readProperties(fields, AUTH_PROPERTIES, 'AUTH')
  fields.finish('AUTH')
  const method = properties.string(PropertyId.AUTHENTICATION_METHOD)
  if (method === undefined) throw new MalformedPacketError('AUTH names no method', ReasonCode.PROTOCOL_ERROR)
  return { reasonCode, method, data: properties.binary(PropertyId.AUTHENTICATION_DATA) }
}

/** The hub's step of an enhanced authentication. */
export function encodeAuth(reasonCode: ReasonCode, method: string, data: Uint8Array): Buffer {
  const properties = new PropertyWriter()
    .string(PropertyId.AUTHENTICATION_METHOD, method)
    .binary(PropertyId.AUTHENTICATION_DATA, data)
  return packet(PacketType.AUTH << 4, [Buffer.of(reasonCode), properties.encode()])
}
