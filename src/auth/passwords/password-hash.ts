import { createHash, pbkdf2Sync, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import { HubbubError } from '../../base/errors.ts'

/**
 * What is stored in place of a password: scrypt of the hub's own, or what Mosquitto writes. The parameters come from a file, and a few
 * digits in it would take all memory or hours, so that each kind has bounds, which are looked at before anything is computed.
 */
export type PasswordHash = ScryptHash | Sha512Hash | Pbkdf2Hash | Argon2Hash

interface Hash {
  readonly salt: Buffer
  readonly hash: Buffer
  /** About how long one check takes, in µs; it tells which kind is the dearest. */
  readonly costUs: number
}

interface ScryptHash extends Hash {
  readonly kind: 'scrypt'
  /** The logarithm of N to base 2. */
  readonly ln: number
  readonly r: number
  readonly p: number
}

/** Mosquitto's `$6$`: one round of SHA-512. */
interface Sha512Hash extends Hash {
  readonly kind: 'sha512'
}

/** Mosquitto's `$7$`: PBKDF2 with HMAC-SHA-512. */
interface Pbkdf2Hash extends Hash {
  readonly kind: 'pbkdf2'
  readonly iterations: number
}

/** What Mosquitto 2.1 writes. */
interface Argon2Hash extends Hash {
  readonly kind: 'argon2id'
  readonly memoryKib: number
  readonly passes: number
  readonly lanes: number
}

/** What new passwords are hashed with; a stored hash that cost less is made again at the next login. 32 MiB. */
const NEW = { ln: 15, r: 8, p: 1 } as const
const NEW_SALT_BYTES = 16
const NEW_HASH_BYTES = 32

const MAX_SCRYPT_N_R = 2 ** 21
const MAX_SCRYPT_P = 16
const MAX_PBKDF2_ITERATIONS = 10_000_000
const MAX_ARGON2_MEMORY_KIB = 256 * 1024
const MAX_ARGON2_PASSES = 16
const MAX_ARGON2_LANES = 16
const MIN_HASH_BYTES = 16
const MAX_HASH_BYTES = 128
const MAX_TEXT_CHARACTERS = 512

// Measured on one core of a small server: µs for a unit of work.
const SCRYPT_US = 0.36
const PBKDF2_US = 1.5
const ARGON2_US = 1.5
const SHA512_US = 5

const BASE64 = '[A-Za-z0-9+/]+={0,2}'
const SCRYPT = new RegExp(`^\\$scrypt\\$ln=(\\d{1,2}),r=(\\d{1,7}),p=(\\d{1,4})\\$(${BASE64})\\$(${BASE64})$`)
const SHA512 = new RegExp(`^\\$6\\$(${BASE64})\\$(${BASE64})$`)
const PBKDF2 = new RegExp(`^\\$7\\$(\\d{1,10})\\$(${BASE64})\\$(${BASE64})$`)
const ARGON2 = new RegExp(
  `^\\$argon2id\\$v=19\\$m=(\\d{1,10}),t=(\\d{1,10}),p=(\\d{1,10})\\$(${BASE64})\\$(${BASE64})$`,
)

/** Reads a stored hash. @throws HubbubError `CONFIG_INVALID`, whose message is what is wrong and never holds the hash */
export function parsePasswordHash(text: string): PasswordHash {
  if (text.length > MAX_TEXT_CHARACTERS) throw fault('it is longer than a hash can be')
  const parsed = parseScrypt(text) ?? parseSha512(text) ?? parsePbkdf2(text) ?? parseArgon2(text)
  if (parsed === undefined) throw fault('it is none of $scrypt$, $argon2id$, $7$ and $6$, or not complete')
  const { length } = parsed.hash
  if (length < MIN_HASH_BYTES || length > MAX_HASH_BYTES) {
    throw fault(`its hash must have from ${MIN_HASH_BYTES} to ${MAX_HASH_BYTES} bytes, it has ${length}`)
  }
  return parsed
}

function parseScrypt(text: string): ScryptHash | undefined {
  const [, lnText, rText, pText, salt, hash] = SCRYPT.exec(text) ?? []
  if (salt === undefined || hash === undefined) return undefined
  const [ln, r, p] = [Number(lnText), Number(rText), Number(pText)]
  if (ln < 1 || r < 1 || 2 ** ln * r > MAX_SCRYPT_N_R)
    throw fault('scrypt with N·r over 2^21 would take too much memory')
  if (p < 1 || p > MAX_SCRYPT_P || 2 ** ln * r * p > 2 * MAX_SCRYPT_N_R)
    throw fault('scrypt with this p would take too long')
  return { kind: 'scrypt', ln, r, p, ...bytesOf(salt, hash), costUs: 2 ** ln * r * p * SCRYPT_US }
}

function parseSha512(text: string): Sha512Hash | undefined {
  const [, salt, hash] = SHA512.exec(text) ?? []
  if (salt === undefined || hash === undefined) return undefined
  return { kind: 'sha512', ...bytesOf(salt, hash), costUs: SHA512_US }
}

function parsePbkdf2(text: string): Pbkdf2Hash | undefined {
  const [, iterationsText, salt, hash] = PBKDF2.exec(text) ?? []
  if (salt === undefined || hash === undefined) return undefined
  const iterations = Number(iterationsText)
  if (iterations < 1 || iterations > MAX_PBKDF2_ITERATIONS) throw fault('PBKDF2 takes from 1 to 10,000,000 rounds here')
  return { kind: 'pbkdf2', iterations, ...bytesOf(salt, hash), costUs: iterations * PBKDF2_US }
}

function parseArgon2(text: string): Argon2Hash | undefined {
  const [, memoryText, passesText, lanesText, salt, hash] = ARGON2.exec(text) ?? []
  if (salt === undefined || hash === undefined) return undefined
  const [memoryKib, passes, lanes] = [Number(memoryText), Number(passesText), Number(lanesText)]
  if (passes < 1 || passes > MAX_ARGON2_PASSES) throw fault(`Argon2 takes from 1 to ${MAX_ARGON2_PASSES} passes here`)
  if (lanes < 1 || lanes > MAX_ARGON2_LANES) throw fault(`Argon2 takes from 1 to ${MAX_ARGON2_LANES} lanes here`)
  if (memoryKib < 8 * lanes || memoryKib > MAX_ARGON2_MEMORY_KIB) throw fault('Argon2 takes at most 256 MiB here')
  const bytes = bytesOf(salt, hash)
  if (bytes.salt.length < 8) throw fault('Argon2 needs a salt of 8 bytes or more')
  return { kind: 'argon2id', memoryKib, passes, lanes, ...bytes, costUs: memoryKib * passes * ARGON2_US }
}

function bytesOf(salt: string, hash: string): { salt: Buffer; hash: Buffer } {
  return { salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') }
}

function fault(what: string): HubbubError {
  return new HubbubError('CONFIG_INVALID', what)
}

/** Whether a stored hash is weaker than those that are made now. */
export function isOutdated({ kind, costUs }: PasswordHash): boolean {
  return kind !== 'scrypt' || costUs < 2 ** NEW.ln * NEW.r * NEW.p * SCRYPT_US
}

/** Hashes a password, in the form in which it is stored. Takes some 100 ms and blocks its thread. */
export function hashPassword(password: Uint8Array): string {
  const salt = randomBytes(NEW_SALT_BYTES)
  const hash = scrypt(password, salt, NEW, NEW_HASH_BYTES)
  return `$scrypt$ln=${NEW.ln},r=${NEW.r},p=${NEW.p}$${unpadded(salt)}$${unpadded(hash)}`
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}

/** Whether it is the password. Blocks its thread for as long as the hash costs. */
export async function isPassword(password: Uint8Array, stored: PasswordHash): Promise<boolean> {
  const hash = await computeHash(password, stored)
  return hash.length === stored.hash.length && timingSafeEqual(hash, stored.hash)
}

function computeHash(password: Uint8Array, stored: PasswordHash): Uint8Array | Promise<Uint8Array> {
  const { kind, salt, hash } = stored
  if (kind === 'scrypt') return scrypt(password, salt, stored, hash.length)
  if (kind === 'sha512') return createHash('sha512').update(password).update(salt).digest()
  if (kind === 'pbkdf2') return pbkdf2Sync(password, salt, stored.iterations, hash.length, 'sha512')
  return argon2(password, stored)
}

async function argon2(password: Uint8Array, stored: Argon2Hash): Promise<Uint8Array> {
  // It takes no empty password.
  if (password.length === 0) return new Uint8Array()
  const { argon2id } = await import('hash-wasm')
  return argon2id({
    password,
    salt: stored.salt,
    iterations: stored.passes,
    parallelism: stored.lanes,
    memorySize: stored.memoryKib,
    hashLength: stored.hash.length,
    outputType: 'binary',
  })
}

function scrypt(
  password: Uint8Array,
  salt: Buffer,
  { ln, r, p }: { readonly ln: number; readonly r: number; readonly p: number },
  bytes: number,
): Buffer {
  const N = 2 ** ln
  // What it needs itself; OpenSSL's own bound is 32 MiB.
  return scryptSync(password, salt, bytes, { N, r, p, maxmem: 128 * r * (N + p + 2) + 4096 })
}
