import type { HistoryBlock } from './history-block.ts'
import type { HistoryChanges, HistoryLog, Run, StoredHistory } from './history-log.ts'
import { SortedMap } from './sorted-map.ts'

const MAX_BYTES = 64 * 1024 ** 2
const NO_TOPICS = new Uint32Array()

/** The history of a hub whose data is "memory". */
export class MemoryHistoryLog implements HistoryLog {
  readonly maxBytes = MAX_BYTES
  readonly #blocks = new SortedMap<HistoryBlock>()
  /** By topic, then by chapter. */
  readonly #runs = new Map<number, SortedMap<Run>>()
  readonly #members = new Map<number, Uint32Array>()

  start(): Promise<StoredHistory> {
    return Promise.resolve({ topics: [], chapters: [], totals: undefined })
  }

  stop(): Promise<void> {
    return Promise.resolve()
  }

  write(changes: HistoryChanges): Promise<void> {
    for (const { first, next } of changes.removedRanges) this.#blocks.deleteRange(first, next)
    for (const { topic, chapter } of changes.removedRuns) {
      const runs = this.#runs.get(topic)
      runs?.deleteRange(chapter, chapter + 1)
      if (runs?.size === 0) this.#runs.delete(topic)
    }
    for (const first of changes.removedChapters) this.#members.delete(first)
    for (const block of changes.putBlocks) this.#blocks.set(block.first, block)
    for (const run of changes.putRuns) {
      let runs = this.#runs.get(run.topic)
      if (runs === undefined) this.#runs.set(run.topic, (runs = new SortedMap()))
      runs.set(run.chapter, run)
    }
    for (const { chapter, topics } of changes.putMembers) this.#members.set(chapter, topics)
    return Promise.resolve()
  }

  block(first: number, isBackwards: boolean): HistoryBlock | undefined {
    return this.#blocks.near(first, isBackwards)
  }

  run(topic: number, chapter: number): Run | undefined {
    const run = this.#runs.get(topic)?.near(chapter, false)
    return run?.chapter === chapter ? run : undefined
  }

  chapterWith(topic: number, first: number, isBackwards: boolean): number | undefined {
    return this.#runs.get(topic)?.near(first, isBackwards)?.chapter
  }

  members(chapter: number): Uint32Array {
    return this.#members.get(chapter) ?? NO_TOPICS
  }
}
