import type { HistoryBlock } from '../log/history-block.ts'
import type { Chapter } from '../record/chapter.ts'
import type { Stretch } from '../record/chapters.ts'
import { comparePlaces, type Place } from './search-cursor.ts'
import type { Journal } from '../record/journal.ts'
import type { ChapterReader } from './reader.ts'
import { isSelected, type Selection } from './selection.ts'
import type { HistoryTopic } from '../record/topics.ts'

/** An entry that a walk has found. */
export interface Found extends Place {
  readonly topic: HistoryTopic
  readonly block: HistoryBlock
  /** Its index in the block. */
  readonly index: number
}

/** What a walk is made for. */
export interface WalkOptions {
  readonly selection: Selection
  readonly isBackwards: boolean
  /** Forwards: from this place on, itself included. Backwards: everything before it. */
  readonly from: Place
  /** Forwards: everything before this place. Backwards: down to this place, itself included. */
  readonly until: Place
  /** The time now, which tells which entries are too old for their topic. */
  readonly nowMs: number
}

/** Up to this many topics are looked up one by one, instead of through the list of a chapter's topics. */
const FEW_TOPICS = 8

/**
 * Goes through the entries of some topics in the order of their times, from a place on.
 *
 *   1. It is lazy; `undefined` is a pause, offered after each block and each index that was read: some ten microseconds of work
 *      or a few hundred entries. The caller may stop there and continue in a later turn of the event loop.
 *   2. Entries that are added or removed meanwhile may be seen or not; those that were there all the time are seen once.
 */
export function* walk(
  journal: Journal,
  reader: ChapterReader,
  options: WalkOptions,
): Generator<Found | undefined, void, undefined> {
  const { isBackwards, until } = options
  for (const found of merged(journal, reader, options)) {
    if (found !== undefined && (isBackwards ? comparePlaces(found, until) < 0 : comparePlaces(found, until) >= 0))
      return
    yield found
  }
}

function merged(journal: Journal, reader: ChapterReader, options: WalkOptions): Iterable<Found | undefined> {
  const walks = journal.chapters.stretches().map((stretch) => new StretchWalk(journal, reader, stretch, options).run())
  const [only] = walks
  return walks.length === 1 && only !== undefined ? only : merge(walks, options.isBackwards)
}

interface Head {
  readonly walk: Iterator<Found | undefined>
  found: Found
}

function* merge(
  walks: readonly Iterator<Found | undefined>[],
  isBackwards: boolean,
): Generator<Found | undefined, void, undefined> {
  const heads: Head[] = []
  for (const one of walks) {
    const found = yield* nextOf(one)
    if (found !== undefined) heads.push({ walk: one, found })
  }
  for (;;) {
    let [best] = heads
    if (best === undefined) return
    for (const head of heads) {
      const order = comparePlaces(head.found, best.found)
      if (isBackwards ? order > 0 : order < 0) best = head
    }
    yield best.found
    const found = yield* nextOf(best.walk)
    if (found === undefined) heads.splice(heads.indexOf(best), 1)
    else best.found = found
  }
}

/** The next entry of a walk, skipping its pauses; undefined at its end. */
function* nextOf(one: Iterator<Found | undefined>): Generator<undefined, Found | undefined, undefined> {
  for (;;) {
    const { value, done } = one.next()
    if (done === true) return undefined
    if (value !== undefined) return value
    yield undefined
  }
}

/** A walk through chapters whose times do not go back. */
class StretchWalk {
  readonly #journal: Journal
  readonly #reader: ChapterReader
  readonly #stretch: Stretch
  readonly #options: WalkOptions

  constructor(journal: Journal, reader: ChapterReader, stretch: Stretch, options: WalkOptions) {
    this.#journal = journal
    this.#reader = reader
    this.#stretch = stretch
    this.#options = options
  }

  *run(): Generator<Found | undefined, void, undefined> {
    const { selection, isBackwards, from, until } = this.#options
    const { topics } = selection
    const chapters = isBackwards ? this.#stretch.toReversed() : this.#stretch
    /** Stored chapters before this one have nothing. */
    let due = isBackwards ? Infinity : -1
    for (const chapter of chapters) {
      if (isBackwards ? chapter.toMs < until.atMs : chapter.fromMs > until.atMs) return
      if (chapter.isGone || (isBackwards ? chapter.fromMs > from.atMs : chapter.toMs < from.atMs)) continue
      if (topics !== undefined && topics.size <= FEW_TOPICS && chapter.isStored) {
        if (isBackwards ? chapter.first > due : chapter.first < due) continue
        due = this.#nextWith(topics, chapter.first)
        yield undefined
        if (chapter.first !== due) continue
      }
      const isInside = chapter.fromMs <= from.atMs && from.atMs <= chapter.toMs
      const bound = isInside ? placeIn(this.#reader, chapter, from) : isBackwards ? chapter.next : chapter.first
      yield* topics === undefined || selection.isBroad
        ? this.#scan(chapter, bound)
        : this.#lookUp(chapter, topics, bound)
    }
  }

  /** The next stored chapter with one of the topics, from `first` on in the direction of the walk. */
  #nextWith(topics: Iterable<HistoryTopic>, first: number): number {
    const { isBackwards } = this.#options
    let due = isBackwards ? -1 : Infinity
    for (const { number } of topics) {
      const next = this.#reader.chapterWith(number, first, isBackwards)
      if (next !== undefined && (isBackwards ? next > due : next < due)) due = next
    }
    return due
  }

