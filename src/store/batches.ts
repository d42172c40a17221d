import { statfsSync } from 'node:fs'
import type { RootDatabase } from 'lmdb'
import type { Log } from '../observe/log.ts'
import type { Durability } from './disk-store.ts'
import type { StoreListener } from './store.ts'

/** What a batch is made of. */
export interface BatchContent {
  /** Puts down all that changed; runs inside the transaction. */
  write(): void
  /** It is stored. */
  wasWritten(): void
  /** It is not stored, and is to be part of the next `write`. */
  wasNotWritten(): void
}

export interface BatchesOptions {
  readonly root: RootDatabase<Buffer, Buffer>
  readonly folder: string
  readonly durability: Durability
  readonly content: BatchContent
  readonly listener: StoreListener
  readonly log: Log
}

const RETRY_MS = 1000
const REPORT_EVERY_MS = 60_000
/** With less free space than this another try would fail as well. */
const LEAST_FREE_BYTES = 256 * 1024

/**
 * Writes what changed as batches: one for each turn of the event loop, or, when the disk is slower than that, one for all the
 * turns that the batch before took.
 */
export class Batches {
  isFailing = false
  readonly #options: BatchesOptions
  #latest = 0
  #stored = 0
  /** Something changed that no batch has yet. */
  #isOpen = false
  #writing: Promise<void> | undefined = undefined
  #retryTimer: NodeJS.Timeout | undefined = undefined
  #reportedAtMs = -REPORT_EVERY_MS
  readonly #onTurn: () => void

  constructor(options: BatchesOptions) {
    this.#options = options
    this.#onTurn = () => {
      this.#writing ??= this.#write()
    }
  }

  /** The batch that the latest change is in, or 0 when it is stored as far as anybody has to wait for it. */
  get open(): number {
    return this.#latest > this.#stored && this.#options.durability !== 'memory' ? this.#latest : 0
  }

  changed(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    this.#latest++
    if (this.#writing === undefined && this.#retryTimer === undefined) setImmediate(this.#onTurn)
  }

  /** Writes what is left, and waits until it is safe from a power loss. Throws when it cannot be written. */
  async stop(): Promise<void> {
    clearTimeout(this.#retryTimer)
    this.#retryTimer = undefined
    await this.#writing
    clearTimeout(this.#retryTimer)
    if (this.#latest > this.#stored) await this.#commit()
    // After a commit that failed, `flushed` would never come.
    if (!this.isFailing) await this.#options.root.flushed
  }

  async #write(): Promise<void> {
    while (this.#isOpen) {
      const batch = this.#latest
      try {
        await this.#commit()
      } catch (error) {
        this.#failed(batch, error instanceof Error ? error : new Error(String(error)))
        break
      }
      this.#succeeded(batch)
    }
    this.#writing = undefined
  }

  async #commit(): Promise<void> {
    const { root, content, durability } = this.#options
    this.#isOpen = false
    try {
      await root.batch(() => content.write())
      if (durability === 'fsync') await root.flushed
    } catch (error) {
      content.wasNotWritten()
      throw await reasonOf(error)
    }
    content.wasWritten()
  }

  #succeeded(batch: number): void {
    const { log, listener, folder } = this.#options
    this.#stored = batch
    if (this.isFailing) {
      this.isFailing = false
      this.#reportedAtMs = -REPORT_EVERY_MS
      log.warn({ folder }, 'the store can write again: acknowledgements go on')
    }
    listener.onStored(batch)
  }

  #failed(batch: number, error: Error): void {
    const { log, listener, folder } = this.#options
    this.isFailing = true
    const reason = this.#isDiskFull() ? 'the disk is full' : error.message
    if (!this.#isOpen) {
      this.#isOpen = true
      this.#latest++
    }
    if (performance.now() - this.#reportedAtMs >= REPORT_EVERY_MS) {
      this.#reportedAtMs = performance.now()
      const text =
        'the store cannot write: messages of QoS 1 and 2 that have to be kept are not acknowledged until it can'
      log.error({ folder, reason }, text)
    }
    listener.onFailed(batch, new Error(reason, { cause: error }))
    this.#retryTimer = setTimeout(() => this.#retry(), RETRY_MS)
  }

  /** Tries again, unless there is no room: LMDB writes each failure to stderr. */
  #retry(): void {
    if (this.#isDiskFull()) {
      this.#retryTimer = setTimeout(() => this.#retry(), RETRY_MS)
    } else {
      this.#retryTimer = undefined
      this.#onTurn()
    }
  }

  #isDiskFull(): boolean {
    const { bavail, bsize } = statfsSync(this.#options.folder)
    return bavail * bsize < LEAST_FREE_BYTES
  }
}

/** LMDB's own reason hides behind a promise of its own. */
async function reasonOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error
  try {
    await error.commitError
    return error
  } catch (reason) {
    return reason
  }
}
