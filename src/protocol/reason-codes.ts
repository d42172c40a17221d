/** Return codes of CONNACK in MQTT 3.1 and 3.1.1 [MQTT-3.1.1 §3.2.2.3]. */
export const ConnectReturnCode = {
  ACCEPTED: 0,
  UNACCEPTABLE_PROTOCOL_VERSION: 1,
  IDENTIFIER_REJECTED: 2,
  SERVER_UNAVAILABLE: 3,
  BAD_USER_NAME_OR_PASSWORD: 4,
  NOT_AUTHORIZED: 5,
} as const

/** What stands in a SUBACK of MQTT 3.1.1 for a filter that was not granted [MQTT-3.9.3-2]. */
export const SUBACK_FAILURE = 0x80

/** Reason codes of MQTT 5 that the hub sends already to clients whose version it does not speak [MQTT5 §2.4]. */
export const ReasonCode = {
  UNSUPPORTED_PROTOCOL_VERSION: 0x84,
} as const