  /** Looks at every entry. It begins at `bound`, which is included when it goes forwards and left out when it goes backwards. */
  *#scan(chapter: Chapter, bound: number): Generator<Found | undefined, void, undefined> {
    const { isBackwards } = this.#options
    let at = isBackwards ? bound - 1 : bound
    while (at >= chapter.first && at < chapter.next) {
      const block = isBackwards ? this.#reader.blockBefore(chapter, at) : this.#reader.blockFrom(chapter, at)
      if (block === undefined) return
      if (isBackwards) {
        for (let i = block.lowerBound(at + 1) - 1; i >= 0; i--) {
          const found = this.#look(block, i)
          if (found !== undefined) yield found
        }
        at = block.first - 1
      } else {
        const { count } = block
        for (let i = block.lowerBound(at); i < count; i++) {
          const found = this.#look(block, i)
          if (found !== undefined) yield found
        }
        at = block.sequence(count - 1) + 1
      }
      yield undefined
    }
  }

  /** Looks only at the entries that the index has for the topics. */
  *#lookUp(
    chapter: Chapter,
    topics: ReadonlySet<HistoryTopic>,
    bound: number,
  ): Generator<Found | undefined, void, undefined> {
    const { isBackwards } = this.#options
    const deltas: number[] = []
    for (const number of this.#numbersIn(chapter, topics)) {
      const some = this.#reader.deltas(chapter, number)
      if (some === undefined) continue
      for (let i = 0; i < some.length; i++) {
        const delta = some[i] ?? 0
        if (chapter.first + delta >= bound !== isBackwards) deltas.push(delta)
      }
      yield undefined
    }
    const upwards = Uint16Array.from(deltas).toSorted()
    const ordered = isBackwards ? upwards.toReversed() : upwards
    let block: HistoryBlock | undefined
    for (const delta of ordered) {
      const sequence = chapter.first + delta
      let index = block?.indexOf(sequence) ?? -1
      if (index === -1) {
        yield undefined
        block = this.#reader.blockBefore(chapter, sequence)
        index = block?.indexOf(sequence) ?? -1
      }
      const found = block === undefined || index === -1 ? undefined : this.#look(block, index)
      if (found !== undefined) yield found
    }
  }

  /** The numbers of those topics that may be in the chapter, from the shorter list. */
  *#numbersIn(chapter: Chapter, topics: ReadonlySet<HistoryTopic>): Generator<number, void, undefined> {
    if (topics.size <= FEW_TOPICS) {
      for (const { number } of topics) yield number
      return
    }
    for (const number of this.#reader.members(chapter)) {
      const topic = this.#journal.topics.byNumber(number)
      if (topic !== undefined && topics.has(topic)) yield number
    }
  }

  /** The entry, if it is one of the topics' and not gone. */
  #look(block: HistoryBlock, index: number): Found | undefined {
    const { selection, nowMs } = this.#options
    const topic = this.#journal.topics.byNumber(block.topic(index))
    if (topic === undefined || !isSelected(selection, topic)) return undefined
    const sequence = block.sequence(index)
    const atMs = block.atMs(index)
    if (sequence < topic.floor || atMs < nowMs - topic.terms.maxAgeMs) return undefined
    return { sequence, atMs, topic, block, index }
  }
}

/** The sequence number of the chapter's first entry that is not before `place`; after all entries when there is none. */
export function placeIn(reader: ChapterReader, chapter: Chapter, place: Place): number {
  let low = chapter.first
  let high = chapter.next
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const block = reader.blockBefore(chapter, middle) ?? reader.blockFrom(chapter, middle)
    if (block === undefined) return high
    const last = block.count - 1
    if (isBefore(block, last, place)) low = Math.max(block.sequence(last), middle) + 1
    else if (!isBefore(block, 0, place)) high = Math.min(block.first, middle)
    else return block.sequence(firstNotBefore(block, place))
  }
  return low
}

function firstNotBefore(block: HistoryBlock, place: Place): number {
  let low = 0
  let high = block.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isBefore(block, middle, place)) low = middle + 1
    else high = middle
  }
  return low
}

function isBefore(block: HistoryBlock, index: number, place: Place): boolean {
  const atMs = block.atMs(index)
  return atMs < place.atMs || (atMs === place.atMs && block.sequence(index) < place.sequence)
}
