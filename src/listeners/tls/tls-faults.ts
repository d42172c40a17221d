import type { MishapKind } from '../../observe/mishap-kinds.ts'

/** Why a client certificate is refused, by OpenSSL's word for it. */
const CERTIFICATE_FAULTS: Readonly<Record<string, string>> = {
  CERT_REVOKED: 'it is revoked',
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet: is one of the clocks wrong?',
  CRL_HAS_EXPIRED: 'the list of revoked certificates (crl) has expired',
  CRL_NOT_YET_VALID: 'the list of revoked certificates (crl) is not valid yet',
  UNABLE_TO_GET_CRL: 'crl has no list of whoever signed it',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is signed by itself, and not by the ca of this listener',
  SELF_SIGNED_CERT_IN_CHAIN: 'it is signed by another CA than the ca of this listener',
  UNABLE_TO_GET_ISSUER_CERT: 'it is signed by another CA than the ca of this listener',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'it is signed by another CA than the ca of this listener',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'it is signed by another CA than the ca of this listener',
  INVALID_PURPOSE: 'it is not for clients (extended key usage)',
}

/** What clients say, and OpenSSL finds, when a handshake does not come to its end. */
const HANDSHAKE_FAULTS: readonly (readonly [code: RegExp, reason: string])[] = [
  [
    /ALERT_(UNKNOWN_CA|CERTIFICATE_UNKNOWN|BAD_CERTIFICATE)/,
    "the client does not trust the hub's certificate: it needs the CA, and has to use a name that is in the certificate",
  ],
  [/ALERT_CERTIFICATE_EXPIRED/, "the client finds the hub's certificate expired: is one of the clocks wrong?"],
  [/ALERT/, 'the client ended the handshake'],
  [/UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|WRONG_SSL_VERSION/, 'the client offers versions of TLS only that are too old'],
  [/NO_SHARED_CIPHER/, 'the client and the hub have no cipher in common'],
  [/HANDSHAKE_TIMEOUT/, 'the handshake was not finished in time'],
  [/^ECONNRESET$/, 'the client closed the connection during the handshake'],
]

export function certificateFault(code: string): string {
  return `the client certificate is refused: ${CERTIFICATE_FAULTS[code] ?? code}`
}

export function handshakeFault(error: NodeJS.ErrnoException): { readonly kind: MishapKind; readonly reason: string } {
  const { code = '', message } = error
  const [, known] = HANDSHAKE_FAULTS.find(([pattern]) => pattern.test(code)) ?? []
  return { kind: 'tls-failed', reason: known === undefined ? message : `${known} (${code})` }
}
