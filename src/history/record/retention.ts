import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { BlockWriter, type HistoryBlock } from '../log/history-block.ts'
import type { HistoryLog, PostingList } from '../log/history-log.ts'
import type { Chapter, OpenPostingList } from './chapter.ts'
import type { Journal } from './journal.ts'
import type { HistoryRules } from './rules.ts'
import { Slices } from '../../base/slices.ts'
import type { HistoryTopic } from './topics.ts'

/** What retention works on. */
export interface RetentionParts {
  readonly journal: Journal
  readonly log: HistoryLog
  readonly rules: HistoryRules
  readonly clock: Clock
  readonly logger: Log
  /** How many bytes the whole history may take. */
  readonly maxBytes: number
}

const CHECK_MS = 1000
/** A chapter is rewritten without its removed entries when they are more than this share of it, and enough to be worth it. */
const DEAD_SHARE = 0.5
const LEAST_DEAD_BYTES = 64 * 1024

/**
 * Removes what is too much or too old, once a second and in slices of the event loop: whole chapters, the oldest first, for the
 * limits of the whole history, and single entries where a topic has a rule of its own.
 */
export class Retention {
  readonly #parts: RetentionParts
  #timer: NodeJS.Timeout | undefined = undefined
  #working: Promise<void> | undefined = undefined
  readonly #stopping = new AbortController()

