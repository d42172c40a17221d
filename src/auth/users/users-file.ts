import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chown, open, realpath, rename, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { HubbubError } from '../../base/errors.ts'
import { WatchedFile } from '../../base/watched-file.ts'
import { parseUsersText, type ReadRules, type UsersText } from './users-text.ts'

export interface UsersFileOptions {
  readonly path: string
  /** As people know it; messages name it so. */
  readonly name: string
  readonly readRules: ReadRules
}

/** What was read. `text` is empty when there is no file. */
export interface ReadUsers extends UsersText {
  readonly text: string
}

/** What became of the file. */
export type UsersFileChange =
  | { readonly kind: 'read'; readonly users: ReadUsers }
  /** It has mistakes, cannot be read, or is gone. */
  | { readonly kind: 'unusable'; readonly error: HubbubError }

const MAX_BYTES = 64 * 1024 * 1024
const MODE = 0o600
/** A change takes some ms: who holds the lock for longer has died. */
const LOCK_ENDS_AFTER_MS = 10_000
const LOCK_WAIT_MS = 15_000
const LOCK_LOOK_MS = 25

/** Of a file that is not there. */
export const NO_USERS: ReadUsers = {
  text: '',
  saltKey: undefined,
  users: new Map(),
  lineByName: new Map(),
  warnings: [],
}

/**
 * The users file on disk. Commands and the hub change it alike, one at a time: a lock file beside it says so. A reader has the file as
 * it was or as it is, never a part of it, and only its owner may read it.
 */
export class UsersFile {
  readonly #options: UsersFileOptions
  readonly #watched: WatchedFile
  #changed: (change: UsersFileChange) => void = () => undefined
  /** Changes of this process wait for each other here, not for the lock. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: UsersFileOptions) {
    this.#options = options
    this.#watched = new WatchedFile({
      path: options.path,
      maxBytes: MAX_BYTES,
      changed: (bytes, error) => this.#changed(this.#changeOf(bytes, error)),
    })
  }

  get name(): string {
    return this.#options.name
  }

  /** @throws HubbubError `USERS_INVALID` */
  async read(): Promise<ReadUsers> {
    let bytes: Buffer | undefined
    try {
      bytes = await this.#watched.read()
    } catch (error) {
      throw this.#unreadable(error)
    }
    return bytes === undefined ? NO_USERS : this.#parse(bytes)
  }

  /** Calls `changed` after each change by others, within some seconds. */
  watch(changed: (change: UsersFileChange) => void): void {
    this.#changed = changed
    this.#watched.start()
  }

  /** Looks whether it has changed, now. */
  look(): Promise<void> {
    return this.#watched.look()
  }

  unwatch(): void {
    this.#watched.stop()
  }

  /**
   * Changes the file: `edit` gets what is in it and returns the text it is to have, and may throw. Returns what is in it then.
   * @throws HubbubError `USERS_INVALID` when it has mistakes, before and after; `USERS_FAILED` when it cannot be written
   */
  change(edit: (users: ReadUsers) => string): Promise<ReadUsers> {
    const changed = this.#last.then(() => this.#locked(() => this.#change(edit)))
    this.#last = changed.catch(() => undefined)
    return changed
  }

  async #change(edit: (users: ReadUsers) => string): Promise<ReadUsers> {
    const before = await this.read()
    const text = edit(before)
    if (text === before.text) return before
    const bytes = Buffer.from(text)
    const users = this.#parse(bytes)
    try {
      await replaceFile(this.#options.path, bytes)
    } catch (error) {
      throw this.#failed('write', error)
    }
    this.#watched.know(bytes)
    return users
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    const path = `${this.#options.path}.lock`
    const endMs = performance.now() + LOCK_WAIT_MS
    while (!(await this.#takeLock(path))) {
      await endStaleLock(path)
      if (performance.now() > endMs) {
        const what = `nobody else may be changing it, ${path} says that somebody is`
        throw new HubbubError('USERS_FAILED', `Cannot change ${this.name}: ${what}; remove that file if nobody is`)
      }
      await delay(LOCK_LOOK_MS)
    }
    try {
      return await work()
    } finally {
      await unlink(path).catch(() => undefined)
    }
  }

  async #takeLock(path: string): Promise<boolean> {
    try {
      const file = await open(path, 'wx', MODE)
      await file.writeFile(`${process.pid}\n`)
      await file.close()
      return true
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false
      throw this.#failed('change', error)
    }
  }

  #changeOf(bytes: Buffer | undefined, error: Error | undefined): UsersFileChange {
    if (error !== undefined) return { kind: 'unusable', error: this.#unreadable(error) }
    if (bytes === undefined) {
      const what = 'it must be there while the hub has users, it is gone'
      return { kind: 'unusable', error: new HubbubError('USERS_INVALID', `Cannot use ${this.name}: ${what}`) }
    }
    try {
      return { kind: 'read', users: this.#parse(bytes) }
    } catch (fault) {
      if (!(fault instanceof HubbubError)) throw fault
      return { kind: 'unusable', error: fault }
    }
  }

  #parse(bytes: Buffer): ReadUsers {
    const { name, readRules } = this.#options
    const invalid = (what: string): HubbubError => new HubbubError('USERS_INVALID', `Cannot use ${name}: ${what}`)
    if (bytes.length > MAX_BYTES) throw invalid('it must be at most 64 MiB, it is longer')
    let text: string
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    } catch {
      throw invalid('it must be text in UTF-8, it has bytes that are not')
    }
    return { text, ...parseUsersText(text, name, readRules) }
  }

  #unreadable(error: unknown): HubbubError {
    const what = `it must be a file that the hub may read, the system says ${codeOf(error)}`
    return new HubbubError('USERS_INVALID', `Cannot read ${this.name}: ${what}`, { cause: error })
  }

  #failed(verb: string, error: unknown): HubbubError {
    const what = `it must be in a folder that one may write to, the system says ${codeOf(error)}`
    return new HubbubError('USERS_FAILED', `Cannot ${verb} ${this.name}: ${what}`, { cause: error })
  }
}

/** Removes a lock whose owner has died. */
async function endStaleLock(path: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(path)
    if (Date.now() - mtimeMs < LOCK_ENDS_AFTER_MS) return
    // By way of another name, so that of two who do this one fails instead of removing the lock that the first has taken since.
    const aside = `${path}.${randomBytes(6).toString('hex')}`
    await rename(path, aside)
    await unlink(aside)
  } catch {
    // It is gone by itself.
  }
}

/** Replaces a file in one step; it survives a power cut from then on. The owner stays, and of a new file is that of the folder. */
async function replaceFile(path: string, bytes: Buffer): Promise<void> {
  const target = existsSync(path) ? await realpath(path) : path
  const temporary = `${target}.${randomBytes(6).toString('hex')}.new`
  try {
    const file = await open(temporary, 'wx', MODE)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    // What root changes stays readable for the user of the hub.
    if (process.getuid?.() === 0) {
      const { uid, gid } = await stat(existsSync(target) ? target : dirname(target))
      await chown(temporary, uid, gid)
    }
    await rename(temporary, target)
  } catch (error) {
    await unlink(temporary).catch(() => undefined)
    throw error
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
