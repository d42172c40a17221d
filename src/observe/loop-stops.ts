import { PerformanceObserver } from 'node:perf_hooks'
import { LOOP_PARTS, LOOP_TIMES, LoopPart } from '../base/loop-times.ts'

/** From here on somebody may feel that the loop was held. */
const STOP_MS = 20
const NAMES = [...LOOP_PARTS, 'gc'] as const

export type StopCause = (typeof NAMES)[number]

/** What stopped the loop, and how often and how long. */
export interface StopCounts {
  stops: number
  seconds: number
  longestSeconds: number
}

interface Pause {
  readonly startMs: number
  readonly endMs: number
}

/** Between two looks that are this far apart, the loop was held for `ms`, mostly by `part`. */
interface Stop extends Pause {
  readonly ms: number
  readonly part: StopCause
}

/**
 * Finds out who held the event loop for 20 ms or more: the garbage collector, or the part that had most of the time. It knows of each
 * long stop, of those that a part or the collector took alone, and of others by chance: a look has to fall into them.
 * What the collector took is known only a little later, so a stop is judged at the next look.
 */
export class LoopStops {
  readonly byCause: ReadonlyMap<StopCause, StopCounts> = new Map(
    NAMES.map((name) => [name, { stops: 0, seconds: 0, longestSeconds: 0 }]),
  )
  readonly #before = new Float64Array(LOOP_PARTS.length)
  #pauses: Pause[] = []
  #collector: PerformanceObserver | undefined = undefined
  #lastLookMs = 0
  #stop: Stop | undefined = undefined

  start(nowMs: number): void {
    this.#lastLookMs = nowMs
    this.#before.set(LOOP_TIMES.ms)
    this.#collector = new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries())
        this.#pauses.push({ startMs: startTime, endMs: startTime + duration })
    })
    this.#collector.observe({ entryTypes: ['gc'] })
  }

  stop(): void {
    this.#collector?.disconnect()
  }

  /** To be called by a timer, again and again; `lateMs` after it was due. */
  look(nowMs: number, lateMs: number): void {
    const { longestMs, longestPart } = LOOP_TIMES
    // Nobody has the loop when a timer does: who threw out of its work has not left.
    LOOP_TIMES.leave(LoopPart.OTHER)
    if (this.#stop === undefined) this.#countPauses()
    else this.#judge(this.#stop)
    this.#stop = undefined
    const within = { startMs: this.#lastLookMs, endMs: nowMs }
    if (lateMs >= STOP_MS) this.#stop = { ...within, ms: lateMs, part: this.#busiest(lateMs) }
    // One that was over before a look was due.
    else if (longestMs >= STOP_MS) this.#stop = { ...within, ms: longestMs, part: LOOP_PARTS[longestPart] }
    this.#before.set(LOOP_TIMES.ms)
    LOOP_TIMES.forgetLongest()
    this.#lastLookMs = nowMs
  }

  /** The part that had the loop for longest since the last look, if that was half of the stop or more. */
  #busiest(stopMs: number): StopCause {
    let longestMs = stopMs / 2
    let part: StopCause = 'other'
    LOOP_PARTS.forEach((name, i) => {
      const ms = (LOOP_TIMES.ms[i] ?? 0) - (this.#before[i] ?? 0)
      if (i === LoopPart.OTHER || ms < longestMs) return
      longestMs = ms
      part = name
    })
    return part
  }

  #judge({ startMs, endMs, ms, part }: Stop): void {
    let collectedMs = 0
    for (const pause of this.#pauses)
      collectedMs += Math.max(0, Math.min(endMs, pause.endMs) - Math.max(startMs, pause.startMs))
    this.#count(collectedMs >= ms / 2 ? 'gc' : part, ms / 1000)
    this.#pauses = this.#pauses.filter((pause) => pause.startMs >= endMs)
  }

  /** Those of before the last look, when there was no stop that they could be a part of. */
  #countPauses(): void {
    for (const { startMs, endMs } of this.#pauses) {
      if (startMs < this.#lastLookMs && endMs - startMs >= STOP_MS) this.#count('gc', (endMs - startMs) / 1000)
    }
    this.#pauses = this.#pauses.filter(({ startMs }) => startMs >= this.#lastLookMs)
  }

  #count(cause: StopCause, seconds: number): void {
    const counts = this.byCause.get(cause)
    if (counts === undefined) return
    counts.stops++
    counts.seconds += seconds
    counts.longestSeconds = Math.max(counts.longestSeconds, seconds)
  }
}
