import type { Chapter } from './chapter.ts'

/** Sequence numbers reserved for an import, so that messages recorded meanwhile come after all of it. */
export const IMPORT_SEQUENCES = 2 ** 32
/** An import must not reach numbers beyond this; the hub would take centuries to use up the rest. */
export const MAX_IMPORTED_SEQUENCE = 2 ** 47

/** Where entries are added: the recorder has one lane, an import has another. */
export class Lane {
  /** The chapter of the last entry. */
  chapter: Chapter | undefined = undefined
  nextSequence: number

  constructor(nextSequence: number) {
    this.nextSequence = nextSequence
  }
}
