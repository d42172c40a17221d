import { setImmediate } from 'node:timers/promises'

/** How long work may block the event loop. */
const SLICE_MS = 5

/** Spreads long work over turns of the event loop. */
export class Slices {
  readonly #signal: AbortSignal | undefined
  #startedAtMs = performance.now()

  constructor(signal?: AbortSignal) {
    this.#signal = signal
  }

  /** Yields to the event loop when it has been blocked for long enough. @throws the reason of the signal when it is aborted */
  async pause(): Promise<void> {
    if (performance.now() - this.#startedAtMs < SLICE_MS) return
    await setImmediate()
    this.#signal?.throwIfAborted()
    this.#startedAtMs = performance.now()
  }
}
