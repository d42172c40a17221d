import { setImmediate } from 'node:timers/promises'
import { LOOP_TIMES, type LoopPart } from './loop-times.ts'

/** How long work may block the event loop. */
const SLICE_MS = 5

/** Spreads long work of one part of the hub over turns of the event loop. */
export class Slices {
  readonly #part: LoopPart
  readonly #signal: AbortSignal | undefined
  #startedAtMs = performance.now()

  constructor(part: LoopPart, signal?: AbortSignal) {
    this.#part = part
    this.#signal = signal
  }

  /** Yields to the event loop when it has been blocked for long enough. @throws the reason of the signal when it is aborted */
  async pause(): Promise<void> {
    const ms = performance.now() - this.#startedAtMs
    if (ms < SLICE_MS) return
    LOOP_TIMES.add(this.#part, ms)
    await setImmediate()
    this.#signal?.throwIfAborted()
    this.#startedAtMs = performance.now()
  }
}
