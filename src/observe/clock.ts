/**
 * The hub's clock for what must outlive a restart: wall time, in ms since 1970, that does not jump while the hub runs. A
 * wall clock that is set right by hand or by the network would end sessions and messages before their time.
 */
export class Clock {
  readonly #startedAtMs = Date.now() - performance.now()

  nowMs(): number {
    return this.#startedAtMs + performance.now()
  }
}
