// Hot path: `append` runs per recorded message, at most some 20,000 times a second; measured by `npm run bench:history`.
import type { MemoryAccount } from '../../base/memory-account.ts'
import { LOOP_TIMES, LoopPart } from '../../base/loop-times.ts'
import type { Log } from '../../base/log.ts'
import type { Message } from '../../protocol/message.ts'
import { entryBytes } from '../log/history-block.ts'
import type { HistoryLog, StoredHistory } from '../log/history-log.ts'
import { Chapter, type ChapterLimits } from './chapter.ts'
import { Chapters } from './chapters.ts'
import { type Batch, OpenChanges } from './changes.ts'
import { Lane } from './lane.ts'
import { type HistoryTopic, HistoryTopics, topicMemoryBytes } from './topics.ts'
import type { HistoryRules } from './rules.ts'
import { Writes, type WritesOwner } from './writes.ts'

/** What a journal is built from. */
export interface JournalParts {
  readonly log: HistoryLog
  readonly rules: HistoryRules
  readonly logger: Log
  readonly limits: ChapterLimits
  readonly memory: MemoryAccount
}

/** With this much pending, it is written at once. */
const WRITE_BYTES = 1024 ** 2
/** With this much pending, writers that can wait should wait. */
const BUSY_BYTES = 4 * 1024 ** 2
const MAX_PENDING_BYTES = 32 * 1024 ** 2
const MAX_TOPICS = 250_000

/**
 * The log of messages. An appended message is in an open chapter, is written soon, and can be found at once.
 */
export class Journal implements WritesOwner {
  readonly chapters = new Chapters()
  readonly topics: HistoryTopics
  /** What it holds in memory. */
  readonly memory: MemoryAccount
  readonly changes: OpenChanges
  readonly writes: Writes
  /** The lane for messages of the hub. */
  readonly live = new Lane(1)
  /** The bytes of blocks and indexes. */
  bytes = 0
  messages = 0
  pendingMessages = 0
  /** Topics that have more than they may keep since an append. */
  readonly overfull = new Set<HistoryTopic>()
  readonly #parts: JournalParts
  #pendingBytes = 0
  #nextTopic = 1
  #wayMessages = 0
  #wayBytes = 0

  constructor(parts: JournalParts) {
    this.#parts = parts
    this.memory = parts.memory
    this.topics = new HistoryTopics(parts.rules, parts.memory)
    this.changes = new OpenChanges(this.topics)
    this.writes = new Writes(this, parts.log, parts.logger)
  }

  get lastSequence(): number {
    return this.live.nextSequence - 1
  }

  /** There is no room until the store has caught up. */
  get isBehind(): boolean {
    return this.#pendingBytes >= MAX_PENDING_BYTES
  }

  /** There is no memory for more that is not stored yet. */
  get isShort(): boolean {
    return this.#pendingBytes >= WRITE_BYTES && !this.memory.mayTake(WRITE_BYTES, 0)
  }

  /** It has as many topics as it can have. */
  get isFull(): boolean {
    return this.topics.size >= MAX_TOPICS
  }

