import { Duplex } from 'node:stream'

/** Stands between a client and its socket, and lets bytes take a while in each direction; their order stays. */
export class DelayedStream extends Duplex {
  readonly #inner: Duplex
  readonly #latencyMs: number
  readonly #timers = new Set<NodeJS.Timeout>()

  constructor(inner: Duplex, latencyMs: number) {
    super()
    this.#inner = inner
    this.#latencyMs = latencyMs
    inner.on('data', (chunk: Buffer) => this.#later(() => void this.push(chunk)))
    inner.on('end', () => this.#later(() => void this.push(null)))
    inner.on('error', (error) => this.destroy(error))
    inner.on('close', () => this.#later(() => void this.destroy()))
  }

  override _read(): void {
    // What comes is pushed when it is due; a device reads little.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#later(() => void this.#inner.write(chunk))
    done()
  }

  override _final(done: () => void): void {
    this.#later(() => void this.#inner.end())
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#inner.destroy()
    done(error)
  }

  /** Timers of the same length fire in the order they were set. */
  #later(action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      action()
    }, this.#latencyMs)
    this.#timers.add(timer)
  }
}
