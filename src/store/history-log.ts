import type { HistoryBlock } from './history-block.ts'

/** What the history has of one topic. */
export interface StoredTopic {
  /** Never used again for another topic. */
  readonly number: number
  readonly name: string
  readonly messages: number
  /** What they take in their blocks. */
  readonly bytes: number
  /** Entries before this sequence number count as gone, though a block may still hold them. */
  readonly floor: number
  readonly lastSequence: number
  readonly newestAtMs: number
}

/** Entries one after the other whose times do not go back, unless `isOrdered` is false. */
export interface Segment {
  readonly first: number
  readonly fromMs: number
  /** The latest time in it. */
  readonly toMs: number
  readonly isOrdered: boolean
}

/** What holds for the whole history. */
export interface HistoryTotals {
  readonly nextSequence: number
  readonly nextTopic: number
  /** What blocks and runs take. */
  readonly bytes: number
  /** Of that, entries that are gone and still stand in a block. */
  readonly deadBytes: number
  /** In the order of their sequence numbers. */
  readonly segments: readonly Segment[]
}

/** Which entries of one block are of one topic. */
export interface Run {
  readonly topic: number
  /** Of the block. */
  readonly first: number
  /** When the last of them came. */
  readonly lastAtMs: number
  /** What they take in the block. */
  readonly bytes: number
  /** Their sequence numbers past `first`. */
  readonly deltas: Uint16Array
}

export interface RunKey {
  readonly topic: number
  readonly first: number
}

/** What goes down together. A key stands in one of the lists only. */
export interface HistoryChanges {
  readonly putBlocks: readonly HistoryBlock[]
  readonly removedBlocks: readonly number[]
  readonly putRuns: readonly Run[]
  readonly removedRuns: readonly RunKey[]
  readonly putTopics: readonly StoredTopic[]
  readonly removedTopics: readonly number[]
  readonly totals: HistoryTotals
}

export interface StoredHistory {
  readonly topics: Iterable<StoredTopic>
  /** Undefined: there is no history yet. */
  readonly totals: HistoryTotals | undefined
}

/**
 * Where the history lies: blocks of messages by the sequence number of their first, and for each topic its runs in them.
 *
 *   1. `write` stores all of the changes or, when it rejects, none. One at a time.
 *   2. What was written is read from then on, and after `stop` and a new `start`, unless the log is in memory.
 *   3. Reading returns at once. What is damaged is not there.
 *
 * Not promised: that what is being written can be read.
 */
export interface HistoryLog {
  start(): Promise<StoredHistory>
  stop(): Promise<void>
  write(changes: HistoryChanges): Promise<void>
  /** The block whose first sequence number is the next one from `first` on; `isBackwards`: the one before, `first` included. */
  block(first: number, isBackwards: boolean): HistoryBlock | undefined
  /** The same among the runs of a topic. */
  run(topic: number, first: number, isBackwards: boolean): Run | undefined
  /** More bytes than this it cannot hold, whatever is configured. */
  readonly maxBytes: number
}

/** How a log reports what it cannot do. */
export const RUN_OVERHEAD_BYTES = 48

/** What a run takes, near enough. */
export function runBytes(run: Run): number {
  return RUN_OVERHEAD_BYTES + 2 * run.deltas.length
}