  /** The topic of this name, new if there was none; undefined when there are too many, or there is no memory for more. */
  topicNamed(name: string): HistoryTopic | undefined {
    const topic = this.topics.get(name)
    if (topic !== undefined || this.isFull) return topic
    const bytes = topicMemoryBytes(name)
    if (!this.memory.mayTake(bytes, bytes)) {
      this.memory.refuse()
      return undefined
    }
    const added = this.topics.add(this.#nextTopic++, name)
    this.changes.addTopic(added)
    return added
  }

  /** Adds a copy of the message at the end of the lane. `atMs` is in whole ms; times within a lane should not go back. */
  append(lane: Lane, topic: HistoryTopic, atMs: number, message: Message): void {
    const sequence = lane.nextSequence++
    const bytes = entryBytes(message)
    const chapter = this.#chapterFor(lane, topic, atMs, sequence)
    const { writer } = chapter
    if (writer === undefined) return
    if (!writer.takes(sequence, atMs, bytes)) this.#seal(chapter)
    writer.append(sequence, atMs, topic.number, message)
    chapter.note(sequence, atMs, topic.number, bytes)
    this.#count(topic, atMs, bytes)
    if (topic.isOverfull) this.overfull.add(topic)
    this.pendingMessages++
    this.#pendingBytes += bytes
    this.memory.take(bytes, 0)
    if (this.#pendingBytes - this.#wayBytes >= WRITE_BYTES && !this.writes.isFailing) void this.writes.now()
    else this.writes.soon()
  }

  /** Nothing more will be added to this chapter, which must be open. */
  close(chapter: Chapter): void {
    this.#seal(chapter)
    const indexBytes = chapter.close()
    this.bytes += indexBytes
    this.chapters.closed()
  }

  /** Writers that can wait should wait: pending changes take memory, and time of the event loop. */
  get isBusy(): boolean {
    return this.#pendingBytes >= BUSY_BYTES
  }

  /** Messages of a topic were removed from stored chapters; a topic without messages is removed too. */
  removedStored(topic: HistoryTopic, messages: number, bytes: number): void {
    topic.storedMessages -= messages
    topic.storedBytes -= bytes
    this.removed(topic, messages, bytes)
  }

  /** The same for messages in chapters that are not stored. */
  removed(topic: HistoryTopic, messages: number, bytes: number): void {
    topic.messages -= messages
    topic.bytes -= bytes
    this.messages -= messages
    this.changes.putTopic(topic)
    if (topic.messages > 0) return
    this.topics.remove(topic)
    this.overfull.delete(topic)
    this.changes.removeTopic(topic)
  }

  get hasChanges(): boolean {
    return !this.changes.isEmpty || this.pendingMessages > this.#wayMessages
  }

  get isIndexDue(): boolean {
    return this.changes.isIndexDue
  }

  takeBatch(): Batch | undefined {
    const before = LOOP_TIMES.enter(LoopPart.HISTORY)
    const batch = this.#takeBatch()
    LOOP_TIMES.leave(before)
    return batch
  }

  #takeBatch(): Batch | undefined {
    for (const chapter of this.changes.unstored) this.#seal(chapter)
    if (this.changes.isEmpty) return undefined
    this.#wayMessages = this.pendingMessages
    this.#wayBytes = this.#pendingBytes
    return this.changes.take({ nextSequence: this.live.nextSequence, nextTopic: this.#nextTopic })
  }

  wasWritten(batch: Batch): void {
    const before = LOOP_TIMES.enter(LoopPart.HISTORY)
    for (const block of batch.changes.putBlocks) this.chapters.at(block.first)?.wasStored(block)
    this.changes.stored(batch, this.chapters)
    LOOP_TIMES.leave(before)
    this.pendingMessages -= this.#wayMessages
    this.#pendingBytes -= this.#wayBytes
    this.memory.give(this.#wayBytes, 0)
    this.#wayMessages = 0
    this.#wayBytes = 0
  }

  wasNotWritten(batch: Batch): void {
    this.changes.putBack(batch, this.chapters)
    this.#wayMessages = 0
    this.#wayBytes = 0
  }

  #chapterFor(lane: Lane, topic: HistoryTopic, atMs: number, sequence: number): Chapter {
    const { chapter } = lane
    if (chapter !== undefined) {
      if (chapter.takes(sequence, atMs, topic.number, this.#parts.limits)) return chapter
      if (chapter.isOpen) this.close(chapter)
    }
    const next = new Chapter(sequence, atMs)
    lane.chapter = next
    this.chapters.add(next)
    this.changes.begin(next)
    return next
  }

  #seal(chapter: Chapter): void {
    const block = chapter.seal()
    if (block === undefined) return
    this.bytes += block.bytes
    this.changes.putBlock(block)
  }

  #count(topic: HistoryTopic, atMs: number, bytes: number): void {
    topic.messages++
    topic.bytes += bytes
    if (atMs > topic.newestAtMs) topic.newestAtMs = atMs
    this.messages++
  }

  /** Restores the state from the log. */
  restore({ topics, chapters, totals }: StoredHistory): void {
    for (const stored of topics) {
      const topic = this.topics.restore(stored)
      // It may have been stored before the totals.
      this.#nextTopic = Math.max(this.#nextTopic, topic.number + 1)
      this.messages += topic.messages
      if (topic.isOverfull) this.overfull.add(topic)
    }
    for (const stored of chapters) {
      this.chapters.add(Chapter.restore(stored))
      this.bytes += stored.bytes
    }
    if (totals !== undefined) {
      this.live.nextSequence = totals.nextSequence
      this.#nextTopic = Math.max(this.#nextTopic, totals.nextTopic)
      for (const first of totals.open) this.#restoreOpen(first, totals.open)
    }
    this.#removeEmptyTopics()
    // They must not be continued after a restart: the clock may have been set back.
    for (const chapter of this.changes.unstored) this.close(chapter)
  }

  /** A new topic is stored before its first message: the process may have ended between the two. */
  #removeEmptyTopics(): void {
    for (const topic of this.topics.values()) {
      if (topic.messages > 0) continue
      this.topics.remove(topic)
      this.changes.removeTopic(topic)
    }
  }

  /** Reads the entries of a chapter that was open, or not stored yet. */
  #restoreOpen(first: number, open: readonly number[]): void {
    const { log } = this.#parts
    let end = this.chapters.behind(first)?.first ?? Infinity
    for (const other of open) if (other > first && other < end) end = other
    let chapter: Chapter | undefined
    for (let block = log.block(first, false); block !== undefined && block.first < end;) {
      if (chapter === undefined) {
        chapter = new Chapter(block.first, block.firstAtMs)
        this.chapters.add(chapter)
        this.changes.begin(chapter)
      }
      chapter.bytes += block.bytes
      this.bytes += block.bytes
      for (let i = 0; i < block.count; i++) {
        const sequence = block.sequence(i)
        const bytes = block.entryBytes(i)
        const topic = this.topics.byNumber(block.topic(i))
        if (topic === undefined || sequence < topic.floor) {
          chapter.noteDead(sequence, block.atMs(i), bytes)
          continue
        }
        chapter.note(sequence, block.atMs(i), topic.number, bytes)
        this.#count(topic, block.atMs(i), bytes)
        if (topic.isOverfull) this.overfull.add(topic)
      }
      block = log.block(chapter.next, false)
    }
  }
}
