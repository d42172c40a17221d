// Hot path: `push` runs per chunk read from a socket and walks every frame in it; measured by `npm run bench`, all rows.
import { type Block, type Blocks, SMALL_BYTES } from './blocks.ts'
import { MalformedPacketError, NoMemoryError } from './field-reader.ts'
import { ReasonCode } from './reason-codes.ts'
import { CUT_OFF, readVarint, TOO_LONG, varintEnd } from './varint.ts'

const NOTHING = Buffer.alloc(0)
/**
 * A packet may take memory as long as so many times what it has by then would be free: the largest are refused first, and
 * however many grow at once, they leave room for those that are smaller.
 */
const ROOM_FACTOR = 4

/** Who gets the frames that a FrameReader cuts. */
export interface FrameSink {
  /**
   * One whole control packet at `bytes[start, end)`; its variable header begins at `bodyStart`. The bytes are a view: they
   * may change after the call. Returns false to stop: later frames wait until `resume()`.
   */
  frame(bytes: Buffer, start: number, bodyStart: number, end: number): boolean
  /** The bytes of the last frame are about to change: whoever has put off something that needs them does it now. */
  flush(): void
  /** The stream cannot be cut any further; nothing more will come. The code tells a packet that is too large from others. */
  malformed(fault: MalformedPacketError): void
}

/**
 * Cuts a byte stream into MQTT control packets in place [MQTT-3.1.1 §2.2]. A frame that lies whole in a chunk is never
 * copied; one that spans chunks is put together in a block that grows with what has really arrived, so that a length that
 * is only claimed costs nothing.
 */
export class FrameReader {
  /** The largest packet that is taken, whole, in bytes, and the option that says so. */
  #maxPacketBytes: number
  #limit = 'limits.maxConnectPacketBytes'
  readonly #sink: FrameSink
  readonly #blocks: Blocks
  #held: Block | undefined = undefined
  #heldBytes = 0
  /** Whole length of the held frame; 0 while its length has not arrived. */
  #heldFrameBytes = 0
  #isStopped = false
  #isEnded = false
  /** What came while it was stopped; these chunks are its own. */
  #waiting: Buffer[] | undefined = undefined
  #waitingBytes = 0
  /** The one of them that is being read. */
  #ownChunk: Buffer | undefined = undefined

  constructor(sink: FrameSink, maxPacketBytes: number, blocks: Blocks) {
    this.#sink = sink
    this.#blocks = blocks
    this.#maxPacketBytes = maxPacketBytes
  }

  /** The client is connected: packets may be so large from here on, which may be within a chunk. */
  connected(maxPacketBytes: number): void {
    this.#maxPacketBytes = maxPacketBytes
    this.#limit = 'limits.maxPacketBytes'
  }

