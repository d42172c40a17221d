import type { Role } from '../identity.ts'
import type { Rule } from '../rules/rule.ts'

/** A token of a user for the API. The token itself is nowhere: it was shown once. */
export interface StoredToken {
  /** What people call it by; it stands in the token too. */
  readonly id: string
  /** What it is for. */
  readonly note: string
  /** SHA-256 of the token, base64. */
  readonly sha256: string
  /** The most that its user's role counts for; undefined: it is no more than a device. */
  readonly role: Role | undefined
  /** In the language of the rules: nothing that they do not allow; empty: all that its user may do. */
  readonly rules: readonly string[]
  readonly ownRules: readonly Rule[]
  readonly madeAtMs: number
  readonly expiresAtMs: number
}

/** What the hub keeps of somebody: a person, who has a role, or a device. Secrets are there as hashes only. */
export interface User {
  readonly name: string
  readonly role: Role | undefined
  readonly groups: readonly string[]
  /** What stands for a chosen password; see `parsePasswordHash`. */
  readonly password: string | undefined
  /** SHA-256 of a generated secret, base64. */
  readonly secretSha256: string | undefined
  /** For SCRAM-SHA-256; see `parseVerifier`. */
  readonly scram: string | undefined
  /** In the language of the rules, for this user alone; they come after those of the configuration. */
  readonly rules: readonly string[]
  readonly ownRules: readonly Rule[]
  readonly tokens: readonly StoredToken[]
  readonly note: string
  readonly addedAtMs: number | undefined
  /** When the password or secret was last changed: a session on the pages that is older has ended. */
  readonly changedAtMs: number | undefined
}

const MAX_NAME_CHARACTERS = 256
// Controls, what turns the direction of writing, what nobody sees, and halves of a character.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u

/** What is wrong with a name for a user, as the end of "it must …"; undefined: nothing. It may hold any characters that one can see. */
export function userNameFault(name: string): string | undefined {
  if (name === '') return 'have a character'
  if (name.length > MAX_NAME_CHARACTERS) return `have at most ${MAX_NAME_CHARACTERS} characters`
  if (INVISIBLE.test(name)) return 'have no control characters and none that cannot be seen'
  return name.trim() === name ? undefined : 'neither begin nor end with a space'
}

// Characters that look like a Latin letter or like each other.
const LOOK_ALIKES: ReadonlyMap<string, string> = new Map(
  'аa еe оo рp сc хx уy іi ѕs јj һh ԁd ԛq ԝw ӏl αa οo ρp νv ιi υu τt κk 0o 1l |l'
    .split(' ')
    .map((pair): [string, string] => [pair.charAt(0), pair.charAt(1)]),
)

/** What two names have in common that people cannot tell apart. */
export function lookOf(name: string): string {
  const plain = name.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()
  return Array.from(plain, (character) => LOOK_ALIKES.get(character) ?? character)
    .join('')
    .replaceAll('rn', 'm')
}
