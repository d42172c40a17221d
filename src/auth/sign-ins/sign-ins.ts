import { createHash, randomBytes } from 'node:crypto'
import type { Gate } from '../gate.ts'
import type { Identity, Peer } from '../identity.ts'
import { IDLE_MS, LONGEST_MS, type SignIn, type StoredSignIn } from './sign-in.ts'
import type { SignInFile } from './sign-in-file.ts'

export interface SignInsOptions {
  readonly gate: Gate
  /** Undefined: they do not outlive the hub. */
  readonly file: SignInFile | undefined
  /** In ms since 1970, by the wall clock. */
  readonly nowMs: () => number
}

/** Who asks with the secret of a sign-in. */
export interface SignedIn {
  readonly signIn: SignIn
  readonly identity: Identity
}

const SECRET_BYTES = 32
const ID_BYTES = 9
const MAX_BROWSER_CHARACTERS = 256
/** Of one user, and of all: the one that was used longest ago gives way. */
const MAX_OF_USER = 100
const MAX_SIGN_INS = 10_000
const SWEEP_MS = 60_000

interface Entry {
  readonly stored: StoredSignIn
  /** Who it is, as asked of the gate at `epoch`. */
  identity: Identity | undefined
  epoch: number
  /** Told when it is over. */
  readonly watchers: Set<() => void>
}

/**
 * Who has signed in with a browser. It knows neither sockets nor cookies.
 *
 *   1. A secret is good for one sign-in, and is nowhere but with who has it.
 *   2. A sign-in is over 12 hours after its last use, a week after it was made, when its user is removed or has another password or role,
 *      and when somebody ends it. Whoever watches it is told at once, of time within a minute.
 */
export class SignIns {
  readonly #options: SignInsOptions
  readonly #bySecret = new Map<string, Entry>()
  #unwatch: (() => void) | undefined = undefined
  #timer: NodeJS.Timeout | undefined = undefined
  #isSeenStored = true

  constructor(options: SignInsOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { file, gate } = this.#options
    for (const stored of (await file?.read()) ?? []) this.#add({ ...stored })
    this.#unwatch = gate.watch(() => this.#sweep())
    this.#timer = setInterval(() => this.#sweep(), SWEEP_MS).unref()
  }

  async stop(): Promise<void> {
    this.#unwatch?.()
    clearInterval(this.#timer)
    if (!this.#isSeenStored) await this.#save()
  }

  /** Signs a user in who has just shown to be that user, with a role. Resolves with the secret when it is kept. */
  async begin(
    identity: Identity & Required<Pick<SignIn, 'role' | 'user'>>,
    browser: string,
  ): Promise<[string, SignIn]> {
    const secret = randomBytes(SECRET_BYTES).toString('base64url')
    const nowMs = this.#options.nowMs()
    const { user, role, host } = identity
    this.#makeRoom(user)
    const entry = this.#add({
      id: randomBytes(ID_BYTES).toString('base64url'),
      sha256: hashOf(secret),
      user,
      role,
      madeAtMs: nowMs,
      seenAtMs: nowMs,
      host,
      browser: browser.slice(0, MAX_BROWSER_CHARACTERS),
    })
    await this.#save()
    return [secret, entry.stored]
  }

  /** Who has this secret; undefined: nobody, any more. */
  find(secret: string, peer: Peer): SignedIn | undefined {
    const entry = this.#bySecret.get(hashOf(secret))
    if (entry === undefined) return undefined
    const identity = this.#identify(entry, peer)
    if (identity === undefined) {
      void this.#end([entry])
      return undefined
    }
    entry.stored.seenAtMs = this.#options.nowMs()
    this.#isSeenStored = false
    return { signIn: entry.stored, identity }
  }

