// Hot path: `add` runs for each topic that is new among the retained ones; measured by `npm run bench`, rows "retained".

/** Who knows the names of numbers. */
export interface NameSource {
  /** Where the name lies that was turned to last: `bytes[start, end)`. */
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  /** Has these say where the name of a number lies, until anything else is called. */
  turnTo(number: number): void
}

/** Where a number stands in the order. Good until the next change (`SortedNames.changes`). */
export type Place = number

const LEAF_NUMBERS = 128
/** A place is that of the leaf in the directory, and in the lower bits that of the number in the leaf. */
const LEAF_BITS = 7
const LEAF_MASK = LEAF_NUMBERS - 1
/** Leaves that are allocated together: 16 KiB. */
const SLAB_LEAVES = 32
const SLAB_BITS = 5
const SLAB_MASK = SLAB_LEAVES - 1
/** The first 24 bytes of a leaf's first name are in the directory: they decide nearly all comparisons. */
const KEY_WORDS = 6
const FIRST_LEAVES = 32
const SLASH = 0x2f

/**
 * Numbers in the order of their names: by bytes, but with the slash before all others, so that what is below a level stands together,
 * right behind the topic that ends there. No name has a NUL.
 *
 *   1. `seek`, `add` and `remove` cost a binary search; a walk goes from place to place.
 *   2. A number takes some six bytes, in leaves of 128, a few of which are allocated at a time. Growth copies no more than the
 *      directory, 29 bytes a leaf.
 *   3. The name of a number must be the same, and known to the source, from its `add` until its `remove` has returned.
 */
export class SortedNames {
  /** Grows with each change. */
  changes = 0
  readonly #source: NameSource
  #size = 0
  readonly #slabs: Int32Array[] = []
  readonly #freeLeaves: number[] = []
  /** The directory: leaves in order, how many numbers each has, and the key of a name that none of its names is before. */
  #leaves = 0
  #order = new Int32Array(FIRST_LEAVES)
  #sizes = new Uint8Array(FIRST_LEAVES)
  #keys = new Uint32Array(FIRST_LEAVES * KEY_WORDS)
  /** The key of the name that is looked for. */
  readonly #key = new Uint32Array(KEY_WORDS)
  /** What `#find` has found. */
  #foundLeaf = 0
  #foundIndex = 0

  constructor(source: NameSource) {
    this.#source = source
  }

  get size(): number {
    return this.#size
  }

  /** Memory that it takes. */
  get heldBytes(): number {
    const slabs = this.#slabs.length * SLAB_LEAVES * LEAF_NUMBERS * 4
    return slabs + this.#order.byteLength + this.#sizes.byteLength + this.#keys.byteLength
  }

