/** Values by number, in order: some thousands, mostly added at the end. */
export class SortedMap<V> {
  readonly #keys: number[] = []
  readonly #values: V[] = []

  get size(): number {
    return this.#keys.length
  }

  /** Adds a value, or replaces the one of this key. */
  set(key: number, value: V): void {
    const at = this.#lowerBound(key)
    const isThere = this.#keys[at] === key
    this.#keys.splice(at, isThere ? 1 : 0, key)
    this.#values.splice(at, isThere ? 1 : 0, value)
  }

  /** Removes all from `first` up to and without `next`. */
  deleteRange(first: number, next: number): void {
    const from = this.#lowerBound(first)
    const to = this.#lowerBound(next)
    this.#keys.splice(from, to - from)
    this.#values.splice(from, to - from)
  }

  /** The value of the next key from `key` on; `isBackwards`: of the one before, `key` included. */
  near(key: number, isBackwards: boolean): V | undefined {
    const at = this.#lowerBound(key)
    if (!isBackwards || this.#keys[at] === key) return this.#values[at]
    return this.#values[at - 1]
  }

  #lowerBound(key: number): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#keys[middle] ?? 0) < key) low = middle + 1
      else high = middle
    }
    return low
  }
}
