import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { HubbubError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { anonymous, type Authenticator, type EnhancedSignIn } from '../gate.ts'
import type { Credentials, Identity, Peer, Refusal, Via } from '../identity.ts'
import { isOutdated, parsePasswordHash } from '../passwords/password-hash.ts'
import type { PasswordHasher } from '../passwords/password-hasher.ts'
import { parseVerifier, type ScramVerifier, sha256 } from '../passwords/scram-verifier.ts'
import { SCRAM_METHOD } from '../passwords/scram.ts'
import { Limiter } from './limiter.ts'
import { ScramLooks } from './scram-looks.ts'
import { ScramSignIn } from './scram-sign-in.ts'
import type { User } from './user.ts'
import { UserChanges } from './user-changes.ts'
import type { ReadUsers, UsersFile, UsersFileChange } from './users-file.ts'
import { UserSightings } from './user-sightings.ts'

export interface UsersOptions {
  readonly file: UsersFile
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

/** A user as the hub has it in memory. */
interface Entry {
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

const WRONG: Refusal = { kind: 'wrong', reason: 'the user name or the password is wrong' }
const BUSY: Refusal = { kind: 'busy', reason: 'too many passwords are being checked' }
const NOBODY: Refusal = { kind: 'not-authorized', reason: 'a user name is required' }
/** Failures are answered at whole ticks, so that the time until then tells nothing. */
const TICK_MS = 100
const NO_BYTES = new Uint8Array()

/**
 * The users of the users file, and who they are by what they show. What is known and fast is answered in the call: a generated secret,
 * a certificate, a password that was right before. Else it is a matter of the limiter, then of the thread that hashes; an unknown name
 * takes the same way as a wrong password.
 */
export class Users implements Authenticator {
  readonly #options: UsersOptions
  readonly limiter: Limiter
  /** What people do to users; the file is changed, and at once the hub. */
  readonly changes: UserChanges
  readonly sightings: UserSightings
  #entries: ReadonlyMap<string, Entry> = new Map()
  /** The dearest stored hash there is: who fails has waited for one that cost as much. */
  #decoy: string | undefined
  #dearestUs = 0
  #names: readonly string[] = []
  /** By name, a MAC of the password that was right, so that the next time costs nothing. */
  readonly #right = new Map<string, Buffer>()
  readonly #macKey = randomBytes(32)
  /** By MAC, checks that go on: a thousand devices with one password are one check. */
  readonly #checks = new Map<string, Promise<boolean | undefined>>()
  readonly #stamps = new WeakMap<Identity, object>()
  /** What unknown names get for SCRAM. */
  #scramLooks = new ScramLooks(this.#macKey, [])
  #hadUsers = false

  constructor(options: UsersOptions) {
    this.#options = options
    const { file, hasher, nowMs } = options
    this.limiter = new Limiter(() => performance.now())
    this.changes = new UserChanges({ file, hasher, nowMs, changed: (users) => this.#take(users) })
    this.sightings = new UserSightings(nowMs)
  }

  /** Reads the file. @throws HubbubError `USERS_INVALID` with a line for each mistake */
  async load(): Promise<void> {
    this.#take(await this.#options.file.read())
  }

  /** Looks for changes of the file from now on. */
  watch(): void {
    this.#options.file.watch((change) => this.#onChange(change))
  }

  /** Takes a changed file now, or says in the log why not. */
  reload(): Promise<void> {
    return this.#options.file.look()
  }

  close(): void {
    this.#options.file.unwatch()
  }

  /** There are no users, and never were any since the start: the hub is open. */
  get isEmpty(): boolean {
    return !this.#hadUsers
  }

  /** All users, in the order of the file. */
  *all(): IterableIterator<User> {
    for (const { user } of this.#entries.values()) yield user
  }

  find(name: string): User | undefined {
    return this.#entries.get(name)?.user
  }

  authenticate(credentials: Credentials, peer: Peer): Identity | Refusal | Promise<Identity | Refusal> {
    const { userName, password = NO_BYTES, clientId } = credentials
    const { certificateName } = peer
    const hasNoName = userName === undefined || (userName === '' && password.length === 0)
    if (certificateName !== undefined && (hasNoName || (userName === certificateName && password.length === 0))) {
      const holder = this.#entries.get(certificateName)
      if (holder === undefined) return stranger(certificateName, clientId, peer)
      return this.#admit(holder, 'certificate', clientId, peer)
    }
    if (hasNoName) return this.#authenticateAnonymous(clientId, peer)
    const entry = this.#entries.get(userName)
    if (entry !== undefined && this.#isKnown(entry, password, peer.host))
      return this.#admit(entry, 'password', clientId, peer)
    return this.#authenticateSlowly(userName, Uint8Array.from(password), clientId, peer)
  }

  renew(identity: Identity): Identity | undefined {
    const { user: name, via, clientId, expiresAtMs } = identity
    if (expiresAtMs <= this.#options.nowMs()) return undefined
    if (via === 'program') return identity
    if (name === undefined) return this.#mayEnter(identity) ? identity : undefined
    const entry = this.#entries.get(name)
    if (entry === undefined) return via === 'certificate' ? identity : undefined
    const stamp = this.#stamps.get(identity)
    if (stamp !== undefined && stamp !== entry.stamp && via !== 'certificate') return undefined
    const { role, groups, ownRules } = entry.user
    const isSame = role === identity.role && groups === identity.groups && ownRules === identity.ownRules
    return isSame ? identity : this.#make(entry, via, clientId, identity, expiresAtMs)
  }

  identityOf(user: string, sinceMs: number, peer: Peer): Identity | undefined {
    const entry = this.#entries.get(user)
    if (entry === undefined || entry.changedAtMs > sinceMs) return undefined
    return this.#make(entry, 'cookie', undefined, peer, Infinity)
  }

  #authenticateAnonymous(clientId: string | undefined, peer: Peer): Identity | Refusal {
    const identity = anonymous({ clientId }, peer)
    return this.#mayEnter(identity) ? identity : NOBODY
  }

  #mayEnter(identity: Identity): boolean {
    return this.#options.mayEnter?.(identity) ?? false
  }

  /** What needs no slow hash. */
  #isKnown({ user: { name }, secret }: Entry, password: Uint8Array, host: string): boolean {
    if (secret !== undefined && timingSafeEqual(sha256(password), secret)) return true
    const right = this.#right.get(name)
    if (right === undefined || !timingSafeEqual(this.#mac(name, password), right)) return false
    // Other than a secret, a password may be guessed.
    return this.limiter.isTrusted(host, name)
  }

  signInBy(method: string, clientId: string | undefined, peer: Peer): EnhancedSignIn | undefined {
    return method === SCRAM_METHOD ? this.signInByScram(clientId, peer) : undefined
  }

  /** Begins a sign-in by SCRAM-SHA-256. */
  signInByScram(clientId: string | undefined, peer: Peer): ScramSignIn {
    const { host } = peer
    return new ScramSignIn({
      verifierOf: async (name) => {
        const refusal = this.limiter.isTrusted(host, name) ? undefined : await this.#wait(host, name)
        return refusal ?? this.#entries.get(name)?.verifier ?? this.#scramLooks.of(name)
      },
      admit: (name, verifier) => {
        const entry = this.#entries.get(name)
        return entry?.verifier === verifier ? this.#admit(entry, 'password', clientId, peer) : undefined
      },
      refuse: (name) => this.#fail(name, host),
    })
  }

  async #authenticateSlowly(
    name: string,
    password: Uint8Array,
    clientId: string | undefined,
    peer: Peer,
  ): Promise<Identity | Refusal> {
    const refusal = await this.#wait(peer.host, name)
    if (refusal !== undefined) return refusal
    const entry = this.#entries.get(name)
    const isRight = await this.#check(name, entry, password)
    if (isRight === undefined) return BUSY
    if (isRight && entry !== undefined && this.#entries.get(name)?.stamp === entry.stamp) {
      this.#right.set(name, this.#mac(name, password))
      this.#raise(entry.user, password)
      return this.#admit(entry, 'password', clientId, peer)
    }
    return this.#fail(name, peer.host)
  }

  /** Waits as long as the limiter says; a refusal when it does not let this be tried. */
  async #wait(host: string, name: string): Promise<Refusal | undefined> {
    const admission = this.limiter.admit(host, name)
    if (admission.kind === 'banned') return { kind: 'banned', reason: admission.reason }
    if (admission.delayMs > 0) await delay(admission.delayMs, undefined, { ref: false })
    return undefined
  }

  /** Counts a failure, and answers it at the next tick, together with others. */
  async #fail(name: string, host: string): Promise<Refusal> {
    this.limiter.noteFailure(host, name)
    if (this.#entries.has(name)) this.sightings.noteFailure(name, host)
    await delay(TICK_MS - (performance.now() % TICK_MS), undefined, { ref: false })
    return WRONG
  }

  /** Undefined: too many checks wait. */
  #check(name: string, entry: Entry | undefined, password: Uint8Array): Promise<boolean | undefined> {
    const mac = this.#mac(name, password).toString('base64')
    let check = this.#checks.get(mac)
    if (check === undefined) {
      check = this.#hash(name, entry, password).finally(() => this.#checks.delete(mac))
      this.#checks.set(mac, check)
    }
    return check
  }

  async #hash(name: string, entry: Entry | undefined, password: Uint8Array): Promise<boolean | undefined> {
    const like = entry ?? this.#standIn(name)
    const stored = like?.user.password
    const decoy = like !== undefined && like.costUs < this.#dearestUs ? this.#decoy : undefined
    if (stored === undefined && decoy === undefined) return false
    const answer = await this.#options.hasher.check(password, stored, decoy)
    if (answer?.fault !== undefined)
      this.#options.log.error({ user: name, reason: answer.fault }, 'password not checked')
    return answer === undefined ? undefined : answer.isRight && entry !== undefined
  }

  /** The user whose hash an unknown name has to wait for, always the same one: so it looks like any. */
  #standIn(name: string): Entry | undefined {
    const index = this.#mac(name, NO_BYTES).readUInt32BE() % Math.max(1, this.#names.length)
    return this.#entries.get(this.#names[index] ?? '')
  }

  #admit(entry: Entry, via: Via, clientId: string | undefined, peer: Peer): Identity {
    const { name } = entry.user
    this.limiter.noteSuccess(peer.host, name)
    this.sightings.noteSuccess(name, peer.host)
    return this.#make(entry, via, clientId, peer, Infinity)
  }

  #make(
    { user, stamp }: Entry,
    via: Via,
    clientId: string | undefined,
    { host, listener }: Pick<Peer, 'host' | 'listener'>,
    expiresAtMs: number,
  ): Identity {
    const { name, groups, role, ownRules } = user
    const identity: Identity = { user: name, groups, role, via, clientId, host, listener, expiresAtMs, ownRules }
    this.#stamps.set(identity, stamp)
    return identity
  }

  #mac(name: string, password: Uint8Array): Buffer {
    return createHmac('sha256', this.#macKey).update(JSON.stringify(name)).update(password).digest()
  }

  /** A password whose hash has become weak is hashed anew, now that it is known. */
  #raise(user: User, password: Uint8Array): void {
    if (user.password === undefined || !isOutdated(parsePasswordHash(user.password))) return
    this.changes.raisePassword(user, password).catch((error: unknown) => {
      this.#options.log.warn({ user: user.name, err: error }, 'the hash of a password could not be made stronger')
    })
  }

  /** A hash that a person put into the file has no time. */
  #changedAtMs(before: Entry | undefined, { changedAtMs = 0 }: User, isSame: boolean): number {
    if (before === undefined) return changedAtMs
    return isSame ? before.changedAtMs : Math.max(changedAtMs, this.#options.nowMs())
  }

  #onChange(change: UsersFileChange): void {
    const { log, file, failed } = this.#options
    if (change.kind === 'read') {
      this.#take(change.users)
      log.info({ file: file.name, users: change.users.users.size }, 'users reloaded')
      return
    }
    log.error({ file: file.name, reason: change.error.message }, 'users not reloaded: what was in force stays')
    failed?.(change.error)
  }

  #take({ users, warnings, saltKey }: ReadUsers): void {
    const { log, changed } = this.#options
    const entries = new Map<string, Entry>()
    let dearestUs = 0
    let decoy: string | undefined
    for (const user of users.values()) {
      const { name, password, secretSha256 } = user
      const costUs = password === undefined ? 0 : parsePasswordHash(password).costUs
      const before = this.#entries.get(name)
      const isSame = before !== undefined && this.changes.isSameCredential(before.user, user)
      if (!isSame) this.#right.delete(name)
      entries.set(name, {
        user: before === undefined ? user : withKeptLists(before.user, user),
        secret: secretSha256 === undefined ? undefined : Buffer.from(secretSha256, 'base64'),
        verifier: user.scram === undefined ? undefined : parseVerifier(user.scram),
        costUs,
        stamp: isSame ? before.stamp : {},
        changedAtMs: this.#changedAtMs(before, user, isSame),
      })
      if (costUs > dearestUs) [dearestUs, decoy] = [costUs, password]
    }
    for (const name of this.#right.keys()) if (!entries.has(name)) this.#right.delete(name)
    this.#entries = entries
    this.#names = [...entries.keys()]
    this.#decoy = decoy
    this.#dearestUs = dearestUs
    this.#scramLooks = new ScramLooks(
      saltKey ?? this.#macKey,
      [...entries.values()].flatMap(({ verifier }) => verifier?.iterations ?? []),
    )
    this.sightings.keep((name) => entries.has(name))
    for (const warning of warnings) log.warn({ reason: warning }, 'two users may be taken for each other')
    if (this.#hadUsers && entries.size === 0) {
      log.warn({ file: this.#options.file.name }, 'there are no users any more: nobody can sign in until there are')
    }
    this.#hadUsers ||= entries.size > 0
    changed?.()
  }
}

/** Somebody with a certificate who is not in the file: a device without groups. */
function stranger(name: string, clientId: string | undefined, peer: Peer): Identity {
  return { ...anonymous({ clientId }, peer), user: name, via: 'certificate' }
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
