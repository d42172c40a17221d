import type { PeerCertificate } from 'node:tls'
import type { TlsSettings } from '../../config/listener-settings.ts'

export type ClientNameSource = TlsSettings['clientName']

const MAX_NAME_CHARACTERS = 256
const PREFIXES = { dns: 'DNS:', email: 'email:', uri: 'URI:' } as const
/** An entry of `subjectaltname`, which Node writes as JSON where it holds anything odd. */
const ENTRY = /([A-Za-z ]+:)("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/gy

/** Whether a name may stand for somebody: bounded, and of characters that can neither hide nor cut it. */
export function isUsableName(name: string): boolean {
  return name !== '' && name.length <= MAX_NAME_CHARACTERS && !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(name)
}

/**
 * Whom a client certificate names, by its common name or the first alternative name of a kind. Undefined: nobody, several, or by odd
 * characters: two readers might take them for different people. The printed subject is never read, in which a name may play another.
 */
export function clientNameOf(certificate: PeerCertificate, source: ClientNameSource): string | undefined {
  // Several common names are an array, whatever the types say.
  const name: unknown =
    source === 'commonName' ? certificate.subject?.CN : alternativeName(certificate, PREFIXES[source])
  return typeof name === 'string' && isUsableName(name) ? name : undefined
}

function alternativeName({ subjectaltname = '' }: PeerCertificate, prefix: string): string | undefined {
  ENTRY.lastIndex = 0
  for (let entry = ENTRY.exec(subjectaltname); entry !== null; entry = ENTRY.exec(subjectaltname)) {
    const [whole, kind, value] = entry
    if (whole === '') break
    if (kind === prefix) return value?.startsWith('"') === true ? undefined : value
  }
  return undefined
}
