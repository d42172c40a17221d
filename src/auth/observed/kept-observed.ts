import type { Log } from '../../base/log.ts'
import { readObserved, writeObserved } from './observed-file.ts'
import type { Observed } from './observed.ts'

const WRITE_EVERY_MS = 60_000
/** A large table is written less often. */
const ROWS_A_MINUTE = 10_000

/** Keeps the table of what was seen in a file: read at the start, written now and then, and at the stop. What a crash takes is no harm. */
export class KeptObserved {
  readonly #observed: Observed
  readonly #path: string
  readonly #log: Log
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()
  #writtenChanges = 0
  #minutes = 0

  constructor(observed: Observed, path: string, log: Log) {
    this.#observed = observed
    this.#path = path
    this.#log = log
  }

  async start(): Promise<void> {
    try {
      const faulty = await readObserved(this.#path, this.#observed)
      if (faulty > 0) this.#log.warn({ file: this.#path, lines: faulty }, 'lines that are no sightings were left out')
    } catch (error) {
      this.#log.warn({ file: this.#path, error: String(error) }, 'what clients were seen to do cannot be read')
    }
    this.#writtenChanges = this.#observed.changes
    this.#timer = setInterval(() => this.#tick(), WRITE_EVERY_MS)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#write()
    await this.#writing
  }

  #tick(): void {
    if (++this.#minutes * ROWS_A_MINUTE < this.#observed.size) return
    this.#minutes = 0
    this.#write()
  }

  #write(): void {
    const { changes } = this.#observed
    if (changes === this.#writtenChanges) return
    this.#writtenChanges = changes
    this.#writing = this.#writing
      .then(() => writeObserved(this.#path, this.#observed))
      .catch((error: unknown) => {
        this.#log.warn({ file: this.#path, error: String(error) }, 'what clients were seen to do cannot be written')
      })
  }
}
