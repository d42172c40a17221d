import { isIP, isIPv6 } from 'node:net'

/** What a proxy says of a connection that it passes on. */
export interface ProxyHeader {
  /** How many bytes it takes; what follows is the client's. */
  readonly length: number
  /** Where the client is; undefined: the proxy asks for itself (LOCAL), or does not know. */
  readonly source: { readonly host: string; readonly port: number } | undefined
  /** The common name of a client certificate that the proxy has found good. */
  readonly certificateName: string | undefined
}

/** What is wrong with a header, for a log. */
export type ProxyFault = string

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
/** With its line end [PROXY protocol §2.1]. */
const MAX_TEXT_BYTES = 107
/** Of what follows the first 16 bytes. More than any proxy says; the length field has room for 64 KiB. */
const MAX_BINARY_BYTES = 2048

const FIXED_BYTES = 16
const LOCAL = 0
const PROXY = 1
const UNSPECIFIED = 0x00
const TCP_OVER_IPV4 = 0x11
const TCP_OVER_IPV6 = 0x21
const UNIX_STREAM = 0x31
const ADDRESS_BYTES: Readonly<Record<number, number>> = {
  [TCP_OVER_IPV4]: 12,
  [TCP_OVER_IPV6]: 36,
  [UNIX_STREAM]: 216,
}

/** Fields of type, length, value [§2.2]. */
const FIELD_SSL = 0x20
const FIELD_SSL_COMMON_NAME = 0x22
/** What the proxy says of TLS: that there was TLS, and a certificate on this connection or in its session. */
const CLIENT_SSL = 0x01
const CLIENT_HAS_CERTIFICATE = 0x02 | 0x04

/**
 * Reads the header of the PROXY protocol, version 1 or 2, at the beginning of a connection. Undefined: more bytes are needed. It never
 * needs more than 2,064 of them.
 */
export function parseProxyHeader(bytes: Buffer): ProxyHeader | ProxyFault | undefined {
  if (bytes.length === 0) return undefined
  if (bytes[0] === SIGNATURE[0]) return parseBinary(bytes)
  return parseText(bytes)
}

function parseText(bytes: Buffer): ProxyHeader | ProxyFault | undefined {
  const begin = bytes.toString('latin1', 0, Math.min(bytes.length, MAX_TEXT_BYTES))
  if (!begin.startsWith('PROXY '.slice(0, begin.length))) return 'it does not begin with a PROXY protocol header'
  const lineEnd = begin.indexOf('\r\n')
  if (lineEnd === -1) return begin.length === MAX_TEXT_BYTES ? 'the line has no end' : undefined
  const length = lineEnd + 2
  const [, family, source = '', , port = '', , ...more] = begin.slice(0, lineEnd).split(' ')
  // Whatever else the line says is to be ignored.
  if (family === 'UNKNOWN') return { length, source: undefined, certificateName: undefined }
  if (family !== 'TCP4' && family !== 'TCP6') return `the family is ${JSON.stringify(family)}`
  if (more.length > 0) return 'the line has too many words'
  if (isIP(source) !== (family === 'TCP4' ? 4 : 6)) return 'the address of the client is no address'
  if (!/^(0|[1-9]\d{0,4})$/.test(port) || Number(port) > 65_535) return 'the port of the client is no port'
  return { length, source: { host: plainHost(source), port: Number(port) }, certificateName: undefined }
}

function parseBinary(bytes: Buffer): ProxyHeader | ProxyFault | undefined {
  const compared = Math.min(bytes.length, SIGNATURE.length)
  if (SIGNATURE.compare(bytes, 0, compared, 0, compared) !== 0) return 'it does not begin with a PROXY protocol header'
  if (bytes.length < FIXED_BYTES) return undefined
  const version = bytes.readUInt8(12) >> 4
  const command = bytes.readUInt8(12) & 0x0f
  const family = bytes.readUInt8(13)
  const bodyBytes = bytes.readUInt16BE(14)
  if (version !== 2) return `the version is ${version}`
  if (command !== LOCAL && command !== PROXY) return `the command is ${command}`
  if (bodyBytes > MAX_BINARY_BYTES) return `it says that it has ${bodyBytes} bytes`
  const length = FIXED_BYTES + bodyBytes
  if (bytes.length < length) return undefined
  // A LOCAL one may say anything of addresses.
  if (command === LOCAL || family === UNSPECIFIED) return { length, source: undefined, certificateName: undefined }
  const addressBytes = ADDRESS_BYTES[family]
  if (addressBytes === undefined) return `the family is ${family}`
  if (bodyBytes < addressBytes) return 'it is too short for its addresses'
  const certificateName = readCommonName(bytes.subarray(FIXED_BYTES + addressBytes, length))
  if (typeof certificateName === 'object') return certificateName.fault
  return { length, source: readSource(bytes, family), certificateName }
}

function readSource(bytes: Buffer, family: number): ProxyHeader['source'] {
  if (family === TCP_OVER_IPV4) return { host: bytes.subarray(16, 20).join('.'), port: bytes.readUInt16BE(24) }
  if (family !== TCP_OVER_IPV6) return undefined
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(16 + 2 * i).toString(16))
  return { host: plainHost(groups.join(':')), port: bytes.readUInt16BE(48) }
}

/** An address as the system writes it, so that one client has one name: `2001:db8::7`; IPv4 in an IPv6 one is IPv4. */
function plainHost(host: string): string {
  if (!isIPv6(host)) return host
  const short = new URL(`http://[${host.split('%', 1)[0]}]`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short) ?? []
  if (high === undefined || low === undefined) return short
  const value = Number.parseInt(high, 16) * 0x1_0000 + Number.parseInt(low, 16)
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff].join('.')
}

/** The name in the certificate of the client, if the proxy has checked it. */
function readCommonName(fields: Buffer): string | { readonly fault: ProxyFault } | undefined {
  const outer = readFields(fields, 0)
  if (outer === undefined) return { fault: 'its fields have wrong lengths' }
  const ssl = outer.get(FIELD_SSL)
  if (ssl === undefined) return undefined
  const inner = ssl.length < 5 ? undefined : readFields(ssl, 5)
  if (inner === undefined) return { fault: 'its fields have wrong lengths' }
  const says = ssl.readUInt8(0)
  const isChecked = (says & CLIENT_SSL) !== 0 && (says & CLIENT_HAS_CERTIFICATE) !== 0 && ssl.readUInt32BE(1) === 0
  return isChecked ? inner.get(FIELD_SSL_COMMON_NAME)?.toString('utf8') : undefined
}

/** The values by type; of a type that is there twice, the first. Undefined: the lengths do not add up. */
function readFields(bytes: Buffer, from: number): Map<number, Buffer> | undefined {
  const valueByType = new Map<number, Buffer>()
  for (let at = from; at < bytes.length;) {
    if (at + 3 > bytes.length) return undefined
    const type = bytes.readUInt8(at)
    const end = at + 3 + bytes.readUInt16BE(at + 1)
    if (end > bytes.length) return undefined
    if (!valueByType.has(type)) valueByType.set(type, bytes.subarray(at + 3, end))
    at = end
  }
  return valueByType
}
