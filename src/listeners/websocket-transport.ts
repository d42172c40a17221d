// Hot path: `write` runs once per connection and turn, the message listener once per frame; measured by `npm run bench`.
import { LOOP_TIMES, LoopPart } from '../base/loop-times.ts'
import type { MemoryAccount } from '../base/memory-account.ts'
import type { Socket } from 'node:net'
import type { RawData, WebSocket } from 'ws'
import { type Door, FrameLimitError, type Transport, type TransportOwner } from '../connection/transport.ts'
import { formatAddress } from '../base/addresses.ts'
import type { HttpPeer } from './http-peer.ts'
import { type ReadRest, ReadShare, type ReadTurn } from './read-turn.ts'

/** Close codes of RFC 6455, section 7.4.1. */
const NORMAL_CLOSURE = 1000
const UNSUPPORTED_DATA = 1003

/** What a frame may hold without being counted. */
const SURE_BYTES = 65_536
/** A frame may grow as long as so many times what it has would be free, like a packet that has not come whole. */
const ROOM_FACTOR = 4

const WHOLE = { binary: true, fin: true }
const PART = { binary: true, fin: false }

/** A WebSocket connection; its binary messages are one stream of bytes [MQTT-6.0.0-2]. */
export class WebSocketTransport implements Transport, ReadRest {
  readonly kind = 'websocket'
  readonly door: Door
  readonly remoteHost: string
  readonly #remotePort: number
  readonly #webSocket: WebSocket
  readonly #socket: Socket
  readonly #share: ReadShare
  readonly #maxUnansweredBytes: number
  /** The one callback of all writes. */
  readonly #taken: (error?: Error) => void
  readonly #unfinished: MemoryAccount
  /** Of these, what its frame has, and what waits of its messages. */
  #heldBytes = 0
  #isAnswered = false
  #deliveredBytes: number
  #pingedAtBytes = -1
  #owner: TransportOwner | undefined = undefined
  /** What it has put off goes on when the connection is gone. */
  #putOff: TransportOwner | undefined = undefined
  #error: Error | undefined = undefined
  #isEnding = false
  /** The WebSocket is closed; its owner is told when the messages are handed over. */
  #isGone = false
  /** Messages, the first maybe in part, that were too much for a turn. */
  #messages: Buffer[] = []

