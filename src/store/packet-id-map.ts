// Hot path: a few calls per PUBLISH at QoS 1 and 2; measured by `npm run bench`, rows "QoS 1" and "QoS 2".

const FIRST_SLOTS = 8
/** At most half of them are taken by the 65,535 identifiers. */
const MAX_SLOTS = 2 ** 17

/** 2^32 by the golden ratio. */
const SPREAD = 0x9e3779b1

/**
 * A larger table shrinks when few of its slots are taken. One of the usual window (limits.maxInflightMessages) stays as it is, some
 * 6 KiB: it fills and empties all the time.
 */
const MAX_SPARE_SLOTS = 256
/** It does so when fewer than one slot in so many is taken. */
const SPARSE = 16

/** What is held by packet identifier, in the order in which it was put, which may change while its identifiers are walked. A `Map` is one. */
export interface ByPacketId<T> extends Iterable<[packetId: number, value: T]> {
  readonly size: number
  has(packetId: number): boolean
  keys(): Iterable<number>
  get(packetId: number): T | undefined
}

/**
 * Values by packet identifier, 1 to 65,535 [MQTT-2.3.1-1]. A `Map` would do the same, but it makes a new table for every few
 * dozen that come and go, and the collector may come to copy and keep nearly all that is young, which was seen with `--trace-gc`:
 * QoS 2 cost a third more. The likely reason is that each old table points at the next. This one makes nothing while its size
 * stays about the same.
 *
 * It is a hash table with open addressing, of which at most half of the slots are taken. Identifiers that follow each other
 * lie far apart in it (Knuth, The Art of Computer Programming 3, section 6.4): side by side, each that is let go would have
 * all that came after it looked at.
 */
export class PacketIdMap<T extends object | string | number> implements ByPacketId<T> {
  /** 0: the slot is free. */
  #packetIds: number[] = []
  #values: (T | undefined)[] = []
  /** How many had been put before it. */
  #places: number[] = []
  /** 32 without the bits of a slot's number. */
  #shift = 32
  #size = 0
  #put = 0

  get size(): number {
    return this.#size
  }

  has(packetId: number): boolean {
    return this.get(packetId) !== undefined
  }

  get(packetId: number): T | undefined {
    return this.#values[this.#slotOf(packetId)]
  }

  /** What is there already keeps its place in the order. */
  set(packetId: number, value: T): void {
    let slot = this.#slotOf(packetId)
    if (this.#packetIds[slot] !== packetId) {
      if (this.#size * 2 >= this.#packetIds.length) {
        this.#resize(Math.max(FIRST_SLOTS, this.#packetIds.length * 2))
        slot = this.#slotOf(packetId)
      }
      this.#packetIds[slot] = packetId
      this.#places[slot] = this.#put++
      this.#size++
    }
    this.#values[slot] = value
  }

  /** A packet identifier that is not there is ignored. */
  delete(packetId: number): void {
    let free = this.#slotOf(packetId)
    if (this.#packetIds[free] !== packetId) return
    this.#size--
    const packetIds = this.#packetIds
    const mask = packetIds.length - 1
    const shift = this.#shift
    // Whatever stands behind the free slot only because that was taken moves into it, so that it is found without a gap.
    for (let slot = (free + 1) & mask; packetIds[slot] !== 0; slot = (slot + 1) & mask) {
      const found = packetIds[slot] ?? 0
      if (((slot - home(found, shift)) & mask) < ((slot - free) & mask)) continue
      packetIds[free] = found
      this.#values[free] = this.#values[slot]
      this.#places[free] = this.#places[slot] ?? 0
      free = slot
    }
    packetIds[free] = 0
    this.#values[free] = undefined
    if (packetIds.length > MAX_SPARE_SLOTS && this.#size * SPARSE < packetIds.length) this.#resize(packetIds.length / 2)
  }

  /** As they are now: what is deleted while they are walked still comes. */
  keys(): readonly number[] {
    const packetIds: number[] = []
    this.#putInOrder()
    for (let i = 0; i < this.#size; i++) packetIds.push(this.#packetIds[slotAt(i)] ?? 0)
    return packetIds
  }

  /** As they are when the walk begins. */
  [Symbol.iterator](): ArrayIterator<[packetId: number, value: T]> {
    const all: [packetId: number, value: T][] = []
    this.#putInOrder()
    for (let i = 0; i < this.#size; i++) {
      const slot = slotAt(i)
      const value = this.#values[slot]
      if (value !== undefined) all.push([this.#packetIds[slot] ?? 0, value])
    }
    return all.values()
  }

  /** Has `slotAt` say in which slot the first is, the second and so on. */
  #putInOrder(): void {
    if (ordered.length < this.#size) ordered = new Float64Array(this.#packetIds.length)
    let count = 0
    for (let slot = 0; slot < this.#packetIds.length; slot++) {
      if (this.#packetIds[slot] !== 0) ordered[count++] = (this.#places[slot] ?? 0) * MAX_SLOTS + slot
    }
    ordered.subarray(0, count).sort()
  }

  /** The slot of the packet identifier; where there is none, the free one that it would take. */
  #slotOf(packetId: number): number {
    const packetIds = this.#packetIds
    const mask = packetIds.length - 1
    if (mask < 0) return 0
    let slot = home(packetId, this.#shift)
    for (let found = packetIds[slot]; found !== packetId && found !== 0; found = packetIds[slot])
      slot = (slot + 1) & mask
    return slot
  }

  /** `slots` is a power of two. */
  #resize(slots: number): void {
    const packetIds = this.#packetIds
    const values = this.#values
    const places = this.#places
    this.#packetIds = copies(0, slots)
    this.#values = copies<T | undefined>(undefined, slots)
    this.#places = copies(0, slots)
    this.#shift = Math.clz32(slots) + 1
    for (const [old, packetId] of packetIds.entries()) {
      if (packetId === 0) continue
      const slot = this.#slotOf(packetId)
      this.#packetIds[slot] = packetId
      this.#values[slot] = values[old]
      this.#places[slot] = places[old] ?? 0
    }
  }
}

/** Where a packet identifier lies when nothing else is there. */
function home(packetId: number, shift: number): number {
  return Math.imul(packetId, SPREAD) >>> shift
}

/** Places with the slots below them: one map is put in order at a time. */
let ordered = new Float64Array(FIRST_SLOTS)

function slotAt(index: number): number {
  return (ordered[index] ?? 0) % MAX_SLOTS
}

/** Pushed, not set by index: an array that never had holes is quicker to read. */
function copies<V>(value: V, count: number): V[] {
  const all: V[] = []
  for (let i = 0; i < count; i++) all.push(value)
  return all
}
