import { afterEach, describe, expect, test } from 'vitest'
import { Message } from '../../src/protocol/message.ts'
import { BlockWriter, type HistoryBlock } from '../../src/history/log/history-block.ts'
import type {
  HistoryChanges,
  HistoryLog,
  PostingList,
  StoredChapter,
  StoredTopic,
} from '../../src/history/log/history-log.ts'

/** Where the logs of one test are. */
export interface HistoryLogPlace {
  /** A log that is not started; each is stopped before the next is opened. */
  readonly open: () => HistoryLog
  /** What was written outlives the log. */
  readonly isKept: boolean
}

/** A block with an entry for each of the sequence numbers, of the topic 1 and at the time of the number. */
export function blockOf(...sequences: readonly number[]): HistoryBlock {
  const writer = new BlockWriter()
  for (const sequence of sequences) {
    const message = Message.create('t', Buffer.from(`of ${sequence}`), 1, false, 'publisher')
    writer.append(sequence, sequence, 1, message)
  }
  return writer.take()
}

export function changesOf(changes: Partial<HistoryChanges>): HistoryChanges {
  return {
    removedRanges: [],
    removedChapters: [],
    removedPostingLists: [],
    removedTopics: [],
    newTopics: [],
    putBlocks: [],
    putPostingLists: [],
    putChapters: [],
    putMembers: [],
    putTopics: [],
    totals: { nextSequence: 1, nextTopic: 1, open: [] },
    ...changes,
  }
}

export function postingListOf(topic: number, chapter: number, ...deltas: readonly number[]): PostingList {
  return { topic, chapter, deltas: Uint16Array.from(deltas), sizes: Uint32Array.from(deltas, (delta) => delta * 3) }
}

function payloadsOf(block: HistoryBlock | undefined): string[] | undefined {
  if (block === undefined) return undefined
  return Array.from({ length: block.count }, (_, i) => block.message(i).payload.toString())
}

/** Checks the promises of `HistoryLog` (src/history/log/history-log.ts). */
export function testHistoryLog(name: string, newPlace: () => HistoryLogPlace): void {
  let started: HistoryLog | undefined
  afterEach(async () => {
    await started?.stop()
    started = undefined
  })

  async function start(place: HistoryLogPlace): Promise<HistoryLog> {
    await started?.stop()
    started = place.open()
    await started.start()
    return started
  }

  describe(`${name} keeps what HistoryLog promises`, () => {
    test('finds the blocks from a sequence number on in both directions (2)', async () => {
      const log = await start(newPlace())
      await log.write(changesOf({ putBlocks: [blockOf(10, 11), blockOf(20), blockOf(2 ** 40)] }))
      const first = (at: number, isBackwards: boolean): number | undefined => log.block(at, isBackwards)?.first
      expect([0, 10, 11, 20, 21, 2 ** 40 + 1].map((at) => first(at, false))).toEqual([
        10,
        10,
        20,
        20,
        2 ** 40,
        undefined,
      ])
      expect([9, 10, 11, 19, 20, 2 ** 41].map((at) => first(at, true))).toEqual([undefined, 10, 10, 10, 20, 2 ** 40])
      expect(first(-1, true)).toBe(undefined)
      expect(payloadsOf(log.block(10, false))).toEqual(['of 10', 'of 11'])
    })

    test('finds posting lists by topic and chapter, and the chapters that have one in both directions (2)', async () => {
      const log = await start(newPlace())
      await log.write(
        changesOf({
          putPostingLists: [
            postingListOf(1, 5, 0, 7),
            postingListOf(1, 90, 3),
            postingListOf(2, 5, 1),
            postingListOf(2, 60, 65_535),
          ],
        }),
      )
      expect(log.postingList(1, 5)).toEqual(postingListOf(1, 5, 0, 7))
      expect(log.postingList(2, 60)).toEqual(postingListOf(2, 60, 65_535))
      expect(log.postingList(1, 60)).toBe(undefined)
      expect(log.postingList(3, 5)).toBe(undefined)
      expect([0, 5, 6, 91].map((at) => log.chapterWith(1, at, false))).toEqual([5, 5, 90, undefined])
      expect([4, 5, 89, 1000].map((at) => log.chapterWith(1, at, true))).toEqual([undefined, 5, 5, 90])
      expect(log.chapterWith(2, 4, true)).toBe(undefined)
      expect(log.chapterWith(3, 0, false)).toBe(undefined)
    })

    test('takes away first and puts then, so that a chapter can be written anew (1)', async () => {
      const log = await start(newPlace())
      await log.write(changesOf({ putBlocks: [blockOf(1), blockOf(2), blockOf(3), blockOf(4)] }))
      await log.write(changesOf({ removedRanges: [{ first: 2, next: 4 }], putBlocks: [blockOf(3, 5)] }))
      expect([1, 2, 4].map((at) => payloadsOf(log.block(at, false)))).toEqual([['of 1'], ['of 3', 'of 5'], ['of 4']])
    })

    test('lets go of postingLists and of what a chapter had', async () => {
      const log = await start(newPlace())
      const members = [{ chapter: 5, topics: Uint32Array.of(1, 2, 2 ** 32 - 1) }]
      await log.write(
        changesOf({ putPostingLists: [postingListOf(1, 5, 0), postingListOf(2, 5, 1)], putMembers: members }),
      )
      expect([...log.members(5)]).toEqual([1, 2, 2 ** 32 - 1])
      await log.write(changesOf({ removedPostingLists: [{ topic: 1, chapter: 5 }], removedChapters: [5] }))
      expect(log.postingList(1, 5)).toBe(undefined)
      expect(log.postingList(2, 5)).toEqual(postingListOf(2, 5, 1))
      expect([...log.members(5)]).toEqual([])
      expect(log.chapterWith(1, 0, false)).toBe(undefined)
    })

    test('has all of it after a new start, or nothing when it is in memory (2)', async () => {
      const place = newPlace()
      const topic: StoredTopic = { number: 7, name: 'é/7', messages: 2, bytes: 99, floor: 2 ** 40, newestAtMs: 1.5e12 }
      const chapter: StoredChapter = {
        first: 2 ** 41,
        next: 2 ** 41 + 65_536,
        fromMs: 1.5e12,
        toMs: 1.6e12,
        messages: 12,
        bytes: 2 ** 33,
        deadBytes: 3,
      }
      const totals = { nextSequence: 2 ** 42, nextTopic: 8, open: [3, 2 ** 41] }
      const log = await start(place)
      await log.write(
        changesOf({
          putTopics: [topic, { ...topic, number: 8 }],
          putChapters: [chapter, { ...chapter, first: 1, next: 3 }],
          putBlocks: [blockOf(1)],
          putPostingLists: [postingListOf(7, 1, 0)],
          putMembers: [{ chapter: 1, topics: Uint32Array.of(7) }],
          totals,
        }),
      )
      await log.write(changesOf({ removedTopics: [8], totals }))
      await log.stop()
      started = place.open()
      const stored = await started.start()
      if (!place.isKept) {
        expect([...stored.topics, ...stored.chapters, stored.totals]).toEqual([undefined])
        return
      }
      expect([...stored.topics]).toEqual([topic])
      expect([...stored.chapters]).toEqual([{ ...chapter, first: 1, next: 3 }, chapter])
      expect(stored.totals).toEqual(totals)
      expect(payloadsOf(started.block(0, false))).toEqual(['of 1'])
      expect(started.postingList(7, 1)).toEqual(postingListOf(7, 1, 0))
      expect([...started.members(1)]).toEqual([7])
    })
  })
}
