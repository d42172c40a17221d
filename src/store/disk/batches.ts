import { LOOP_TIMES, LoopPart } from '../../base/loop-times.ts'
import { statfsSync } from 'node:fs'
import type { RootDatabase } from 'lmdb'
import type { Log } from '../../base/log.ts'
import type { StoreListener } from '../store.ts'

/** How safely a message is stored before it is acknowledged. */
export type Durability = 'memory' | 'disk' | 'fsync'

/** What a batch is made of. */
export interface BatchContent {
  /** All changes so far. */
  readonly changes: number
  /** Transactions of `writeAhead` that it takes until `write` does not hold up the loop; absent is none. */
  readonly partsAhead?: number
  /** Writes some of what is good for itself; runs inside a transaction of its own, before that of `write`. */
  writeAhead?(): void
  /** Writes all changes that are left; runs inside the transaction. */
  write(): void
  /** The batch is stored. */
  wasWritten(): void
  /** The batch is not stored; its changes must be part of the next `write`. */
  wasNotWritten(): void
  /** What is written can be found again: the file was neither deleted nor replaced. */
  readonly isInPlace: boolean
  /** Makes it so again. @throws Error while it cannot */
  putBack(): Promise<void>
}

/** Is told how long batches take. */
export interface BatchObserver {
  /** A batch of `changes` changes is stored, `seconds` after it was begun. */
  batchWritten(seconds: number, changes: number): void
  batchFailed(): void
}

export interface BatchesOptions {
  readonly opened: { readonly root: RootDatabase<Buffer, Buffer> }
  readonly folder: string
  readonly durability: Durability
  readonly content: BatchContent
  readonly listener: StoreListener
  readonly observer: BatchObserver | undefined
  readonly log: Log
}

const RETRY_MS = 1000
const REPORT_EVERY_MS = 60_000
/** With less free space than this, another attempt would fail too. */
const LEAST_FREE_BYTES = 256 * 1024

/** How long a change that nobody waits for may stay in memory: mostly acknowledgements of clients. */
const UNHURRIED_MS = 20

/**
 * Writes changes in batches. A batch that somebody waits for is written at the end of the turn or, when the disk is slower than
 * that, together with all that changed during the previous batch; any other a little later, with what is added meanwhile.
 */
export class Batches {
  isFailing = false
  readonly #options: BatchesOptions
  #latest = 0
  #stored = 0
  /** The changes that batches were made of. */
  #writtenChanges = 0
  /** There are changes that are in no batch yet. */
  #isOpen = false
  /** Somebody waits for the open batch. */
  #isAwaited = false
  #unhurriedTimer: NodeJS.Timeout | undefined = undefined
  #writing: Promise<void> | undefined = undefined
  #retryTimer: NodeJS.Timeout | undefined = undefined
  #reportedAtMs = -REPORT_EVERY_MS
  readonly #onTurn: () => void

  constructor(options: BatchesOptions) {
    this.#options = options
    this.#onTurn = () => {
      clearTimeout(this.#unhurriedTimer)
      this.#unhurriedTimer = undefined
      if (this.#isOpen) this.#writing ??= this.#write()
    }
  }

  /**
   * The batch of the latest change, or 0 when nobody has to wait for it any more. Whoever asks waits for it: the batch is written
   * at the end of the turn.
   */
  get open(): number {
    if (this.#latest === this.#stored || this.#options.durability === 'memory') return 0
    if (this.#isOpen && !this.#isAwaited) {
      this.#isAwaited = true
      if (this.#isIdle) setImmediate(this.#onTurn)
    }
    return this.#latest
  }

  changed(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    this.#latest++
    if (this.#isIdle) this.#unhurriedTimer ??= setTimeout(this.#onTurn, UNHURRIED_MS)
  }

  /** Writes the rest, and waits until it is safe from a power loss. Throws when it cannot be written. */
  async stop(): Promise<void> {
    clearTimeout(this.#unhurriedTimer)
    clearTimeout(this.#retryTimer)
    this.#retryTimer = undefined
    await this.#writing
    clearTimeout(this.#unhurriedTimer)
    clearTimeout(this.#retryTimer)
    if (this.#latest > this.#stored) await this.#commit()
    // After a commit that failed, `flushed` would never come.
    if (!this.isFailing) await this.#options.opened.root.flushed
  }

  get #isIdle(): boolean {
    return this.#writing === undefined && this.#retryTimer === undefined
  }

  async #write(): Promise<void> {
    do {
      const batch = this.#latest
      try {
        await this.#commit()
      } catch (error) {
        this.#writing = undefined
        this.#failed(batch, error instanceof Error ? error : new Error(String(error)))
        return
      }
      this.#succeeded(batch)
    } while (this.#isAwaited)
    this.#writing = undefined
    if (this.#isOpen) this.#unhurriedTimer ??= setTimeout(this.#onTurn, UNHURRIED_MS)
  }

  async #commit(): Promise<void> {
    const { opened, content, durability, observer } = this.#options
    // After a batch that failed only: each batch is looked after when it is written.
    if (this.isFailing && !content.isInPlace) await content.putBack()
    const { root } = opened
    this.#isOpen = false
    this.#isAwaited = false
    const { changes } = content
    const startedAtMs = performance.now()
    try {
      await this.#commitAhead()
      await root.batch(() => timed(() => content.write()))
      if (durability === 'fsync') await root.flushed
    } catch (error) {
      content.wasNotWritten()
      observer?.batchFailed()
      throw await reasonOf(error)
    }
    const before = LOOP_TIMES.enter(LoopPart.STORE)
    content.wasWritten()
    LOOP_TIMES.leave(before)
    if (!content.isInPlace) {
      observer?.batchFailed()
      throw new Error('its file was deleted or moved')
    }
    observer?.batchWritten((performance.now() - startedAtMs) / 1000, changes - this.#writtenChanges)
    this.#writtenChanges = changes
  }

  /** There may be more at the end: a batch does not wait for all that comes meanwhile. */
  async #commitAhead(): Promise<void> {
    const { opened, content } = this.#options
    for (let parts = (content.partsAhead ?? 0) * 2; parts > 0 && (content.partsAhead ?? 0) > 0; parts--) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other, so that the loop is not held up
      await opened.root.batch(() => timed(() => content.writeAhead?.()))
    }
  }

  #succeeded(batch: number): void {
    const { log, listener, folder } = this.#options
    this.#stored = batch
    if (this.isFailing) {
      this.isFailing = false
      this.#reportedAtMs = -REPORT_EVERY_MS
      log.warn({ folder }, 'the store can write again: acknowledgements continue')
    }
    const before = LOOP_TIMES.enter(LoopPart.STORE)
    listener.onStored(batch)
    LOOP_TIMES.leave(before)
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
      const text = 'the store cannot write: messages of QoS 1 and 2 that must be kept are not acknowledged until it can'
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
    return isDiskFull(this.#options.folder)
  }
}

/** As the store's part of the loop. */
function timed(write: () => void): void {
  const before = LOOP_TIMES.enter(LoopPart.STORE)
  try {
    write()
  } finally {
    LOOP_TIMES.leave(before)
  }
}

/** The disk has so little room that a batch would fail. False when there is no such folder. */
export function isDiskFull(folder: string): boolean {
  try {
    return freeBytes(folder) < LEAST_FREE_BYTES
  } catch {
    return false
  }
}

/** The bytes that can still be written to the folder's disk. @throws Error when there is no such folder */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

/** LMDB gives its reason in a second promise. */
export async function reasonOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error
  try {
    await error.commitError
    return error
  } catch (reason) {
    return reason
  }
}
