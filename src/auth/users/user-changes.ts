import { HubbubError } from '../../base/errors.ts'
import { quote } from '../../base/quote.ts'
import type { Role } from '../identity.ts'
import type { PasswordHasher } from '../passwords/password-hasher.ts'
import { base64, DEVICE_ITERATIONS, makeVerifier, PERSON_ITERATIONS, sha256 } from '../passwords/scram-verifier.ts'
import { makeApiToken } from '../tokens/api-token.ts'
import { randomBase62, SECRET_CHARACTERS } from '../tokens/base62.ts'
import { type User, userNameFault } from './user.ts'
import type { ReadUsers, UsersFile } from './users-file.ts'
import { withoutUser, withUser } from './users-text.ts'

export interface UserChangesOptions {
  readonly file: UsersFile
  readonly hasher: PasswordHasher
  /** Wall time, in ms since 1970. */
  readonly nowMs: () => number
  /** Called with what is in the file after each change. */
  readonly changed?: (users: ReadUsers) => void
}

/** What may be said of a user beside the credential. */
export interface UserSettings {
  /** Undefined: a device. */
  readonly role?: Role | undefined
  readonly groups?: readonly string[]
  /** In the language of the rules. */
  readonly rules?: readonly string[]
  readonly note?: string
}

/** How a user shows who it is: what somebody chose, a secret that the hub makes, or a certificate alone. */
export type NewCredential = { readonly password: Uint8Array } | 'secret' | 'none'

/** What may be said of a token. */
export interface NewToken {
  /** In ms since 1970. */
  readonly expiresAtMs: number
  /** The most that the role of its user counts for; undefined: none. */
  readonly role: Role | undefined
  /** In the language of the rules: it may do nothing that they do not allow. Empty: all that its user may do. */
  readonly rules?: readonly string[]
  readonly note?: string
}

/** A token as it is shown once, and what it is called by from then on. */
export interface ShownToken {
  readonly id: string
  readonly token: string
}

type StoredCredential = Pick<User, 'password' | 'secretSha256' | 'scram'>

const NO_CREDENTIAL: StoredCredential = { password: undefined, secretSha256: undefined, scram: undefined }
const MIN_PASSWORD_BYTES = 8
const MAX_PASSWORD_BYTES = 1024

/**
 * Changes users: for the command and the pages alike. Each change is in the file when its promise resolves.
 * All throw HubbubError: `USER_INVALID` for what cannot be, `USERS_INVALID` when the file has mistakes, `USERS_FAILED` when it
 * cannot be written.
 */
export class UserChanges {
  readonly #options: UserChangesOptions
  /** By a hash that was made stronger, the one it was before: the credential is the same. */
  readonly #raisedFrom = new Map<string, string>()
  readonly #raising = new Set<string>()

  constructor(options: UserChangesOptions) {
    this.#options = options
  }

