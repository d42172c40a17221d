import { statSync, type Stats } from 'node:fs'

/**
 * Where a file was when it was opened. Whoever has it open can read and write it for as long as they like after it was deleted, and all
 * of it is gone when they end.
 */
export class Place {
  readonly path: string
  readonly #atFirst: Stats | undefined

  /** The file is there. */
  constructor(path: string) {
    this.path = path
    this.#atFirst = look(path)
  }

  /** The file is there still, and no other. A look takes some microseconds. */
  get isKept(): boolean {
    const now = look(this.path)
    return now !== undefined && now.ino === this.#atFirst?.ino && now.dev === this.#atFirst.dev
  }

  /** Nothing is there. */
  get isEmpty(): boolean {
    return look(this.path) === undefined
  }
}

function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    // A file where a folder was, or a folder that may not be read.
    return undefined
  }
}
