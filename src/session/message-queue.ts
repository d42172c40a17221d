import type { QueueEntry } from '../store/store.ts'

const COMPACT_AFTER = 1024

/** First in, first out, counted in messages and bytes. Taking from the front costs the same at any length. */
export class MessageQueue {
  #entries: (QueueEntry | undefined)[] = []
  #head = 0
  #bytes = 0

  get length(): number {
    return this.#entries.length - this.#head
  }

  get bytes(): number {
    return this.#bytes
  }

  push(entry: QueueEntry): void {
    this.#entries.push(entry)
    this.#bytes += entry.message.packetBytes
  }

  shift(): QueueEntry | undefined {
    const entry = this.#entries[this.#head]
    if (entry === undefined) return undefined
    this.#entries[this.#head++] = undefined
    this.#bytes -= entry.message.packetBytes
    if (this.#head === this.#entries.length) {
      this.#entries.length = 0
      this.#head = 0
    } else if (this.#head >= COMPACT_AFTER && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head)
      this.#head = 0
    }
    return entry
  }
}
