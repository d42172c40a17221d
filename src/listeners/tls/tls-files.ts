import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { HubbubError } from '../../base/errors.ts'
import type { TlsSettings } from '../../config/listener-settings.ts'
import { readRevocationList, type RevocationList } from './der.ts'
import { derOf, type PemBlock, readPemBlocks } from './pem.ts'

/** Something that ends on a day, and then keeps clients out. */
export interface Expiry {
  readonly what: 'certificate' | 'ca' | 'crl'
  readonly file: string
  /** In ms since 1970. */
  readonly atMs: number
}

/** What TLS of a listener stands on, read from its files and found good, down to the last of them. */
export interface TlsMaterial {
  /** For clients that ask for no name, or for one that has no certificate of its own. */
  readonly options: SecureContextOptions
  /** By the name that a client asks for, in lower case; `*.example.org` stands for all names of one level more. */
  readonly contexts: ReadonlyMap<string, SecureContext>
  /** The revoked certificates, as `certificateId` names them. */
  readonly revoked: ReadonlySet<string>
  readonly expiries: readonly Expiry[]
  /** What is odd and no reason to refuse, each as a sentence. */
  readonly warnings: readonly string[]
}

/** One file, as read. */
interface NamedFile {
  /** As the user wrote it. */
  readonly file: string
  /** The option that names it: `listeners[1].ca`. */
  readonly option: string
  readonly text: string
}

const DAY_MS = 86_400_000

/** The files that settings name, each once. */
export function filesOf({ certificate, key, ca, crl, certificates }: TlsSettings): string[] {
  const others = certificates.flatMap((pair) => [pair.certificate, pair.key])
  return [...new Set([certificate, key, ca, crl, ...others])].filter((file) => file !== undefined)
}

/** Reads the files that settings name, as they are. @throws HubbubError `CERTIFICATE_UNUSABLE` */
export async function readTlsFiles(settings: TlsSettings, option: string): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>()
  for (const file of filesOf(settings)) {
    try {
      texts.set(file, await readFile(resolve(file), 'latin1'))
    } catch (cause) {
      throw unusable(`Cannot read ${file} (${optionOf(settings, file, option)}): ${readFault(cause)}`, cause)
    }
  }
  return texts
}

/**
 * Checks what the files hold, and makes of it all that the listener needs; by the clock's `nowMs`.
 * @throws HubbubError `CERTIFICATE_UNUSABLE` with the file, the line where there is one, and what is required
 */
export function makeTlsMaterial(
  settings: TlsSettings,
  texts: ReadonlyMap<string, string>,
  option: string,
  nowMs: number,
): TlsMaterial {
  const named = (file: string, of: string): NamedFile => ({ file, option: of, text: texts.get(file) ?? '' })
  const warnings: string[] = []
  const expiries: Expiry[] = []
  const pairs = [
    { names: [], certificate: settings.certificate, key: settings.key, option },
    ...settings.certificates.map((pair, i) => ({ ...pair, option: `${option}.certificates[${i}]` })),
  ].map((pair) => {
    const chain = named(pair.certificate, `${pair.option}.certificate`)
    const key = named(pair.key, `${pair.option}.key`)
    checkPair(chain, key, nowMs, expiries, warnings)
    return { names: pair.names, cert: chain.text, key: key.text }
  })
  const ca = settings.ca === undefined ? undefined : named(settings.ca, `${option}.ca`)
  if (ca !== undefined) checkAuthorities(ca, nowMs, expiries, warnings)
  const crl = settings.crl === undefined ? undefined : named(settings.crl, `${option}.crl`)
  const lists = crl === undefined ? [] : readLists(crl, expiries)
  const isCrlExpired = lists.some(({ nextUpdateMs }) => nextUpdateMs <= nowMs)
  if (isCrlExpired && crl !== undefined) {
    const then = settings.ignoreExpiredCrl ? 'it is used all the same' : 'every client certificate is refused'
    warnings.push(`${crl.file} (${crl.option}) is a list of revoked certificates that has expired: ${then}`)
  }
  // With a list that has expired OpenSSL refuses everybody; who is on it is looked up besides.
  const isCrlLeftOut = isCrlExpired && settings.ignoreExpiredCrl
  const shared: SecureContextOptions = {
    minVersion: settings.minVersion,
    honorCipherOrder: true,
    ...(ca !== undefined && { ca: ca.text }),
    ...(crl !== undefined && !isCrlLeftOut && { crl: lists.map(({ text }) => text) }),
  }
  const contexts = new Map<string, SecureContext>()
  const [first, ...others] = pairs
  const options = { ...shared, cert: first?.cert, key: first?.key }
  try {
    createSecureContext(options)
    for (const { names, cert, key } of others) {
      // Each with all of it: one without the list would let in who is on it, by asking for its name.
      const context = createSecureContext({ ...shared, cert, key })
      for (const name of names) contexts.set(name.toLowerCase(), context)
    }
  } catch (cause) {
    throw unusable(`Cannot use the certificates of ${option}: ${reasonOf(cause)}`, cause)
  }
  const revoked = new Set<string>()
  for (const list of lists) for (const id of list.revoked) revoked.add(id)
  return { options, contexts, revoked, expiries, warnings }
}

