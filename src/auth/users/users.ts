import { randomBytes, timingSafeEqual } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { HubbubError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { SignInFacts } from '../../observe/facts.ts'
import { anonymous, type Authenticator, type EnhancedSignIn } from '../gate.ts'
import { type Credentials, type Identity, type Peer, type Refusal, type Via } from '../identity.ts'
import { isOutdated, parsePasswordHash } from '../passwords/password-hash.ts'
import type { PasswordHasher } from '../passwords/password-hasher.ts'
import { SCRAM_METHOD } from '../passwords/scram.ts'
import { base64, sha256 } from '../passwords/scram-verifier.ts'
import { isApiToken } from '../tokens/api-token.ts'
import { isJwtFault, type JwtVerifier } from '../tokens/jwt.ts'
import { Identities } from './identities.ts'
import { type Admission, Limiter } from './limiter.ts'
import { PasswordChecks } from './password-checks.ts'
import { ScramSignIn } from './scram-sign-in.ts'
import type { User } from './user.ts'
import { UserChanges } from './user-changes.ts'
import { UserSightings } from './user-sightings.ts'
import { type TokenEntry, type UserEntry, UserTable } from './user-table.ts'
import type { PasswordFile, PasswordFileChange } from './password-file.ts'
import { NO_USERS, type ReadUsers, type UsersFile, type UsersFileChange } from './users-file.ts'

export interface UsersOptions {
  readonly file: UsersFile
  /** More users, who are not changed here. */
  readonly passwordFile?: PasswordFile | undefined
  /** Takes JSON Web Tokens, whose users need not be in the file. */
  readonly jwt?: JwtVerifier | undefined
  readonly hasher: PasswordHasher
  readonly log: Log
  /** Wall time, in ms since 1970. */
  readonly nowMs: () => number
  /** Whether a rule lets the anonymous do anything; without, they are not let in. */
  readonly mayEnter?: (anonymous: Identity) => boolean
  /** Called when there are other users than before. */
  readonly changed?: () => void
  /** Told when a changed file is not taken. */
  readonly failed?: (error: HubbubError) => void
}

const WRONG: Refusal = { kind: 'wrong', reason: 'the user name or the password is wrong' }
const ENDED: Refusal = { kind: 'wrong', reason: 'the token has ended' }
const BUSY: Refusal = { kind: 'busy', reason: 'too many passwords are being checked' }
const NOBODY: Refusal = { kind: 'not-authorized', reason: 'a user name is required' }
/** Failures are answered at whole ticks, so that the time until then tells nothing. */
const TICK_MS = 100
const MAX_TOKEN_BYTES = 64 * 1024
const NO_BYTES = new Uint8Array()

/**
 * The users of the users file, and who they are by what they show. What is known and fast is answered in the call: a generated secret,
 * a token, a certificate, a password that was right before. Else it is a matter of the limiter, then of the thread that hashes.
 */
export class Users implements Authenticator {
  readonly #options: UsersOptions
  readonly limiter: Limiter
  /** What people do to users; the file is changed, and at once the hub. */
  readonly changes: UserChanges
  readonly sightings: UserSightings
  /** Of API tokens, by their identifier. */
  readonly tokenSightings: UserSightings
  readonly #passwords: PasswordChecks
  readonly #ownKey = randomBytes(32)
  #table: UserTable
  #own: ReadUsers = NO_USERS
  #foreign: readonly User[] = []
  readonly #identities = new Identities()
  #hadUsers = false

  constructor(options: UsersOptions) {
    this.#options = options
    const { file, hasher, log, nowMs } = options
    this.limiter = new Limiter(() => performance.now())
    this.changes = new UserChanges({ file, hasher, nowMs, changed: (users) => this.#take(users) })
    this.sightings = new UserSightings(nowMs)
    this.tokenSightings = new UserSightings(nowMs)
    this.#passwords = new PasswordChecks(hasher, log)
    this.#table = this.#tableOf([], undefined, undefined)
  }

  /** Reads the files. @throws HubbubError `USERS_INVALID` with a line for each mistake */
  async load(): Promise<void> {
    const { file, passwordFile, jwt } = this.#options
    const own = await file.read()
    this.#foreign = (await passwordFile?.read()) ?? []
    await jwt?.start()
    this.#take(own)
  }

  /** Looks for changes of the files from now on. */
  watch(): void {
    const { file, passwordFile } = this.#options
    file.watch((change) => this.#onChange(file.name, change))
    passwordFile?.watch((change) => this.#onChange(passwordFile.name, change))
  }

  /** Takes changed files now, or says in the log why not. */
  async reload(): Promise<void> {
    await this.#options.file.look()
    await this.#options.passwordFile?.look()
  }

  close(): void {
    this.#options.file.unwatch()
    this.#options.passwordFile?.unwatch()
    this.#options.jwt?.stop()
  }

  /** Nobody is known, and never was since the start, and no tokens are taken: the hub is open. */
  get isEmpty(): boolean {
    return !this.#hadUsers && this.#options.jwt === undefined
  }

  get signIns(): SignInFacts {
    const { failed: wrong, banned, turnedAway, slowed: delayed } = this.limiter
    return { wrong, banned, 'turned-away': turnedAway, busy: this.#options.hasher.refused, delayed }
  }

  /** All users, in the order of the file. */
  *all(): IterableIterator<User> {
    for (const { user } of this.#table.values()) yield user
  }

  find(name: string): User | undefined {
    return this.#table.get(name)?.user
  }

  authenticate(credentials: Credentials, peer: Peer): Identity | Refusal | Promise<Identity | Refusal> {
    const { userName = '', password = NO_BYTES, clientId } = credentials
    const { certificateName, host } = peer
    if (certificateName !== undefined && password.length === 0 && (userName === '' || userName === certificateName)) {
      return this.#admitByCertificate(certificateName, clientId, peer)
    }
    const token = this.#tokenOf(password)
    if (token !== undefined && (userName === '' || userName === token.owner)) {
      return this.#admitByToken(token, clientId, peer)
    }
    const { jwt } = this.#options
    if (jwt?.isJwt(textOf(password)) === true) {
      return this.#authenticateByJwt(jwt, textOf(password), userName, clientId, peer)
    }
    if (userName === '') return password.length === 0 ? this.#admitAnonymous(clientId, peer) : this.#failOnce('', host)
    const entry = this.#table.get(userName)
    if (entry !== undefined && this.#isKnown(entry, password, host))
      return this.#admit(entry, 'password', clientId, peer)
    return this.#authenticateSlowly(userName, Uint8Array.from(password), clientId, peer)
  }

  turnsAway(host: string): boolean {
    const isAway = this.limiter.isBanned(host)
    if (isAway) this.limiter.turnedAway++
    return isAway
  }

  signInBy(method: string, clientId: string | undefined, peer: Peer): EnhancedSignIn | undefined {
    return method === SCRAM_METHOD ? this.signInByScram(clientId, peer) : undefined
  }

  /** Begins a sign-in by SCRAM-SHA-256. */
  signInByScram(clientId: string | undefined, peer: Peer): ScramSignIn {
    const { host } = peer
    return new ScramSignIn({
      verifierOf: async (name) => {
        const refusal = this.#isSafeByScram(name, host) ? undefined : await this.#wait(host, name)
        return refusal ?? this.#table.verifierOf(name)
      },
      refusalNow: (name) => (this.#isSafeByScram(name, host) ? undefined : refusalOf(this.limiter.admit(host, name))),
      admit: (name, verifier) => {
        const entry = this.#table.get(name)
        return entry?.verifier === verifier ? this.#admit(entry, 'password', clientId, peer) : undefined
      },
      refuse: (name) => this.#fail(name, host),
    })
  }

  /**
   * Nobody guesses a generated secret. Whether a proof is made of the right password is only known once it was looked at, so the passwords
   * of people have their limit from any address: others may be behind the same.
   */
  #isSafeByScram(name: string, host: string): boolean {
    return this.#table.get(name)?.secret !== undefined && this.limiter.isTrusted(host, name)
  }

  renew(identity: Identity): Identity | undefined {
    const { user: name, via, expiresAtMs } = identity
    if (expiresAtMs <= this.#options.nowMs()) return undefined
    if (via === 'program') return identity
    if (name === undefined) return this.#mayEnter(identity) ? identity : undefined
    return this.#identities.renew(identity, this.#table, this.#options.jwt !== undefined)
  }

  identityOf(user: string, sinceMs: number, peer: Peer): Identity | undefined {
    const entry = this.#table.get(user)
    if (entry === undefined || entry.changedAtMs > sinceMs) return undefined
    return this.#identities.ofUser(entry, 'cookie', undefined, peer)
  }

  #admitAnonymous(clientId: string | undefined, peer: Peer): Identity | Refusal {
    const identity = anonymous({ clientId }, peer)
    return this.#mayEnter(identity) ? identity : NOBODY
  }

  #mayEnter(identity: Identity): boolean {
    return this.#options.mayEnter?.(identity) ?? false
  }

  #admitByCertificate(name: string, clientId: string | undefined, peer: Peer): Identity {
    const entry = this.#table.get(name)
    if (entry !== undefined) return this.#admit(entry, 'certificate', clientId, peer)
    // Whom the authority of the listener vouches for is a device without groups.
    return { ...anonymous({ clientId }, peer), user: name, via: 'certificate' }
  }

  #tokenOf(password: Uint8Array): TokenEntry | undefined {
    return isApiToken(textOf(password)) ? this.#table.token(base64(sha256(password))) : undefined
  }

  #admitByToken({ owner, token }: TokenEntry, clientId: string | undefined, peer: Peer): Identity | Refusal {
    const entry = this.#table.get(owner)
    if (entry === undefined || token.expiresAtMs <= this.#options.nowMs()) return ENDED
    this.limiter.noteSuccess(peer.host, owner)
    this.tokenSightings.noteSuccess(token.id, peer.host)
    return this.#identities.ofToken(entry, token, clientId, peer)
  }

  /** What needs no slow hash. */
  #isKnown({ user: { name }, secret }: UserEntry, password: Uint8Array, host: string): boolean {
    if (secret !== undefined && timingSafeEqual(sha256(password), secret)) return true
    // Other than a secret, a password may be guessed.
    return this.#passwords.isKnown(name, password) && this.limiter.isTrusted(host, name)
  }

  async #authenticateSlowly(
    name: string,
    password: Uint8Array,
    clientId: string | undefined,
    peer: Peer,
  ): Promise<Identity | Refusal> {
    const refusal = await this.#wait(peer.host, name)
    if (refusal !== undefined) return refusal
    const entry = this.#table.get(name)
    const isRight = await this.#passwords.check(this.#table, name, password)
    if (isRight === undefined) return BUSY
    if (!isRight || entry === undefined || this.#table.get(name)?.stamp !== entry.stamp) {
      return this.#fail(name, peer.host)
    }
    this.#passwords.remember(name, password)
    this.#raise(entry.user, password)
    return this.#admit(entry, 'password', clientId, peer)
  }

  async #authenticateByJwt(
    jwt: JwtVerifier,
    text: string,
    userName: string,
    clientId: string | undefined,
    peer: Peer,
  ): Promise<Identity | Refusal> {
    const answer = await jwt.verify(text)
    if (isJwtFault(answer)) {
      if (answer.isBusy) return { kind: 'busy', reason: answer.fault }
      const refusal = await this.#fail(userName, peer.host)
      return { ...refusal, reason: `the token is not good: ${answer.fault}` }
    }
    if (userName !== '' && userName !== answer.user) {
      await this.#fail(userName, peer.host)
      return { kind: 'wrong', reason: 'the user name is not that of the token; leave it out, or take the same' }
    }
    this.limiter.noteSuccess(peer.host, answer.user)
    return this.#identities.ofJwt(answer, clientId, peer)
  }

  /** Waits as long as the limiter says; a refusal when it does not let this be tried. */
  async #wait(host: string, name: string): Promise<Refusal | undefined> {
    const admission = this.limiter.admit(host, name)
    if (admission.kind === 'after' && admission.delayMs > 0) await delay(admission.delayMs, undefined, { ref: false })
    return refusalOf(admission)
  }

  async #failOnce(name: string, host: string): Promise<Refusal> {
    return (await this.#wait(host, name)) ?? this.#fail(name, host)
  }

  /** Counts a failure, and answers it at the next tick, together with others. */
  async #fail(name: string, host: string): Promise<Refusal> {
    this.limiter.noteFailure(host, name)
    if (this.#table.get(name) !== undefined) this.sightings.noteFailure(name, host)
    await delay(TICK_MS - (performance.now() % TICK_MS), undefined, { ref: false })
    return WRONG
  }

  /** A password whose hash has become weak is hashed anew, now that it is known. */
  #raise(user: User, password: Uint8Array): void {
    // What another program wrote stays as it is.
    if (user.password === undefined || !this.#own.users.has(user.name) || !isOutdated(parsePasswordHash(user.password)))
      return
    this.changes.raisePassword(user, password).catch((error: unknown) => {
      this.#options.log.warn({ user: user.name, err: error }, 'the hash of a password could not be made stronger')
    })
  }

  #admit(entry: UserEntry, via: Via, clientId: string | undefined, peer: Peer): Identity {
    const { name } = entry.user
    this.limiter.noteSuccess(peer.host, name)
    this.sightings.noteSuccess(name, peer.host)
    return this.#identities.ofUser(entry, via, clientId, peer)
  }

  #onChange(name: string, change: UsersFileChange | PasswordFileChange): void {
    const { log, failed } = this.#options
    if (change.kind === 'unusable') {
      log.error({ file: name, reason: change.error.message }, 'users not reloaded: what was in force stays')
      failed?.(change.error)
      return
    }
    if ('text' in change.users) this.#take(change.users)
    else this.#takeForeign(change.users)
    log.info({ file: name, users: this.#table.size }, 'users reloaded')
  }

  #takeForeign(users: readonly User[]): void {
    this.#foreign = users
    this.#take(this.#own)
  }

  #take(own: ReadUsers): void {
    const { log, changed } = this.#options
    this.#own = own
    const before = this.#table
    const foreign = this.#foreign.filter(({ name }) => !own.users.has(name))
    this.#table = this.#tableOf([...own.users.values(), ...foreign], own.saltKey, before)
    this.#passwords.forgetChanged(before, this.#table)
    this.sightings.keep((name) => this.#table.get(name) !== undefined)
    this.tokenSightings.keep((id) => this.#table.hasTokenOfId(id))
    for (const warning of own.warnings) log.warn({ reason: warning }, 'two users may be taken for each other')
    if (this.#hadUsers && this.#table.size === 0) {
      log.warn({}, 'there are no users any more: nobody can sign in until there are')
    }
    this.#hadUsers ||= this.#table.size > 0
    changed?.()
  }

  #tableOf(users: Iterable<User>, saltKey: string | undefined, before: UserTable | undefined): UserTable {
    return new UserTable({
      users,
      saltKey: saltKey ?? this.#ownKey,
      before,
      isSameCredential: (earlier, later) => this.changes.isSameCredential(earlier, later),
      nowMs: this.#options.nowMs(),
    })
  }
}

/** A password as a token is written; one that is too long for a token is none. */
function textOf(password: Uint8Array): string {
  return password.length > MAX_TOKEN_BYTES ? '' : Buffer.from(password).toString('latin1')
}

function refusalOf(admission: Admission): Refusal | undefined {
  return admission.kind === 'banned' ? { kind: 'banned', reason: admission.reason } : undefined
}
