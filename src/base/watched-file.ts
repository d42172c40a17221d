import { type FileHandle, open } from 'node:fs/promises'
import { unwatchFile, watchFile } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

export interface WatchedFileOptions {
  readonly path: string
  /** A file that is longer is read to here and one byte more. */
  readonly maxBytes: number
  /** How often it is looked at; `fs.watch` misses what Kubernetes does and all that follows a rename. Default 2000. */
  readonly intervalMs?: number
  /** Called with what is in the file now; undefined: there is none, or it cannot be read. Only when that differs from before. */
  readonly changed: (bytes: Buffer | undefined, error: Error | undefined) => void
}

const INTERVAL_MS = 2000
/** A file that somebody writes piece by piece has changed again after it. */
const SETTLED_AFTER_MS = 200
const MAX_READS = 50

/** A file whose changes are noticed within some seconds, also when it is replaced. What is half-written is waited for. */
export class WatchedFile {
  readonly #options: WatchedFileOptions
  #bytes: Buffer | undefined
  #isLooking = false
  /** It changed once more while it was looked at. */
  #isAgain = false
  #isStarted = false

  constructor(options: WatchedFileOptions) {
    this.#options = options
  }

  /** Reads the file. @throws what the system says, when it is there and cannot be read */
  async read(): Promise<Buffer | undefined> {
    this.#bytes = await readBounded(this.#options.path, this.#options.maxBytes)
    return this.#bytes
  }

  /** What is in the file by one's own doing: no change to tell of. */
  know(bytes: Buffer): void {
    this.#bytes = bytes
  }

  start(): void {
    this.#isStarted = true
    const { path, intervalMs = INTERVAL_MS } = this.#options
    watchFile(path, { interval: intervalMs, persistent: false }, this.#onStat)
  }

  stop(): void {
    this.#isStarted = false
    unwatchFile(this.#options.path, this.#onStat)
  }

  readonly #onStat = (): void => void this.look()

  /** Looks now. */
  async look(): Promise<void> {
    this.#isAgain = this.#isLooking
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      await this.#lookOnce()
    } finally {
      this.#isLooking = false
    }
    if (this.#isAgain) await this.look()
  }

  async #lookOnce(): Promise<void> {
    let bytes = await this.#readSafely()
    for (let reads = 0; reads < MAX_READS; reads++) {
      await delay(SETTLED_AFTER_MS, undefined, { ref: false })
      const again = await this.#readSafely()
      const isSettled = isSame(bytes.bytes, again.bytes)
      bytes = again
      if (isSettled) break
    }
    if (!this.#isStarted || isSame(this.#bytes, bytes.bytes)) return
    this.#bytes = bytes.bytes
    this.#options.changed(bytes.bytes, bytes.error)
  }

  async #readSafely(): Promise<{ bytes: Buffer | undefined; error: Error | undefined }> {
    try {
      return { bytes: await readBounded(this.#options.path, this.#options.maxBytes), error: undefined }
    } catch (error) {
      return { bytes: undefined, error: error instanceof Error ? error : new Error(String(error)) }
    }
  }
}

function isSame(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b)
}

/** The bytes of a file, at most one more than `maxBytes`, so that an endless device ends; undefined when there is none. */
async function readBounded(path: string, maxBytes: number): Promise<Buffer | undefined> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined
    throw error
  }
  try {
    const pieces: Buffer[] = []
    let length = 0
    while (length <= maxBytes) {
      const piece = Buffer.allocUnsafe(Math.min(64 * 1024, maxBytes + 1 - length))
      const { bytesRead } = await file.read(piece, 0, piece.length, null)
      if (bytesRead === 0) break
      pieces.push(piece.subarray(0, bytesRead))
      length += bytesRead
    }
    return Buffer.concat(pieces)
  } finally {
    await file.close()
  }
}
