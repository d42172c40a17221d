import { MemoryStore } from '../../src/store/memory/memory-store.ts'
import type { StoreListener } from '../../src/store/store.ts'

/**
 * A store whose batches are reported one at a time, when the test says so: a turn's changes are a batch with the next number.
 * Until `isByHand` is set they are reported by themselves, as the stage is set.
 * Where one gate for all is enough, `GatedStore` is simpler.
 */
export class SteppedStore extends MemoryStore {
  /** The number of the latest batch. */
  latestBatch = 0
  isByHand = false
  #storedBatch = 0
  #isBatchOpen = false
  #listener: StoreListener | undefined = undefined

  override get openBatch(): number {
    return this.latestBatch > this.#storedBatch ? this.latestBatch : 0
  }

  override async start(listener: StoreListener): Promise<void> {
    this.#listener = listener
  }

  /** Has everything up to `batch` stored, and does not say so yet. */
  storeSilently(batch: number): void {
    this.#storedBatch = Math.max(this.#storedBatch, batch)
  }

  /** Reports everything up to `batch` as stored. */
  reportStored(batch: number): void {
    this.storeSilently(batch)
    this.#listener?.onStored(batch)
  }

  /** Reports that `batch` could not be stored. */
  reportFailed(batch: number): void {
    this.#listener?.onFailed(batch, new Error('the disk is full'))
  }

  protected override changed(): void {
    super.changed()
    if (this.#isBatchOpen) return
    this.#isBatchOpen = true
    this.latestBatch++
    setImmediate(() => {
      this.#isBatchOpen = false
      if (!this.isByHand) this.reportStored(this.latestBatch)
    })
  }
}
