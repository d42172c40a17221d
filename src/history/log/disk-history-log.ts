import { LOOP_TIMES, LoopPart } from '../../base/loop-times.ts'
import { once } from 'node:events'
import { join } from 'node:path'
import { Slices } from '../../base/slices.ts'
import { TURN } from '../../base/turn.ts'
import { formatBytes } from '../../base/bytes.ts'
import { HubbubError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { Records } from '../../store/disk/databases.ts'
import { existingStore } from '../../store/disk/backup.ts'
import { freeBytes, reasonOf } from '../../store/disk/batches.ts'
import { HistoryBlock } from './history-block.ts'
import { HISTORY_PLAN, type HistoryDatabases, openHistoryDatabases } from './history-databases.ts'
import type {
  HistoryChanges,
  HistoryLog,
  PostingList,
  SequenceRange,
  StoredChapter,
  StoredHistory,
  StoredTopic,
} from './history-log.ts'
import {
  decodeChapter,
  decodeMembers,
  decodePostingList,
  decodeTopic,
  decodeTotals,
  encodeChapter,
  encodeMembers,
  encodePostingList,
  encodeTopic,
  encodeTotals,
  MAX_SEQUENCE,
  readRunKey,
  readSequenceKey,
  postingListKey,
  sequenceKey,
  topicKey,
} from './history-records.ts'
import { findDamage, moveAside } from '../../store/disk/integrity.ts'
import { checked, DamagedRecordError, decodeText, encodeText } from '../../store/disk/records.ts'
import { Place } from '../../store/disk/place.ts'
import { putBack } from '../../store/disk/put-back.ts'
import { HISTORY_FILE } from '../../store/disk/store-file.ts'

/** How a history on disk is opened. */
export interface DiskHistoryOptions {
  /** The data folder, whose lock the caller has. */
  readonly folder: string
  readonly log: Log
  /** For a program that only reads: nothing is written, and nothing is moved aside. */
  readonly isReadOnly?: boolean
}

/** Version of what `history-records.ts` and `history-block.ts` write; see `README.md` in this folder. */
const FORMAT = 'hubbub history 1'
const FORMAT_KEY = Buffer.from('format')
const TOTALS_KEY = Buffer.from('totals')
/**
 * The free disk space that the history leaves to the store. The history itself must not fill the disk either: a commit of
 * lmdb 3.5.6 that fails on a full disk can corrupt the memory of the process (found by the torture test of a full disk).
 */
const RESERVED_BYTES = 64 * 1024 ** 2
const CLOSE_DEADLINE_MS = 1000
/** Records between two looks at the time: well under a millisecond. */
const RECORDS_BETWEEN_LOOKS = 32
/** Records put in one go where they may be stored in several transactions: to encode and put one takes 1 to 6 µs. */
const PART_RECORDS = 1024
const PART_MS = 1.5
/** It takes more records than this for a transaction of their own. */
const FEW_RECORDS = 256
const NO_TOPICS = new Uint32Array()

/** The history in a file of its own beside the store, so that no acknowledgement waits for it. */
export class DiskHistoryLog implements HistoryLog {
  readonly maxBytes = Infinity
  readonly #options: DiskHistoryOptions
  #databases: HistoryDatabases | undefined = undefined
  #place: Place | undefined = undefined
  #isFailing = false

  constructor(options: DiskHistoryOptions) {
    this.#options = options
  }

  /** @throws HubbubError `STORE_UNUSABLE` when another version of Hubbub wrote it */
  async start(): Promise<StoredHistory> {
    const { folder, log, isReadOnly = false } = this.#options
    const path = isReadOnly ? existingStore(folder, HISTORY_FILE) : join(folder, HISTORY_FILE)
    let damage = await findDamage(path, HISTORY_PLAN)
    if (damage === undefined) {
      try {
        return await this.#open(path)
      } catch (error) {
        await this.#databases?.root.close()
        this.#databases = undefined
        if (error instanceof HubbubError || isReadOnly) throw error
        damage = error instanceof Error ? error.message : String(error)
      }
    }
    if (isReadOnly) throw new HubbubError('STORE_UNUSABLE', `Cannot read ${path}: it must be a history, ${damage}`)
    const aside = moveAside(path, 'damaged')
    log.error(
      { reason: damage, movedTo: aside },
      'the damaged history was moved aside: the hub starts with an empty one',
    )
    return this.#open(path)
  }

  async stop(): Promise<void> {
    const databases = this.#databases
    this.#databases = undefined
    if (databases === undefined) return
    // After a commit that failed, LMDB never ends its closing.
    const deadline = AbortSignal.timeout(CLOSE_DEADLINE_MS)
    const closing = databases.root.close()
    if (this.#isFailing) await Promise.race([closing, once(deadline, 'abort')])
    else await closing
  }

  async write(changes: HistoryChanges): Promise<void> {
    const { folder } = this.#options
    await this.#putBack()
    const databases = this.#running
    if (freeBytes(folder) < RESERVED_BYTES) {
      throw new Error(
        `the disk has less than ${formatBytes(RESERVED_BYTES)} left, which are reserved for messages that must be kept`,
      )
    }
    try {
      const early = putEarly(databases, changes)
      // They are not waited for one by one: LMDB makes one transaction of what comes while it writes.
      const parts: Promise<Fault>[] = []
      let left = changes.putMembers.reduce((sum, { topics }) => sum + topics.length, changes.newTopics.length)
      while (left > FEW_RECORDS) {
        const { records, stored } = this.#putSome(early)
        parts.push(stored)
        left -= records
        // oxlint-disable-next-line no-await-in-loop -- others go first
        await TURN.next()
      }
      const puts = await encode(databases, changes)
      const last = this.#batch(() => {
        remove(databases, changes)
        while (early.next().done !== true);
        for (const { records, key, value } of puts) void records.put(key, value)
      })
      for (const { error } of await Promise.all([...parts, last])) if (error !== undefined) throw error
      this.#isFailing = false
    } catch (error) {
      this.#isFailing = true
      throw await reasonOf(error)
    }
  }

  /** Writes the file anew if it was deleted. @throws Error while that cannot be */
  async #putBack(): Promise<void> {
    const place = this.#place
    if (place === undefined || place.isKept) return
    const before = this.#running
    this.#isFailing = true
    await putBack(before.root, place)
    this.#databases = openHistoryDatabases(place.path)
    this.#place = new Place(place.path)
    this.#options.log.warn(
      { file: place.path },
      'the history was deleted while the hub used it, and is written anew, whole',
    )
    await before.root.close()
  }

  /** Goes on with `puts` for a moment. */
  #putSome(puts: Iterator<void>): { readonly records: number; readonly stored: Promise<Fault> } {
    let records = 0
    const stored = this.#batch(() => {
      records = takeSome(puts)
    })
    return { records, stored }
  }

  async #batch(write: () => void): Promise<Fault> {
    try {
      await this.#running.root.batch(() => {
        const before = LOOP_TIMES.enter(LoopPart.HISTORY)
        write()
        LOOP_TIMES.leave(before)
      })
      return {}
    } catch (error) {
      return { error }
    }
  }

  block(first: number, isBackwards: boolean): HistoryBlock | undefined {
    const { blocks } = this.#running
    for (let from = first; from >= 0 && from <= MAX_SEQUENCE;) {
      const entry = one(blocks, { start: sequenceKey(from), reverse: isBackwards })
      if (entry === undefined) return undefined
      const key = readSequenceKey(entry.key)
      const block = this.#undamaged(() => new HistoryBlock(key, checked(entry.value, 'a block of the history')))
      if (block !== undefined) return block
      from = key + (isBackwards ? -1 : 1)
    }
    return undefined
  }

  postingList(topic: number, chapter: number): PostingList | undefined {
    const value = this.#running.postingLists.get(postingListKey(topic, chapter))
    return value === undefined ? undefined : this.#undamaged(() => decodePostingList(topic, chapter, value))
  }

  chapterWith(topic: number, first: number, isBackwards: boolean): number | undefined {
    if (first < 0) return undefined
    const start = postingListKey(topic, Math.min(first, MAX_SEQUENCE))
    for (const key of this.#running.postingLists.getKeys({ start, reverse: isBackwards, limit: 1 })) {
      const found = readRunKey(key)
      return found.topic === topic ? found.chapter : undefined
    }
    return undefined
  }

  members(chapter: number): Uint32Array {
    const value = this.#running.members.get(sequenceKey(chapter))
    return (value === undefined ? undefined : this.#undamaged(() => decodeMembers(value))) ?? NO_TOPICS
  }

  async #open(path: string): Promise<StoredHistory> {
    const { folder, isReadOnly = false } = this.#options
    const databases = openHistoryDatabases(path, isReadOnly)
    this.#databases = databases
    this.#place = new Place(path)
    const { about, topics, chapters } = databases
    const stored = about.get(FORMAT_KEY)
    const format = stored === undefined ? undefined : decodeText(checked(stored, 'the format'))
    if (format !== undefined && format !== FORMAT) {
      const text = `Cannot use the history in ${folder}: its format must be "${FORMAT}", it is ${JSON.stringify(format)}`
      throw new HubbubError(
        'STORE_UNUSABLE',
        `${text}; use the version of Hubbub that wrote it, or set history.enabled to false`,
      )
    }
    if (format === undefined && !isReadOnly) await about.put(FORMAT_KEY, encodeText(FORMAT))
    const totals = about.get(TOTALS_KEY)
    const allTopics: StoredTopic[] = []
    for (const { key, value } of topics.getRange()) allTopics.push(decodeTopic(key, value))
    const allChapters: StoredChapter[] = []
    for (const { key, value } of chapters.getRange()) allChapters.push(decodeChapter(key, value))
    return {
      topics: allTopics,
      chapters: allChapters,
      totals: totals === undefined ? undefined : decodeTotals(totals),
    }
  }

  get #running(): HistoryDatabases {
    if (this.#databases === undefined) throw new TypeError('the history is not started')
    return this.#databases
  }

  /** What `read` returns, or undefined when it finds damage. */
  #undamaged<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof DamagedRecordError)) throw error
      this.#options.log.error({ err: error }, 'part of the history cannot be read')
      return undefined
    }
  }
}