  /** Whether a user may be added by this name; before a password is asked for. */
  async checkNew(name: string): Promise<void> {
    const fault = userNameFault(name)
    if (fault !== undefined) throw invalid(`add ${quote(name)}: a user name must ${fault}`)
    if ((await this.#options.file.read()).users.has(name)) throw taken(name)
  }

  /** The user of this name as the file has it now. */
  async find(name: string): Promise<User> {
    const user = (await this.#options.file.read()).users.get(name)
    if (user === undefined) throw unknown('change', name)
    return user
  }

  /** Adds a user, the first with a password as an admin. Returns it, with the secret that was made, which is nowhere else. */
  async add(
    name: string,
    credential: NewCredential,
    settings: UserSettings = {},
  ): Promise<{ readonly user: User; readonly secret: string | undefined; readonly isFirst: boolean }> {
    const fault = userNameFault(name)
    if (fault !== undefined) throw invalid(`add ${quote(name)}: a user name must ${fault}`)
    const { stored, secret } = await this.#make(credential)
    const nowMs = this.#options.nowMs()
    let isFirst = false
    const user = await this.#change(name, (before, { users }) => {
      if (before !== undefined) throw taken(name)
      isFirst = users.size === 0
      const role = settings.role ?? (isFirst && secret === undefined && credential !== 'none' ? 'admin' : undefined)
      return {
        name,
        role,
        groups: settings.groups ?? [],
        ...stored,
        rules: settings.rules ?? [],
        ownRules: [],
        tokens: [],
        note: settings.note ?? '',
        addedAtMs: nowMs,
        changedAtMs: nowMs,
      }
    })
    return { user, secret, isFirst }
  }

  /** Removes a user. The last admin stays while there are other users, unless `force`. */
  async remove(name: string, force = false): Promise<void> {
    const after = await this.#options.file.change((users) => {
      const user = users.users.get(name)
      if (user === undefined) throw unknown('remove', name)
      if (!force && isLastAdmin(user, users)) throw lastAdmin('remove', name)
      return withoutUser(users.text, users, name)
    })
    this.#options.changed?.(after)
  }

  /** Gives a user a password that somebody chose, in place of all it had. */
  async setPassword(name: string, password: Uint8Array): Promise<void> {
    await this.#setCredential(name, { password })
  }

  /** Gives a user a generated secret in place of all it had, and returns it: it is nowhere else. */
  async newSecret(name: string): Promise<string> {
    return (await this.#setCredential(name, 'secret')) ?? ''
  }

  /** Changes what is said; what is left out stays. A role of `undefined` that is there makes it a device. */
  async change(name: string, settings: UserSettings): Promise<User> {
    return this.#change(name, (before, users) => {
      if (before === undefined) throw unknown('change', name)
      const user = {
        ...before,
        role: 'role' in settings ? settings.role : before.role,
        groups: settings.groups ?? before.groups,
        rules: settings.rules ?? before.rules,
        note: settings.note ?? before.note,
      }
      if (user.role !== 'admin' && isLastAdmin(before, users)) throw lastAdmin('change', name)
      return user
    })
  }

  /** Makes a token of a user for the API, and returns it: it is nowhere else. Its role is at most that of the user whenever it is used. */
  async addToken(name: string, { expiresAtMs, role, rules = [], note = '' }: NewToken): Promise<ShownToken> {
    const { token, id } = makeApiToken()
    const madeAtMs = this.#options.nowMs()
    if (expiresAtMs <= madeAtMs)
      throw invalid(`make a token for ${quote(name)}: its end must be in the future, it is not`)
    const stored = {
      id,
      note,
      sha256: base64(sha256(Buffer.from(token))),
      role,
      rules,
      ownRules: [],
      madeAtMs,
      expiresAtMs,
    }
    await this.#change(name, (before) => {
      if (before === undefined) throw unknown('make a token for', name)
      // Those that have ended make room.
      const tokens = before.tokens.filter((other) => other.expiresAtMs > madeAtMs)
      return { ...before, tokens: [...tokens, stored] }
    })
    return { id, token }
  }

  /** Withdraws a token. */
  async removeToken(name: string, id: string): Promise<void> {
    await this.#change(name, (before) => {
      if (before === undefined) throw unknown('remove a token of', name)
      const tokens = before.tokens.filter((token) => token.id !== id)
      if (tokens.length < before.tokens.length) return { ...before, tokens }
      throw invalid(
        `remove the token ${quote(id)} of ${quote(name)}: there must be a token with this identifier, there is none`,
      )
    })
  }

  /** Hashes the password of a user anew, with what is used today. Nobody has to sign in again. */
  async raisePassword({ name, password: old }: User, password: Uint8Array): Promise<void> {
    if (old === undefined || this.#raising.has(name)) return
    this.#raising.add(name)
    try {
      const { hash, verifier } = await this.#options.hasher.make(password, PERSON_ITERATIONS)
      this.#raisedFrom.set(hash, old)
      await this.#change(name, (before) => {
        if (before?.password !== old) throw unknown('change', name)
        return { ...before, password: hash, scram: verifier }
      })
    } finally {
      this.#raising.delete(name)
    }
  }

  /** Whether two states of a user have one credential: a hash that was made stronger is the same. */
  isSameCredential(before: User, after: User): boolean {
    if (before.secretSha256 !== after.secretSha256) return false
    if (before.password === after.password) return true
    return after.password !== undefined && this.#raisedFrom.get(after.password) === before.password
  }

  async #setCredential(name: string, credential: NewCredential): Promise<string | undefined> {
    const { stored, secret } = await this.#make(credential)
    const changedAtMs = this.#options.nowMs()
    await this.#change(name, (before) => {
      if (before === undefined) throw unknown('change', name)
      return { ...before, ...stored, changedAtMs }
    })
    return secret
  }

  async #make(
    credential: NewCredential,
  ): Promise<{ readonly stored: StoredCredential; readonly secret: string | undefined }> {
    if (credential === 'none') return { stored: NO_CREDENTIAL, secret: undefined }
    if (credential === 'secret') {
      const secret = randomBase62(SECRET_CHARACTERS)
      const bytes = Buffer.from(secret)
      const scram = makeVerifier(bytes, DEVICE_ITERATIONS)
      return { stored: { ...NO_CREDENTIAL, secretSha256: base64(sha256(bytes)), scram }, secret }
    }
    const { password } = credential
    const fault = passwordFault(password)
    if (fault !== undefined) throw invalid(`set a password: it must ${fault}`)
    const { hash, verifier } = await this.#options.hasher.make(password, PERSON_ITERATIONS)
    return { stored: { ...NO_CREDENTIAL, password: hash, scram: verifier }, secret: undefined }
  }

  async #change(name: string, edit: (before: User | undefined, users: ReadUsers) => User): Promise<User> {
    const after = await this.#options.file.change((users) =>
      withUser(users.text, users, edit(users.users.get(name), users)),
    )
    this.#options.changed?.(after)
    const user = after.users.get(name)
    if (user === undefined) throw unknown('change', name)
    return user
  }
}

/** What is wrong with a password that somebody chose, as the end of "it must …". */
export function passwordFault(password: Uint8Array): string | undefined {
  if (password.length < MIN_PASSWORD_BYTES) return `have at least ${MIN_PASSWORD_BYTES} characters`
  return password.length > MAX_PASSWORD_BYTES ? `have at most ${MAX_PASSWORD_BYTES} bytes` : undefined
}

function isLastAdmin(user: User, { users }: ReadUsers): boolean {
  if (user.role !== 'admin' || users.size === 1) return false
  return ![...users.values()].some(({ role, name }) => role === 'admin' && name !== user.name)
}

function taken(name: string): HubbubError {
  return invalid(`add ${quote(name)}: there must be no user of this name, there is one`)
}

function lastAdmin(verb: string, name: string): HubbubError {
  return invalid(`${verb} ${quote(name)}: there must be an admin while there are users, this is the last one`)
}

function unknown(verb: string, name: string): HubbubError {
  return invalid(`${verb} ${quote(name)}: there must be a user of this name, there is none`)
}

function invalid(what: string): HubbubError {
  return new HubbubError('USER_INVALID', `Cannot ${what}`)
}
