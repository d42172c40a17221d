import { MemoryStore } from '../../src/store/memory-store.ts'
import type { Store, StoreListener } from '../../src/store/store.ts'

const CHANGE = /^(?:add|put|update|remove)/

/**
 * A store whose batches are reported one at a time, when the test says so: a turn's changes are a batch with the next number.
 * Where one gate for all is enough, `GatedStore` is simpler.
 */
export class SteppedStore {
  /** What the hub gets. */
  readonly store: Store
  /** The number of the latest batch. */
  latestBatch = 0
  #storedBatch = 0
  #isBatchOpen = false
  #listener: StoreListener | undefined = undefined

  constructor() {
    this.store = new Proxy<Store>(new MemoryStore(), {
      get: (memory, key) => {
        if (key === 'openBatch') return this.latestBatch > this.#storedBatch ? this.latestBatch : 0
        if (key === 'start') {
          return async (listener: StoreListener): Promise<void> => {
            this.#listener = listener
          }
        }
        const value: unknown = Reflect.get(memory, key, memory)
        if (typeof value !== 'function') return value
        return (...parameters: readonly unknown[]): unknown => {
          if (typeof key === 'string' && CHANGE.test(key)) this.#change()
          return Reflect.apply(value, memory, parameters)
        }
      },
    })
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

  #change(): void {
    if (this.#isBatchOpen) return
    this.#isBatchOpen = true
    this.latestBatch++
    setImmediate(() => {
      this.#isBatchOpen = false
    })
  }
}
