/** A header of the PROXY protocol, version 2; `command` 1 is PROXY, 0 LOCAL. */
export function binaryHeader(command: number, family: number, addresses: Buffer, ...fields: readonly Buffer[]): Buffer {
  const body = Buffer.concat([addresses, ...fields])
  const head = Buffer.from([0x20 | command, family, body.length >> 8, body.length & 0xff])
  return Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'), head, body])
}

/** One of its fields of type, length, value. */
export function field(type: number, value: string | Buffer): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value
  return Buffer.concat([Buffer.from([type, bytes.length >> 8, bytes.length & 0xff]), bytes])
}

/** What a proxy says of TLS: flags, 0 for a certificate that it has found good, and the common name. */
export function sslField(flags: number, verify: number, commonName: string): Buffer {
  return field(0x20, Buffer.concat([Buffer.from([flags, 0, 0, 0, verify]), field(0x22, Buffer.from(commonName))]))
}
