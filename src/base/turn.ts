import { Fifo } from './fifo.ts'
import { LOOP_TIMES, LoopPart } from './loop-times.ts'

/** What all long work together may take of a turn, less what sockets had of it. */
const TURN_MS = 5
/** What it may take at least. */
const LEAST_TURN_MS = 1.5
/** What one work may take of it while others wait. */
const SHARE_MS = 1

interface Work {
  readonly goOn: () => void
  /** It goes on when the call has returned. */
  readonly isPromise: boolean
}

/**
 * The turn of the event loop that is now, as far as work may fill it that takes long: subscriptions by the thousand, what is to be
 * done for each of many clients, walks through all there is. Who finds it used up waits, and goes on in a later turn, in the order in
 * which they began to wait. Meanwhile sockets are read and written: nobody feels the work of others.
 *
 * Small work asks nothing. Work that is done at once in most cases asks `isFull` before it begins; what goes on for long asks
 * `isUsedUp` every some 100 µs. To ask costs less than 0.1 µs.
 */
export class Turn {
  readonly #waiting = new Fifo<Work>()
  readonly #next: () => void
  #isBegun = false
  /** Work that has waited goes on now, and what it begins is a part of it. */
  #isGoingOn = false
  /** By `performance.now()`: for all, and for the work that goes on. */
  #endMs = 0
  #shareEndMs = 0
  /** What sockets had had when work went on last. */
  #readMs = 0

  constructor() {
    this.#next = () => this.#goOn()
  }

  /** Work that has not begun has to wait. */
  get isFull(): boolean {
    return this.isUsedUp || (this.#waiting.length > 0 && !this.#isGoingOn)
  }

  /** Work that has begun has to wait, before it goes on. */
  get isUsedUp(): boolean {
    this.#open()
    return performance.now() >= this.#shareEndMs
  }

  /** Has `goOn` called in a later turn, when it is its turn. */
  wait(goOn: () => void): void {
    this.#push({ goOn, isPromise: false })
  }

  /** The same with what it is called for, for those who make no closure. */
  waitWith<T>(goOn: (subject: T) => void, subject: T): void {
    this.wait(() => goOn(subject))
  }

  /** Does `work` of a part of the hub up to its end: what there is time for now, the rest in later turns. It stops where it yields. */
  run(part: LoopPart, work: Iterator<void>): void {
    this.repeat(part, () => work.next().done !== true)
  }

  /**
   * The same with work that is a call for each of its steps; false is the end of it. For what clients do all the time: a generator
   * takes nearly a kilobyte.
   */
  repeat(part: LoopPart, step: () => boolean): void {
    const before = LOOP_TIMES.enter(part)
    this.#open()
    try {
      while (step()) {
        if (!this.isUsedUp) continue
        this.wait(() => this.repeat(part, step))
        break
      }
    } finally {
      LOOP_TIMES.leave(before)
    }
  }

  /** Resolves in a later turn. */
  next(): Promise<void> {
    return new Promise((goOn) => {
      this.#push({ goOn, isPromise: true })
    })
  }

  /** The time of the turn counts from now on, if it does not yet. */
  #open(): void {
    if (this.#isBegun) return
    this.#begin()
    this.#endMs = performance.now() + TURN_MS
    this.#shareEndMs = this.#endMs
  }

  #push(work: Work): void {
    this.#waiting.push(work)
    if (!this.#isBegun) this.#begin()
  }

  #begin(): void {
    this.#isBegun = true
    setImmediate(this.#next)
  }

  #goOn(): void {
    let nowMs = performance.now()
    const readMs = LOOP_TIMES.ms[LoopPart.READING] ?? 0
    this.#endMs = nowMs + Math.max(LEAST_TURN_MS, TURN_MS - (readMs - this.#readMs))
    this.#readMs = readMs
    this.#isBegun = false
    // One turn more than there is need for, to see that nobody waits.
    if (this.#waiting.length > 0) this.#begin()
    // Who waits again has to let the sockets go first.
    for (let left = this.#waiting.length; left > 0 && nowMs < this.#endMs; left--) {
      const work = this.#waiting.shift()
      this.#shareEndMs = left === 1 ? this.#endMs : Math.min(this.#endMs, nowMs + SHARE_MS)
      this.#isGoingOn = true
      try {
        work?.goOn()
      } finally {
        this.#isGoingOn = false
      }
      if (work?.isPromise === true) return
      nowMs = performance.now()
    }
    this.#shareEndMs = this.#endMs
  }
}

/** That of this process, which has one event loop. */
export const TURN = new Turn()
