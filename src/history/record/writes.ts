import type { Log } from '../../base/log.ts'
import type { HistoryLog } from '../log/history-log.ts'
import type { Batch } from './changes.ts'

/** The owner of the changes. */
export interface WritesOwner {
  /** There are changes that are in no batch. */
  readonly hasChanges: boolean
  /** What was written has made something ready to be written at once. */
  readonly isIndexDue: boolean
  /** The changes since the last call, or undefined when there are none. */
  takeBatch(): Batch | undefined
  wasWritten(batch: Batch): void
  /** The batch failed: its changes must be part of the next one. */
  wasNotWritten(batch: Batch): void
}

/** How long a change may wait to be written together with others: LMDB copies some ten pages for each batch. */
const WRITE_MS = 1000
const RETRY_MS = 1000
const REPORT_EVERY_MS = 60_000

/** Writes changes, one batch after the other. A batch that cannot be written is tried again every second. */
export class Writes {
  isFailing = false
  readonly #owner: WritesOwner
  readonly #log: HistoryLog
  readonly #logger: Log
  #timer: NodeJS.Timeout | undefined = undefined
  #writing: Promise<void> | undefined = undefined
  #reportedAtMs = -REPORT_EVERY_MS
  #isStopped = false
  readonly #onTimer: () => void
  readonly #onWritten: () => void

  constructor(owner: WritesOwner, log: HistoryLog, logger: Log) {
    this.#owner = owner
    this.#log = log
    this.#logger = logger
    this.#onTimer = () => void this.now()
    this.#onWritten = () => {
      this.#writing = undefined
      if (this.#owner.hasChanges) this.soon()
    }
  }

  /** Something changed that can wait for a second. */
  soon(): void {
    if (this.#timer !== undefined || this.#writing !== undefined || this.#isStopped) return
    this.#timer = setTimeout(this.#onTimer, this.isFailing ? RETRY_MS : WRITE_MS)
  }

  /** Writes the changes, or joins a write that is under way; resolves when it is done or has failed. */
  now(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing ??= this.#write().finally(this.#onWritten)
    return this.#writing
  }

  /** Resolves when all changes so far are written, or could not be. */
  async settled(): Promise<void> {
    await this.#writing
    await this.now()
  }

  /** Writes the rest, unless it cannot be written. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#writing
    if (!this.isFailing) await this.now()
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async #write(): Promise<void> {
    let batch = this.#owner.takeBatch()
    while (batch !== undefined) {
      try {
        await this.#log.write(batch.changes)
      } catch (error) {
        this.#owner.wasNotWritten(batch)
        this.#failed(error)
        break
      }
      this.#owner.wasWritten(batch)
      if (this.isFailing) this.#logger.warn({}, 'the history can be written again')
      this.isFailing = false
      batch = this.#isStopped || this.#owner.isIndexDue ? this.#owner.takeBatch() : undefined
    }
  }

  #failed(error: unknown): void {
    this.isFailing = true
    if (performance.now() - this.#reportedAtMs < REPORT_EVERY_MS) return
    this.#reportedAtMs = performance.now()
    const reason = error instanceof Error ? error.message : String(error)
    const text =
      'the history cannot be written: messages are still delivered, but those that do not fit in memory are not recorded'
    this.#logger.error({ reason }, text)
  }
}
