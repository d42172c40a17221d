import { crc32 } from 'node:zlib'
import { BASE62, randomBase62, SECRET_CHARACTERS } from './base62.ts'

const PREFIX = 'hbb_'
const CHECKSUM_CHARACTERS = 6
const TOKEN = new RegExp(`^${PREFIX}[0-9A-Za-z]{${SECRET_CHARACTERS + CHECKSUM_CHARACTERS}}$`)
/** What a stored token is called by. */
const ID_CHARACTERS = 8

/**
 * Makes a token for the API: `hbb_`, 43 random letters and digits, and 6 that are their checksum, by which programs that look for
 * lost secrets know one.
 */
export function makeApiToken(): { readonly token: string; readonly id: string } {
  const secret = randomBase62(SECRET_CHARACTERS)
  return { token: PREFIX + secret + checksumOf(secret), id: randomBase62(ID_CHARACTERS) }
}

/** Whether it is written as a token is; who has none is not to be taken for somebody who guesses one. */
export function isApiToken(text: string): boolean {
  return TOKEN.test(text) && text.endsWith(checksumOf(text.slice(PREFIX.length, -CHECKSUM_CHARACTERS)))
}

function checksumOf(secret: string): string {
  let rest = crc32(PREFIX + secret)
  let text = ''
  while (text.length < CHECKSUM_CHARACTERS) {
    text = BASE62.charAt(rest % BASE62.length) + text
    rest = Math.floor(rest / BASE62.length)
  }
  return text
}