  /** The place of the first name that is not before `bytes[start, end)`. */
  seek(bytes: Uint8Array, start: number, end: number): Place {
    if (this.#leaves === 0) return 0
    this.#find(bytes, start, end)
    const leaf = this.#foundLeaf
    const isBehind = this.#foundIndex === this.#sizes[leaf]
    return isBehind ? (leaf + 1) << LEAF_BITS : (leaf << LEAF_BITS) | this.#foundIndex
  }

  /** The number at a place; 0 behind the last. */
  at(place: Place): number {
    const leaf = place >> LEAF_BITS
    return leaf < this.#leaves ? (this.#slabOf(leaf)[this.#baseOf(leaf) + (place & LEAF_MASK)] ?? 0) : 0
  }

  /** The place behind one. */
  next(place: Place): Place {
    const leaf = place >> LEAF_BITS
    const index = (place & LEAF_MASK) + 1
    return index < (this.#sizes[leaf] ?? 0) ? place + 1 : (leaf + 1) << LEAF_BITS
  }

  /** Below 0, 0 or above 0 as the name of a number is before `bytes[start, end)`, the same, or behind it. */
  compare(number: number, bytes: Uint8Array, start: number, end: number): number {
    const source = this.#source
    source.turnTo(number)
    const { bytes: own, end: ownEnd } = source
    let at = source.start
    let i = start
    for (; i < end && at < ownEnd; i++, at++) {
      if (own[at] !== bytes[i]) return rankOf(own[at]) - rankOf(bytes[i])
    }
    return ownEnd - at - (end - i)
  }

  /** Adds a number that is not in it. */
  add(number: number): void {
    const source = this.#source
    source.turnTo(number)
    this.changes++
    this.#size++
    if (this.#leaves === 0) this.#insertLeaf(0)
    else this.#find(source.bytes, source.start, source.end)
    if (this.#sizes[this.#foundLeaf] === LEAF_NUMBERS) this.#split(number)
    const leaf = this.#foundLeaf
    const index = this.#foundIndex
    const size = this.#sizes[leaf] ?? 0
    const slab = this.#slabOf(leaf)
    const base = this.#baseOf(leaf)
    slab.copyWithin(base + index + 1, base + index, base + size)
    slab[base + index] = number
    this.#sizes[leaf] = size + 1
  }

  /** Takes out a number that is in it. */
  remove(number: number): void {
    const source = this.#source
    source.turnTo(number)
    this.#find(source.bytes, source.start, source.end)
    let leaf = this.#foundLeaf
    let index = this.#foundIndex
    if (index === this.#sizes[leaf]) {
      leaf++
      index = 0
    }
    this.changes++
    this.#size--
    const size = (this.#sizes[leaf] ?? 0) - 1
    const base = this.#baseOf(leaf)
    this.#slabOf(leaf).copyWithin(base + index, base + index + 1, base + size + 1)
    this.#sizes[leaf] = size
    if (size === 0) this.#removeLeaf(leaf)
    else if (leaf + 1 < this.#leaves) this.#merge(leaf)
  }

  /** Takes out all of them, whatever is still known of their names, and gives the memory back. */
  clear(): void {
    this.changes++
    this.#size = 0
    this.#leaves = 0
    this.#slabs.length = 0
    this.#freeLeaves.length = 0
    this.#order = new Int32Array(FIRST_LEAVES)
    this.#sizes = new Uint8Array(FIRST_LEAVES)
    this.#keys = new Uint32Array(FIRST_LEAVES * KEY_WORDS)
  }

  #slabOf(leaf: number): Int32Array {
    return this.#slabs[(this.#order[leaf] ?? 0) >> SLAB_BITS] ?? NO_SLAB
  }

  #baseOf(leaf: number): number {
    return ((this.#order[leaf] ?? 0) & SLAB_MASK) << LEAF_BITS
  }

  /** Finds the last leaf that may have the name, and the index in it of the first that is not before. */
  #find(bytes: Uint8Array, start: number, end: number): void {
    this.#setKey(bytes, start, end)
    let leaf = 0
    let lastLeaf = this.#leaves - 1
    while (leaf < lastLeaf) {
      const middle = (leaf + lastLeaf + 1) >> 1
      if (this.#beginsBefore(middle, bytes, start, end)) leaf = middle
      else lastLeaf = middle - 1
    }
    const slab = this.#slabOf(leaf)
    const base = this.#baseOf(leaf)
    let index = 0
    let last = this.#sizes[leaf] ?? 0
    while (index < last) {
      const middle = (index + last) >> 1
      if (this.compare(slab[base + middle] ?? 0, bytes, start, end) < 0) index = middle + 1
      else last = middle
    }
    this.#foundLeaf = leaf
    this.#foundIndex = index
  }

  #setKey(bytes: Uint8Array, start: number, end: number): void {
    const key = this.#key
    let at = start
    for (let word = 0; word < KEY_WORDS; word++) {
      let value = 0
      for (let i = 0; i < 4; i++, at++) value = (value << 8) | (at < end ? rankOf(bytes[at]) : 0)
      key[word] = value
    }
  }

  /** Whether a leaf begins before the name `bytes[start, end)`, of which the key is set. */
  #beginsBefore(leaf: number, bytes: Uint8Array, start: number, end: number): boolean {
    const keys = this.#keys
    const key = this.#key
    for (let word = 0, at = leaf * KEY_WORDS; word < KEY_WORDS; word++, at++) {
      const own = keys[at] ?? 0
      const wanted = key[word] ?? 0
      if (own !== wanted) return own < wanted
    }
    return this.compare(this.#slabOf(leaf)[this.#baseOf(leaf)] ?? 0, bytes, start, end) < 0
  }

  /** Makes room where a number is to be added: what comes in order fills one leaf after the other. */
  #split(number: number): void {
    const leaf = this.#foundLeaf
    const index = this.#foundIndex
    this.#insertLeaf(leaf + 1)
    if (index === LEAF_NUMBERS) {
      this.#keepKey(leaf + 1, number)
      return
    }
    const half = LEAF_NUMBERS / 2
    const base = this.#baseOf(leaf)
    const added = this.#slabOf(leaf + 1)
    added.set(this.#slabOf(leaf).subarray(base + half, base + LEAF_NUMBERS), this.#baseOf(leaf + 1))
    this.#sizes[leaf] = half
    this.#sizes[leaf + 1] = half
    this.#keepKey(leaf + 1, added[this.#baseOf(leaf + 1)] ?? 0)
    this.#foundLeaf = index > half ? leaf + 1 : leaf
    this.#foundIndex = index > half ? index - half : index
  }

  /** A leaf begins with the name of a number. */
  #keepKey(leaf: number, number: number): void {
    const source = this.#source
    source.turnTo(number)
    this.#setKey(source.bytes, source.start, source.end)
    this.#keys.set(this.#key, leaf * KEY_WORDS)
  }

  /** An empty leaf at a place in the order: the one that was found from now on. */
  #insertLeaf(leaf: number): void {
    const leaves = this.#leaves
    if (leaves === this.#order.length) this.#growDirectory()
    this.#order.copyWithin(leaf + 1, leaf, leaves)
    this.#sizes.copyWithin(leaf + 1, leaf, leaves)
    this.#keys.copyWithin((leaf + 1) * KEY_WORDS, leaf * KEY_WORDS, leaves * KEY_WORDS)
    this.#order[leaf] = this.#freeLeaves.pop() ?? this.#allocate()
    this.#sizes[leaf] = 0
    this.#leaves++
    this.#foundLeaf = leaf
    this.#foundIndex = 0
  }

  #removeLeaf(leaf: number): void {
    const leaves = this.#leaves
    this.#freeLeaves.push(this.#order[leaf] ?? 0)
    this.#order.copyWithin(leaf, leaf + 1, leaves)
    this.#sizes.copyWithin(leaf, leaf + 1, leaves)
    this.#keys.copyWithin(leaf * KEY_WORDS, (leaf + 1) * KEY_WORDS, leaves * KEY_WORDS)
    this.#leaves--
  }

  /** Has a leaf take up the next one if both are nearly empty. */
  #merge(leaf: number): void {
    const size = this.#sizes[leaf] ?? 0
    const sizeOfNext = this.#sizes[leaf + 1] ?? 0
    if (size + sizeOfNext > LEAF_NUMBERS / 2) return
    const base = this.#baseOf(leaf + 1)
    this.#slabOf(leaf).set(this.#slabOf(leaf + 1).subarray(base, base + sizeOfNext), this.#baseOf(leaf) + size)
    this.#sizes[leaf] = size + sizeOfNext
    this.#removeLeaf(leaf + 1)
  }

  #allocate(): number {
    const first = this.#slabs.length * SLAB_LEAVES
    this.#slabs.push(new Int32Array(SLAB_LEAVES * LEAF_NUMBERS))
    for (let i = SLAB_LEAVES - 1; i > 0; i--) this.#freeLeaves.push(first + i)
    return first
  }

  #growDirectory(): void {
    const order = new Int32Array(this.#order.length * 2)
    order.set(this.#order)
    this.#order = order
    const sizes = new Uint8Array(order.length)
    sizes.set(this.#sizes)
    this.#sizes = sizes
    const keys = new Uint32Array(order.length * KEY_WORDS)
    keys.set(this.#keys)
    this.#keys = keys
  }
}

const NO_SLAB = new Int32Array(0)

/** The slash comes before all that may be in a name; what is missing is as NUL would be, before the slash or the same. */
function rankOf(byte: number | undefined): number {
  return byte === SLASH ? 0 : (byte ?? 0)
}
