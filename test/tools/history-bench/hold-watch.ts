import { setImmediate } from 'node:timers/promises'

/** Looks how long the event loop is held at a stretch. */
export class HoldWatch {
  #longestMs = 0
  #isEnded = false
  readonly #watching: Promise<void>

  constructor() {
    this.#watching = this.#watch()
  }

  /** The longest stretch since it began, in ms. */
  async end(): Promise<number> {
    this.#isEnded = true
    await this.#watching
    return this.#longestMs
  }

  async #watch(): Promise<void> {
    let beforeMs = performance.now()
    while (!this.#isEnded) {
      await setImmediate()
      const nowMs = performance.now()
      this.#longestMs = Math.max(this.#longestMs, nowMs - beforeMs)
      beforeMs = nowMs
    }
  }
}
