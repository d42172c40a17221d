import { ReasonCode } from '../protocol/reason-codes.ts'

/** What went wrong with a connection, for people who are about to make their first one, and with what the hub stands on. */
export const MISHAPS = {
  'http-on-mqtt': 'an HTTP request came to the port for MQTT',
  'tls-on-mqtt': 'a TLS handshake came to the port for plain MQTT',
  'mqtt-on-http': 'MQTT came to the port for HTTP, where it has to be in a WebSocket',
  'tls-on-http': 'a TLS handshake came to the port for plain HTTP',
  'mqtt-on-tls': 'MQTT without TLS came to a port for TLS',
  'http-on-tls': 'an HTTP request without TLS came to a port for TLS',
  'tls-failed': 'a TLS handshake failed',
  'certificate-refused': 'a client certificate was refused',
  'proxy-protocol':
    'a PROXY protocol header came, which this listener does not read (proxyProtocol): have the proxy send none',
  'proxy-refused': 'a connection was refused that has to come through a proxy',
  'websocket-refused': 'a WebSocket was refused',
  'connect-refused': 'a connection ended before its CONNECT was accepted',
  'not-allowed': 'the access rules, or the end of a credential, kept something from a client',
  'file-not-taken': 'a changed file of users, passwords or certificates was not taken over: what was in force stays',
  'identifier-shared': 'two clients use one client identifier and end each other',
  'limit-reached': 'a limit of the hub kept something from a client',
  'protocol-error': 'a client broke a rule of MQTT and its connection was ended',
  'open-files': 'a connection was closed at once, since the hub may not open more files and sockets (ulimit -n)',
  'store-failing': 'the store cannot write, and what must be kept is not acknowledged',
} as const

export type MishapKind = keyof typeof MISHAPS

/** Endings that are the fault of the client, or of who wrote its program. */
const FAULTS: ReadonlySet<ReasonCode> = new Set([
  ReasonCode.UNSPECIFIED_ERROR,
  ReasonCode.MALFORMED_PACKET,
  ReasonCode.PROTOCOL_ERROR,
  ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
  ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
  ReasonCode.BAD_USER_NAME_OR_PASSWORD,
  ReasonCode.NOT_AUTHORIZED,
  ReasonCode.BAD_AUTHENTICATION_METHOD,
  ReasonCode.TOPIC_FILTER_INVALID,
  ReasonCode.TOPIC_NAME_INVALID,
  ReasonCode.RECEIVE_MAXIMUM_EXCEEDED,
  ReasonCode.TOPIC_ALIAS_INVALID,
  ReasonCode.PACKET_TOO_LARGE,
  ReasonCode.QUOTA_EXCEEDED,
])

const TLS_HANDSHAKE = 0x16
const MQTT_CONNECT = 0x10
const CONNECT_NAME = /MQTT|MQIsdp/
/** How the PROXY protocol begins, version 1 and 2. */
const PROXY_HEADERS = [Buffer.from('PROXY '), Buffer.from('\r\n\r\n\0\r\nQUIT\n')]
const HTTP_METHOD = /^(?:GET|POST|PUT|HEAD|OPTIONS|DELETE|PATCH|CONNECT|PRI) /

/** Whether the hub ended a connection for a fault of its client. */
export function isFault(code: ReasonCode): boolean {
  return FAULTS.has(code)
}

/** What such an ending is told as. */
export function kindOfFault(code: ReasonCode, isAdmitted: boolean): MishapKind {
  if (!isAdmitted) return 'connect-refused'
  return code === ReasonCode.NOT_AUTHORIZED ? 'not-allowed' : 'protocol-error'
}

/** What somebody speaks who does not speak MQTT, by the first bytes. */
export function foreignToMqtt(bytes: Uint8Array): MishapKind | undefined {
  if (bytes[0] === MQTT_CONNECT) return undefined
  if (bytes[0] === TLS_HANDSHAKE && bytes[1] === 3) return 'tls-on-mqtt'
  if (isProxyHeader(bytes)) return 'proxy-protocol'
  return HTTP_METHOD.test(latin1(bytes, 0, 8)) ? 'http-on-mqtt' : undefined
}

/** What somebody speaks who does not begin a TLS handshake, by the first bytes. */
export function foreignToTls(bytes: Uint8Array): MishapKind | undefined {
  if (bytes[0] === TLS_HANDSHAKE) return undefined
  if (bytes[0] === MQTT_CONNECT) return 'mqtt-on-tls'
  if (isProxyHeader(bytes)) return 'proxy-protocol'
  return HTTP_METHOD.test(latin1(bytes, 0, 8)) ? 'http-on-tls' : 'tls-failed'
}

/** What somebody speaks who does not speak HTTP, by the first bytes. */
export function foreignToHttp(bytes: Uint8Array): MishapKind | undefined {
  if (bytes[0] === TLS_HANDSHAKE && bytes[1] === 3) return 'tls-on-http'
  if (isProxyHeader(bytes)) return 'proxy-protocol'
  return bytes[0] === MQTT_CONNECT && CONNECT_NAME.test(latin1(bytes, 0, 16)) ? 'mqtt-on-http' : undefined
}

function isProxyHeader(bytes: Uint8Array): boolean {
  return PROXY_HEADERS.some((header) => header.equals(bytes.subarray(0, header.length)))
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCodePoint(...bytes.subarray(start, end))
}
