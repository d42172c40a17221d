// oxlint-disable-next-line import/no-unassigned-import -- the library below needs it, before itself
import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509Crl,
  type X509CrlEntryParams,
  X509CrlGenerator,
} from '@peculiar/x509'

/** A certificate and its key, both as PEM. */
export interface CertificatePair {
  readonly certificate: string
  readonly key: string
}

/** What a certificate is to say. */
export interface CertificateWish {
  readonly use: 'server' | 'client'
  readonly commonName: string
  /** Host names and addresses that it is good for. */
  readonly names?: readonly string[]
  readonly notBefore?: Date
  readonly notAfter: Date
}

/** In every certificate made here, so that nobody takes it for one of a real authority. */
const ORGANIZATION = 'Hubbub, made for trying out'
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const SERIAL_BYTES = 16
/** Clocks of devices are slow: what was made just now must be good for them. */
const BEFORE_MS = 3_600_000

/** Makes a certificate that may sign others. */
export async function makeAuthority(commonName: string, notAfter: Date): Promise<CertificatePair> {
  const keys = await makeKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: makeSerial(),
      name: nameOf(commonName),
      notBefore: new Date(Date.now() - BEFORE_MS),
      notAfter,
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        // It signs those that are used, and no other authority.
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  )
  return { certificate: pem(certificate.toString('pem')), key: await exportKey(keys.privateKey) }
}

/** Makes a certificate, signed by an authority of `makeAuthority`. */
export async function makeCertificate(authority: CertificatePair, wish: CertificateWish): Promise<CertificatePair> {
  const issuer = new X509Certificate(authority.certificate)
  const keys = await makeKeys()
  const { use, commonName, names = [], notBefore = new Date(Date.now() - BEFORE_MS), notAfter } = wish
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([use === 'server' ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth]),
    await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
    await AuthorityKeyIdentifierExtension.create(issuer, false, webcrypto),
  ]
  if (names.length > 0) {
    const alternatives = names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value }))
    extensions.push(new SubjectAlternativeNameExtension(alternatives))
  }
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: makeSerial(),
      subject: nameOf(commonName),
      issuer: issuer.subject,
      notBefore,
      notAfter,
      publicKey: keys.publicKey,
      signingKey: await importKey(authority.key),
      signingAlgorithm: ALGORITHM,
      extensions,
    },
    webcrypto,
  )
  return { certificate: pem(certificate.toString('pem')), key: await exportKey(keys.privateKey) }
}

/** Makes the list of an authority's revoked certificates: those of `before`, a list that it replaces, and `certificates`. */
export async function makeRevocationList(
  authority: CertificatePair,
  certificates: readonly string[],
  nextUpdate: Date,
  before?: string,
): Promise<string> {
  const issuer = new X509Certificate(authority.certificate)
  const now = new Date()
  const entries = new Map<string, X509CrlEntryParams>()
  const old = before === undefined ? [] : new X509Crl(before.replaceAll('X509 CRL', 'CRL')).entries
  for (const { serialNumber, revocationDate } of old) entries.set(serialNumber, { serialNumber, revocationDate })
  for (const certificate of certificates) {
    const { serialNumber } = new X509Certificate(certificate)
    if (!entries.has(serialNumber)) entries.set(serialNumber, { serialNumber, revocationDate: now })
  }
  const list = await X509CrlGenerator.create(
    {
      issuer: issuer.subject,
      thisUpdate: new Date(now.getTime() - BEFORE_MS),
      nextUpdate,
      entries: [...entries.values()],
      signingKey: await importKey(authority.key),
      signingAlgorithm: ALGORITHM,
      extensions: [await AuthorityKeyIdentifierExtension.create(issuer, false, webcrypto)],
    },
    webcrypto,
  )
  // The library writes "CRL", and OpenSSL reads "X509 CRL" only.
  return pem(list.toString('pem')).replaceAll(/(BEGIN|END) CRL/g, '$1 X509 CRL')
}

/** Whether a list of `makeRevocationList` has a certificate on it. */
export function isOnList(list: string, certificate: string): boolean {
  const { serialNumber } = new X509Certificate(certificate)
  return new X509Crl(list.replaceAll('X509 CRL', 'CRL')).entries.some((entry) => entry.serialNumber === serialNumber)
}

function nameOf(commonName: string): Record<string, string[]>[] {
  return [{ O: [ORGANIZATION] }, { CN: [commonName] }]
}

/** Positive, as a certificate must have it. */
function makeSerial(): string {
  const bytes = randomBytes(SERIAL_BYTES)
  bytes.writeUInt8((bytes.readUInt8(0) & 0x7f) | 0x40, 0)
  return bytes.toString('hex')
}

async function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return pem(PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), PemConverter.PrivateKeyTag))
}

async function importKey(key: string): Promise<webcrypto.CryptoKey> {
  const [der] = PemConverter.decode(key)
  if (der === undefined) throw new RangeError('the key is no PEM')
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign'])
}

function pem(text: string): string {
  return `${text.trim()}\n`
}
