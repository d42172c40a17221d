const MAX_BYTES = 48 * 1024 * 1024
const MAX_MESSAGES = 50_000

/** Asks for all of a payload; undefined when it is gone. Never throws. */
export type WholePayload = () => Promise<Uint8Array | undefined>

interface Kept {
  readonly payload: Uint8Array
  /** Only how it begins is here. */
  readonly whole: WholePayload | undefined
}

/** The last payloads, so that a message can be opened: bounded in bytes and number, the oldest go first. */
export class KeptPayloads {
  readonly #payloads = new Map<number, Kept>()
  #bytes = 0
  #nextId = 1

  /** Returns the number that asks for it. `whole` is given with a payload of which only the beginning is here. */
  keep(payload: Uint8Array, whole?: WholePayload): number {
    const id = this.#nextId++
    this.#put(id, { payload, whole })
    return id
  }

  /** What is here: all of it, or how it begins. */
  get(id: number): Uint8Array | undefined {
    return this.#payloads.get(id)?.payload
  }

  /** All of it, fetched if it has to be; how it begins when it is gone elsewhere. */
  async whole(id: number): Promise<Uint8Array | undefined> {
    const found = this.#payloads.get(id)
    if (found?.whole === undefined) return found?.payload
    const payload = await found.whole()
    if (payload === undefined) return found.payload
    if (this.#payloads.get(id) === found) this.#put(id, { payload, whole: undefined })
    return payload
  }

  #put(id: number, kept: Kept): void {
    this.#bytes += kept.payload.length - (this.#payloads.get(id)?.payload.length ?? 0)
    this.#payloads.set(id, kept)
    while (this.#bytes > MAX_BYTES || this.#payloads.size > MAX_MESSAGES) {
      const [oldest] = this.#payloads
      if (oldest === undefined) break
      this.#bytes -= oldest[1].payload.length
      this.#payloads.delete(oldest[0])
    }
  }
}
