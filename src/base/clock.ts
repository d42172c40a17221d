/**
 * The hub's clock for what must outlive a restart: wall time, in ms since 1970, that does not jump while the hub runs. A
 * wall clock that is set right by hand or by the network would end sessions and messages before their time.
 */
export class Clock {
  readonly #startedAtMs = Date.now() - performance.now()
  /** The time at the last `turn`: what is counted per message takes this one, since to ask costs as much as to count. */
  turnMs = this.#startedAtMs + performance.now()

  nowMs(): number {
    return this.#startedAtMs + performance.now()
  }

  /** To be called before messages are handled: a chunk was received, a timer fired. Returns `performance.now()`. */
  turn(): number {
    const monotonicMs = performance.now()
    this.turnMs = this.#startedAtMs + monotonicMs
    return monotonicMs
  }
}