function checkPair(chain: NamedFile, keyFile: NamedFile, nowMs: number, expiries: Expiry[], warnings: string[]): void {
  const [leaf, ...issuers] = readCertificates(chain)
  if (leaf === undefined) throw faultOf(chain, 'it must hold a certificate, "-----BEGIN CERTIFICATE-----", it has none')
  const endMs = Date.parse(leaf.validTo)
  if (endMs <= nowMs) throw faultOf(chain, `the certificate must still be valid, it expired on ${dayOf(endMs)}`)
  if (Date.parse(leaf.validFrom) > nowMs) {
    warnings.push(
      `${chain.file} (${chain.option}) is valid from ${dayOf(Date.parse(leaf.validFrom))} only: is the clock of this machine right?`,
    )
  }
  for (const { validTo } of [leaf, ...issuers]) {
    expiries.push({ what: 'certificate', file: chain.file, atMs: Date.parse(validTo) })
  }
  const key = readKey(keyFile)
  if (!leaf.checkPrivateKey(key)) {
    throw faultOf(keyFile, `it must be the key of the certificate in ${chain.file}, it is that of another`)
  }
}

function checkAuthorities(file: NamedFile, nowMs: number, expiries: Expiry[], warnings: string[]): void {
  const authorities = readCertificates(file)
  if (authorities.length === 0) {
    throw faultOf(file, 'it must hold a certificate, "-----BEGIN CERTIFICATE-----", it has none')
  }
  if (!authorities.some(({ ca }) => ca)) {
    throw faultOf(file, 'it must hold a certificate that may sign others (CA), it has only such as may not')
  }
  for (const { validTo } of authorities) {
    const atMs = Date.parse(validTo)
    expiries.push({ what: 'ca', file: file.file, atMs })
    if (atMs <= nowMs) warnings.push(`${file.file} (${file.option}) holds a certificate that expired on ${dayOf(atMs)}`)
  }
}

function readCertificates(file: NamedFile): X509Certificate[] {
  return blocksOf(file, /^(?:TRUSTED |X509 )?CERTIFICATE$/).map((block) => {
    try {
      return new X509Certificate(block.text)
    } catch (cause) {
      throw faultOf(file, `the certificate at line ${block.line} cannot be read: ${reasonOf(cause)}`, cause)
    }
  })
}

function readKey(file: NamedFile): KeyObject {
  const [block] = blocksOf(file, /PRIVATE KEY$/)
  if (block === undefined) throw faultOf(file, 'it must hold a private key, "-----BEGIN PRIVATE KEY-----", it has none')
  if (/ENCRYPTED/.test(block.text)) {
    throw faultOf(file, 'the key must be readable without a password, it is encrypted; "openssl pkey" takes that off')
  }
  try {
    return createPrivateKey(file.text)
  } catch (cause) {
    throw faultOf(file, `the key at line ${block.line} cannot be read: ${reasonOf(cause)}`, cause)
  }
}

function readLists(file: NamedFile, expiries: Expiry[]): (RevocationList & { readonly text: string })[] {
  const blocks = blocksOf(file, /^(?:X509 )?CRL$/)
  if (blocks.length === 0) {
    throw faultOf(file, 'it must hold a list of revoked certificates, "-----BEGIN X509 CRL-----", it has none')
  }
  return blocks.map((block) => readList(file, block, expiries))
}

function readList(file: NamedFile, block: PemBlock, expiries: Expiry[]): RevocationList & { readonly text: string } {
  try {
    const { revoked, nextUpdateMs } = readRevocationList(derOf(block))
    expiries.push({ what: 'crl', file: file.file, atMs: nextUpdateMs })
    // Some write another label than OpenSSL reads.
    return { revoked, nextUpdateMs, text: block.text.replaceAll(/(BEGIN|END) CRL/g, '$1 X509 CRL') }
  } catch (cause) {
    throw faultOf(file, `the list at line ${block.line} cannot be read: ${reasonOf(cause)}`, cause)
  }
}

function blocksOf(file: NamedFile, label: RegExp): PemBlock[] {
  const { blocks, cut } = readPemBlocks(file.text)
  if (cut !== undefined) {
    throw faultOf(file, `it must be whole, the ${cut.label} that begins at line ${cut.line} has no END line`)
  }
  return blocks.filter((block) => label.test(block.label))
}

function optionOf(settings: TlsSettings, file: string, option: string): string {
  for (const name of ['certificate', 'key', 'ca', 'crl'] as const)
    if (settings[name] === file) return `${option}.${name}`
  const i = settings.certificates.findIndex((pair) => pair.certificate === file || pair.key === file)
  return `${option}.certificates[${i}].${settings.certificates[i]?.key === file ? 'key' : 'certificate'}`
}

/** `2026-11-29` */
function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

function faultOf({ file, option }: NamedFile, what: string, cause?: unknown): HubbubError {
  return unusable(`Cannot use ${file} (${option}): ${what}`, cause)
}

function unusable(message: string, cause: unknown): HubbubError {
  return new HubbubError('CERTIFICATE_UNUSABLE', message, cause === undefined ? {} : { cause })
}

function readFault(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file'
  if (code === 'EACCES' || code === 'EPERM') return 'the hub has no permission to read it'
  return code === 'EISDIR' ? 'it must be a file, it is a folder' : reasonOf(cause)
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

/** How many days are left, rounded up; 0: it has expired. */
export function daysLeft({ atMs }: Expiry, nowMs: number): number {
  return Math.max(0, Math.ceil((atMs - nowMs) / DAY_MS))
}
