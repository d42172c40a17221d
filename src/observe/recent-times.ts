const WINDOW_MS = 10_000

export interface TimesReport {
  readonly meanMs: number
  readonly worstMs: number
}

/** How long something took recently: in the current window of ten seconds and the previous one. Needs no timer. */
export class RecentTimes {
  #now = new Window(0)
  #before = new Window(0)

  observe(seconds: number): void {
    this.#roll()
    const window = this.#now
    window.count++
    window.sumSeconds += seconds
    window.worstSeconds = Math.max(window.worstSeconds, seconds)
  }

  /** Undefined when nothing was observed recently. */
  report(): TimesReport | undefined {
    this.#roll()
    const count = this.#now.count + this.#before.count
    if (count === 0) return undefined
    return {
      meanMs: ((this.#now.sumSeconds + this.#before.sumSeconds) * 1000) / count,
      worstMs: Math.max(this.#now.worstSeconds, this.#before.worstSeconds) * 1000,
    }
  }

  #roll(): void {
    const nowMs = performance.now()
    const sinceMs = nowMs - this.#now.startMs
    if (sinceMs < WINDOW_MS) return
    this.#before = sinceMs < 2 * WINDOW_MS ? this.#now : new Window(0)
    this.#now = new Window(nowMs)
  }
}

class Window {
  readonly startMs: number
  count = 0
  sumSeconds = 0
  worstSeconds = 0

  constructor(startMs: number) {
    this.startMs = startMs
  }
}
