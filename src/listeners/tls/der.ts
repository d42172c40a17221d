/** The little of ASN.1 that tells a certificate from another and reads a list of revoked ones [RFC 5280 §4.1, §5.1]. */

interface Element {
  readonly tag: number
  /** Of its value. */
  readonly start: number
  readonly end: number
}

/** What a list of revoked certificates says. */
export interface RevocationList {
  /** Each as `certificateId` names it. */
  readonly revoked: ReadonlySet<string>
  /** When the next one is due, in ms since 1970; Infinity: it does not say. */
  readonly nextUpdateMs: number
}

const INTEGER = 0x02
const SEQUENCE = 0x30
const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18
const EXPLICIT_0 = 0xa0
const LONG_LENGTH = 0x80
/** Years of two digits from here on are of the last century [RFC 5280 §4.1.2.5.1]. */
const FIRST_YEAR = 50

/** Names a certificate among all those of the world: who issued it, and under which number. @throws RangeError */
export function certificateId(certificate: Buffer): string {
  const [tbs] = childrenOf(certificate, elementAt(certificate, 0, SEQUENCE))
  const fields = childrenOf(certificate, tbs)
  if (fields[0]?.tag === EXPLICIT_0) fields.shift()
  const [serial, , issuer] = fields
  return idOf(certificate, issuer, serial)
}

/** @throws RangeError */
export function readRevocationList(list: Buffer): RevocationList {
  const [tbs] = childrenOf(list, elementAt(list, 0, SEQUENCE))
  const fields = childrenOf(list, tbs)
  if (fields[0]?.tag === INTEGER) fields.shift()
  const [, issuer, , ...rest] = fields
  const nextUpdate = isTime(rest[0]) ? rest.shift() : undefined
  const [entries] = rest
  const revoked = new Set<string>()
  if (entries?.tag === SEQUENCE) {
    for (const entry of childrenOf(list, entries)) revoked.add(idOf(list, issuer, childrenOf(list, entry)[0]))
  }
  return { revoked, nextUpdateMs: nextUpdate === undefined ? Infinity : readTime(list, nextUpdate) }
}

function idOf(bytes: Buffer, issuer: Element | undefined, serial: Element | undefined): string {
  if (issuer?.tag !== SEQUENCE || serial?.tag !== INTEGER)
    throw new RangeError('it is neither a certificate nor a list')
  return `${bytes.toString('hex', issuer.start, issuer.end)}:${bytes.toString('hex', serial.start, serial.end)}`
}

function isTime(element: Element | undefined): boolean {
  return element?.tag === UTC_TIME || element?.tag === GENERALIZED_TIME
}

function readTime(bytes: Buffer, { tag, start, end }: Element): number {
  const text = bytes.toString('latin1', start, end)
  const digits = tag === UTC_TIME ? `${Number(text.slice(0, 2)) < FIRST_YEAR ? '20' : '19'}${text}` : text
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits) ?? []
  if (year === undefined) throw new RangeError('a time in it is none')
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}

function childrenOf(bytes: Buffer, parent: Element | undefined): Element[] {
  if (parent?.tag !== SEQUENCE) throw new RangeError('it is neither a certificate nor a list')
  const children: Element[] = []
  for (let at = parent.start; at < parent.end;) {
    const child = elementAt(bytes, at)
    if (child.end > parent.end) throw new RangeError('a part of it is longer than the whole')
    children.push(child)
    at = child.end
  }
  return children
}

function elementAt(bytes: Buffer, at: number, wantedTag?: number): Element {
  const tag = bytes.readUInt8(at)
  const first = bytes.readUInt8(at + 1)
  const lengthBytes = first < LONG_LENGTH ? 0 : first - LONG_LENGTH
  if (lengthBytes > 4 || first === LONG_LENGTH) throw new RangeError('a length in it is none')
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes)
  const start = at + 2 + lengthBytes
  const end = start + length
  if (end > bytes.length || (wantedTag !== undefined && tag !== wantedTag)) throw new RangeError('it is cut off')
  return { tag, start, end }
}
