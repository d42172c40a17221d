/** Keeps a list sorted while very many are added: new ones are sorted among themselves and merged in. */
export class SortedList<T> {
  readonly #compare: (one: T, other: T) => number
  #sorted: readonly T[] = []
  #added: T[] = []
  readonly #removed = new Set<T>()

  constructor(compare: (one: T, other: T) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#sorted.length
  }

  add(one: T): void {
    if (!this.#removed.delete(one)) this.#added.push(one)
  }

  remove(one: T): void {
    this.#removed.add(one)
  }

  /** All that there are now, in their order. */
  settle(): readonly T[] {
    const added = this.#added.filter((one) => !this.#removed.has(one)).toSorted(this.#compare)
    const before = this.#removed.size === 0 ? this.#sorted : this.#sorted.filter((one) => !this.#removed.has(one))
    this.#added = []
    this.#removed.clear()
    this.#sorted = added.length === 0 ? before : this.#merge(before, added)
    return this.#sorted
  }

  #merge(one: readonly T[], other: readonly T[]): readonly T[] {
    const merged: T[] = []
    let next = 0
    for (const entry of one) {
      for (let fresh = other[next]; fresh !== undefined; fresh = other[next]) {
        if (this.#compare(fresh, entry) >= 0) break
        merged.push(fresh)
        next++
      }
      merged.push(entry)
    }
    return merged.concat(other.slice(next))
  }
}
