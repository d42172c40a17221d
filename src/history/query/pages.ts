import { LoopPart } from '../../base/loop-times.ts'
import { PageBudget } from '../../base/page-budget.ts'
import type { Clock } from '../../base/clock.ts'
import type { TopicLimits } from '../../protocol/topic.ts'
import { Conditions } from './conditions.ts'
import { comparePlaces, type Direction, encodeCursor, type Place } from './search-cursor.ts'
import type { HistoryEntry, HistoryPage, HistoryPosition, HistoryQuery } from '../../admin/history-view.ts'
import type { Journal } from '../record/journal.ts'
import type { ChapterReader } from './reader.ts'
import { BEGINNING, END, readQuery, type Search } from './search.ts'
import { type Selection, select } from './selection.ts'
import { Slices } from '../../base/slices.ts'
import { type Found, walk } from './walk.ts'

/** What pages are read from. */
export interface PageParts {
  readonly journal: Journal
  readonly reader: ChapterReader
  readonly clock: Clock
  readonly topicLimits: TopicLimits
}

const ENTRIES_BETWEEN_PAUSES = 50

/** A query, with everything needed for one page. */
interface Request {
  readonly search: Search
  readonly selection: Selection
  readonly conditions: Conditions
  readonly after: Place
  readonly before: Place
  readonly slices: Slices
  readonly nowMs: number
  /** How much of a payload counts as shown. */
  readonly shownBytes: number
}

/** Entries in one direction, and where they end. */
interface Part {
  readonly entries: HistoryEntry[]
  readonly scanned: number
  readonly isComplete: boolean
  /** The entry after which it continues; undefined at the end. */
  readonly last: Place | undefined
}

/** Answers queries one page at a time. */
export class Pages {
  readonly #parts: PageParts

  constructor(parts: PageParts) {
    this.#parts = parts
  }

  /** @throws HubbubError `HISTORY_QUERY_INVALID` naming the parameter; the reason of `signal` */
  async page(query: HistoryQuery, signal?: AbortSignal): Promise<HistoryPage> {
    const { journal, clock, topicLimits } = this.#parts
    const search = readQuery(query, topicLimits)
    const slices = new Slices(LoopPart.HISTORY, signal)
    const request: Request = {
      search,
      selection: await select(journal.topics, search.filter, journal.messages, slices, query.includes),
      conditions: new Conditions(search),
      after: this.#after(search.after),
      before: search.before === undefined ? END : this.placeOf(search.before),
      slices,
      nowMs: clock.wallMs(),
      shownBytes: query.shownBytes ?? Infinity,
    }
    return search.around === undefined ? this.#inOrder(request) : this.#around(request, this.placeOf(search.around))
  }

  /** All entries that match, one by one, the oldest first unless the query says otherwise. `limit` and `around` do not apply. */
  async *entries(query: HistoryQuery, signal?: AbortSignal): AsyncGenerator<HistoryEntry, void, undefined> {
    const { journal, reader, clock, topicLimits } = this.#parts
    const { filter, before, after, text, where, order = 'oldest' } = query
    const search = readQuery({ filter, before, after, text, where, order }, topicLimits)
    const slices = new Slices(LoopPart.HISTORY, signal)
    const selection = await select(journal.topics, search.filter, journal.messages, slices, query.includes)
    const conditions = new Conditions(search)
    const isBackwards = order === 'newest'
    const from = this.#after(search.after)
    const until = search.before === undefined ? END : this.placeOf(search.before)
    let looked = 0
    const places = isBackwards ? { from: until, until: from } : { from, until }
    for (const found of walk(journal, reader, { selection, isBackwards, ...places, nowMs: clock.wallMs() })) {
      if (found === undefined || !conditions.isEmpty || ++looked % ENTRIES_BETWEEN_PAUSES === 0) await slices.pause()
      if (found !== undefined && conditions.matches(found, found.block.message(found.index))) yield entryOf(found)
    }
  }

