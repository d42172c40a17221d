import { LoopStops } from './loop-stops.ts'

/** How often the loop is checked. Each look wakes the process: fifty a second took an idle hub most of its processor time. */
const LOOK_EVERY_MS = 100
/** A computer that was suspended has not kept anybody waiting for hours. */
const MOST_LOOKS = 500

/**
 * Measures how long an event that comes at any moment waits until the event loop gets to it. A loop that was blocked for 500 ms is
 * checked once instead of five times, so the checks that it missed count too, each with its own wait.
 */
export class LoopLag {
  /** What held the loop when it was held for long. */
  readonly stops = new LoopStops()
  readonly #observe: (seconds: number) => void
  #timer: NodeJS.Timeout | undefined = undefined
  #dueAtMs = 0

  constructor(observe: (seconds: number) => void) {
    this.#observe = observe
  }

  start(): void {
    const nowMs = performance.now()
    this.#dueAtMs = nowMs + LOOK_EVERY_MS
    this.stops.start(nowMs)
    this.#timer = setInterval(() => this.#look(performance.now()), LOOK_EVERY_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.stops.stop()
  }

  #look(nowMs: number): void {
    let lateMs = Math.max(0, nowMs - this.#dueAtMs)
    this.stops.look(nowMs, lateMs)
    this.#dueAtMs = nowMs + LOOK_EVERY_MS
    for (let looks = 0; looks < MOST_LOOKS && lateMs >= 0; looks++) {
      this.#observe(lateMs / 1000)
      lateMs -= LOOK_EVERY_MS
    }
  }
}
