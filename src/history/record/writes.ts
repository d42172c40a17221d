import type { Log } from '../../base/log.ts'
import type { HistoryLog } from '../log/history-log.ts'
import type { Batch } from './changes.ts'

/** Whose changes are written. */
export interface WritesOwner {
  /** Something changed that is in no batch. */
  readonly hasChanges: boolean
  /** What changed since the last time, or undefined when nothing did. */
  takeBatch(): Batch | undefined
  wasWritten(batch: Batch): void
  /** It is to be part of the next batch. */
  wasNotWritten(batch: Batch): void
}

/** How long a change may wait for others before it is written with them: LMDB copies some ten pages for each batch. */
const WRITE_MS = 1000
const RETRY_MS = 1000
const REPORT_EVERY_MS = 60_000

/** Writes what changed, one batch after the other. What cannot be written is tried again every second. */
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

  /** Something changed that may wait for a second. */
  soon(): void {
    if (this.#timer !== undefined || this.#writing !== undefined || this.#isStopped) return
    this.#timer = setTimeout(this.#onTimer, this.isFailing ? RETRY_MS : WRITE_MS)
  }

  /** Writes what there is, or goes on with that; resolves when this is done or has failed. */
  now(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing ??= this.#write().finally(this.#onWritten)
    return this.#writing
  }

  /** Resolves when what has changed so far is written, or could not be. */
  async settled(): Promise<void> {
    await this.#writing
    await this.now()
  }

  /** Writes what is left, unless it cannot be written. */
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
      batch = this.#isStopped ? this.#owner.takeBatch() : undefined
    }
  }

  #failed(error: unknown): void {
    this.isFailing = true
    if (performance.now() - this.#reportedAtMs < REPORT_EVERY_MS) return
    this.#reportedAtMs = performance.now()
    const reason = error instanceof Error ? error.message : String(error)
    const text =
      'the history cannot be written: messages go their way, and what does not fit in memory is left out of it'
    this.#logger.error({ reason }, text)
  }
}
