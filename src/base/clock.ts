/** How often the wall clock is looked at, and what it may differ by. */
const LOOK_EVERY_MS = 20_000
const TOLERATED_MS = 1000

/**
 * The hub's clock: wall time, in ms since 1970, that does not jump while the hub runs. A wall clock that is corrected by hand or over
 * the network would end sessions and messages too early.
 */
export class Clock {
  readonly #startedAtMs = Date.now() - performance.now()
  /** The time at the last `turn`. Counts per message use it, since asking for the time costs as much as counting. */
  turnMs = this.#startedAtMs + performance.now()
  /** What the wall clock was corrected by since the hub has started, as of some seconds ago. */
  correctedByMs = 0
  /** How far lifetimes are ahead of the wall clock, because it was set back between two runs. */
  lifetimesAheadMs = 0
  #lookedAtMs = performance.now()

  nowMs(): number {
    return this.#startedAtMs + performance.now()
  }

  /** What the wall clock says, corrections included. For what is read by its date later: it may go back. */
  wallMs(): number {
    return this.nowMs() + this.correctedByMs
  }

  /**
   * What the ends of lifetimes count by: expiries of messages and sessions, delays of wills. It never goes back, not between two runs
   * either: nothing lives longer than it was told to.
   */
  lifetimeMs(): number {
    return this.nowMs() + this.lifetimesAheadMs
  }

  /** The same at the last `turn`. */
  get turnLifetimeMs(): number {
    return this.turnMs + this.lifetimesAheadMs
  }

  /** Lifetimes go on from here where the wall clock is behind: the store knows how far they were. */
  goOnFrom(lifetimeMs: number): void {
    this.lifetimesAheadMs = Math.max(0, lifetimeMs - this.nowMs())
  }

  /** To be called before messages are handled: a chunk was received, a timer fired. Returns `performance.now()`. */
  turn(): number {
    const monotonicMs = performance.now()
    this.turnMs = this.#startedAtMs + monotonicMs
    if (monotonicMs - this.#lookedAtMs > LOOK_EVERY_MS) this.#look(monotonicMs)
    return monotonicMs
  }

  #look(monotonicMs: number): void {
    this.#lookedAtMs = monotonicMs
    const differenceMs = Date.now() - this.turnMs
    if (Math.abs(differenceMs - this.correctedByMs) > TOLERATED_MS) this.correctedByMs = differenceMs
  }
}
