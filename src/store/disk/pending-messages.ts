import type { Records } from './databases.ts'
import { nameKey } from './records.ts'

/** What is written in a call of `writeSome`: 2 to 4 ms. */
const SOME_CHANGES = 1000

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

  /** How many calls of `writeSome` it would take to write all of them; 0 when `write` takes no longer than one. */
  get parts(): number {
    return Math.floor(this.#changes.size / SOME_CHANGES)
  }

  /** `undefined` removes what is stored under the name. */
  set(name: string, message: T | undefined): void {
    this.#changes.set(name, message)
  }

  /** Writes what changed. Part of a batch. */
  write(): void {
    this.#onTheirWay = this.#changes
    this.#changes = new Map()
    for (const [name, message] of this.#onTheirWay) this.#write(name, message)
  }

  /** Writes some of what changed, the oldest first. */
  writeSome(): void {
    this.#onTheirWay = new Map()
    for (const [name, message] of this.#changes) {
      if (this.#onTheirWay.size === SOME_CHANGES) return
      this.#changes.delete(name)
      this.#onTheirWay.set(name, message)
      this.#write(name, message)
    }
  }

  wasWritten(): void {
    this.#onTheirWay = new Map()
  }

  /** The batch is not stored: its changes go into the next, unless there are newer ones. */
  wasNotWritten(): void {
    for (const [name, message] of this.#changes) this.#onTheirWay.set(name, message)
    this.#changes = this.#onTheirWay
    this.#onTheirWay = new Map()
  }

  #write(name: string, message: T | undefined): void {
    if (message === undefined) void this.#database.remove(nameKey(name))
    else void this.#database.put(nameKey(name), this.#encode(message))
  }
}