  /** Of a user, or of all; those made last first. */
  list(user: string | undefined): readonly SignIn[] {
    const entries = [...this.#bySecret.values()].filter(({ stored }) => user === undefined || stored.user === user)
    return entries.map(({ stored }) => stored).toSorted((one, other) => other.madeAtMs - one.madeAtMs)
  }

  /** Ends it; resolves with false when there is none. It does not come back: by then that is on disk. */
  async end(id: string): Promise<boolean> {
    const entry = this.#find(id)
    if (entry === undefined) return false
    await this.#end([entry])
    return true
  }

  /** Ends those of a user but one. */
  async endOthers(user: string, exceptId: string | undefined): Promise<void> {
    const others = [...this.#bySecret.values()].filter(({ stored }) => stored.user === user && stored.id !== exceptId)
    await this.#end(others)
  }

  /** Calls `over` once when the sign-in is over. Returns a function that ends that. */
  whenOver(id: string, over: () => void): () => void {
    const watchers = this.#find(id)?.watchers
    if (watchers === undefined) {
      queueMicrotask(over)
      return () => undefined
    }
    watchers.add(over)
    return () => void watchers.delete(over)
  }

  #find(id: string): Entry | undefined {
    for (const entry of this.#bySecret.values()) if (entry.stored.id === id) return entry
    return undefined
  }

  #add(stored: StoredSignIn): Entry {
    const entry: Entry = { stored, identity: undefined, epoch: -1, watchers: new Set() }
    this.#bySecret.set(stored.sha256, entry)
    return entry
  }

  #identify(entry: Entry, peer: Peer): Identity | undefined {
    const { gate } = this.#options
    const { user, role, madeAtMs } = entry.stored
    if (this.#isTimeOver(entry)) return undefined
    const { identity } = entry
    if (entry.epoch === gate.epoch && identity?.host === peer.host && identity.listener === peer.listener)
      return identity
    const found = gate.identityOf(user, madeAtMs, peer)
    if (found?.role !== role) return undefined
    entry.epoch = gate.epoch
    const expiresAtMs = Math.min(found.expiresAtMs, madeAtMs + LONGEST_MS)
    entry.identity = { ...found, via: 'cookie', signIn: entry.stored.id, expiresAtMs }
    return entry.identity
  }

  #isTimeOver({ stored: { madeAtMs, seenAtMs } }: Entry): boolean {
    const nowMs = this.#options.nowMs()
    // A clock that was set back must not make it longer.
    return nowMs - seenAtMs > IDLE_MS || nowMs - madeAtMs > LONGEST_MS || nowMs < madeAtMs - IDLE_MS
  }

  /** Its user is not what it was, or not there any more. */
  #isOther({ epoch, stored: { user, role, madeAtMs, host } }: Entry): boolean {
    const { gate } = this.#options
    if (epoch === gate.epoch) return false
    return gate.identityOf(user, madeAtMs, { host, listener: '', certificateName: undefined })?.role !== role
  }

  /** Ends those whose time is over or whose user is not what it was. */
  #sweep(): void {
    // Without users nobody is asked who they are; who was signed in may be so again.
    if (this.#options.gate.isOpen) return
    const over = [...this.#bySecret.values()].filter((entry) => this.#isTimeOver(entry) || this.#isOther(entry))
    if (over.length > 0) void this.#end(over)
    else if (!this.#isSeenStored) void this.#save()
  }

  #makeRoom(user: string): void {
    const ofUser = this.list(user)
    const all = this.#bySecret.size >= MAX_SIGN_INS ? this.list(undefined) : []
    for (const some of [ofUser.length >= MAX_OF_USER ? ofUser : [], all]) {
      const [oldest] = some.toSorted((one, other) => one.seenAtMs - other.seenAtMs)
      if (oldest !== undefined) void this.end(oldest.id)
    }
  }

  async #end(entries: readonly Entry[]): Promise<void> {
    for (const { stored, watchers } of entries) {
      this.#bySecret.delete(stored.sha256)
      for (const over of watchers) over()
      watchers.clear()
    }
    await this.#save()
  }

  async #save(): Promise<void> {
    this.#isSeenStored = true
    await this.#options.file?.write(() => Array.from(this.#bySecret.values(), ({ stored }) => stored))
  }
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}
