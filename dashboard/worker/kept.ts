const MAX_BYTES = 48 * 1024 * 1024
const MAX_MESSAGES = 50_000

/** The last payloads, so that a message can be opened: bounded in bytes and number, the oldest go first. */
export class KeptPayloads {
  readonly #payloads = new Map<number, Uint8Array>()
  #bytes = 0
  #nextId = 1

  /** Returns the number that asks for it. */
  keep(payload: Uint8Array): number {
    const id = this.#nextId++
    this.#payloads.set(id, payload)
    this.#bytes += payload.length
    while (this.#bytes > MAX_BYTES || this.#payloads.size > MAX_MESSAGES) {
      const [oldest] = this.#payloads
      if (oldest === undefined) break
      this.#bytes -= oldest[1].length
      this.#payloads.delete(oldest[0])
    }
    return id
  }

  get(id: number): Uint8Array | undefined {
    return this.#payloads.get(id)
  }
}
