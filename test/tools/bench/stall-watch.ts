// Tells a broker that is slow from one that has stopped.

const stallMs = 5000

/** Watches a count; `isMoving` is to be asked again and again. */
export class StallWatch {
  isStalled = false
  readonly #progress: () => number
  #lastProgress = -1
  #lastMovedAtMs = performance.now()

  constructor(progress: () => number) {
    this.#progress = progress
  }

  /** False once the count has stood still for five seconds, and ever after. */
  isMoving(): boolean {
    const progress = this.#progress()
    if (progress !== this.#lastProgress) this.#lastMovedAtMs = performance.now()
    this.#lastProgress = progress
    if (performance.now() - this.#lastMovedAtMs > stallMs) this.isStalled = true
    return !this.isStalled
  }
}

export function sum<T>(items: readonly T[], count: (item: T) => number): number {
  return items.reduce((total, item) => total + count(item), 0)
}
