// Hot path: `push` runs per chunk read from a socket and walks every frame in it; measured by `npm run bench`, all rows.
import { MalformedPacketError } from './field-reader.ts'
import { ReasonCode } from './reason-codes.ts'
import { CUT_OFF, readVarint, TOO_LONG, varintEnd } from './varint.ts'

/** Who gets the frames that a FrameReader cuts. */
export interface FrameSink {
  /**
   * One whole control packet at `bytes[start, end)`; its variable header begins at `bodyStart`. The bytes are a view: they
   * may change after the call. Returns false to stop: later frames wait until `resume()`.
   */
  frame(bytes: Buffer, start: number, bodyStart: number, end: number): boolean
  /** The stream cannot be cut any further; nothing more will come. The code tells a packet that is too large from others. */
  malformed(fault: MalformedPacketError): void
}

const FIRST_HOLD_BYTES = 16_384

/**
 * Cuts a byte stream into MQTT control packets in place [MQTT-3.1.1 §2.2]. A frame that lies whole in a chunk is never
 * copied; one that spans chunks is put together in a buffer that grows with what has really arrived, so that a length that
 * is only claimed costs nothing.
 */
export class FrameReader {
  /** The largest packet that is taken, whole, in bytes; may change between frames. */
  maxPacketBytes: number
  readonly #sink: FrameSink
  #held: Buffer | undefined = undefined
  #heldBytes = 0
  /** Whole length of the held frame; 0 while its length has not arrived. */
  #heldFrameBytes = 0
  #isStopped = false
  #isMalformed = false
  #waiting: Buffer[] | undefined = undefined

  constructor(sink: FrameSink, maxPacketBytes: number) {
    this.#sink = sink
    this.maxPacketBytes = maxPacketBytes
  }

  /** True while frames wait for `resume()`. */
  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Bytes of a frame that has not come whole. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Takes the next chunk of the stream. Frames may refer to it, so it must not be written to afterwards. */
  push(chunk: Buffer): void {
    if (this.#isStopped) {
      this.#waiting ??= []
      this.#waiting.push(chunk)
      return
    }
    if (this.#isMalformed) return
    let at = 0
    if (this.#heldBytes > 0) {
      at = this.#complete(chunk)
      if (at < 0) return
    }
    this.#walk(chunk, at)
  }

  /** Goes on after a stop, with what has arrived meanwhile. May stop again. */
  resume(): void {
    if (!this.#isStopped) return
    this.#isStopped = false
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting === undefined) return
    for (let i = 0; i < waiting.length; i++) {
      const chunk = waiting[i]
      if (chunk !== undefined) this.push(chunk)
    }
  }

  #walk(chunk: Buffer, from: number): void {
    const length = chunk.length
    let start = from
    while (start < length) {
      const bodyStart = varintEnd(chunk, start + 1, length)
      if (bodyStart <= CUT_OFF) {
        if (bodyStart === TOO_LONG) this.#failLength()
        else this.#hold(chunk, start, 0)
        return
      }
      const end = bodyStart + readVarint(chunk, start + 1)
      if (end - start > this.maxPacketBytes) {
        this.#failTooLarge(end - start)
        return
      }
      if (end > length) {
        this.#hold(chunk, start, end - start)
        return
      }
      if (!this.#sink.frame(chunk, start, bodyStart, end)) {
        this.#stop(chunk, end)
        return
      }
      start = end
    }
  }

  /** Adds to the held frame; returns the offset in `chunk` behind it, or -1 when it is not whole or the reader stopped. */
  #complete(chunk: Buffer): number {
    let at = 0
    // Byte by byte until the length is known: at most four times per frame.
    while (this.#heldFrameBytes === 0) {
      if (at >= chunk.length) return -1
      const held = this.#append(chunk, at, ++at)
      const bodyStart = varintEnd(held, 1, this.#heldBytes)
      if (bodyStart === CUT_OFF) continue
      if (bodyStart === TOO_LONG) {
        this.#failLength()
        return -1
      }
      this.#heldFrameBytes = bodyStart + readVarint(held, 1)
      if (this.#heldFrameBytes > this.maxPacketBytes) {
        this.#failTooLarge(this.#heldFrameBytes)
        return -1
      }
    }
    const end = Math.min(chunk.length, at + this.#heldFrameBytes - this.#heldBytes)
    const frame = this.#append(chunk, at, end)
    if (this.#heldBytes < this.#heldFrameBytes) return -1
    const frameBytes = this.#heldBytes
    this.#held = undefined
    this.#heldBytes = 0
    this.#heldFrameBytes = 0
    if (this.#sink.frame(frame, 0, varintEnd(frame, 1, frameBytes), frameBytes)) return end
    this.#stop(chunk, end)
    return -1
  }

  #hold(chunk: Buffer, start: number, frameBytes: number): void {
    this.#heldFrameBytes = frameBytes
    this.#append(chunk, start, chunk.length)
  }

  /** Adds to the held frame and returns it, which may have moved. */
  #append(chunk: Buffer, start: number, end: number): Buffer {
    const neededBytes = this.#heldBytes + end - start
    let held = this.#held
    if (held === undefined || held.length < neededBytes) {
      const roomBytes = Math.min(this.#heldFrameBytes, Math.max(FIRST_HOLD_BYTES, this.#heldBytes * 2))
      const grown = Buffer.allocUnsafe(Math.max(neededBytes, roomBytes))
      held?.copy(grown, 0, 0, this.#heldBytes)
      this.#held = held = grown
    }
    chunk.copy(held, this.#heldBytes, start, end)
    this.#heldBytes = neededBytes
    return held
  }

  #stop(chunk: Buffer, at: number): void {
    this.#isStopped = true
    if (at < chunk.length) {
      this.#waiting ??= []
      this.#waiting.unshift(chunk.subarray(at))
    }
  }

  #failLength(): void {
    this.#fail(new MalformedPacketError('remaining length is longer than four bytes'))
  }

  #failTooLarge(packetBytes: number): void {
    const reason = `packet of ${packetBytes} bytes is over the limit of ${this.maxPacketBytes} bytes`
    this.#fail(new MalformedPacketError(reason, ReasonCode.PACKET_TOO_LARGE))
  }

  #fail(fault: MalformedPacketError): void {
    this.#isMalformed = true
    this.#held = undefined
    this.#sink.malformed(fault)
  }
}
