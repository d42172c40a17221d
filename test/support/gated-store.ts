import { MemoryStore } from '../../src/store/memory/memory-store.ts'
import type { StoreListener } from '../../src/store/store.ts'

/**
 * A store whose disk is in the test's hands: the changes of a turn are a batch, and a batch is reported as stored when the
 * test opens the gate, or as failed when it breaks it. Starts with an open gate, where batches are reported a turn later.
 */
export class GatedStore extends MemoryStore {
  #listener: StoreListener | undefined = undefined
  #latestBatch = 0
  #storedBatch = 0
  #isBatchOpen = false
  #isFailing = false
  #gate: 'open' | 'closed' | 'broken' = 'open'

  override get openBatch(): number {
    return this.#latestBatch > this.#storedBatch ? this.#latestBatch : 0
  }

  override get isFailing(): boolean {
    return this.#isFailing
  }

  /** From now on nothing is reported as stored. */
  closeGate(): void {
    this.#gate = 'closed'
  }

  openGate(): void {
    this.#gate = 'open'
    this.#report()
  }

  /** Whatever waits, and all that comes, could not be stored. */
  breakGate(): void {
    this.#gate = 'broken'
    this.#report()
  }

  override async start(listener: StoreListener): Promise<void> {
    this.#listener = listener
  }

  protected override changed(): void {
    super.changed()
    if (this.#isBatchOpen) return
    this.#isBatchOpen = true
    this.#latestBatch++
    setImmediate(() => {
      this.#isBatchOpen = false
      this.#report()
    })
  }

  #report(): void {
    if (this.#latestBatch === this.#storedBatch || this.#gate === 'closed') return
    this.#isFailing = this.#gate === 'broken'
    if (this.#isFailing) {
      this.#listener?.onFailed(this.#latestBatch, new Error('the disk is full'))
      return
    }
    this.#storedBatch = this.#latestBatch
    this.#listener?.onStored(this.#latestBatch)
  }
}
