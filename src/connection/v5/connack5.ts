import { encodeConnack5, encodeDisconnect } from '../../protocol/answer-packets.ts'
import type { ConnectPacket, ConnectProperties } from '../../protocol/connect-packet.ts'
import { PropertyId, PropertyWriter } from '../../protocol/properties.ts'
import { ReasonCode } from '../../protocol/reason-codes.ts'

/** What every client of MQTT 5 is told of the hub's limits. */
export interface ConnackLimits {
  readonly receiveMaximum: number
  readonly maxPacketBytes: number
  readonly maxTopicAliases: number
}

/** What was agreed with a client of MQTT 5. */
export interface Agreement {
  readonly asked: ConnectProperties
  readonly clientId: string
  /** The hub made the client identifier up. */
  readonly isAssigned: boolean
  readonly sessionExpirySeconds: number
  readonly keepAliveSeconds: number
  readonly askedKeepAliveSeconds: number
  /** The last message of an enhanced authentication; undefined: there was none. */
  readonly authenticationData: Uint8Array | undefined
}

/** What DISCONNECT and CONNACK take besides their Reason String. */
const FAREWELL_HEADER_BYTES = 16
const MAX_STRING_BYTES = 65_535

/** The CONNACK that accepts. Its Response Information is left out where it would be larger than `maxBytes`, which it may be all the same. */
export function encodeAgreement(
  isPresent: boolean,
  agreement: Agreement,
  limits: ConnackLimits,
  maxBytes: number,
): Buffer {
  const packet = encodeConnack5(isPresent, ReasonCode.SUCCESS, connackProperties(agreement, limits))
  if (packet.length <= maxBytes) return packet
  const asked = { ...agreement.asked, wantsResponseInformation: false }
  return encodeConnack5(isPresent, ReasonCode.SUCCESS, connackProperties({ ...agreement, asked }, limits))
}

/** The properties of a CONNACK that accepts: what the hub can do, and where it differs from what was asked [MQTT5 §3.2.2.3]. */
function connackProperties(agreement: Agreement, limits: ConnackLimits): PropertyWriter {
  const { asked, clientId, sessionExpirySeconds, keepAliveSeconds } = agreement
  const properties = new PropertyWriter()
    .uint16(PropertyId.RECEIVE_MAXIMUM, limits.receiveMaximum)
    .uint32(PropertyId.MAXIMUM_PACKET_SIZE, limits.maxPacketBytes)
    .uint16(PropertyId.TOPIC_ALIAS_MAXIMUM, limits.maxTopicAliases)
  if (sessionExpirySeconds !== asked.sessionExpirySeconds) {
    properties.uint32(PropertyId.SESSION_EXPIRY_INTERVAL, sessionExpirySeconds)
  }
  if (agreement.isAssigned) properties.string(PropertyId.ASSIGNED_CLIENT_IDENTIFIER, clientId)
  if (keepAliveSeconds !== agreement.askedKeepAliveSeconds) {
    properties.uint16(PropertyId.SERVER_KEEP_ALIVE, keepAliveSeconds)
  }
  if (agreement.authenticationData !== undefined && asked.authenticationMethod !== undefined) {
    // [MQTT5-4.12.0-5]
    properties
      .string(PropertyId.AUTHENTICATION_METHOD, asked.authenticationMethod)
      .binary(PropertyId.AUTHENTICATION_DATA, agreement.authenticationData)
  }
  if (asked.wantsResponseInformation && !/[+#]/.test(clientId)) {
    properties.string(PropertyId.RESPONSE_INFORMATION, `response/${clientId}`)
  }
  return properties
}

/** Reason codes that may stand in CONNACK [MQTT5 §3.2.2.2]; others have no meaning before a client is connected. */
const OF_CONNACK: ReadonlySet<ReasonCode> = new Set([
  ReasonCode.MALFORMED_PACKET,
  ReasonCode.PROTOCOL_ERROR,
  ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
  ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
  ReasonCode.BAD_USER_NAME_OR_PASSWORD,
  ReasonCode.NOT_AUTHORIZED,
  ReasonCode.SERVER_UNAVAILABLE,
  ReasonCode.BAD_AUTHENTICATION_METHOD,
  ReasonCode.TOPIC_NAME_INVALID,
  ReasonCode.PACKET_TOO_LARGE,
  ReasonCode.QUOTA_EXCEEDED,
  ReasonCode.PAYLOAD_FORMAT_INVALID,
  ReasonCode.CONNECTION_RATE_EXCEEDED,
  ReasonCode.SERVER_MOVED,
])

/** The reason code of a CONNACK for a connection that ends with `code`. */
function connackCode(code: ReasonCode): ReasonCode {
  if (OF_CONNACK.has(code)) return code
  return code === ReasonCode.SERVER_SHUTTING_DOWN ? ReasonCode.SERVER_UNAVAILABLE : ReasonCode.UNSPECIFIED_ERROR
}

/**
 * The DISCONNECT that tells a client why its connection ends, or the CONNACK before it is connected; without properties where they
 * would make it larger than `maxBytes`. Undefined: it is too large even so.
 */
export function encodeFarewell(
  isConnected: boolean,
  code: ReasonCode,
  reason: string,
  serverReference: string | undefined,
  maxBytes: number,
): Buffer | undefined {
  const encode = (properties: PropertyWriter): Buffer =>
    isConnected ? encodeDisconnect(code, properties) : encodeConnack5(false, connackCode(code), properties)
  const packet = encode(farewellProperties(reason, serverReference, maxBytes - FAREWELL_HEADER_BYTES))
  if (packet.length <= maxBytes) return packet
  const bare = encode(new PropertyWriter())
  return bare.length <= maxBytes ? bare : undefined
}

/** The properties that go with a refusal or a DISCONNECT. `maxBytes` is what the client takes of them. */
function farewellProperties(reason: string, serverReference: string | undefined, maxBytes: number): PropertyWriter {
  const properties = new PropertyWriter()
  if (serverReference !== undefined) properties.string(PropertyId.SERVER_REFERENCE, serverReference)
  // [MQTT5-3.14.2-3] [MQTT5 §1.5.4]
  if (Buffer.byteLength(reason) <= Math.min(maxBytes, MAX_STRING_BYTES))
    properties.string(PropertyId.REASON_STRING, reason)
  return properties
}

/** The keep-alive that holds: a client of MQTT 5 can be told another than it asked for [MQTT5 §3.2.2.3.14]. */
export function keepAliveOf({ keepAliveSeconds, properties }: ConnectPacket, maxSeconds: number): number {
  if (properties === undefined || maxSeconds === Infinity) return keepAliveSeconds
  return keepAliveSeconds === 0 ? maxSeconds : Math.min(keepAliveSeconds, maxSeconds)
}