/** Why a batch was not stored. */
interface Fault {
  readonly error?: unknown
}

interface Found {
  readonly key: Buffer
  readonly value: Buffer
}

function one(records: Records, range: { readonly start: Buffer; readonly reverse: boolean }): Found | undefined {
  for (const entry of records.getRange({ ...range, limit: 1 })) return entry
  return undefined
}

interface Put {
  readonly records: Records
  readonly key: Buffer
  readonly value: Buffer
}

/** Puts what is stored before the rest, a record a step; runs inside of batches. LMDB copies a key, and keeps a value until then. */
function* putEarly(
  { topics, postingLists }: HistoryDatabases,
  changes: HistoryChanges,
): Generator<void, void, undefined> {
  for (const { number, name, floor, newestAtMs } of changes.newTopics) {
    void topics.put(topicKey(number), encodeTopic({ number, name, messages: 0, bytes: 0, floor, newestAtMs }))
    yield
  }
  for (const list of changes.putPostingLists) {
    void postingLists.put(postingListKey(list.topic, list.chapter), encodePostingList(list))
    yield
  }
}

/** Returns how many records that were, or more at the end. */
function takeSome(puts: Iterator<void>): number {
  const endMs = performance.now() + PART_MS
  let records = 0
  do {
    for (let i = 0; i < RECORDS_BETWEEN_LOOKS; i++) puts.next()
    records += RECORDS_BETWEEN_LOOKS
  } while (records < PART_RECORDS && performance.now() < endMs)
  return records
}

