import { randomBytes } from 'node:crypto'

export const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** So many characters say as much as 32 random bytes. */
export const SECRET_CHARACTERS = 43

/** The largest multiple of 62 that a byte can be below: the others would make some characters more likely. */
const FAIR = 248

/** Random letters and digits, which need no quotes anywhere and are marked by a double click. */
export function randomBase62(characters: number): string {
  let text = ''
  while (text.length < characters) {
    for (const byte of randomBytes(characters)) {
      if (byte < FAIR && text.length < characters) text += BASE62.charAt(byte % BASE62.length)
    }
  }
  return text
}
