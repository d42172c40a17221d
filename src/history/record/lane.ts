import type { Chapter } from './chapter.ts'

/** Sequence numbers set apart for an import, so that what is recorded meanwhile stands behind all of it. */
export const IMPORT_SEQUENCES = 2 ** 32
/** Beyond this none are taken over from an import; as many are left as the hub would count in centuries. */
export const MAX_IMPORTED_SEQUENCE = 2 ** 47

/** Where entries are added: what is recorded has one lane, an import has another. */
export class Lane {
  /** The one that the last entry is in. */
  chapter: Chapter | undefined = undefined
  nextSequence: number

  constructor(nextSequence: number) {
    this.nextSequence = nextSequence
  }
}
