// Hot path: `write` runs once per connection and turn, `#read` once per chunk; measured by `npm run bench`.
import { LOOP_TIMES, LoopPart } from '../base/loop-times.ts'
import type { Socket } from 'node:net'
import type { Door, Transport, TransportOwner } from '../connection/transport.ts'
import { formatAddress } from '../base/addresses.ts'
import type { PeerAddress } from './arrival.ts'
import { peerHost } from './listener.ts'
import { READ_MEMORY, readInto } from './read-memory.ts'
import { ReadShare, type ReadTurn } from './read-turn.ts'

/** How long a peer may take to close its side after we closed ours. */
const END_TIMEOUT_MS = 2000

/** A TCP connection, or anything else that Node shows as a `net.Socket`. */
export class TcpTransport implements Transport {
  readonly kind = 'tcp'
  readonly door: Door
  readonly #socket: Socket
  readonly #peer: PeerAddress | undefined
  readonly #share: ReadShare
  /** It is read into memory of ours; else chunks come as events. */
  readonly #isReadInto: boolean
  /** The one callback of all writes. */
  readonly #taken: (error?: Error | null) => void
  #owner: TransportOwner | undefined = undefined
  /** What it has put off goes on when the connection is gone. */
  #putOff: TransportOwner | undefined = undefined
  #endTimer: NodeJS.Timeout | undefined = undefined
  #isEnding = false

  /**
   * Takes over a socket that is paused. With `choosesMemory` it is read into the memory that all share. `peer` stands for what the
   * socket says of its peer.
   */
  constructor(socket: Socket, door: Door, turn: ReadTurn, choosesMemory: boolean, peer?: PeerAddress) {
    this.door = door
    this.#peer = peer
    const share = new ReadShare(turn)
    this.#share = share
    this.#isReadInto =
      choosesMemory &&
      readInto(
        socket,
        () => share.room,
        (bytes) => this.#readPiece(bytes),
      )
    this.#socket = socket
    this.#taken = this.#onTaken.bind(this)
    // An error without a listener would end the process; `close` follows and finds it in `socket.errored`.
    socket.on('error', ignore)
  }

  get remoteHost(): string {
    return this.#peer?.host ?? peerHost(this.#socket.remoteAddress)
  }

  get remoteAddress(): string {
    return formatAddress(this.remoteHost, this.#peer?.port ?? this.#socket.remotePort ?? 0)
  }

  attach(owner: TransportOwner): void {
    this.#owner = owner
    this.#putOff = owner
    const socket = this.#socket
    if (socket.closed) {
      process.nextTick(reportClosed, owner, socket)
      return
    }
    if (!this.#isReadInto) socket.on('data', this.#onData.bind(this))
    // Node ends our side when the peer ended its own, but waits forever for a peer that does not read the rest.
    socket.on('end', this.end.bind(this))
    socket.on('close', this.#onClose.bind(this))
    this.#share.open(socket)
  }

  write(chunks: readonly Buffer[]): void {
    const socket = this.#socket
    const last = chunks.length - 1
    if (last > 0) {
      socket.cork()
      for (let i = 0; i < last; i++) {
        const chunk = chunks[i]
        if (chunk !== undefined) socket.write(chunk)
      }
    }
    const chunk = chunks[last]
    if (chunk !== undefined) socket.write(chunk, this.#taken)
    if (last > 0) socket.uncork()
  }

  end(): void {
    if (this.#isEnding || this.#socket.destroyed) return
    this.#isEnding = true
    this.#endTimer = setTimeout(destroy, END_TIMEOUT_MS, this.#socket)
    this.#socket.end()
    // Read on, to see the peer close; to close with unread bytes would reset the connection and lose what was sent last.
    this.#share.readOut()
  }

  leave(): void {
    // With a byte that is not read, to close would reset the connection: none is to come. The system sends what it has taken.
    if (this.#socket.writableLength > 0) this.end()
    else this.destroy()
  }

  destroy(): void {
    this.#isEnding = true
    this.#socket.destroy()
  }

  pause(): void {
    if (!this.#isEnding) this.#share.pause()
  }

  resume(): void {
    this.#share.resume()
  }

  awaitTurn(): void {
    if (this.#putOff !== undefined) this.#share.putOff(this.#putOff)
  }

  /** So many bytes were read into the memory that all share. Returns whether to read on at once. */
  #readPiece(bytes: number): boolean {
    if (this.#isEnding) return true
    const { room } = this.#share
    // It may have been read into a larger one: Node asks for the next at once, and what waits is handled since then.
    const ms = this.#hand(bytes === room.length ? room : READ_MEMORY.subarray(0, bytes))
    return this.#isEnding || this.#share.tookPiece(bytes, ms)
  }

  #onData(chunk: Buffer): void {
    if (this.#isEnding) return
    const ms = this.#hand(chunk)
    if (!this.#isEnding) this.#share.tookChunk(chunk.length, ms)
  }

  /** Returns how long its owner took. */
  #hand(chunk: Buffer): number {
    const before = LOOP_TIMES.enter(LoopPart.READING)
    const startMs = LOOP_TIMES.sinceMs
    this.#owner?.received(chunk)
    LOOP_TIMES.leave(before)
    return LOOP_TIMES.sinceMs - startMs
  }

  #onTaken(error?: Error | null): void {
    // Node reports a write that a destroy cut short as a success.
    if ((error === undefined || error === null) && !this.#socket.destroyed) this.#owner?.taken()
  }

  #onClose(): void {
    clearTimeout(this.#endTimer)
    this.#share.close()
    const owner = this.#owner
    this.#owner = undefined
    if (owner !== undefined) reportClosed(owner, this.#socket)
  }
}

function reportClosed(owner: TransportOwner, socket: Socket): void {
  owner.closed(socket.errored ?? undefined)
}

function destroy(socket: Socket): void {
  socket.destroy()
}

function ignore(): void {}
