import type { Message } from '../protocol/message.ts'
import type { Records } from './databases.ts'
import { encodeMessage, nameKey } from './records.ts'

/** Messages by name that were put or removed since the last batch. */
export class PendingMessages {
  readonly #database: Records
  #changes = new Map<string, Message | undefined>()
  #onTheirWay = new Map<string, Message | undefined>()

  constructor(database: Records) {
    this.#database = database
  }

  /** `undefined` removes what is stored under the name. */
  set(name: string, message: Message | undefined): void {
    this.#changes.set(name, message)
  }

  /** Puts down what changed. Part of a batch. */
  write(): void {
    this.#onTheirWay = this.#changes
    this.#changes = new Map()
    for (const [name, message] of this.#onTheirWay) {
      if (message === undefined) void this.#database.remove(nameKey(name))
      else void this.#database.put(nameKey(name), encodeMessage(message))
    }
  }

  /** The batch is not stored: what it had goes with the next, unless it has changed since. */
  wasNotWritten(): void {
    for (const [name, message] of this.#changes) this.#onTheirWay.set(name, message)
    this.#changes = this.#onTheirWay
  }
}
