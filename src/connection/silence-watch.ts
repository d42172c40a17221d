import { LoopPart } from '../base/loop-times.ts'
import { TURN } from '../base/turn.ts'

/** How late one may be looked at; the hub looks no more often. */
const STEP_MS = 250

/** Who is waited for; the links are the watch's own, so that waiting makes no object. */
export interface Watched {
  watchedNext: Watched | undefined
  watchedPrevious: Watched | undefined
  /** The step at which its time is up; 0: it is not waited for. */
  watchedStep: number
  timeIsUp(): void
}

/**
 * Waits for word from many clients with one timer, which runs while there are any. When their time is up they are told, up to a
 * quarter of a second late, in slices of the loop; never before what had come by then was read, though the process was stopped for long.
 */
export class SilenceWatch {
  /** The first of each step. */
  readonly #firsts = new Map<number, Watched>()
  #timer: NodeJS.Timeout | undefined = undefined
  #lastStep = 0

  /** In place of an earlier time of the same one. */
  wait(watched: Watched, ms: number): void {
    this.forget(watched)
    const nowMs = performance.now()
    if (this.#timer === undefined) {
      this.#lastStep = Math.floor(nowMs / STEP_MS)
      this.#timer = setInterval(() => this.#look(), STEP_MS)
    }
    const step = Math.max(Math.ceil((nowMs + ms) / STEP_MS), this.#lastStep + 1)
    const first = this.#firsts.get(step)
    watched.watchedStep = step
    watched.watchedNext = first
    if (first !== undefined) first.watchedPrevious = watched
    this.#firsts.set(step, watched)
  }

  forget(watched: Watched): void {
    const { watchedStep, watchedNext, watchedPrevious } = watched
    if (watchedStep === 0) return
    if (watchedNext !== undefined) watchedNext.watchedPrevious = watchedPrevious
    if (watchedPrevious !== undefined) watchedPrevious.watchedNext = watchedNext
    else if (watchedNext !== undefined) this.#firsts.set(watchedStep, watchedNext)
    else this.#firsts.delete(watchedStep)
    watched.watchedStep = 0
    watched.watchedNext = undefined
    watched.watchedPrevious = undefined
    if (this.#firsts.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    const nowStep = Math.floor(performance.now() / STEP_MS)
    // Behind the timers of a turn sockets are read, and then immediates run: what came while the loop was held is read first.
    setImmediate(() => TURN.run(LoopPart.EXPIRY, this.#tell(nowStep)))
  }

  /** Tells those whose time is up by a step, earliest first; yields after each. */
  *#tell(nowStep: number): Generator<void, void, undefined> {
    while (this.#lastStep < nowStep) {
      const first = this.#firsts.get(this.#lastStep + 1)
      if (first === undefined) {
        this.#lastStep++
        continue
      }
      this.forget(first)
      first.timeIsUp()
      yield
    }
  }
}
