import type { HistoryBlock } from './history-block.ts'

/** What the history has of one topic in its stored chapters. */
export interface StoredTopic {
  /** Never used again for another topic. */
  readonly number: number
  readonly name: string
  readonly messages: number
  /** Their bytes in their blocks. */
  readonly bytes: number
  /** Entries before this sequence number count as gone, though a block may still hold them. */
  readonly floor: number
  readonly newestAtMs: number
}

/** A topic that has no messages in stored chapters. */
export type NewTopic = Omit<StoredTopic, 'messages' | 'bytes'>

/** Consecutive entries, whose times do not go back, with an index by topic. A chapter is kept or removed as a whole. */
export interface StoredChapter {
  /** The sequence number of its first entry. */
  readonly first: number
  /** The number after its last entry; at most `MAX_CHAPTER_SPAN` past `first`. */
  readonly next: number
  readonly fromMs: number
  readonly toMs: number
  /** Entries that are not gone. */
  readonly messages: number
  /** The bytes of its blocks and its index. */
  readonly bytes: number
  /** The part of them taken by entries that are gone but still in a block. */
  readonly deadBytes: number
}

/** The entries of one topic in one chapter. */
export interface PostingList {
  readonly topic: number
  /** The chapter's first sequence number. */
  readonly chapter: number
  /** Their sequence numbers past it, in order. */
  readonly deltas: Uint16Array
  /** The bytes of each in its block. */
  readonly sizes: Uint32Array
}

export interface PostingListKey {
  readonly topic: number
  readonly chapter: number
}

/** A range of sequence numbers: from `first` up to and without `next`. */
export interface SequenceRange {
  readonly first: number
  readonly next: number
}

/** The totals of the whole history. */
export interface HistoryTotals {
  readonly nextSequence: number
  readonly nextTopic: number
  /** The first sequence numbers of the chapters that have blocks and are not stored themselves yet. */
  readonly open: readonly number[]
}

/**
 * Changes that are written together: first everything that is removed, then everything that is put. New topics and posting lists
 * may be thousands, and are written before, some at a time: by themselves they say nothing. The blocks of the entries in the posting
 * lists must be stored already, so that a start that finds these without their chapter makes them anew.
 */
export interface HistoryChanges {
  readonly newTopics: readonly NewTopic[]
  /** Made while they are written: gone through once. */
  readonly putPostingLists: Iterable<PostingList>
  /** Their blocks are removed. */
  readonly removedRanges: readonly SequenceRange[]
  readonly removedChapters: readonly number[]
  readonly removedPostingLists: readonly PostingListKey[]
  readonly removedTopics: readonly number[]
  readonly putBlocks: readonly HistoryBlock[]
  readonly putChapters: readonly StoredChapter[]
  /** The topics that each new chapter has posting lists of. */
  readonly putMembers: readonly ChapterMembers[]
  readonly putTopics: Iterable<StoredTopic>
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
 * Where the history is stored: blocks of messages, by the sequence number of their first message, grouped in chapters that have
 * an index by topic.
 *
 *   1. `write` stores all of the changes or, when it rejects, none but new topics and posting lists. One at a time.
 *   2. What was written can be read from then on, and after `stop` and a new `start`, unless the log is in memory.
 *   3. Reading returns at once. Damaged values count as missing.
 *
 * Not promised: that what is being written can be read.
 */
export interface HistoryLog {
  /** It cannot hold more bytes than this, whatever is configured. */
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

/** The sequence numbers of a chapter span no more than this. */
export const MAX_CHAPTER_SPAN = 65_536

/** The approximate bytes of a posting list with this many entries. */
export function postingListBytes(entries: number): number {
  return 64 + 6 * entries
}
