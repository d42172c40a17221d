import { LoopPart } from '../../base/loop-times.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { type HistoryLog, type PostingList, postingListBytes } from '../log/history-log.ts'
import type { Chapter } from './chapter.ts'
import type { Journal } from './journal.ts'
import type { HistoryRules, TopicTerms } from './rules.ts'
import { Slices } from '../../base/slices.ts'
import { FairShare } from './fair-share.ts'
import { readLiveBlocks } from './live-blocks.ts'
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
/** When the history is full, it is brought this much below its limit, so that this is not done for each message. */
const FREED_SHARE = 1 / 16
/** What quiet topics said a long time ago keeps chapters with few messages; more of them would take too much memory. */
const MAX_CHAPTERS = 16_384

/** What one topic may keep. */
type Bounds = Pick<TopicTerms, 'maxMessages' | 'maxBytes'>

/**
 * Removes what is too much or too old, once a second and in slices of the event loop. What is too old goes by whole chapters, the
 * oldest first, and by single entries where a topic has a rule of its own. When the whole history is full, those topics that take
 * more than a fair share of it lose their oldest messages: what a quiet sensor said in a week outlives what a camera said today.
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
      if (this.#working === undefined) void this.#work()
    }, CHECK_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping.abort()
    await this.#working
  }

  /** Removes everything that is due now, after what is being removed already. */
  async once(): Promise<void> {
    await this.#working
    await this.#work()
  }

  async #work(): Promise<void> {
    this.#working = this.#removeDue().catch((error: unknown) => {
      if (!this.#stopping.signal.aborted)
        this.#parts.logger.error({ err: error }, 'old messages could not be removed from the history')
    })
    await this.#working
    this.#working = undefined
  }

  async #removeDue(): Promise<void> {
    const { journal, maxBytes, rules, clock } = this.#parts
    const slices = new Slices(LoopPart.HISTORY, this.#stopping.signal)
    const nowMs = clock.wallMs()
    for (let chapter = this.#oldest(); chapter !== undefined; chapter = this.#oldest()) {
      if (chapter.toMs >= nowMs - rules.longestAgeMs) break
      await this.#removeChapter(chapter, slices)
    }
    const isFull = journal.bytes > maxBytes
    if (isFull) await this.#trimToFairShares(slices)
    for (const topic of Array.from(journal.overfull)) await this.#trim(topic, topic.terms, slices)
    for (const chapter of journal.chapters.all.slice()) {
      if (!chapter.isStored || chapter.isGone) continue
      await this.#sweep(chapter, nowMs, slices)
      if (chapter.messages === 0) await this.#removeChapter(chapter, slices)
      else if (chapter.deadBytes > Math.max(LEAST_DEAD_BYTES, chapter.bytes * DEAD_SHARE)) {
        await this.#rewrite(chapter, nowMs, slices)
      }
      await slices.pause()
    }
    if (isFull) await this.#reclaim(nowMs, slices)
    while (journal.bytes > maxBytes || journal.chapters.size > MAX_CHAPTERS) {
      const oldest = this.#oldest()
      if (oldest === undefined) break
      await this.#removeChapter(oldest, slices)
    }
    if (!journal.changes.isEmpty) journal.writes.soon()
  }

  /** Has topics with more than a fair share lose so much that, without what is dead, there is room again. */
  async #trimToFairShares(slices: Slices): Promise<void> {
    const { journal } = this.#parts
    const share = new FairShare()
    for (const topic of journal.topics.values()) {
      share.add(topic.bytes)
      await slices.pause()
    }
    const deadBytes = journal.chapters.all.reduce((sum, chapter) => sum + chapter.deadBytes, 0)
    const tooManyBytes = journal.bytes - deadBytes - this.#aimBytes
    const maxBytes = share.capFor(share.bytes - Math.max(0, tooManyBytes))
    for (const topic of journal.topics.values()) {
      if (topic.bytes > maxBytes) await this.#trim(topic, { maxMessages: Infinity, maxBytes }, slices)
      await slices.pause()
    }
  }

  /** Rewrites chapters, those with the largest share of removed entries first, until there is room. */
  async #reclaim(nowMs: number, slices: Slices): Promise<void> {
    const { journal } = this.#parts
    const worth = journal.chapters.all.filter((chapter) => chapter.isStored && chapter.deadBytes > 0)
    worth.sort((a, b) => b.deadBytes / b.bytes - a.deadBytes / a.bytes)
    for (const chapter of worth) {
      if (journal.bytes <= this.#aimBytes) break
      if (!chapter.isGone) await this.#rewrite(chapter, nowMs, slices)
      await slices.pause()
    }
  }

  get #aimBytes(): number {
    return this.#parts.maxBytes * (1 - FREED_SHARE)
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
    this.#forgetPostingList(number, deltas.length, chapter)
    journal.removedStored(topic, messages, bytes)
  }

  #forgetPostingList(topic: number, entries: number, chapter: Chapter): void {
    const { journal } = this.#parts
    journal.changes.removePostingList(topic, chapter)
    const bytes = postingListBytes(entries)
    chapter.bytes -= bytes
    journal.bytes -= bytes
  }

  /** Removes the oldest messages of a topic that has more than the bounds. */
  async #trim(topic: HistoryTopic, bounds: Bounds, slices: Slices): Promise<void> {
    const { journal, log } = this.#parts
    journal.overfull.delete(topic)
    for (let from = 0; exceeds(topic, bounds);) {
      const first = log.chapterWith(topic.number, from, false)
      if (first === undefined) break
      from = first + 1
      const chapter = journal.chapters.at(first)
      if (chapter?.first !== first || !chapter.isStored || chapter.letGo.has(topic.number)) continue
      const list = log.postingList(topic.number, first)
      if (list !== undefined) this.#trimPostingList(topic, bounds, list, chapter)
      await slices.pause()
    }
    for (const chapter of journal.changes.unstored) {
      if (!chapter.isOnItsWay && exceeds(topic, bounds)) this.#trimOpen(topic, bounds, chapter)
    }
    // The rest is in a chapter on its way, or has come meanwhile.
    if (topic.isOverfull) journal.overfull.add(topic)
  }

  #trimPostingList(topic: HistoryTopic, bounds: Bounds, { deltas, sizes }: PostingList, chapter: Chapter): void {
    const { journal } = this.#parts
    let messages = 0
    let bytes = 0
    let i = 0
    for (; i < deltas.length && exceeds(topic, bounds, messages, bytes); i++) {
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
    if (i === deltas.length) this.#forgetPostingList(topic.number, i, chapter)
    journal.removedStored(topic, messages, bytes)
  }

  #trimOpen(topic: HistoryTopic, bounds: Bounds, chapter: Chapter): void {
    const { index, first } = chapter
    const place = index?.placeOf(topic.number) ?? -1
    if (index === undefined || place === -1) return
    let messages = 0
    let bytes = 0
    while (index.countAt(place) > 0 && exceeds(topic, bounds, messages, bytes)) {
      topic.floor = first + index.firstDeltaAt(place) + 1
      bytes += index.removeFirstAt(place)
      messages++
    }
    if (messages === 0) return
    chapter.messages -= messages
    chapter.deadBytes += bytes
    this.#parts.journal.removed(topic, messages, bytes)
  }

  /** Rewrites the blocks of a chapter, without the removed entries. */
  async #rewrite(chapter: Chapter, nowMs: number, slices: Slices): Promise<void> {
    const { journal, log } = this.#parts
    const { blocks, before, deadBytes } = await readLiveBlocks(chapter, log, journal.topics, nowMs, slices)
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

/** Whether the topic has more than the bounds, without what is about to go. */
function exceeds({ messages, bytes }: HistoryTopic, bounds: Bounds, goneMessages = 0, goneBytes = 0): boolean {
  return messages - goneMessages > bounds.maxMessages || bytes - goneBytes > bounds.maxBytes
}
