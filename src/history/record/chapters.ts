import type { Chapter } from './chapter.ts'

/** Chapters whose times follow each other, so that an entry is found by binary search. */
export type Stretch = readonly Chapter[]

/**
 * The chapters of a history, by sequence number. Their times may jump back: an import brings messages older than those before
 * it, and a clock may have been set back.
 */
export class Chapters {
  /** In the order of their sequence numbers. */
  readonly #all: Chapter[] = []
  #stretches: Stretch[] | undefined = undefined

  get size(): number {
    return this.#all.length
  }

  get all(): readonly Chapter[] {
    return this.#all
  }

  add(chapter: Chapter): void {
    this.#stretches = undefined
    this.#all.splice(this.#indexBehind(chapter.first), 0, chapter)
  }

  remove(chapter: Chapter): void {
    const at = this.#indexBehind(chapter.first) - 1
    if (this.#all[at] !== chapter) return
    chapter.isGone = true
    this.#stretches = undefined
    this.#all.splice(at, 1)
  }

  /** Must be called when a chapter was closed. */
  closed(): void {
    this.#stretches = undefined
  }

  /** The chapter that has this sequence number, or else the last one before it. */
  at(sequence: number): Chapter | undefined {
    return this.#all[this.#indexBehind(sequence) - 1]
  }

  /** The first chapter that begins after this sequence number. */
  behind(sequence: number): Chapter | undefined {
    return this.#all[this.#indexBehind(sequence)]
  }

  /** All chapters; each call returns a new list that does not change. */
  stretches(): readonly Stretch[] {
    this.#stretches ??= this.#findStretches()
    return this.#stretches
  }

  #findStretches(): Stretch[] {
    const stretches: Chapter[][] = []
    let last: Chapter[] | undefined
    for (const chapter of this.#all) {
      const before = last?.at(-1)
      // An open one may still grow past the one after it.
      if (last === undefined || before === undefined || before.isOpen || chapter.fromMs < before.toMs) {
        stretches.push((last = [chapter]))
      } else {
        last.push(chapter)
      }
    }
    return stretches
  }

  #indexBehind(sequence: number): number {
    let low = 0
    let high = this.#all.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#all[middle]?.first ?? 0) <= sequence) low = middle + 1
      else high = middle
    }
    return low
  }
}
