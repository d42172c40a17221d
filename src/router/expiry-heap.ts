import type { RetainedNumber, RetainedRecords } from './retained-records.ts'

const FIRST_NUMBERS = 64

/**
 * Retained messages that expire, the next one first: a binary heap of numbers. To add, move or take one out costs a walk from a leaf to
 * the root at most.
 */
export class ExpiryHeap {
  readonly #records: RetainedRecords
  /** From place 1 on: the parent of a place is at half of it. */
  #numbers = new Int32Array(FIRST_NUMBERS)
  #size = 0

  constructor(records: RetainedRecords) {
    this.#records = records
  }

  /** Memory that it takes. */
  get heldBytes(): number {
    return this.#numbers.byteLength
  }

  /** The message that expires next; 0 if none does. */
  get first(): RetainedNumber {
    return this.#size === 0 ? 0 : (this.#numbers[1] ?? 0)
  }

  /** The message expires at this time, in ms since 1970 by the hub's clock; with 0 it never does. */
  set(number: RetainedNumber, expiresAtMs: number): void {
    const records = this.#records
    const place = records.expiryPlace(number)
    const before = records.expiresAtMs(number)
    records.setExpiresAtMs(number, expiresAtMs)
    if (expiresAtMs === 0) {
      if (place !== 0) this.#takeOut(number, place)
    } else if (place === 0) {
      if (++this.#size === this.#numbers.length) this.#grow()
      this.#rise(number, this.#size)
    } else if (expiresAtMs < before) {
      this.#rise(number, place)
    } else {
      this.#sink(number, place)
    }
  }

  #takeOut(number: RetainedNumber, place: number): void {
    const last = this.#numbers[this.#size--] ?? 0
    this.#records.setExpiryPlace(number, 0)
    if (last === number) return
    this.#rise(last, place)
    this.#sink(last, this.#records.expiryPlace(last))
  }

  /** Puts a message at a place or above it, until what is above it does not expire later. */
  #rise(number: RetainedNumber, from: number): void {
    const records = this.#records
    const expiresAtMs = records.expiresAtMs(number)
    let place = from
    for (; place > 1; place >>= 1) {
      const parent = this.#numbers[place >> 1] ?? 0
      if (records.expiresAtMs(parent) <= expiresAtMs) break
      this.#put(parent, place)
    }
    this.#put(number, place)
  }

  /** Puts a message at a place or below it, until what is below it does not expire sooner. */
  #sink(number: RetainedNumber, from: number): void {
    const records = this.#records
    const expiresAtMs = records.expiresAtMs(number)
    let place = from
    for (;;) {
      let childPlace = place * 2
      if (childPlace > this.#size) break
      if (childPlace < this.#size && this.#expiresAtMs(childPlace + 1) < this.#expiresAtMs(childPlace)) childPlace++
      const child = this.#numbers[childPlace] ?? 0
      if (records.expiresAtMs(child) >= expiresAtMs) break
      this.#put(child, place)
      place = childPlace
    }
    this.#put(number, place)
  }

  #expiresAtMs(place: number): number {
    return this.#records.expiresAtMs(this.#numbers[place] ?? 0)
  }

  #put(number: RetainedNumber, place: number): void {
    this.#numbers[place] = number
    this.#records.setExpiryPlace(number, place)
  }

  #grow(): void {
    const grown = new Int32Array(this.#numbers.length * 2)
    grown.set(this.#numbers)
    this.#numbers = grown
  }
}
