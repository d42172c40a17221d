/** So many lines of a kind are told in a stretch of time; a fleet of this size may come at once. */
const LINES = 1000
const STRETCH_MS = 10_000

interface Kind {
  told: number
  leftOut: number
}

/**
 * How often lines of one kind, which is their text without what changes, are told: one client that is refused again and again, or two
 * that end each other, would fill the disk. What was left out is counted and told at the end of each stretch.
 */
export class LineRate {
  readonly #tell: (text: string, leftOut: number) => void
  #kinds = new Map<string, Kind>()
  #stretchEndsMs = 0
  #timer: NodeJS.Timeout | undefined = undefined

  constructor(tell: (text: string, leftOut: number) => void) {
    this.#tell = tell
  }

  /** Counts a line; false: it is to be left out. */
  takes(text: string): boolean {
    const nowMs = performance.now()
    if (nowMs >= this.#stretchEndsMs) this.#beginStretch(nowMs)
    const kind = this.#kinds.get(text)
    if (kind === undefined) {
      this.#kinds.set(text, { told: 1, leftOut: 0 })
      return true
    }
    if (kind.told < LINES) {
      kind.told++
      return true
    }
    kind.leftOut++
    // The end of the stretch is told also when no line comes any more.
    this.#timer ??= setTimeout(() => this.#beginStretch(performance.now()), this.#stretchEndsMs - nowMs).unref()
    return false
  }

  #beginStretch(nowMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const kinds = this.#kinds
    this.#kinds = new Map()
    this.#stretchEndsMs = nowMs + STRETCH_MS
    for (const [text, { leftOut }] of kinds) if (leftOut > 0) this.#tell(text, leftOut)
  }
}
