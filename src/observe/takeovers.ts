/** So often a client identifier changes hands in so short a time when two clients use it, and hardly when one comes back. */
const TAKEOVERS = 10
const WITHIN_MS = 10_000
const TELL_EVERY_MS = 600_000
/** Of so many identifiers it is known, those that were taken over last. */
const MAX_IDENTIFIERS = 1000

interface Identifier {
  beganMs: number
  takeovers: number
  /** Who lost the last connection. */
  last: string
  toldMs: number
}

/** Finds clients that end each other again and again, since they have the same client identifier [MQTT-3.1.4-2]. */
export class Takeovers {
  readonly #identifiers = new Map<string, Identifier>()

  /**
   * Another connection took over the client identifier of the one from `address`. Returns the addresses of both clients when that is
   * to be told: once in ten minutes.
   */
  note(clientId: string, address: string): readonly [string, string] | undefined {
    const nowMs = performance.now()
    const one = this.#identifiers.get(clientId) ?? { beganMs: nowMs, takeovers: 0, last: address, toldMs: -Infinity }
    this.#identifiers.delete(clientId)
    this.#identifiers.set(clientId, one)
    const [oldest] = this.#identifiers.keys()
    if (this.#identifiers.size > MAX_IDENTIFIERS && oldest !== undefined) this.#identifiers.delete(oldest)
    if (nowMs - one.beganMs > WITHIN_MS) {
      one.beganMs = nowMs
      one.takeovers = 0
    }
    const before = one.last
    one.takeovers++
    one.last = address
    if (one.takeovers < TAKEOVERS || nowMs - one.toldMs < TELL_EVERY_MS) return undefined
    one.toldMs = nowMs
    return [before, address]
  }
}
