import { HubbubError } from '../../base/errors.ts'
import { WatchedFile } from '../../base/watched-file.ts'
import { parseMosquittoPasswords } from '../passwords/mosquitto-password-file.ts'
import { type User, userNameFault } from './user.ts'

const MAX_BYTES = 64 * 1024 * 1024

export type PasswordFileChange =
  | { readonly kind: 'read'; readonly users: readonly User[] }
  | { readonly kind: 'unusable'; readonly error: HubbubError }

/** A password_file of Mosquitto's, whose users are devices here. It is only read. */
export class PasswordFile {
  readonly name: string
  readonly #watched: WatchedFile
  #changed: (change: PasswordFileChange) => void = () => undefined

  constructor(path: string, name: string) {
    this.name = name
    this.#watched = new WatchedFile({
      path,
      maxBytes: MAX_BYTES,
      changed: (bytes, error) => this.#changed(this.#changeOf(bytes, error)),
    })
  }

  /** @throws HubbubError `USERS_INVALID` with a line for each mistake, also when the file is not there */
  async read(): Promise<readonly User[]> {
    let bytes: Buffer | undefined
    try {
      bytes = await this.#watched.read()
    } catch (error) {
      throw this.#unreadable(error)
    }
    return this.#parse(bytes)
  }

  /** Calls `changed` after each change, within some seconds. */
  watch(changed: (change: PasswordFileChange) => void): void {
    this.#changed = changed
    this.#watched.start()
  }

  look(): Promise<void> {
    return this.#watched.look()
  }

  unwatch(): void {
    this.#watched.stop()
  }

  #changeOf(bytes: Buffer | undefined, error: Error | undefined): PasswordFileChange {
    if (error !== undefined) return { kind: 'unusable', error: this.#unreadable(error) }
    try {
      return { kind: 'read', users: this.#parse(bytes) }
    } catch (fault) {
      if (!(fault instanceof HubbubError)) throw fault
      return { kind: 'unusable', error: fault }
    }
  }

  #parse(bytes: Buffer | undefined): readonly User[] {
    if (bytes === undefined) throw this.#invalid('there is no such file')
    if (bytes.length > MAX_BYTES) throw this.#invalid('it must be at most 64 MiB, it is longer')
    let text: string
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    } catch {
      throw this.#invalid('it must be text in UTF-8, it has bytes that are not')
    }
    return Array.from(parseMosquittoPasswords(text, this.name, userNameFault), ([name, password]) =>
      device(name, password),
    )
  }

  #unreadable(error: unknown): HubbubError {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    const what = `it must be a file that the hub may read, the system says ${code}`
    return new HubbubError('USERS_INVALID', `Cannot read ${this.name}: ${what}`, { cause: error })
  }

  #invalid(what: string): HubbubError {
    return new HubbubError('USERS_INVALID', `Cannot use ${this.name}: ${what}`)
  }
}

function device(name: string, password: string): User {
  return {
    name,
    role: undefined,
    groups: [],
    password,
    secretSha256: undefined,
    scram: undefined,
    rules: [],
    ownRules: [],
    tokens: [],
    note: '',
    addedAtMs: undefined,
    changedAtMs: undefined,
  }
}
