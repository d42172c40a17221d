/** Sizes within an eighth of each other are counted together, from 1 byte to 2^48. */
const STEPS_AN_OCTAVE = 8
const STEPS = 48 * STEPS_AN_OCTAVE

/**
 * Shares room out fairly (max-min fairness): who has less than a share keeps what it has, and what is left over is shared out
 * evenly among those who have more. Adding a size costs a logarithm, and the answer does not depend on how many there were.
 */
export class FairShare {
  readonly #counts = new Float64Array(STEPS)
  readonly #sums = new Float64Array(STEPS)
  /** All that was added, in bytes. */
  bytes = 0
  #count = 0

  /** A whole number of bytes. Who has none takes no share. */
  add(bytes: number): void {
    if (bytes <= 0) return
    const step = Math.min(STEPS - 1, Math.floor(Math.log2(bytes) * STEPS_AN_OCTAVE))
    this.#counts[step] = (this.#counts[step] ?? 0) + 1
    this.#sums[step] = (this.#sums[step] ?? 0) + bytes
    this.bytes += bytes
    this.#count++
  }

  /**
   * How many bytes nobody may exceed so that all of them together have no more than `room`; at most an eighth less than could
   * be. Infinity: all of it has room.
   */
  capFor(room: number): number {
    if (this.bytes <= room) return Infinity
    let smallerBytes = 0
    let others = this.#count
    for (let step = 0; step < STEPS; step++) {
      const share = (room - smallerBytes) / others
      if (share < 2 ** ((step + 1) / STEPS_AN_OCTAVE)) return Math.max(0, share)
      smallerBytes += this.#sums[step] ?? 0
      others -= this.#counts[step] ?? 0
    }
    return Math.max(0, (room - smallerBytes) / Math.max(1, others))
  }
}
