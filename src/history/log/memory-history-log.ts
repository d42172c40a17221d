import { unboundedMemory } from '../../base/memory-budget.ts'
import type { HistoryBlock } from './history-block.ts'
import type { HistoryChanges, HistoryLog, PostingList, StoredHistory } from './history-log.ts'
import { SortedMap } from './sorted-map.ts'

const MAX_BYTES = 64 * 1024 ** 2
const NO_TOPICS = new Uint32Array()

/** The history of a hub whose data is "memory". */
export class MemoryHistoryLog implements HistoryLog {
  readonly maxBytes: number
  readonly #blocks = new SortedMap<HistoryBlock>()
  /** By topic, then by chapter. */
  readonly #postingLists = new Map<number, SortedMap<PostingList>>()
  readonly #members = new Map<number, Uint32Array>()

  /** It takes an eighth of `memory` at most. */
  constructor(memory = unboundedMemory()) {
    this.maxBytes = Math.min(MAX_BYTES, memory.limitBytes / 8)
    // Once it is full it stays so.
    memory.history.take(this.maxBytes, 0)
  }

  start(): Promise<StoredHistory> {
    return Promise.resolve({ topics: [], chapters: [], totals: undefined })
  }

  stop(): Promise<void> {
    return Promise.resolve()
  }

  write(changes: HistoryChanges): Promise<void> {
    for (const { first, next } of changes.removedRanges) this.#blocks.deleteRange(first, next)
    for (const { topic, chapter } of changes.removedPostingLists) {
      const postingLists = this.#postingLists.get(topic)
      postingLists?.deleteRange(chapter, chapter + 1)
      if (postingLists?.size === 0) this.#postingLists.delete(topic)
    }
    for (const first of changes.removedChapters) this.#members.delete(first)
    for (const block of changes.putBlocks) this.#blocks.set(block.first, block)
    for (const list of changes.putPostingLists) {
      let postingLists = this.#postingLists.get(list.topic)
      if (postingLists === undefined) this.#postingLists.set(list.topic, (postingLists = new SortedMap()))
      postingLists.set(list.chapter, list)
    }
    for (const { chapter, topics } of changes.putMembers) this.#members.set(chapter, topics)
    return Promise.resolve()
  }

  block(first: number, isBackwards: boolean): HistoryBlock | undefined {
    return this.#blocks.near(first, isBackwards)
  }

  postingList(topic: number, chapter: number): PostingList | undefined {
    const list = this.#postingLists.get(topic)?.near(chapter, false)
    return list?.chapter === chapter ? list : undefined
  }

  chapterWith(topic: number, first: number, isBackwards: boolean): number | undefined {
    return this.#postingLists.get(topic)?.near(first, isBackwards)?.chapter
  }

  members(chapter: number): Uint32Array {
    return this.#members.get(chapter) ?? NO_TOPICS
  }
}
