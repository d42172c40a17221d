import { HubbubError } from '../../base/errors.ts'
import { quote } from '../../base/quote.ts'
import { parsePasswordHash } from './password-hash.ts'

const MAX_FAULTS = 20

/**
 * Reads a password_file of Mosquitto's: a line `name:hash` for each user, "#" begins a comment. Returns the hashes by name.
 * @throws HubbubError `USERS_INVALID` with a line for each mistake: file, line and what is required; no hash is in it
 */
export function parseMosquittoPasswords(
  text: string,
  file: string,
  nameFault: (name: string) => string | undefined,
): ReadonlyMap<string, string> {
  const hashByName = new Map<string, string>()
  const faults: string[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#') || faults.length > MAX_FAULTS) continue
    const colon = line.indexOf(':')
    const name = (colon === -1 ? line : line.slice(0, colon)).trim()
    const hash = colon === -1 ? '' : line.slice(colon + 1).trim()
    const fault = faultOf(name, hash, hashByName, nameFault)
    if (fault === undefined) hashByName.set(name, hash)
    else faults.push(`Cannot use ${file}:${index + 1}: ${fault}`)
  }
  if (faults.length === 0) return hashByName
  throw new HubbubError('USERS_INVALID', faults.slice(0, MAX_FAULTS).join('\n'))
}

function faultOf(
  name: string,
  hash: string,
  hashByName: ReadonlyMap<string, string>,
  nameFault: (name: string) => string | undefined,
): string | undefined {
  const fault = nameFault(name)
  if (fault !== undefined) return `a user name must ${fault}, it is ${quote(name)}`
  if (hashByName.has(name)) return `a user may stand here once, ${quote(name)} is here a second time`
  // Once a user without a password: CVE-2018-12551.
  if (hash === '') return 'a line must be a name, a colon and a hash, the hash is missing'
  try {
    parsePasswordHash(hash)
    return undefined
  } catch (error) {
    return `the hash must be one that mosquitto_passwd made: ${error instanceof Error ? error.message : String(error)}`
  }
}
