// Hot path: runs per packet of a kept session that waits for its store; measured by `npm run bench`, rows "kept".
import { Fifo } from '../base/fifo.ts'

/**
 * What may not leave before a batch of the store is down (design, section 5), in its order. Batch 0 waits for nothing but for
 * what is before it.
 */
export class HeldForStore<T extends { readonly batch: number }> {
  /** Undefined while it is empty: most sessions never hold anything. */
  #items: Fifo<T> | undefined = undefined

  get isEmpty(): boolean {
    return this.#items === undefined
  }

  /** The batch that is waited for the longest; undefined: none is. */
  get oldestBatch(): number | undefined {
    const items = this.#items
    if (items === undefined) return undefined
    for (let i = 0; i < items.length; i++) {
      const batch = items.at(i)?.batch ?? 0
      if (batch > 0) return batch
    }
    return undefined
  }

  push(item: T): void {
    this.#items ??= new Fifo()
    this.#items.push(item)
  }

  /** Everything up to `batch` is stored: gives the first that waits no longer, until there is none. */
  takeStored(batch: number): T | undefined {
    const items = this.#items
    const first = items?.first
    if (items === undefined || first === undefined || first.batch > batch) return undefined
    items.shift()
    if (items.length === 0) this.#items = undefined
    return first
  }

  /** Forgets all of it. */
  clear(): void {
    this.#items = undefined
  }
}
