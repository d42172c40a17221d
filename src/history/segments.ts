import type { Segment } from '../store/history-log.ts'

const MAX_SEGMENTS = 256

interface OpenSegment {
  readonly first: number
  fromMs: number
  toMs: number
  isOrdered: boolean
}

/** A stretch of sequence numbers within which times may be searched. */
export interface Stretch extends Segment {
  /** The last sequence number that can be in it. */
  readonly last: number
}

/**
 * Where in the log the times begin anew: an import may bring what is older than what stands before it, and a clock may have been
 * set back. Within each stretch times go up, so that one in it is found by halving.
 */
export class Segments {
  #segments: OpenSegment[] = []

  append(sequence: number, atMs: number): void {
    const last = this.#segments.at(-1)
    if (last !== undefined && (atMs >= last.toMs || this.#segments.length >= MAX_SEGMENTS)) {
      // Past the bound the last one takes all, and is read through when a time is looked for.
      if (atMs < last.toMs) last.isOrdered = false
      if (atMs > last.toMs) last.toMs = atMs
      if (atMs < last.fromMs) last.fromMs = atMs
      return
    }
    this.#segments.push({ first: sequence, fromMs: atMs, toMs: atMs, isOrdered: true })
  }

  /** The latest time of the last stretch; 0 when there is none. */
  get lastMs(): number {
    return this.#segments.at(-1)?.toMs ?? 0
  }

  restore(segments: readonly Segment[]): void {
    this.#segments = segments.map((segment) => Object.assign({}, segment))
  }

  /** For the store; what lies wholly before `firstSequence` is let go. */
  list(firstSequence: number): readonly Segment[] {
    const at = this.#segments.findLastIndex(({ first }) => first <= firstSequence)
    if (at > 0) this.#segments = this.#segments.slice(at)
    return this.#segments.map((segment) => Object.assign({}, segment))
  }

  /** In order; `lastSequence` is the last there is. */
  stretches(lastSequence: number): Stretch[] {
    return this.#segments.map((segment, i) => {
      const last = (this.#segments[i + 1]?.first ?? lastSequence + 1) - 1
      return Object.assign({ last }, segment)
    })
  }
}
