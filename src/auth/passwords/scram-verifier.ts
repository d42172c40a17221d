import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

/** What the hub keeps of a password for SCRAM-SHA-256: enough to check a proof, not enough to make one. [RFC 5802 §3] */
export interface ScramVerifier {
  readonly salt: Buffer
  readonly iterations: number
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** Of passwords that people choose: what their client has to compute at each login, and a thief for each guess. */
export const PERSON_ITERATIONS = 100_000
/** Of a generated secret, which nobody guesses: the least that the standard allows, for a small processor. [RFC 7677 §4] */
export const DEVICE_ITERATIONS = 4096

const MAX_ITERATIONS = 1_000_000
const KEY_BYTES = 32
const SALT_BYTES = 16
const BASE64 = '[A-Za-z0-9+/]+={0,2}'
const TEXT = new RegExp(`^SCRAM-SHA-256\\$(\\d{4,7}):(${BASE64})\\$(${BASE64}):(${BASE64})$`)

/** Makes what is stored of a password: `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`. Blocks its thread. */
export function makeVerifier(password: Uint8Array, iterations: number, salt = randomBytes(SALT_BYTES)): string {
  const salted = pbkdf2Sync(normalized(password), salt, iterations, KEY_BYTES, 'sha256')
  const storedKey = sha256(hmac(salted, 'Client Key'))
  const serverKey = hmac(salted, 'Server Key')
  return `SCRAM-SHA-256$${iterations}:${base64(salt)}$${base64(storedKey)}:${base64(serverKey)}`
}

/** Reads what `makeVerifier` wrote; undefined when it is something else, or would keep a client busy for hours. */
export function parseVerifier(text: string): ScramVerifier | undefined {
  const [, iterationsText, salt, storedKey, serverKey] = TEXT.exec(text) ?? []
  if (salt === undefined || storedKey === undefined || serverKey === undefined) return undefined
  const verifier = {
    salt: Buffer.from(salt, 'base64'),
    iterations: Number(iterationsText),
    storedKey: Buffer.from(storedKey, 'base64'),
    serverKey: Buffer.from(serverKey, 'base64'),
  }
  const { iterations } = verifier
  if (iterations < DEVICE_ITERATIONS || iterations > MAX_ITERATIONS) return undefined
  if (verifier.storedKey.length !== KEY_BYTES || verifier.serverKey.length !== KEY_BYTES) return undefined
  return verifier
}

/** The password as clients hash it, by the part of SASLprep that matters: compatible characters are one. [RFC 5802 §5.1] */
function normalized(password: Uint8Array): string | Uint8Array {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(password).normalize('NFKC')
  } catch {
    // No text, so that nobody types it.
    return password
  }
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

export function hmac(key: Uint8Array, text: string | Uint8Array): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
