import type { HistoryBlock } from '../log/history-block.ts'
import {
  type ChapterMembers,
  type HistoryChanges,
  type HistoryTotals,
  type PostingList,
  type PostingListKey,
  type SequenceRange,
  type StoredChapter,
} from '../log/history-log.ts'
import type { Chapter } from './chapter.ts'
import type { Chapters } from './chapters.ts'
import { OpenIndex } from './open-index.ts'
import { TopicSnapshots } from './topic-snapshots.ts'
import type { HistoryTopic, HistoryTopics } from './topics.ts'

/** More topics than this are not stored with one batch, unless they are of one chapter. */
const MAX_MEMBERS_A_BATCH = 2048
const MAX_REMOVED_POSTING_LISTS = 4096
const NO_INDEX = new OpenIndex()

/** A batch that is being written. */
export interface Batch {
  readonly changes: HistoryChanges
  /** The chapters that are stored with it. */
  readonly closed: readonly Chapter[]
}

/** The changes to be stored next. */
export class OpenChanges {
  readonly #topics: HistoryTopics
  #blocks = new Map<number, HistoryBlock>()
  #removedRanges: SequenceRange[] = []
  #removedChapters: number[] = []
  #removedPostingLists: PostingListKey[] = []
  #removedTopics: number[] = []
  #chapters = new Set<Chapter>()
  #newTopics: HistoryTopic[] = []
  /** Those that are marked as dirty. */
  #dirtyTopics: HistoryTopic[] = []
  /** Chapters that are not stored, open ones too, in the order they were begun. */
  #unstored: Chapter[] = []
  #isDirty = false

  constructor(topics: HistoryTopics) {
    this.#topics = topics
  }

  get isEmpty(): boolean {
    return !this.#isDirty && !this.#unstored.some(({ isOpen }) => !isOpen)
  }

  /** There are chapters whose blocks are all stored, and whose index is not. */
  get isIndexDue(): boolean {
    return this.#unstored.some(isDue)
  }

  /** There are so many records to remove that it is time to write. */
  get isLarge(): boolean {
    return this.#removedPostingLists.length > MAX_REMOVED_POSTING_LISTS
  }

  /** Chapters that are not stored yet. */
  get unstored(): readonly Chapter[] {
    return this.#unstored
  }

  begin(chapter: Chapter): void {
    this.#unstored.push(chapter)
  }

  putBlock(block: HistoryBlock): void {
    this.#isDirty = true
    this.#blocks.set(block.first, block)
  }

  /** The stored numbers of a chapter are out of date. */
  putChapter(chapter: Chapter): void {
    this.#isDirty = true
    this.#chapters.add(chapter)
  }

  addTopic(topic: HistoryTopic): void {
    this.#isDirty = true
    this.#newTopics.push(topic)
  }

  putTopic(topic: HistoryTopic): void {
    this.#isDirty = true
    this.#mark(topic)
  }

  removeTopic(topic: HistoryTopic): void {
    this.#isDirty = true
    this.#removedTopics.push(topic.number)
  }

  removePostingList(topic: number, chapter: Chapter): void {
    this.#isDirty = true
    chapter.letGo.add(topic)
    this.#removedPostingLists.push({ topic, chapter: chapter.first })
  }

