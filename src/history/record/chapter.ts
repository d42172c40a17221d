import { BlockWriter, type HistoryBlock } from '../log/history-block.ts'
import { MAX_CHAPTER_SPAN, postingListBytes, type StoredChapter } from '../log/history-log.ts'
import { OpenIndex } from './open-index.ts'

/** How large a chapter may become. */
export interface ChapterLimits {
  readonly maxBytes: number
  readonly maxSpanMs: number
}

/** With more topics than this, the index would be too much to store at once. */
const MAX_TOPICS = 2048

/**
 * Consecutive messages, in the order of their sequence numbers and of their times. While it is open, messages are added; then it
 * is closed, then stored with its index. Its entries are kept or removed as a whole, except for those that a topic's own rule
 * removes earlier.
 */
export class Chapter implements StoredChapter {
  readonly first: number
  next: number
  readonly fromMs: number
  toMs: number
  messages = 0
  bytes = 0
  deadBytes = 0
  /** Entries of topics that keep theirs no longer than this have been removed since the hub started. */
  sweptAgeMs = 0
  /** Undefined when it is stored. */
  index: OpenIndex | undefined
  /** Finished blocks that are not stored, in order. */
  pending: HistoryBlock[] = []
  /** Undefined when no more entries can be added. */
  writer: BlockWriter | undefined
  /** Topics whose posting list was removed, until that is stored: the log still has the posting list. */
  readonly letGo = new Set<number>()
  isGone = false
  /** Its index is being stored, and must not change. */
  isOnItsWay = false

  constructor(first: number, fromMs: number, isOpen = true) {
    this.writer = isOpen ? new BlockWriter() : undefined
    this.index = isOpen ? new OpenIndex() : undefined
    this.first = first
    this.next = first
    this.fromMs = fromMs
    this.toMs = fromMs
  }

  static restore(stored: StoredChapter): Chapter {
    const chapter = new Chapter(stored.first, stored.fromMs, false)
    const { next, toMs, messages, bytes, deadBytes } = stored
    return Object.assign(chapter, { next, toMs, messages, bytes, deadBytes })
  }

  get isOpen(): boolean {
    return this.writer !== undefined
  }

  /** Blocks and index are in the log: only then may retention remove entries. */
  get isStored(): boolean {
    return this.index === undefined
  }

  takes(sequence: number, atMs: number, topic: number, { maxBytes, maxSpanMs }: ChapterLimits): boolean {
    return (
      this.writer !== undefined &&
      this.index !== undefined &&
      sequence >= this.next &&
      sequence - this.first < MAX_CHAPTER_SPAN &&
      atMs >= this.toMs &&
      atMs - this.fromMs <= maxSpanMs &&
      this.bytes < maxBytes &&
      (this.index.size < MAX_TOPICS || this.index.has(topic))
    )
  }

  /** Notes an entry that is in the open block, or was found in a stored one. */
  note(sequence: number, atMs: number, topic: number, bytes: number): void {
    this.next = sequence + 1
    this.toMs = atMs
    this.messages++
    this.index?.add(topic, sequence - this.first, bytes)
  }

  /** Notes an entry that was found in a stored block and is gone. */
  noteDead(sequence: number, atMs: number, bytes: number): void {
    this.next = sequence + 1
    this.toMs = atMs
    this.deadBytes += bytes
  }

  /** One of the finished blocks is in the log. */
  wasStored(block: HistoryBlock): void {
    const at = this.pending.indexOf(block)
    if (at !== -1) this.pending.splice(at, 1)
  }

  /** Closes the chapter, whose open block must be finished. Returns the bytes of its index. */
  close(): number {
    this.writer = undefined
    const { index } = this
    let indexBytes = 0
    if (index !== undefined)
      for (let place = 0; place < index.size; place++) indexBytes += postingListBytes(index.countAt(place))
    this.bytes += indexBytes
    return indexBytes
  }

  /** Finishes the open block. Returns it, if there is one. */
  seal(): HistoryBlock | undefined {
    if (this.writer === undefined || this.writer.count === 0) return undefined
    const block = this.writer.take()
    this.pending.push(block)
    this.bytes += block.bytes
    return block
  }
}
