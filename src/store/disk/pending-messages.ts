import type { MemoryAccount } from '../../base/memory-account.ts'
import type { Databases } from './databases.ts'
import { nameKey } from './records.ts'

/** What a change takes besides name and packet, on the JavaScript heap. */
const CHANGE_BYTES = 500

/** What is stored of a message. */
export interface Encoding<T> {
  readonly encode: (message: T) => Buffer
  /** Length of its packet. */
  readonly packetBytes: (message: T) => number
}

/** Wills by name that were put or removed since the last batch. */
export class PendingMessages<T> {
  readonly #databases: Pick<Databases, 'wills'>
  readonly #encoding: Encoding<T>
  readonly #memory: MemoryAccount
  #changes = new Map<string, T | undefined>()
  #onTheirWay = new Map<string, T | undefined>()

  /** They count for `memory`. */
  constructor(databases: Pick<Databases, 'wills'>, encoding: Encoding<T>, memory: MemoryAccount) {
    this.#databases = databases
    this.#encoding = encoding
    this.#memory = memory
  }

  /** `undefined` removes what is stored under the name. */
  set(name: string, message: T | undefined): void {
    this.#letGoOf(this.#changes, name)
    const bytes = this.#bytesOf(name, message)
    this.#memory.take(bytes, bytes)
    this.#changes.set(name, message)
  }

  /** Writes what changed. Part of a batch. */
  write(): void {
    this.wasWritten()
    this.#onTheirWay = this.#changes
    this.#changes = new Map()
    for (const [name, message] of this.#onTheirWay) this.#write(name, message)
  }

  /** What was written last is stored, as it also is when more is written. */
  wasWritten(): void {
    for (const name of this.#onTheirWay.keys()) this.#letGoOf(this.#onTheirWay, name)
    this.#onTheirWay = new Map()
  }

  /** The batch is not stored: its changes go into the next, unless there are newer ones. */
  wasNotWritten(): void {
    for (const [name, message] of this.#changes) {
      this.#letGoOf(this.#onTheirWay, name)
      this.#onTheirWay.set(name, message)
    }
    this.#changes = this.#onTheirWay
    this.#onTheirWay = new Map()
  }

  #write(name: string, message: T | undefined): void {
    if (message === undefined) void this.#databases.wills.remove(nameKey(name))
    else void this.#databases.wills.put(nameKey(name), this.#encoding.encode(message))
  }

  /** What is there under the name counts no more. */
  #letGoOf(changes: ReadonlyMap<string, T | undefined>, name: string): void {
    if (!changes.has(name)) return
    const bytes = this.#bytesOf(name, changes.get(name))
    this.#memory.give(bytes, bytes)
  }

  #bytesOf(name: string, message: T | undefined): number {
    return CHANGE_BYTES + 2 * name.length + (message === undefined ? 0 : this.#encoding.packetBytes(message))
  }
}
