import { sessionExpiry } from './connect-packet.ts'
import { FieldReader, MalformedPacketError } from './field-reader.ts'
import { PropertyId, readProperties } from './properties.ts'
import { ReasonCode } from './reason-codes.ts'

/** What a client says when it goes. */
export interface DisconnectPacket {
  readonly reasonCode: number
  /** The Session Expiry Interval it changes to, in seconds; undefined leaves it. */
  readonly sessionExpirySeconds: number | undefined
}

const DISCONNECT_PROPERTIES: readonly number[] = [
  PropertyId.SESSION_EXPIRY_INTERVAL,
  PropertyId.REASON_STRING,
  PropertyId.USER_PROPERTY,
]
/** The reason codes that a client may send [MQTT5 §3.14.2.1]. */
const REASON_CODES: ReadonlySet<number> = new Set([
  0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
])

/** Reads a DISCONNECT from the start of its variable header; one of 3.1.1 has no body. @throws MalformedPacketError */
export function readDisconnect(bytes: Buffer, bodyStart: number, end: number, isVersion5: boolean): DisconnectPacket {
  const fields = new FieldReader(bytes, bodyStart, end)
  if (!isVersion5) fields.finish('DISCONNECT')
  const reasonCode = fields.isAtEnd ? ReasonCode.SUCCESS : fields.byte('reason code')
  if (!REASON_CODES.has(reasonCode)) {
    const fault = `a client may not send DISCONNECT with reason code ${reasonCode}`
    throw new MalformedPacketError(fault, ReasonCode.PROTOCOL_ERROR)
  }
  if (fields.isAtEnd) return { reasonCode, sessionExpirySeconds: undefined }
  const properties = readProperties(fields, DISCONNECT_PROPERTIES, 'DISCONNECT')
  fields.finish('DISCONNECT')
  return { reasonCode, sessionExpirySeconds: sessionExpiry(properties) }
}
