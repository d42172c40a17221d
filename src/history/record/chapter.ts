import { BlockWriter, type HistoryBlock } from '../log/history-block.ts'
import { MAX_CHAPTER_SPAN, type PostingList, postingListBytes, type StoredChapter } from '../log/history-log.ts'

/** How large a chapter may become. */
export interface ChapterLimits {
  readonly maxBytes: number
  readonly maxSpanMs: number
}

/** With more topics than this, the index would be too much to store at once. */
const MAX_TOPICS = 2048

/** The entries of one topic in a chapter that is not stored yet; those before `start` are gone. */
export class OpenPostingList {
  readonly deltas: number[]
  readonly sizes: number[]
  start = 0

  /** Most lists stay short, and an array that is pushed to when it is empty has room for 17. */
  constructor(delta: number, bytes: number) {
    this.deltas = [delta]
    this.sizes = [bytes]
  }

  get count(): number {
    return this.deltas.length - this.start
  }

  get bytes(): number {
    let bytes = 0
    for (let i = this.start; i < this.sizes.length; i++) bytes += this.sizes[i] ?? 0
    return bytes
  }

  toPostingList(topic: number, chapter: number): PostingList {
    return {
      topic,
      chapter,
      deltas: Uint16Array.from(this.deltas.slice(this.start)),
      sizes: Uint32Array.from(this.sizes.slice(this.start)),
    }
  }
}

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
  /** By topic number; undefined when the index is stored. */
  postingLists: Map<number, OpenPostingList> | undefined
  /** Finished blocks that are not stored, in order. */
  pending: HistoryBlock[] = []
  /** Undefined when no more entries can be added. */
  writer: BlockWriter | undefined
  /** Topics whose posting list was removed, until that is stored: the log still has the posting list. */
  readonly letGo = new Set<number>()
  isGone = false

  constructor(first: number, fromMs: number, isOpen = true) {
    this.writer = isOpen ? new BlockWriter() : undefined
    this.postingLists = isOpen ? new Map() : undefined
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
    return this.postingLists === undefined
  }

  takes(sequence: number, atMs: number, topic: number, { maxBytes, maxSpanMs }: ChapterLimits): boolean {
    return (
      this.writer !== undefined &&
      this.postingLists !== undefined &&
      sequence >= this.next &&
      sequence - this.first < MAX_CHAPTER_SPAN &&
      atMs >= this.toMs &&
      atMs - this.fromMs <= maxSpanMs &&
      this.bytes < maxBytes &&
      (this.postingLists.size < MAX_TOPICS || this.postingLists.has(topic))
    )
  }

  /** Notes an entry that is in the open block, or was found in a stored one. */
  note(sequence: number, atMs: number, topic: number, bytes: number): void {
    this.next = sequence + 1
    this.toMs = atMs
    this.messages++
    const { postingLists } = this
    if (postingLists === undefined) return
    const delta = sequence - this.first
    const list = postingLists.get(topic)
    if (list === undefined) {
      postingLists.set(topic, new OpenPostingList(delta, bytes))
      return
    }
    list.deltas.push(delta)
    list.sizes.push(bytes)
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
    let indexBytes = 0
    if (this.postingLists !== undefined)
      for (const { count } of this.postingLists.values()) indexBytes += postingListBytes(count)
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
