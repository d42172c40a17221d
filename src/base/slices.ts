import { LOOP_TIMES, type LoopPart } from './loop-times.ts'
import { TURN } from './turn.ts'

/** Spreads long work of one part of the hub over turns of the event loop. */
export class Slices {
  readonly #part: LoopPart
  readonly #signal: AbortSignal | undefined
  #startedAtMs = performance.now()

  constructor(part: LoopPart, signal?: AbortSignal) {
    this.#part = part
    this.#signal = signal
  }

  /** Lets others go first when this turn is used up. @throws the reason of the signal when it is aborted */
  async pause(): Promise<void> {
    if (!TURN.isUsedUp) return
    LOOP_TIMES.add(this.#part, performance.now() - this.#startedAtMs)
    await TURN.next()
    this.#signal?.throwIfAborted()
    this.#startedAtMs = performance.now()
  }
}
