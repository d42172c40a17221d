/**
 * The time that devices live in. It may run faster than ours: at speed 60 an hour takes a minute. Everything that happens later
 * goes through it, so that `stop` ends all of it.
 */
export class Clock {
  readonly speed: number
  /** Simulated milliseconds since 1970 when it began. */
  readonly startMs: number
  readonly #startedAt = performance.now()
  readonly #timers = new Set<NodeJS.Timeout>()
  #isStopped = false

  constructor({ speed = 1, startMs = Date.now() }: { readonly speed?: number; readonly startMs?: number } = {}) {
    this.speed = speed
    this.startMs = startMs
  }

  /** Simulated milliseconds since 1970. */
  get nowMs(): number {
    return this.startMs + (performance.now() - this.#startedAt) * this.speed
  }

  /** How long a simulated time takes here, in milliseconds. */
  realMs(simulatedMs: number): number {
    return simulatedMs / this.speed
  }

  /** Runs `action` at a simulated time, at once if that is past, and never after `stop`. Returns what takes it back. */
  at(timeMs: number, action: () => void): () => void {
    if (this.#isStopped) return () => undefined
    // Timers of Node hold at most 2^31 - 1 ms; nothing here is further away than a day.
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer)
        action()
      },
      Math.max(0, this.realMs(timeMs - this.nowMs)),
    )
    this.#timers.add(timer)
    return () => {
      clearTimeout(timer)
      this.#timers.delete(timer)
    }
  }

  after(simulatedSeconds: number, action: () => void): () => void {
    return this.at(this.nowMs + simulatedSeconds * 1000, action)
  }

  stop(): void {
    this.#isStopped = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }
}