  /** Removes the blocks of a stored chapter; those that stay must be put after this. */
  removeBlocks(range: SequenceRange): void {
    this.#isDirty = true
    this.#removedRanges.push({ first: range.first, next: range.next })
    dropIn(this.#blocks, range)
  }

  /** Removes a stored chapter, without its posting lists. */
  removeChapter(chapter: Chapter): void {
    this.removeBlocks(chapter)
    this.#chapters.delete(chapter)
    this.#removedChapters.push(chapter.first)
  }

  /** Hands over the changes to be stored now. */
  take(totals: Omit<HistoryTotals, 'open'>): Batch {
    const closed = this.#takeClosed()
    const left = this.#unstored.filter((chapter) => !closed.includes(chapter))
    const putMembers = closed.map((chapter) => this.#takeMembers(chapter))
    const putChapters = [...closed, ...this.#chapters].map(snapshot)
    const dirtyTopics = this.#dirtyTopics
    const newTopics = this.#newTopics.filter(({ isRemoved, isDirty }) => !isRemoved && !isDirty)
    const putTopics = new TopicSnapshots(dirtyTopics.length)
    for (const topic of dirtyTopics) {
      topic.isDirty = false
      if (!topic.isRemoved) addAsStored(putTopics, topic, closed)
    }
    const changes: HistoryChanges = {
      removedRanges: this.#removedRanges,
      removedChapters: this.#removedChapters,
      removedPostingLists: this.#removedPostingLists,
      removedTopics: this.#removedTopics,
      newTopics,
      putBlocks: [...this.#blocks.values()],
      putPostingLists: postingListsOf(closed, this.#topics),
      putMembers,
      putChapters,
      putTopics,
      totals: { ...totals, open: left.map(({ first }) => first) },
    }
    this.#blocks = new Map()
    this.#removedRanges = []
    this.#removedChapters = []
    this.#removedPostingLists = []
    this.#removedTopics = []
    this.#chapters = new Set()
    this.#newTopics = []
    this.#dirtyTopics = []
    this.#isDirty = false
    return { changes, closed }
  }

  /** The batch is stored. */
  stored({ changes, closed }: Batch, chapters: Chapters): void {
    for (const { topic, chapter } of changes.removedPostingLists) chapters.at(chapter)?.letGo.delete(topic)
    this.#unstored = this.#unstored.filter((chapter) => !closed.includes(chapter))
    for (const chapter of closed) {
      const { index = NO_INDEX } = chapter
      for (let place = 0; place < index.size; place++) {
        const topic = this.#topics.byNumber(index.topicAt(place))
        if (topic === undefined) continue
        topic.storedMessages += index.countAt(place)
        topic.storedBytes += index.bytesAt(place)
      }
      chapter.index = undefined
      chapter.isOnItsWay = false
      const written = changes.putChapters.find(({ first }) => first === chapter.first)
      if (written?.messages !== chapter.messages) this.putChapter(chapter)
    }
  }

  /** Takes back changes that could not be stored; newer changes win. */
  putBack({ changes, closed }: Batch, chapters: Chapters): void {
    this.#isDirty = true
    for (const chapter of closed) chapter.isOnItsWay = false
    const later = this.#blocks
    this.#blocks = new Map()
    for (const block of changes.putBlocks) this.#blocks.set(block.first, block)
    for (const range of this.#removedRanges) dropIn(this.#blocks, range)
    for (const [first, block] of later) this.#blocks.set(first, block)
    this.#removedRanges = [...changes.removedRanges, ...this.#removedRanges]
    this.#removedChapters = [...changes.removedChapters, ...this.#removedChapters]
    this.#removedPostingLists = [...changes.removedPostingLists, ...this.#removedPostingLists]
    this.#removedTopics = [...changes.removedTopics, ...this.#removedTopics]
    for (const { first } of changes.putChapters) {
      const chapter = chapters.at(first)
      if (chapter?.first === first && chapter.isStored) this.#chapters.add(chapter)
    }
    for (const { number } of changes.putTopics) {
      const topic = this.#topics.byNumber(number)
      if (topic !== undefined) this.#mark(topic)
    }
    for (const { number } of changes.newTopics) {
      const topic = this.#topics.byNumber(number)
      if (topic !== undefined) this.#newTopics.push(topic)
    }
  }

  #takeClosed(): Chapter[] {
    const closed: Chapter[] = []
    let members = 0
    for (const chapter of this.#unstored) {
      if (!isDue(chapter) || (members > 0 && members + sizeOf(chapter) > MAX_MEMBERS_A_BATCH)) continue
      chapter.isOnItsWay = true
      closed.push(chapter)
      members += sizeOf(chapter)
    }
    return closed
  }

  /** The topics of a chapter that is stored, whose numbers change with it. */
  #takeMembers({ index = NO_INDEX, first }: Chapter): ChapterMembers {
    const members = new Uint32Array(index.size)
    let count = 0
    for (let place = 0; place < index.size; place++) {
      const number = index.topicAt(place)
      const topic = this.#topics.byNumber(number)
      if (topic === undefined || index.countAt(place) === 0) continue
      members[count++] = number
      this.#mark(topic)
    }
    return { chapter: first, topics: members.subarray(0, count) }
  }

  #mark(topic: HistoryTopic): void {
    if (topic.isDirty) return
    topic.isDirty = true
    this.#dirtyTopics.push(topic)
  }
}

/** Its index is to be stored: after its blocks. */
function isDue({ isOpen, pending }: Chapter): boolean {
  return !isOpen && pending.length === 0
}

/** The indexes of chapters that are on their way, which do not change meanwhile. */
function* postingListsOf(chapters: readonly Chapter[], topics: HistoryTopics): Generator<PostingList, void, undefined> {
  for (const { index = NO_INDEX, first } of chapters) {
    for (let place = 0; place < index.size; place++) {
      if (index.countAt(place) > 0 && topics.byNumber(index.topicAt(place)) !== undefined)
        yield index.postingListAt(place, first)
    }
  }
}

function sizeOf({ index }: Chapter): number {
  return index === undefined ? 0 : index.size
}

function dropIn(blocks: Map<number, HistoryBlock>, { first, next }: SequenceRange): void {
  for (const key of blocks.keys()) if (key >= first && key < next) blocks.delete(key)
}

/** Its current numbers. */
function snapshot({ first, next, fromMs, toMs, messages, bytes, deadBytes }: Chapter): StoredChapter {
  return { first, next, fromMs, toMs, messages, bytes, deadBytes }
}

/** What a batch that stores these chapters stores of a topic: without entries in others, since a start counts those again. */
function addAsStored(snapshots: TopicSnapshots, topic: HistoryTopic, closed: readonly Chapter[]): void {
  let messages = topic.storedMessages
  let bytes = topic.storedBytes
  for (const { index = NO_INDEX } of closed) {
    const place = index.placeOf(topic.number)
    if (place === -1) continue
    messages += index.countAt(place)
    bytes += index.bytesAt(place)
  }
  snapshots.add(topic, messages, bytes)
}
