import { open, readFile, rename } from 'node:fs/promises'
import type { Log } from '../../base/log.ts'
import { ROLES, type Role } from '../identity.ts'
import type { StoredSignIn } from './sign-in.ts'

/** Only the hub reads it: hashes of secrets, and who signed in from where. */
const MODE = 0o600

/** The sign-ins on disk, so that nobody has to sign in again because the hub was restarted. */
export class SignInFile {
  readonly #path: string
  readonly #log: Log
  #isFailing = false
  /** Writes follow each other. */
  #last: Promise<void> = Promise.resolve()
  #waiting: (() => readonly StoredSignIn[]) | undefined = undefined

  constructor(path: string, log: Log) {
    this.#path = path
    this.#log = log
  }

  /** Those that were kept; none when there is no file, or it is damaged: people sign in again. */
  async read(): Promise<readonly StoredSignIn[]> {
    let text: string
    try {
      text = await readFile(this.#path, 'utf8')
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) this.#tell(error)
      return []
    }
    try {
      const json: unknown = JSON.parse(text)
      return Array.isArray(json) ? json.filter(isStored) : []
    } catch (error) {
      this.#tell(error)
      return []
    }
  }

  /** Resolves when what `all` gives by the time that it is written is on disk, or could not be, which is in the log. */
  write(all: () => readonly StoredSignIn[]): Promise<void> {
    // Those who come while it is written share the next write.
    if (this.#waiting === undefined) this.#last = this.#last.then(() => this.#write())
    this.#waiting = all
    return this.#last
  }

  async #write(): Promise<void> {
    const all = this.#waiting?.() ?? []
    this.#waiting = undefined
    const temporary = `${this.#path}.new`
    try {
      const file = await open(temporary, 'w', MODE)
      try {
        await file.writeFile(JSON.stringify(all))
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, this.#path)
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing) this.#tell(error)
      this.#isFailing = true
    }
  }

  #tell(error: unknown): void {
    const text = 'who is signed in cannot be kept over a restart: the file cannot be used'
    this.#log.warn({ err: error, file: this.#path }, text)
  }
}

function isStored(value: unknown): value is StoredSignIn {
  if (typeof value !== 'object' || value === null) return false
  const has = (name: string, type: string): boolean => typeof Reflect.get(value, name) === type
  const texts = ['id', 'user', 'host', 'browser', 'sha256']
  const isRole = ROLES.some((role: Role) => role === Reflect.get(value, 'role'))
  return isRole && texts.every((name) => has(name, 'string')) && has('madeAtMs', 'number') && has('seenAtMs', 'number')
}