  /** The place of an entry with this time or sequence number; when there is none, the place where it would be. */
  placeOf(position: HistoryPosition): Place {
    if ('atMs' in position) return { atMs: position.atMs, sequence: 0 }
    const { journal, reader } = this.#parts
    const { sequence } = position
    const chapter = journal.chapters.at(sequence)
    if (chapter === undefined) return BEGINNING
    const block = reader.blockFrom(chapter, sequence)
    if (block === undefined) return { atMs: chapter.toMs, sequence }
    return { atMs: block.atMs(Math.min(block.lowerBound(sequence), block.count - 1)), sequence }
  }

  /** Where entries after a position begin: without the entry of its sequence number, but with those of its time. */
  #after(position: HistoryPosition | undefined): Place {
    if (position === undefined) return BEGINNING
    return 'sequence' in position ? next(this.placeOf(position)) : this.placeOf(position)
  }

  async #inOrder(request: Request): Promise<HistoryPage> {
    const { direction, cursor, limit, print } = request.search
    const isBackwards = direction !== 'oldest'
    const start = isBackwards ? request.before : request.after
    const from = cursor === undefined ? start : isBackwards ? earlier(cursor, start) : later(next(cursor), start)
    const part = await this.#part(request, from, isBackwards, limit)
    const going = part.last === undefined ? null : encodeCursor({ direction, place: part.last }, print)
    const isPrevious = direction === 'previous'
    return {
      entries: isPrevious ? part.entries.toReversed() : part.entries,
      nextCursor: isPrevious ? null : going,
      previousCursor: isPrevious ? going : null,
      scanned: part.scanned,
      unsearched: request.conditions.unsearched,
      isComplete: part.isComplete,
    }
  }

  async #around(request: Request, place: Place): Promise<HistoryPage> {
    const { limit, print } = request.search
    const older = await this.#part(request, place, true, Math.floor(limit / 2))
    const newer = await this.#part(request, place, false, limit - older.entries.length)
    const cursor = (direction: Direction, { last }: Part): string | null =>
      last === undefined ? null : encodeCursor({ direction, place: last }, print)
    return {
      entries: [...older.entries.toReversed(), ...newer.entries],
      nextCursor: cursor('oldest', newer),
      previousCursor: cursor('previous', older),
      scanned: older.scanned + newer.scanned,
      unsearched: request.conditions.unsearched,
      isComplete: older.isComplete && newer.isComplete,
    }
  }

  async #part(request: Request, from: Place, isBackwards: boolean, limit: number): Promise<Part> {
    const { journal, reader } = this.#parts
    const { selection, conditions, slices, nowMs } = request
    const budget = new PageBudget()
    const until = isBackwards ? request.after : request.before
    const entries: HistoryEntry[] = []
    let scanned = 0
    let last: Place | undefined
    const steps = walk(journal, reader, { selection, isBackwards, from, until, nowMs })
    for (let step = steps.next(); step.done !== true; step = steps.next()) {
      const found = step.value
      if (found === undefined) {
        budget.search()
        await slices.pause()
        continue
      }
      if (entries.length >= limit) return { entries, scanned, isComplete: true, last: last ?? from }
      // A page does not end before there is an entry after which the next one can continue.
      if (budget.isUsedUp && last !== undefined) return { entries, scanned, isComplete: false, last }
      scanned++
      last = { atMs: found.atMs, sequence: found.sequence }
      const view = found.block.message(found.index)
      budget.look(view.payloadBytes, conditions.work(view.payloadBytes))
      if (conditions.matches(found, view)) {
        entries.push(entryOf(found))
        budget.show(found.topic.name.length + Math.min(view.payloadBytes, request.shownBytes))
      }
      // To copy a large one, or to look into it, takes long.
      await slices.pause()
    }
    return { entries, scanned, isComplete: true, last: undefined }
  }
}

/** An entry with a copy of its message, so that it does not keep the block in memory. */
export function entryOf({ sequence, atMs, topic, block, index }: Found): HistoryEntry {
  const message = block.copyOf(index)
  const { publisher = null, qos, retain } = message
  return { sequence, atMs, topic: topic.name, publisher, qos, retain, message }
}

function next({ atMs, sequence }: Place): Place {
  return { atMs, sequence: sequence + 1 }
}

function earlier(a: Place, b: Place): Place {
  return comparePlaces(a, b) < 0 ? a : b
}

function later(a: Place, b: Place): Place {
  return comparePlaces(a, b) < 0 ? b : a
}