  constructor(parts: RetentionParts) {
    this.#parts = parts
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#working ??= this.#work()
    }, CHECK_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping.abort()
    await this.#working
  }

  async #work(): Promise<void> {
    try {
      await this.once(this.#stopping.signal)
    } catch (error) {
      if (!this.#stopping.signal.aborted)
        this.#parts.logger.error({ err: error }, 'old messages could not be removed from the history')
    }
    this.#working = undefined
  }

  /** Removes everything that is due now. */
  async once(signal?: AbortSignal): Promise<void> {
    const { journal, maxBytes, rules, clock } = this.#parts
    const slices = new Slices(signal)
    const nowMs = clock.nowMs()
    for (let chapter = this.#oldest(); chapter !== undefined; chapter = this.#oldest()) {
      if (journal.bytes <= maxBytes && chapter.toMs >= nowMs - rules.longestAgeMs) break
      await this.#removeChapter(chapter, slices)
    }
    for (const topic of Array.from(journal.overfull)) await this.#trim(topic, slices)
    for (const chapter of journal.chapters.all.slice()) {
      if (!chapter.isStored || chapter.isGone) continue
      await this.#sweep(chapter, nowMs, slices)
      if (chapter.messages === 0) await this.#removeChapter(chapter, slices)
      else if (chapter.deadBytes > Math.max(LEAST_DEAD_BYTES, chapter.bytes * DEAD_SHARE)) {
        await this.#rewrite(chapter, nowMs, slices)
      }
      await slices.pause()
    }
    if (!journal.changes.isEmpty) journal.writes.soon()
  }

  /** The stored chapter with the oldest messages. */
  #oldest(): Chapter | undefined {
    let oldest: Chapter | undefined
    for (const chapter of this.#parts.journal.chapters.all) {
      if (chapter.isStored && (oldest === undefined || chapter.fromMs < oldest.fromMs)) oldest = chapter
    }
    return oldest
  }

  async #removeChapter(chapter: Chapter, slices: Slices): Promise<void> {
    const { journal } = this.#parts
    const postingLists = await this.#postingListsOf(chapter, () => true, slices)
    for (const list of postingLists) this.#removePostingList(list, chapter)
    journal.changes.removeChapter(chapter)
    journal.chapters.remove(chapter)
    journal.bytes -= chapter.bytes
    // Removals are bounded as additions are: otherwise the changes of minutes would be written at once.
    if (journal.changes.isLarge) await journal.writes.settled()
  }

  /** Removes messages of topics that keep them for a shorter time than others. */
  async #sweep(chapter: Chapter, nowMs: number, slices: Slices): Promise<void> {
    const { journal, rules } = this.#parts
    const dueAgeMs = rules.agesMs.findLast((ageMs) => chapter.toMs < nowMs - ageMs)
    if (dueAgeMs === undefined || dueAgeMs <= chapter.sweptAgeMs) return
    const postingLists = await this.#postingListsOf(chapter, ({ terms }) => terms.maxAgeMs <= dueAgeMs, slices)
    for (const list of postingLists) this.#removePostingList(list, chapter)
    chapter.sweptAgeMs = dueAgeMs
    if (postingLists.length > 0) journal.changes.putChapter(chapter)
  }

  async #postingListsOf(
    chapter: Chapter,
    isDue: (topic: HistoryTopic) => boolean,
    slices: Slices,
  ): Promise<PostingList[]> {
    const { journal, log } = this.#parts
    const postingLists: PostingList[] = []
    for (const number of log.members(chapter.first)) {
      const topic = journal.topics.byNumber(number)
      if (topic === undefined || chapter.letGo.has(number) || !isDue(topic)) continue
      const list = log.postingList(number, chapter.first)
      if (list !== undefined) postingLists.push(list)
      await slices.pause()
    }
    return postingLists
  }

  #removePostingList({ topic: number, deltas, sizes }: PostingList, chapter: Chapter): void {
    const { journal } = this.#parts
    const topic = journal.topics.byNumber(number)
    if (topic === undefined) return
    let messages = 0
    let bytes = 0
    for (const [i, delta] of deltas.entries()) {
      if (chapter.first + delta < topic.floor) continue
      messages++
      bytes += sizes[i] ?? 0
    }
    chapter.messages -= messages
    chapter.deadBytes += bytes
    journal.changes.removePostingList(number, chapter)
    journal.removedStored(topic, messages, bytes)
  }

  /** Removes the oldest messages of a topic that has too many. */
  async #trim(topic: HistoryTopic, slices: Slices): Promise<void> {
    const { journal, log } = this.#parts
    journal.overfull.delete(topic)
    for (let from = 0; topic.isOverfull;) {
      const first = log.chapterWith(topic.number, from, false)
      if (first === undefined) break
      from = first + 1
      const chapter = journal.chapters.at(first)
      if (chapter?.first !== first || !chapter.isStored || chapter.letGo.has(topic.number)) continue
      const list = log.postingList(topic.number, first)
      if (list !== undefined) this.#trimPostingList(topic, list, chapter)
      await slices.pause()
    }
    for (const chapter of journal.changes.unstored) {
      const list = chapter.postingLists?.get(topic.number)
      if (list !== undefined && topic.isOverfull) this.#trimOpenPostingList(topic, list, chapter)
    }
  }

  #trimPostingList(topic: HistoryTopic, { deltas, sizes }: PostingList, chapter: Chapter): void {
    const { journal } = this.#parts
    let messages = 0
    let bytes = 0
    let i = 0
    for (; i < deltas.length && this.#isOverfullWithout(topic, messages, bytes); i++) {
      const sequence = chapter.first + (deltas[i] ?? 0)
      if (sequence < topic.floor) continue
      messages++
      bytes += sizes[i] ?? 0
      topic.floor = sequence + 1
    }
    if (messages === 0) return
    chapter.messages -= messages
    chapter.deadBytes += bytes
    journal.changes.putChapter(chapter)
    if (i === deltas.length) journal.changes.removePostingList(topic.number, chapter)
    journal.removedStored(topic, messages, bytes)
  }

  #trimOpenPostingList(topic: HistoryTopic, list: OpenPostingList, chapter: Chapter): void {
    let messages = 0
    let bytes = 0
    while (list.start < list.deltas.length && this.#isOverfullWithout(topic, messages, bytes)) {
      messages++
      bytes += list.sizes[list.start] ?? 0
      topic.floor = chapter.first + (list.deltas[list.start] ?? 0) + 1
      list.start++
    }
    if (messages === 0) return
    chapter.messages -= messages
    chapter.deadBytes += bytes
    this.#parts.journal.removed(topic, messages, bytes)
  }

  #isOverfullWithout({ terms, messages, bytes }: HistoryTopic, goneMessages: number, goneBytes: number): boolean {
    return messages - goneMessages > terms.maxMessages || bytes - goneBytes > terms.maxBytes
  }

  /** Rewrites the blocks of a chapter, without the removed entries. */
  async #rewrite(chapter: Chapter, nowMs: number, slices: Slices): Promise<void> {
    const { journal, log } = this.#parts
    const writer = new BlockWriter()
    const blocks: HistoryBlock[] = []
    let before = 0
    let deadBytes = 0
    for (let block = log.block(chapter.first, false); block !== undefined && block.first < chapter.next;) {
      before += block.bytes
      for (let i = 0; i < block.count; i++) {
        const bytes = block.entryBytes(i)
        const sequence = block.sequence(i)
        const topic = journal.topics.byNumber(block.topic(i))
        const isAlive = topic !== undefined && sequence >= topic.floor && block.atMs(i) >= nowMs - topic.terms.maxAgeMs
        if (!isAlive) {
          deadBytes += bytes
          continue
        }
        if (!writer.takes(sequence, block.atMs(i), bytes)) blocks.push(writer.take())
        writer.copy(block, i)
      }
      await slices.pause()
      block = log.block(block.sequence(block.count - 1) + 1, false)
    }
    if (writer.count > 0) blocks.push(writer.take())
    if (blocks.length === 0) {
      await this.#removeChapter(chapter, slices)
      return
    }
    journal.changes.removeBlocks(chapter)
    let after = 0
    for (const block of blocks) {
      after += block.bytes
      journal.changes.putBlock(block)
    }
    chapter.bytes += after - before
    chapter.deadBytes = Math.max(0, chapter.deadBytes - deadBytes)
    journal.bytes += after - before
    journal.changes.putChapter(chapter)
    await journal.writes.settled()
  }
}
