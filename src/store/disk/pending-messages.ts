import type { Records } from './databases.ts'
import { nameKey } from './records.ts'

/** Messages or wills by name that were put or removed since the last batch. */
export class PendingMessages<T> {
  readonly #database: Records
  readonly #encode: (message: T) => Buffer
  #changes = new Map<string, T | undefined>()
  #onTheirWay = new Map<string, T | undefined>()

  constructor(database: Records, encode: (message: T) => Buffer) {
    this.#database = database
    this.#encode = encode
  }

  /** `undefined` removes what is stored under the name. */
  set(name: string, message: T | undefined): void {
    this.#changes.set(name, message)
  }

  /** Writes what changed. Part of a batch. */
  write(): void {
    this.#onTheirWay = this.#changes
    this.#changes = new Map()
    for (const [name, message] of this.#onTheirWay) {
      if (message === undefined) void this.#database.remove(nameKey(name))
      else void this.#database.put(nameKey(name), this.#encode(message))
    }
  }

  /** The batch is not stored: its changes go into the next, unless there are newer ones. */
  wasNotWritten(): void {
    for (const [name, message] of this.#changes) this.#onTheirWay.set(name, message)
    this.#changes = this.#onTheirWay
  }
}
