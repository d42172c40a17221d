import type { HistoryBlock } from '../log/history-block.ts'
import type { HistoryLog } from '../log/history-log.ts'
import type { Chapter } from '../record/chapter.ts'

/** Reads chapters, whether they are stored, waiting to be stored, or open. Removed entries are not found. */
export class ChapterReader {
  readonly #log: HistoryLog

  constructor(log: HistoryLog) {
    this.#log = log
  }

  /** The block that has this sequence number, or else the next one. */
  blockFrom(chapter: Chapter, sequence: number): HistoryBlock | undefined {
    const block = this.blockBefore(chapter, sequence)
    if (block !== undefined && lastOf(block) >= sequence) return block
    return this.#nextBlock(chapter, block === undefined ? sequence : block.first + 1)
  }

  /** The block that has this sequence number, or else the one before it. */
  blockBefore(chapter: Chapter, sequence: number): HistoryBlock | undefined {
    const { writer, pending, first } = chapter
    if (writer !== undefined && writer.count > 0 && writer.first <= sequence) return writer.peek()
    const waiting = pending.findLast((block) => block.first <= sequence)
    if (waiting !== undefined) return waiting
    const stored = this.#log.block(sequence, true)
    return stored === undefined || stored.first < first ? undefined : stored
  }

  /** The sequence numbers of the topic's entries, less `chapter.first`; those before the topic's floor are gone. */
  deltas(chapter: Chapter, topic: number): ArrayLike<number> | undefined {
    const { index } = chapter
    if (index === undefined) return this.#log.postingList(topic, chapter.first)?.deltas
    const place = index.placeOf(topic)
    return place === -1 ? undefined : index.deltasAt(place)
  }

  /** The next stored chapter from `first` on that has entries of the topic; `isBackwards`: the one before, `first` included. */
  chapterWith(topic: number, first: number, isBackwards: boolean): number | undefined {
    return this.#log.chapterWith(topic, first, isBackwards)
  }

  /** The topics that the chapter has entries of. */
  members(chapter: Chapter): Iterable<number> {
    return chapter.index?.topics() ?? this.#log.members(chapter.first)
  }

  /** The first block that begins with this sequence number or a later one. */
  #nextBlock(chapter: Chapter, sequence: number): HistoryBlock | undefined {
    const { writer, pending, next } = chapter
    const stored = this.#log.block(sequence, false)
    if (stored !== undefined && stored.first < next) return stored
    const waiting = pending.find((block) => block.first >= sequence)
    if (waiting !== undefined) return waiting
    return writer !== undefined && writer.count > 0 && writer.first >= sequence ? writer.peek() : undefined
  }
}

function lastOf(block: HistoryBlock): number {
  return block.sequence(block.count - 1)
}
