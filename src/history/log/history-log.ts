import type { HistoryBlock } from './history-block.ts'

/** What the history has of one topic in its stored chapters. */
export interface StoredTopic {
  /** Never used again for another topic. */
  readonly number: number
  readonly name: string
  readonly messages: number
  /** What they take in their blocks. */
  readonly bytes: number
  /** Entries before this sequence number count as gone, though a block may still hold them. */
  readonly floor: number
  readonly newestAtMs: number
}

/** Entries that follow each other, times not going back, together with an index by topic: what is kept or let go as a whole. */
export interface StoredChapter {
  /** The sequence number of its first entry. */
  readonly first: number
  /** Behind its last; at most `MAX_CHAPTER_SPAN` past `first`. */
  readonly next: number
  readonly fromMs: number
  readonly toMs: number
  /** Entries that are not gone. */
  readonly messages: number
  /** What its blocks and its index take. */
  readonly bytes: number
  /** Of that, entries that are gone and still stand in a block. */
  readonly deadBytes: number
}

/** Which entries of one chapter are of one topic. */
export interface PostingList {
  readonly topic: number
  /** The chapter's first sequence number. */
  readonly chapter: number
  /** Their sequence numbers past it, in order. */
  readonly deltas: Uint16Array
  /** What each takes in its block. */
  readonly sizes: Uint32Array
}

export interface PostingListKey {
  readonly topic: number
  readonly chapter: number
}

/** A stretch of sequence numbers: `first`, and what is behind the last. */
export interface SequenceRange {
  readonly first: number
  readonly next: number
}

/** What holds for the whole history. */
export interface HistoryTotals {
  readonly nextSequence: number
  readonly nextTopic: number
  /** The first sequence numbers of the chapters that have blocks and are not stored themselves yet. */
  readonly open: readonly number[]
}

/** What goes down together: first all that is removed, then all that is put. */
export interface HistoryChanges {
  /** Their blocks go. */
  readonly removedRanges: readonly SequenceRange[]
  readonly removedChapters: readonly number[]
  readonly removedPostingLists: readonly PostingListKey[]
  readonly removedTopics: readonly number[]
  readonly putBlocks: readonly HistoryBlock[]
  readonly putPostingLists: readonly PostingList[]
  readonly putChapters: readonly StoredChapter[]
  /** Of each new chapter, the topics that it has posting lists of. */
  readonly putMembers: readonly ChapterMembers[]
  readonly putTopics: readonly StoredTopic[]
  readonly totals: HistoryTotals
}

export interface ChapterMembers {
  readonly chapter: number
  readonly topics: Uint32Array
}

export interface StoredHistory {
  readonly topics: Iterable<StoredTopic>
  /** In the order of their sequence numbers. */
  readonly chapters: Iterable<StoredChapter>
  /** Undefined: there is no history yet. */
  readonly totals: HistoryTotals | undefined
}

/**
 * Where the history lies: blocks of messages by the sequence number of their first, gathered in chapters that say where in
 * them each topic is.
 *
 *   1. `write` stores all of the changes or, when it rejects, none. One at a time.
 *   2. What was written is read from then on, and after `stop` and a new `start`, unless the log is in memory.
 *   3. Reading returns at once. What is damaged is not there.
 *
 * Not promised: that what is being written can be read.
 */
export interface HistoryLog {
  /** More bytes than this it cannot hold, whatever is configured. */
  readonly maxBytes: number
  start(): Promise<StoredHistory>
  stop(): Promise<void>
  write(changes: HistoryChanges): Promise<void>
  /** The block whose first sequence number is the next one from `first` on; `isBackwards`: the one before, `first` included. */
  block(first: number, isBackwards: boolean): HistoryBlock | undefined
  postingList(topic: number, chapter: number): PostingList | undefined
  /** The next chapter from `first` on that has a posting list of the topic; `isBackwards`: the one before, `first` included. */
  chapterWith(topic: number, first: number, isBackwards: boolean): number | undefined
  /** The topics that a chapter had posting lists of when it was stored. */
  members(chapter: number): Uint32Array
}

/** Entries of one chapter lie within so many sequence numbers. */
export const MAX_CHAPTER_SPAN = 65_536

/** What a posting list with so many entries takes, near enough. */
export function postingListBytes(entries: number): number {
  return 64 + 6 * entries
}