  /** True while frames, or those that come next, wait for `resume()`. */
  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Bytes that wait for `resume()`. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** Bytes of a frame that has not come whole. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Takes the next chunk of the stream, which may change when the call has returned. */
  push(chunk: Buffer): void {
    if (this.#isStopped) this.#wait(Buffer.from(chunk))
    else this.#read(chunk)
  }

  /**
   * Goes on after a stop, with at most `maxBytes` of what has arrived meanwhile. May stop again. Returns whether more waits and
   * nothing but this limit has stopped it: `resume()` is then to be called once more.
   */
  resume(maxBytes: number): boolean {
    if (!this.#isStopped) return false
    this.#isStopped = false
    let leftBytes = maxBytes
    while (this.#waiting !== undefined && leftBytes > 0) {
      const piece = this.#takeWaiting(this.#waiting, leftBytes)
      leftBytes -= piece.length
      this.#readOwn(piece)
      if (this.#isStopped) return false
    }
    return (this.#isStopped = this.#waiting !== undefined)
  }

  /** Nothing more is taken: lets go of a frame that has not come whole. */
  end(): void {
    this.#isEnded = true
    this.#waiting = undefined
    this.#blocks.unfinished.give(this.#waitingBytes, 0)
    this.#waitingBytes = 0
    const held = this.#held
    this.#held = undefined
    if (held === undefined) return
    this.#blocks.unfinished.give(held.bytes.length, 0)
    this.#blocks.release(held)
  }

  #wait(ownChunk: Buffer): void {
    if (this.#isEnded) return
    this.#waiting ??= []
    this.#waiting.push(ownChunk)
    this.#waitingBytes += ownChunk.length
    this.#blocks.unfinished.take(ownChunk.length, 0)
  }

  /** Takes the first chunk that waits, or so much of it. */
  #takeWaiting(waiting: Buffer[], maxBytes: number): Buffer {
    const chunk = waiting.shift() ?? NOTHING
    const piece = chunk.subarray(0, maxBytes)
    if (piece.length < chunk.length) waiting.unshift(chunk.subarray(maxBytes))
    else if (waiting.length === 0) this.#waiting = undefined
    this.#waitingBytes -= piece.length
    this.#blocks.unfinished.give(piece.length, 0)
    return piece
  }

  #readOwn(chunk: Buffer): void {
    this.#ownChunk = chunk
    this.#read(chunk)
    this.#ownChunk = undefined
  }

  #read(chunk: Buffer): void {
    if (this.#isEnded) return
    let at = 0
    if (this.#heldBytes > 0) {
      at = this.#complete(chunk)
      if (at < 0) return
    }
    this.#walk(chunk, at)
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
      if (end - start > this.#maxPacketBytes) {
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
      const block = this.#append(chunk, at, ++at)
      if (block === undefined) return -1
      const { bytes } = block
      const bodyStart = varintEnd(bytes, 1, this.#heldBytes)
      if (bodyStart === CUT_OFF) continue
      if (bodyStart === TOO_LONG) {
        this.#failLength()
        return -1
      }
      this.#heldFrameBytes = bodyStart + readVarint(bytes, 1)
      if (this.#heldFrameBytes > this.#maxPacketBytes) {
        this.#failTooLarge(this.#heldFrameBytes)
        return -1
      }
    }
    const end = Math.min(chunk.length, at + this.#heldFrameBytes - this.#heldBytes)
    const block = this.#append(chunk, at, end)
    if (block === undefined || this.#heldBytes < this.#heldFrameBytes) return -1
    const frameBytes = this.#heldBytes
    this.#held = undefined
    this.#heldBytes = 0
    this.#heldFrameBytes = 0
    if (this.#handOver(block, frameBytes)) return end
    this.#stop(chunk, end)
    return -1
  }

  /** Gives the sink the frame that lies at the beginning of a block, and the block back. */
  #handOver(block: Block, frameBytes: number): boolean {
    const { bytes } = block
    const blocks = this.#blocks
    blocks.unfinished.give(bytes.length, 0)
    blocks.framed = block
    const goesOn = this.#sink.frame(bytes, 0, varintEnd(bytes, 1, frameBytes), frameBytes)
    this.#sink.flush()
    blocks.framed = undefined
    blocks.release(block)
    return goesOn
  }

  #hold(chunk: Buffer, start: number, frameBytes: number): void {
    this.#heldFrameBytes = frameBytes
    this.#append(chunk, start, chunk.length)
  }

  /** Adds to the held frame and returns its block, which may be another than before; undefined: there is no memory for it. */
  #append(chunk: Buffer, start: number, end: number): Block | undefined {
    const neededBytes = this.#heldBytes + end - start
    let held = this.#held
    if (held === undefined || held.bytes.length < neededBytes) {
      held = this.#grow(neededBytes)
      if (held === undefined) return undefined
    }
    chunk.copy(held.bytes, this.#heldBytes, start, end)
    this.#heldBytes = neededBytes
    return held
  }

  #grow(neededBytes: number): Block | undefined {
    const blocks = this.#blocks
    const { unfinished } = blocks
    const held = this.#held
    // A small piece is let in: the end of each chunk may be one, of whoever.
    if (neededBytes >= SMALL_BYTES && !unfinished.mayTake(ROOM_FACTOR * neededBytes, 0)) {
      unfinished.refuse()
      this.#fail(new NoMemoryError('more packets that have not come whole'))
      return undefined
    }
    const grown = this.#takeBlock(neededBytes)
    unfinished.take(grown.bytes.length, 0)
    if (held !== undefined) {
      held.bytes.copy(grown.bytes, 0, 0, this.#heldBytes)
      unfinished.give(held.bytes.length, 0)
      blocks.release(held)
    }
    this.#held = grown
    return grown
  }

  /** Memory that is there already may be taken for the whole frame, as long as it lasts; other memory only as the frame arrives. */
  #takeBlock(neededBytes: number): Block {
    const frameBytes = this.#heldFrameBytes
    const { unfinished } = this.#blocks
    const isWhole = neededBytes >= SMALL_BYTES && unfinished.mayTake(2 * frameBytes, 0)
    const block = isWhole ? this.#blocks.takeFree(frameBytes) : undefined
    return block ?? this.#blocks.take(Math.max(neededBytes, Math.min(frameBytes, 2 * this.#heldBytes)))
  }

  #stop(chunk: Buffer, at: number): void {
    this.#isStopped = true
    if (at >= chunk.length || this.#isEnded) return
    const rest = chunk.subarray(at)
    this.#waitingBytes += rest.length
    this.#blocks.unfinished.take(rest.length, 0)
    this.#waiting ??= []
    // Many a packet of one chunk may stop it: the rest is copied for the first.
    this.#waiting.unshift(chunk === this.#ownChunk ? rest : Buffer.from(rest))
  }

  #failLength(): void {
    this.#fail(new MalformedPacketError('remaining length is longer than four bytes'))
  }

  #failTooLarge(packetBytes: number): void {
    const reason = `packet of ${packetBytes} bytes is over the limit of ${this.#maxPacketBytes} bytes (${this.#limit})`
    this.#fail(new MalformedPacketError(reason, ReasonCode.PACKET_TOO_LARGE))
  }

  #fail(fault: MalformedPacketError): void {
    this.end()
    this.#sink.malformed(fault)
  }
}