  /**
   * Until the owner answers for the first time, a frame that is not complete may take up `maxUnansweredBytes`: ws itself
   * keeps one limit for the whole life of a connection, and strangers get less room than clients.
   */
  constructor(
    webSocket: WebSocket,
    socket: Socket,
    { door, host, port }: HttpPeer,
    turn: ReadTurn,
    maxUnansweredBytes: number,
    unfinished: MemoryAccount,
  ) {
    this.door = door
    this.#webSocket = webSocket
    this.#socket = socket
    this.#share = new ReadShare(turn)
    this.#maxUnansweredBytes = maxUnansweredBytes
    this.#unfinished = unfinished
    this.#deliveredBytes = socket.bytesRead
    this.remoteHost = host
    this.#remotePort = port
    this.#taken = this.#onTaken.bind(this)
    webSocket.on('error', this.#onError.bind(this))
    webSocket.pause()
  }

  get remoteAddress(): string {
    return formatAddress(this.remoteHost, this.#remotePort)
  }

  attach(owner: TransportOwner): void {
    this.#owner = owner
    this.#putOff = owner
    const webSocket = this.#webSocket
    if (webSocket.readyState === webSocket.CLOSED) {
      process.nextTick(reportClosed, owner, this.#error)
      return
    }
    webSocket.on('message', this.#onMessage.bind(this))
    webSocket.on('close', this.#onClose.bind(this))
    this.#socket.on('data', this.#onData.bind(this))
    this.#share.open(webSocket)
  }

  /** One write is one message, in as many fragments as there are buffers: a peer always sees whole packets. */
  write(chunks: readonly Buffer[]): void {
    this.#isAnswered = true
    const last = chunks.length - 1
    if (last > 0) this.#socket.cork()
    for (let i = 0; i < last; i++) {
      const chunk = chunks[i]
      if (chunk !== undefined) this.#webSocket.send(chunk, PART)
    }
    const chunk = chunks[last]
    if (chunk !== undefined) this.#webSocket.send(chunk, WHOLE, this.#taken)
    if (last > 0) this.#socket.uncork()
  }

  end(): void {
    this.#close(NORMAL_CLOSURE, '')
  }

  /** A WebSocket is closed by both sides, whatever its peer said. */
  leave(): void {
    this.end()
  }

  destroy(): void {
    this.#isEnding = true
    this.#drop()
    this.#webSocket.terminate()
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

  /** Sends a ping, and ends a connection from which nothing came since the last: a pong at least is due by then. */
  ping(): void {
    // What a peer sends while nobody reads cannot be seen.
    if (this.#isEnding || this.#webSocket.isPaused) return
    const { bytesRead } = this.#socket
    if (bytesRead === this.#pingedAtBytes) {
      this.#error = new Error('no answer to the WebSocket ping')
      this.destroy()
      return
    }
    this.#pingedAtBytes = bytesRead
    this.#webSocket.ping()
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    if (this.#isEnding) return
    if (!isBinary) {
      this.#error = new Error('a text frame, where MQTT needs binary ones') // [MQTT-6.0.0-1]
      this.#close(UNSUPPORTED_DATA, this.#error.message)
      return
    }
    this.#deliveredBytes = this.#socket.bytesRead
    // Always so, since `binaryType` is left at its default.
    if (!Buffer.isBuffer(data)) return
    if (this.#messages.length === 0 && !this.#share.isHeld && data.length <= this.#share.leftBytes) {
      this.#letGo()
      this.#hand(data)
      return
    }
    // ws gives a message whole, and goes on with what it has read already.
    this.#messages.push(data)
    this.#share.keep(this)
  }

  #hand(message: Buffer): void {
    const before = LOOP_TIMES.enter(LoopPart.READING)
    const startMs = LOOP_TIMES.sinceMs
    this.#owner?.received(message)
    LOOP_TIMES.leave(before)
    if (!this.#isEnding) this.#share.tookChunk(message.length, LOOP_TIMES.sinceMs - startMs)
  }

  /** Hands over so many bytes of the messages; only for `ReadShare`. */
  takeTurn(maxBytes: number): boolean {
    const messages = this.#messages
    let leftBytes = maxBytes
    while (leftBytes > 0 && (this.#isGone || !this.#share.isPaused)) {
      const message = messages.shift()
      if (message === undefined) break
      const piece = message.subarray(0, leftBytes)
      if (piece.length < message.length) messages.unshift(message.subarray(leftBytes))
      leftBytes -= piece.length
      this.#owner?.received(piece)
    }
    if (messages.length > 0) return true
    this.#letGo()
    if (this.#isGone) this.#reportClosed()
    return false
  }

  /** Counts what ws keeps of a frame that has not come whole. */
  #onData(): void {
    if (this.#isEnding) return
    const frameBytes = this.#socket.bytesRead - this.#deliveredBytes
    if (!this.#isAnswered && frameBytes > this.#maxUnansweredBytes) this.#failUnanswered()
    else if (frameBytes > SURE_BYTES && frameBytes > this.#heldBytes) this.#hold(frameBytes)
  }

  #hold(frameBytes: number): void {
    const unfinished = this.#unfinished
    const addedBytes = frameBytes - this.#heldBytes
    if (unfinished.mayTake(ROOM_FACTOR * frameBytes, 0)) {
      unfinished.take(addedBytes, 0)
      this.#heldBytes = frameBytes
      return
    }
    unfinished.refuse()
    this.#error = new FrameLimitError(
      'memory',
      'there is no memory for more frames that have not come whole (limits.memory)',
    )
    this.destroy()
  }

  #letGo(): void {
    if (this.#heldBytes === 0) return
    this.#unfinished.give(this.#heldBytes, 0)
    this.#heldBytes = 0
  }

  #failUnanswered(): void {
    // Cut off, since a close frame would give it two more seconds to go on.
    this.#error = new FrameLimitError(
      'packet-size',
      `more than ${this.#maxUnansweredBytes} bytes in one frame before CONNECT was answered (limits.maxConnectPacketBytes)`,
    )
    this.destroy()
  }

  #close(code: number, reason: string): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#drop()
    // ws destroys the socket if the peer has not closed after the server's `closeTimeout`.
    this.#webSocket.close(code, reason)
    // Read on, to see the peer's close frame.
    this.#share.readOut()
  }

  #onTaken(error?: Error): void {
    // Node reports a write that a destroy cut short as a success.
    if ((error === undefined || error === null) && !this.#socket.destroyed) this.#owner?.taken()
  }

  #onError(error: Error): void {
    this.#error ??= isFrameTooLarge(error)
      ? new FrameLimitError('packet-size', `${error.message} (limits.maxPacketBytes)`, { cause: error })
      : error
  }

  #onClose(): void {
    this.#isGone = true
    this.#share.close()
    if (this.#messages.length > 0) return
    this.#letGo()
    this.#reportClosed()
  }

  /** Nothing more is received. */
  #drop(): void {
    this.#messages.length = 0
    this.#letGo()
    const owner = this.#owner
    if (!this.#isGone || owner === undefined) return
    // It waits for the end of the messages no more, and is not told inside of its call.
    this.#owner = undefined
    process.nextTick(reportClosed, owner, this.#cause)
  }

  #reportClosed(): void {
    const owner = this.#owner
    this.#owner = undefined
    if (owner !== undefined) reportClosed(owner, this.#cause)
  }

  /** What ended the connection; ws keeps the errors of its socket to itself. */
  get #cause(): Error | undefined {
    return this.#error ?? this.#socket.errored ?? undefined
  }
}

/** Beyond `maxPayload` of the server. */
function isFrameTooLarge(error: Error): boolean {
  return 'code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'
}

function reportClosed(owner: TransportOwner, error: Error | undefined): void {
  owner.closed(error)
}
