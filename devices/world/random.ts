/**
 * Numbers that look random and are the same for the same seed and name, whatever other devices there are. The generator is
 * mulberry32: 32 bits of state, good enough for weather, never for secrets.
 */
export class Random {
  #state: number

  constructor(seed: number, name: string) {
    // FNV-1a over the seed and the name: neighbours such as lamp-1 and lamp-2 start far apart.
    let hash = 2_166_136_261
    for (const character of `${seed}/${name}`) {
      hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16_777_619)
    }
    this.#state = hash
  }

  /** From 0 up to and without 1. */
  next(): number {
    this.#state = (this.#state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  /** A whole number from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1))
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** Around 0 with a standard deviation of 1, never beyond 6: the sum of twelve, which is near enough to the bell curve. */
  normal(): number {
    let sum = -6
    for (let i = 0; i < 12; i++) sum += this.next()
    return sum
  }

  /** The time until something that happens on average every `mean`, in its unit. */
  waiting(mean: number): number {
    return -mean * Math.log(1 - this.next())
  }

  pick<T>(from: readonly [T, ...T[]]): T {
    return from[this.integer(0, from.length - 1)] ?? from[0]
  }
}