/** Encodes everything else that is put, in slices of the event loop, since a chapter may have thousands of topics. */
async function encode(databases: HistoryDatabases, changes: HistoryChanges): Promise<Put[]> {
  const slices = new Slices(LoopPart.HISTORY)
  const { about, blocks, chapters, members, topics } = databases
  const puts: Put[] = [{ records: about, key: TOTALS_KEY, value: encodeTotals(changes.totals) }]
  for (const { first, value } of changes.putBlocks) puts.push({ records: blocks, key: sequenceKey(first), value })
  for (const chapter of changes.putChapters) {
    puts.push({ records: chapters, key: sequenceKey(chapter.first), value: encodeChapter(chapter) })
  }
  for (const { chapter, topics: all } of changes.putMembers) {
    puts.push({ records: members, key: sequenceKey(chapter), value: encodeMembers(all) })
  }
  for (const topic of changes.putTopics) {
    if (puts.length % RECORDS_BETWEEN_LOOKS === 0) await slices.pause()
    puts.push({ records: topics, key: topicKey(topic.number), value: encodeTopic(topic) })
  }
  return puts
}

/** Runs inside a batch: each of these returns at once. */
function remove({ blocks, postingLists, chapters, members, topics }: HistoryDatabases, changes: HistoryChanges): void {
  for (const range of changes.removedRanges) {
    for (const key of keysIn(blocks, range)) void blocks.remove(key)
  }
  for (const { topic, chapter } of changes.removedPostingLists) void postingLists.remove(postingListKey(topic, chapter))
  for (const first of changes.removedChapters) {
    void chapters.remove(sequenceKey(first))
    void members.remove(sequenceKey(first))
  }
  for (const number of changes.removedTopics) void topics.remove(topicKey(number))
}

function keysIn(blocks: Records, { first, next }: SequenceRange): Buffer[] {
  return [...blocks.getKeys({ start: sequenceKey(first), end: sequenceKey(next) })]
}
