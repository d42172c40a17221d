// Hot path: a part is entered per chunk read and per turn that writes; measured by `npm run bench`, all rows.

/** Who may have the event loop for long, by the names that metrics have for them. */
export const LOOP_PARTS = [
  'other',
  'reading',
  'fan-out',
  'topics',
  'writing',
  'control',
  'disconnect',
  'replay',
  'expiry',
  'store',
  'history',
  'http',
  'feed',
  'observe',
] as const

/** Numbers of the parts; OTHER is whoever has no name, or nobody. */
export const LoopPart = {
  OTHER: 0,
  READING: 1,
  FAN_OUT: 2,
  TOPICS: 3,
  WRITING: 4,
  CONTROL: 5,
  DISCONNECT: 6,
  REPLAY: 7,
  EXPIRY: 8,
  STORE: 9,
  HISTORY: 10,
  HTTP: 11,
  FEED: 12,
  OBSERVE: 13,
} as const

export type LoopPart = (typeof LoopPart)[keyof typeof LoopPart]

/**
 * How long each part has had the event loop, without what others had inside of it. Who does long work names itself for as long as
 * it runs, and never over an `await`:
 *
 *     const before = LOOP_TIMES.enter(LoopPart.STORE)
 *     …
 *     LOOP_TIMES.leave(before)
 */
export class LoopTimes {
  /** By the number of the part, since the process started. */
  readonly ms = new Float64Array(LOOP_PARTS.length)
  /** The longest time that one of them had it without a break since `forgetLongest`, and which. */
  longestMs = 0
  longestPart: LoopPart = LoopPart.OTHER
  /** When the part that has the loop got it, by `performance.now()`. */
  sinceMs = 0
  #part: LoopPart = LoopPart.OTHER

  /** The part has the loop from now on. Returns who had it: `leave` gives it back. */
  enter(part: LoopPart): LoopPart {
    const before = this.#part
    if (before !== part) this.leave(part)
    return before
  }

  leave(before: LoopPart): void {
    // A part within itself, as it often is: to ask for the time costs more than all else here.
    if (before === this.#part) return
    const nowMs = performance.now()
    const ms = nowMs - this.sinceMs
    this.add(this.#part, ms)
    if (ms > this.longestMs && this.#part !== LoopPart.OTHER) {
      this.longestMs = ms
      this.longestPart = this.#part
    }
    this.#part = before
    this.sinceMs = nowMs
  }

  forgetLongest(): void {
    this.longestMs = 0
  }

  /** A part had the loop for so long, without naming itself. */
  add(part: LoopPart, ms: number): void {
    this.ms[part] = (this.ms[part] ?? 0) + ms
  }
}

/** Of this process: it has one event loop, however many hubs are in it. */
export const LOOP_TIMES = new LoopTimes()
