import type { HistoryBlock } from './history-block.ts'
import type { HistoryChanges, HistoryLog, Run, StoredHistory } from './history-log.ts'

const MAX_BYTES = 64 * 1024 ** 2

/** The history of a hub whose data is "memory". */
export class MemoryHistoryLog implements HistoryLog {
  readonly maxBytes = MAX_BYTES
  readonly #blocks = new SortedByFirst<HistoryBlock>()
  readonly #runs = new Map<number, SortedByFirst<Run>>()

  start(): Promise<StoredHistory> {
    return Promise.resolve({ topics: [], totals: undefined })
  }

  stop(): Promise<void> {
    return Promise.resolve()
  }

  write(changes: HistoryChanges): Promise<void> {
    for (const first of changes.removedBlocks) this.#blocks.delete(first)
    for (const { topic, first } of changes.removedRuns) {
      const runs = this.#runs.get(topic)
      runs?.delete(first)
      if (runs?.isEmpty === true) this.#runs.delete(topic)
    }
    for (const block of changes.putBlocks) this.#blocks.set(block)
    for (const run of changes.putRuns) {
      let runs = this.#runs.get(run.topic)
      if (runs === undefined) this.#runs.set(run.topic, (runs = new SortedByFirst()))
      runs.set(run)
    }
    return Promise.resolve()
  }

  block(first: number, isBackwards: boolean): HistoryBlock | undefined {
    return this.#blocks.find(first, isBackwards)
  }

  run(topic: number, first: number, isBackwards: boolean): Run | undefined {
    return this.#runs.get(topic)?.find(first, isBackwards)
  }
}

/** Values in the order of their `first`, added at the end and taken away at the beginning, mostly. */
export class SortedByFirst<T extends { readonly first: number }> {
  #values: T[] = []
  /** Values before this were taken away. */
  #start = 0

  get isEmpty(): boolean {
    return this.#start === this.#values.length
  }

  /** Adds a value, or replaces the one with the same `first`. */
  set(value: T): void {
    const at = this.#lowerBound(value.first)
    const isThere = this.#values[at]?.first === value.first
    if (at === this.#values.length) this.#values.push(value)
    else this.#values.splice(at, isThere ? 1 : 0, value)
  }

  delete(first: number): void {
    const at = this.#lowerBound(first)
    if (this.#values[at]?.first !== first) return
    if (at === this.#start) this.#start++
    else this.#values.splice(at, 1)
    if (this.#start <= 64 || this.#start < this.#values.length / 2) return
    this.#values = this.#values.slice(this.#start)
    this.#start = 0
  }

  /** The next value from `first` on; `isBackwards`: the one before, `first` included. */
  find(first: number, isBackwards: boolean): T | undefined {
    const at = this.#lowerBound(first)
    if (!isBackwards) return this.#values[at]
    if (this.#values[at]?.first === first) return this.#values[at]
    return at > this.#start ? this.#values[at - 1] : undefined
  }

  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (let i = this.#start; i < this.#values.length; i++) {
      const value = this.#values[i]
      if (value !== undefined) yield value
    }
  }

  #lowerBound(first: number): number {
    let low = this.#start
    let high = this.#values.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const value = this.#values[middle]
      if (value !== undefined && value.first < first) low = middle + 1
      else high = middle
    }
    return low
  }
}
