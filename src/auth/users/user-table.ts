import { parsePasswordHash } from '../passwords/password-hash.ts'
import { hmac, parseVerifier, type ScramVerifier } from '../passwords/scram-verifier.ts'
import { ScramLooks } from './scram-looks.ts'
import type { StoredToken, User } from './user.ts'

/** A user as the hub has it in memory. */
export interface UserEntry {
  readonly user: User
  readonly secret: Buffer | undefined
  readonly verifier: ScramVerifier | undefined
  /** Of a check of its password; 0 without one. */
  readonly costUs: number
  /** The same object for as long as password and secret are the same. */
  readonly stamp: object
  /** When they were last changed, in ms since 1970. */
  readonly changedAtMs: number
}

/** A token, and whose it is. */
export interface TokenEntry {
  readonly owner: string
  readonly token: StoredToken
}

export interface UserTableOptions {
  readonly users: Iterable<User>
  /** What the looks of unknown users are made of. */
  readonly saltKey: string | Uint8Array
  readonly before: UserTable | undefined
  /** Whether two states of a user have one credential. */
  readonly isSameCredential: (before: User, after: User) => boolean
  readonly nowMs: number
}

/** All users at one moment, by what they are looked for. It never changes: other users make another. */
export class UserTable {
  readonly #entries = new Map<string, UserEntry>()
  readonly #names: readonly string[]
  /** By SHA-256, base64. */
  readonly #tokens = new Map<string, TokenEntry>()
  readonly #tokenIds = new Set<string>()
  readonly #saltKey: Buffer
  readonly #scramLooks: ScramLooks
  /** The dearest stored hash there is: who fails has waited for one that cost as much. */
  readonly decoy: string | undefined
  readonly decoyCostUs: number

  constructor({ users, saltKey, before, isSameCredential, nowMs }: UserTableOptions) {
    let decoy: UserEntry | undefined
    const iterations: number[] = []
    for (const user of users) {
      const entry = makeEntry(user, before?.get(user.name), isSameCredential, nowMs)
      this.#entries.set(user.name, entry)
      for (const token of user.tokens) {
        this.#tokens.set(token.sha256, { owner: user.name, token })
        this.#tokenIds.add(token.id)
      }
      if (entry.costUs > (decoy?.costUs ?? 0)) decoy = entry
      if (entry.verifier !== undefined) iterations.push(entry.verifier.iterations)
    }
    this.#names = [...this.#entries.keys()]
    this.#saltKey = Buffer.from(saltKey)
    this.#scramLooks = new ScramLooks(this.#saltKey, iterations)
    this.decoy = decoy?.user.password
    this.decoyCostUs = decoy?.costUs ?? 0
  }

  get size(): number {
    return this.#entries.size
  }

  get(name: string): UserEntry | undefined {
    return this.#entries.get(name)
  }

  values(): IterableIterator<UserEntry> {
    return this.#entries.values()
  }

  /** By SHA-256, base64. */
  token(sha256: string): TokenEntry | undefined {
    return this.#tokens.get(sha256)
  }

  hasTokenOfId(id: string): boolean {
    return this.#tokenIds.has(id)
  }

  /** The user whose hash an unknown name has to wait for, always the same one: so it looks like any. */
  standIn(name: string): UserEntry | undefined {
    const index = hmac(this.#saltKey, name).readUInt32BE() % Math.max(1, this.#names.length)
    return this.#entries.get(this.#names[index] ?? '')
  }

  /** What a name is asked by SCRAM; one that nobody has looks like any. */
  verifierOf(name: string): ScramVerifier {
    return this.#entries.get(name)?.verifier ?? this.#scramLooks.of(name)
  }
}

function makeEntry(
  user: User,
  before: UserEntry | undefined,
  isSameCredential: UserTableOptions['isSameCredential'],
  nowMs: number,
): UserEntry {
  const { password, secretSha256, scram, changedAtMs = 0 } = user
  const same = before !== undefined && isSameCredential(before.user, user) ? before : undefined
  return {
    user: before === undefined ? user : withKeptLists(before.user, user),
    secret: secretSha256 === undefined ? undefined : Buffer.from(secretSha256, 'base64'),
    verifier: scram === undefined ? undefined : parseVerifier(scram),
    costUs: password === undefined ? 0 : parsePasswordHash(password).costUs,
    stamp: same?.stamp ?? {},
    // A hash that a person put into the file has no time.
    changedAtMs: same?.changedAtMs ?? (before === undefined ? changedAtMs : Math.max(changedAtMs, nowMs)),
  }
}

/** The lists of before where they hold the same, so that one look tells that nothing changed. */
function withKeptLists(before: User, user: User): User {
  return {
    ...user,
    groups: areSame(before.groups, user.groups) ? before.groups : user.groups,
    ownRules: areSame(before.rules, user.rules) ? before.ownRules : user.ownRules,
  }
}

function areSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i])
}
