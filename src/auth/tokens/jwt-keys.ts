import { createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { HubbubError } from '../../base/errors.ts'

/** A key that may have signed a JWT, with the only algorithms that it is used for. */
export interface JwtKey {
  readonly id: string | undefined
  readonly key: KeyObject
  readonly algorithms: readonly string[]
}

const MIN_SECRET_BYTES = 32
const MIN_RSA_BITS = 2048
const MAX_KEYS = 100
const PEM = /-----BEGIN [A-Z ]+-----/
const PRIVATE = /-----BEGIN [A-Z ]*PRIVATE KEY-----/

const EC_ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['prime256v1', 'ES256'],
  ['secp384r1', 'ES384'],
  ['secp521r1', 'ES512'],
])

/**
 * Reads keys: public keys or certificates in PEM, a JWK or a set of them in JSON, else it is a secret that both sides have.
 * @throws HubbubError `USERS_INVALID`, whose message is what is wrong, without any of the text
 */
export function parseJwtKeys(text: string): readonly JwtKey[] {
  const trimmed = text.trim()
  if (trimmed.startsWith('{')) return parseSet(trimmed)
  if (!PEM.test(trimmed)) return [secretKey(Buffer.from(trimmed), undefined, undefined)]
  if (PRIVATE.test(trimmed)) throw fault('it must be the public key, the private one is for who makes the tokens')
  const blocks = trimmed.match(/-----BEGIN ([A-Z ]+)-----[\s\S]+?-----END \1-----/g) ?? []
  return atLeastOne(blocks.map((block) => publicKey(() => createPublicKey(block), undefined, undefined)))
}

function parseSet(text: string): readonly JwtKey[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw fault('it must be a JSON Web Key Set, it is not JSON')
  }
  const keys = typeof value === 'object' && value !== null && 'keys' in value ? value.keys : [value]
  if (!Array.isArray(keys) || keys.length > MAX_KEYS)
    throw fault(`it must be a JSON Web Key Set of at most ${MAX_KEYS} keys`)
  // Keys for other purposes, and of kinds that nobody here knows, are left out: a provider adds some any day.
  return atLeastOne(keys.flatMap((key: unknown) => (isKey(key) && key.use !== 'enc' ? jwkKeys(key) : [])))
}

type Jwk = JsonWebKey & { readonly kid?: unknown; readonly alg?: unknown; readonly use?: unknown }

function isKey(value: unknown): value is Jwk {
  return typeof value === 'object' && value !== null && 'kty' in value && typeof value.kty === 'string'
}

function jwkKeys(jwk: Jwk): JwtKey[] {
  const id = typeof jwk.kid === 'string' ? jwk.kid : undefined
  const alg = typeof jwk.alg === 'string' ? jwk.alg : undefined
  if (jwk.kty === 'oct') return [secretKey(Buffer.from(jwk.k ?? '', 'base64url'), id, alg)]
  if (!['RSA', 'EC', 'OKP'].includes(jwk.kty ?? '')) return []
  const key = publicKey(() => createPublicKey({ key: jwk, format: 'jwk' }), id, alg)
  return key.algorithms.length > 0 ? [key] : []
}

function secretKey(secret: Buffer, id: string | undefined, alg: string | undefined): JwtKey {
  if (secret.length < MIN_SECRET_BYTES) {
    throw fault(`a secret must have at least ${MIN_SECRET_BYTES} bytes, it has ${secret.length}`)
  }
  // By RFC 7518 §3.2, a secret is as long as the hash at least.
  const fitting = [32, 48, 64].filter((bytes) => secret.length >= bytes).map((bytes) => `HS${bytes * 8}`)
  return { id, key: createSecretKey(secret), algorithms: only(fitting, alg) }
}

function publicKey(read: () => KeyObject, id: string | undefined, alg: string | undefined): JwtKey {
  let key: KeyObject
  try {
    key = read()
  } catch {
    throw fault('it must be a public key or a certificate, it cannot be read')
  }
  return { id, key, algorithms: only(algorithmsOf(key), alg) }
}

function algorithmsOf({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): string[] {
  if (asymmetricKeyType === 'ed25519') return ['EdDSA', 'Ed25519']
  if (asymmetricKeyType === 'ec') {
    const algorithm = EC_ALGORITHMS.get(asymmetricKeyDetails.namedCurve ?? '')
    return algorithm === undefined ? [] : [algorithm]
  }
  if (asymmetricKeyType !== 'rsa') return []
  const bits = asymmetricKeyDetails.modulusLength ?? 0
  if (bits < MIN_RSA_BITS) throw fault(`an RSA key must have at least ${MIN_RSA_BITS} bits, it has ${bits}`)
  return ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
}

function only(algorithms: string[], alg: string | undefined): string[] {
  return alg === undefined ? algorithms : algorithms.filter((algorithm) => algorithm === alg)
}

function atLeastOne(keys: readonly JwtKey[]): readonly JwtKey[] {
  if (keys.some(({ algorithms }) => algorithms.length > 0)) return keys
  throw fault('it must have a key for signatures by HS, RS, PS, ES or EdDSA, it has none')
}

function fault(what: string): HubbubError {
  return new HubbubError('USERS_INVALID', what)
}
