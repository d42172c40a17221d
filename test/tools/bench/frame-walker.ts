// Hot path: runs once a frame in the generator; the rows of the sink server show its ceiling.

/**
 * Who is told of frames. `frame` gets the bytes [start, end) of `chunk`, which are valid only during the call when the
 * chunk is a shared read buffer; `chunkEnd` comes once after all frames of a chunk.
 */
export interface FrameHandler {
  frame(chunk: Uint8Array, start: number, end: number): void
  chunkEnd(): void
}

/** Cuts a byte stream into frames by walking their lengths; keeps only the frame that a chunk breaks off. */
export class FrameWalker {
  handler: FrameHandler
  #held: Buffer = Buffer.alloc(0)
  #heldBytes = 0

  constructor(handler: FrameHandler) {
    this.handler = handler
  }

  push(chunk: Uint8Array, bytes: number): void {
    let at = this.#heldBytes > 0 ? this.#completeHeld(chunk, bytes) : 0
    while (at < bytes) {
      const length = frameLength(chunk, at, bytes)
      if (length === 0 || at + length > bytes) break
      this.handler.frame(chunk, at, at + length)
      at += length
    }
    if (at < bytes) this.#hold(chunk, at, bytes)
    this.handler.chunkEnd()
  }

  /** Adds what the held frame misses and hands it on when it is whole; returns where the next frame begins. */
  #completeHeld(chunk: Uint8Array, bytes: number): number {
    let at = 0
    while (at < bytes) {
      const length = frameLength(this.#held, 0, this.#heldBytes)
      const missing = length === 0 ? 1 : length - this.#heldBytes
      const taken = Math.min(missing, bytes - at)
      this.#hold(chunk, at, at + taken)
      at += taken
      if (frameLength(this.#held, 0, this.#heldBytes) === this.#heldBytes) {
        const whole = this.#held
        const wholeBytes = this.#heldBytes
        this.#held = Buffer.alloc(0)
        this.#heldBytes = 0
        this.handler.frame(whole, 0, wholeBytes)
        return at
      }
    }
    return at
  }

  #hold(chunk: Uint8Array, start: number, end: number): void {
    const needed = this.#heldBytes + end - start
    if (needed > this.#held.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, 2048))
      this.#held.copy(grown, 0, 0, this.#heldBytes)
      this.#held = grown
    }
    this.#held.set(chunk.subarray(start, end), this.#heldBytes)
    this.#heldBytes = needed
  }
}

/** The bytes of the whole frame that begins at `at`, or 0 when its length is not readable yet. */
export function frameLength(chunk: Uint8Array, at: number, limit: number): number {
  let next = at + 1
  let remaining = 0
  let shift = 0
  for (;;) {
    if (next >= limit) return 0
    const digit = chunk[next++] ?? 0
    remaining |= (digit & 0x7f) << shift
    if (digit < 0x80) return next - at + remaining
    shift += 7
  }
}
