/**
 * The hub's clock for what must outlive a restart: wall time, in ms since 1970, that does not jump while the hub runs. A
 * wall clock that is corrected by hand or over the network would end sessions and messages too early.
 */
export class Clock {
  readonly #startedAtMs = Date.now() - performance.now()
  /** The time at the last `turn`. Counts per message use it, since asking for the time costs as much as counting. */
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
