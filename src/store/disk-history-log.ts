import { once } from 'node:events'
import { join } from 'node:path'
import { HubbubError } from '../errors.ts'
import type { Log } from '../observe/log.ts'
import type { Records } from './databases.ts'
import { isDiskFull, reasonOf } from './batches.ts'
import { HistoryBlock } from './history-block.ts'
import { HISTORY_PLAN, type HistoryDatabases, openHistoryDatabases } from './history-databases.ts'
import type { HistoryChanges, HistoryLog, Run, StoredHistory, StoredTopic } from './history-log.ts'
import {
  decodeRun,
  decodeTopic,
  decodeTotals,
  encodeRun,
  encodeTopic,
  encodeTotals,
  MAX_SEQUENCE,
  readSequenceKey,
  runKey,
  sequenceKey,
  topicKey,
} from './history-records.ts'
import { findDamage, moveAside } from './integrity.ts'
import { checked, DamagedRecordError, decodeText, encodeText } from './records.ts'
import { HISTORY_FILE } from './store-file.ts'

/** What a history on disk is opened with. */
export interface DiskHistoryOptions {
  /** The data folder, whose lock the caller has. */
  readonly folder: string
  readonly log: Log
  /** Nothing is written, nothing moved aside: for a program that only looks. */
  readonly isReadOnly?: boolean
}

/** Version of what `history-records.ts` and `history-block.ts` write; see `README.md` in this folder. */
const FORMAT = 'hubbub history 1'
const FORMAT_KEY = Buffer.from('format')
const TOTALS_KEY = Buffer.from('totals')
const CLOSE_DEADLINE_MS = 1000

/** The history in a file of its own beside the store, so that no acknowledgement waits for it. */
export class DiskHistoryLog implements HistoryLog {
  readonly maxBytes = Infinity
  readonly #options: DiskHistoryOptions
  #databases: HistoryDatabases | undefined = undefined
  #isFailing = false

  constructor(options: DiskHistoryOptions) {
    this.#options = options
  }

  /** @throws HubbubError `STORE_UNUSABLE` when another version of Hubbub wrote it */
  async start(): Promise<StoredHistory> {
    const { folder, log, isReadOnly = false } = this.#options
    const path = join(folder, HISTORY_FILE)
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
    if (isReadOnly) throw new HubbubError('STORE_UNUSABLE', `Cannot read ${path}: a history is wanted, ${damage}`)
    const aside = moveAside(path, 'damaged')
    log.error(
      { reason: damage, movedTo: aside },
      'the damaged history was moved aside: the hub begins with an empty one',
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
    const databases = this.#running
    // LMDB writes each failure to stderr, so it is not tried again while it cannot work.
    if (this.#isFailing && isDiskFull(folder)) throw new Error('the disk is full')
    try {
      await databases.root.batch(() => put(databases, changes))
      this.#isFailing = false
    } catch (error) {
      this.#isFailing = true
      const reason = await reasonOf(error)
      throw isDiskFull(folder) ? new Error('the disk is full', { cause: reason }) : reason
    }
  }

  block(first: number, isBackwards: boolean): HistoryBlock | undefined {
    const { blocks } = this.#running
    for (let from = first; from >= 0 && from <= MAX_SEQUENCE;) {
      const entry = one(blocks, { start: sequenceKey(from), reverse: isBackwards })
      if (entry === undefined) return undefined
      const key = readSequenceKey(entry.key)
      try {
        return new HistoryBlock(key, checked(entry.value, 'a block of the history'))
      } catch (error) {
        this.#onDamage(error)
        from = key + (isBackwards ? -1 : 1)
      }
    }
    return undefined
  }

  run(topic: number, first: number, isBackwards: boolean): Run | undefined {
    const { runs } = this.#running
    for (let from = first; from >= 0 && from <= MAX_SEQUENCE;) {
      const entry = one(runs, { start: runKey(topic, from), reverse: isBackwards })
      if (entry === undefined || entry.key.readUInt32BE(0) !== topic) return undefined
      try {
        return decodeRun(entry.key, entry.value)
      } catch (error) {
        this.#onDamage(error)
        from = entry.key.readUIntBE(4, 6) + (isBackwards ? -1 : 1)
      }
    }
    return undefined
  }

  async #open(path: string): Promise<StoredHistory> {
    const { folder, isReadOnly = false } = this.#options
    const databases = openHistoryDatabases(path, isReadOnly)
    this.#databases = databases
    const { about, topics } = databases
    const stored = about.get(FORMAT_KEY)
    const format = stored === undefined ? undefined : decodeText(checked(stored, 'the format'))
    if (format !== undefined && format !== FORMAT) {
      const text = `Cannot use the history in ${folder}: its format must be "${FORMAT}", it is ${JSON.stringify(format)}`
      throw new HubbubError(
        'STORE_UNUSABLE',
        `${text}; use the version of Hubbub that wrote it, or switch history.enabled off`,
      )
    }
    if (format === undefined && !isReadOnly) await about.put(FORMAT_KEY, encodeText(FORMAT))
    const totals = about.get(TOTALS_KEY)
    const all: StoredTopic[] = []
    for (const { key, value } of topics.getRange()) all.push(decodeTopic(key, value))
    return { topics: all, totals: totals === undefined ? undefined : decodeTotals(totals) }
  }

  get #running(): HistoryDatabases {
    if (this.#databases === undefined) throw new TypeError('the history is not started')
    return this.#databases
  }

  #onDamage(error: unknown): void {
    if (!(error instanceof DamagedRecordError)) throw error
    this.#options.log.error({ err: error }, 'a part of the history cannot be read')
  }
}

interface Found {
  readonly key: Buffer
  readonly value: Buffer
}

function one(records: Records, range: { readonly start: Buffer; readonly reverse: boolean }): Found | undefined {
  for (const entry of records.getRange({ ...range, limit: 1 })) return entry
  return undefined
}

/** Runs inside a batch: each of these returns at once. */
function put({ about, blocks, runs, topics }: HistoryDatabases, changes: HistoryChanges): void {
  for (const first of changes.removedBlocks) void blocks.remove(sequenceKey(first))
  for (const { topic, first } of changes.removedRuns) void runs.remove(runKey(topic, first))
  for (const number of changes.removedTopics) void topics.remove(topicKey(number))
  for (const block of changes.putBlocks) void blocks.put(sequenceKey(block.first), block.value)
  for (const run of changes.putRuns) void runs.put(runKey(run.topic, run.first), encodeRun(run))
  for (const topic of changes.putTopics) void topics.put(topicKey(topic.number), encodeTopic(topic))
  void about.put(TOTALS_KEY, encodeTotals(changes.totals))
}
