import type { Fleet } from './fleet.ts'

const TERMINAL_EVERY_MS = 1000
const PLAIN_EVERY_MS = 10_000

/** Tells every second what a fleet does: on a terminal in one line that is rewritten, elsewhere in a new line now and then. */
export class LiveLine {
  readonly #fleet: Fleet
  readonly #output: NodeJS.WriteStream
  readonly #timer: NodeJS.Timeout
  #publishedBefore = 0
  #toldAtMs = performance.now()

  constructor(fleet: Fleet, output: NodeJS.WriteStream) {
    this.#fleet = fleet
    this.#output = output
    this.#timer = setInterval(() => this.#tell(), output.isTTY ? TERMINAL_EVERY_MS : PLAIN_EVERY_MS)
  }

  /** Ends it and takes it from the terminal. */
  end(): void {
    clearInterval(this.#timer)
    if (this.#output.isTTY) this.#output.write('\r\u001B[K')
  }

  #tell(): void {
    const { tally, devices } = this.#fleet
    const nowMs = performance.now()
    const perSecond = Math.round(((tally.published - this.#publishedBefore) * 1000) / (nowMs - this.#toldAtMs))
    this.#publishedBefore = tally.published
    this.#toldAtMs = nowMs
    const last = tally.lastError === undefined ? '' : ` (${tally.lastError})`
    const text =
      `${tally.connected} of ${devices.length} connected, ${perSecond} messages/s, ${tally.acknowledged} acknowledged, ` +
      `${tally.errors} errors${last}`
    if (this.#output.isTTY) this.#output.write(`\r\u001B[K${text.slice(0, this.#output.columns - 1)}`)
    else this.#output.write(`${text}\n`)
  }
}
