import type { HistoryBlock } from '../store/history-block.ts'
import type { HistoryChanges, HistoryTotals, Run, RunKey } from '../store/history-log.ts'
import type { HistoryTopic } from './topics.ts'

/** What is to be stored with the next batch. */
export class OpenChanges {
  /** Blocks by their first sequence number; undefined: to be removed. */
  readonly #blocks = new Map<number, HistoryBlock | undefined>()
  #putRuns: Run[] = []
  #removedRuns: RunKey[] = []
  readonly #dirtyTopics = new Set<HistoryTopic>()
  #removedTopics: number[] = []
  #isDirty = false

  get isEmpty(): boolean {
    return !this.#isDirty
  }

  putBlock(block: HistoryBlock): void {
    this.#isDirty = true
    this.#blocks.set(block.first, block)
  }

  removeBlock(first: number): void {
    this.#isDirty = true
    this.#blocks.set(first, undefined)
  }

  putRun(run: Run): void {
    this.#putRuns.push(run)
  }

  removeRun(topic: number, first: number): void {
    this.#isDirty = true
    this.#removedRuns.push({ topic, first })
  }

  touch(topic: HistoryTopic): void {
    this.#isDirty = true
    this.#dirtyTopics.add(topic)
  }

  removeTopic(topic: HistoryTopic): void {
    this.#isDirty = true
    this.#dirtyTopics.delete(topic)
    this.#removedTopics.push(topic.number)
  }

  /** Hands over all of it. */
  take(totals: HistoryTotals): HistoryChanges {
    const putBlocks: HistoryBlock[] = []
    const removedBlocks: number[] = []
    for (const [first, block] of this.#blocks) {
      if (block === undefined) removedBlocks.push(first)
      else putBlocks.push(block)
    }
    const changes = {
      putBlocks,
      removedBlocks,
      putRuns: this.#putRuns,
      removedRuns: this.#removedRuns,
      putTopics: [...this.#dirtyTopics],
      removedTopics: this.#removedTopics,
      totals,
    }
    this.#blocks.clear()
    this.#dirtyTopics.clear()
    this.#putRuns = []
    this.#removedRuns = []
    this.#removedTopics = []
    this.#isDirty = false
    return changes
  }

  /** Takes back what could not be stored; what has changed since counts. */
  putBack(changes: HistoryChanges, isThere: (topic: number) => HistoryTopic | undefined): void {
    this.#isDirty = true
    const later = new Map(this.#blocks)
    this.#blocks.clear()
    for (const first of changes.removedBlocks) this.#blocks.set(first, undefined)
    for (const block of changes.putBlocks) this.#blocks.set(block.first, block)
    for (const [first, block] of later) this.#blocks.set(first, block)
    this.#putRuns = [...changes.putRuns, ...this.#putRuns]
    this.#removedRuns = [...changes.removedRuns, ...this.#removedRuns]
    this.#removedTopics = [...changes.removedTopics, ...this.#removedTopics]
    for (const { number } of changes.putTopics) {
      const topic = isThere(number)
      if (topic !== undefined) this.#dirtyTopics.add(topic)
    }
  }
}
