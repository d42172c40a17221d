// One MQTT connection of the generator: handshake here, everything after it belongs to the scenario.
import { connect, type Socket } from 'node:net'
import { FrameWalker, type FrameHandler } from './frame-walker.ts'
import { acknowledgementByte, connectPacket, DISCONNECT, PacketType, subscribePacket, type QoS } from './packets.ts'

// All sockets read into one buffer: libuv fills it and calls back before it reads the next socket, so nothing is
// allocated per read.
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024)
const slabBytes = 64 * 1024

/** Counts what went wrong on any connection of this process. */
export const connectionFaults = { closedByBroker: 0, lastError: '' }

/** A connected client; `handle` replaces who gets its frames. */
export class Client {
  readonly socket: Socket
  readonly #walker = new FrameWalker({ frame() {}, chunkEnd() {} })
  #isClosing = false
  #slab = Buffer.allocUnsafeSlow(0)
  #slabStart = 0
  #slabEnd = 0

  private constructor(port: number) {
    this.socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (bytes, chunk) => {
          this.#walker.push(chunk, bytes)
          return true
        },
      },
    })
    this.socket.on('error', (error) => {
      connectionFaults.lastError = error.message
    })
    this.socket.on('close', () => {
      if (!this.#isClosing) connectionFaults.closedByBroker++
    })
  }

  /** Without a word to the broker yet. */
  static connecting(port: number): Client {
    return new Client(port)
  }

  /** Resolves when CONNACK has accepted the client; `isKept` asks for a session that outlives the connection. */
  static async open(port: number, clientId: string, isKept = false): Promise<Client> {
    const client = new Client(port)
    await client.#ask(connectPacket(clientId, isKept), PacketType.connack, 3, 0)
    return client
  }

  /**
   * Comes back to a kept session with a client fresh from `connecting`. What it handles frames with must be set before:
   * messages may follow CONNACK in the same chunk. Resolves to whether the broker still had the session.
   */
  async resume(clientId: string): Promise<boolean> {
    // [MQTT-3.2.2-2] the third byte of CONNACK says that it has.
    let hadSession = false
    await this.#ask(connectPacket(clientId, true), PacketType.connack, 3, 0, (chunk, start) => {
      hadSession = chunk[start + 2] === 1
    })
    return hadSession
  }

  /** Resolves when SUBACK has granted exactly `qos`. */
  async subscribe(filter: string, qos: QoS): Promise<void> {
    await this.#ask(subscribePacket(1, filter, qos), PacketType.suback, 4, qos)
  }

  handle(handler: FrameHandler): void {
    this.#walker.handler = handler
  }

  /** Puts an acknowledgement into the output; it leaves with `flushAcknowledgements`. */
  acknowledge(type: number, packetIdHigh: number, packetIdLow: number): void {
    if (this.#slabEnd + 4 > this.#slab.length) {
      this.flushAcknowledgements()
      // A slab is never written twice: the socket may still hold views of it.
      this.#slab = Buffer.allocUnsafe(slabBytes)
      this.#slabStart = this.#slabEnd = 0
    }
    const slab = this.#slab
    slab[this.#slabEnd++] = acknowledgementByte(type)
    slab[this.#slabEnd++] = 2
    slab[this.#slabEnd++] = packetIdHigh
    slab[this.#slabEnd++] = packetIdLow
  }

  flushAcknowledgements(): void {
    if (this.#slabEnd === this.#slabStart) return
    this.socket.write(this.#slab.subarray(this.#slabStart, this.#slabEnd))
    this.#slabStart = this.#slabEnd
  }

  /** Says DISCONNECT and closes; resolves when the socket is gone. */
  async close(): Promise<void> {
    this.#isClosing = true
    if (this.socket.destroyed) return
    await new Promise<void>((resolve) => {
      this.socket.once('close', () => resolve())
      this.socket.end(DISCONNECT)
    })
  }

  /** Drops the connection without a word. */
  destroy(): void {
    this.#isClosing = true
    this.socket.destroy()
  }

  /**
   * Sends a packet and resolves when its answer says `wanted` at the byte `statusAt`. Frames before it are ignored;
   * those behind it go to the handler that was set.
   */
  async #ask(
    packet: Buffer,
    answerType: number,
    statusAt: number,
    wanted: number,
    look?: (chunk: Uint8Array, start: number) => void,
  ): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const next = this.#walker.handler
      const onClose = (): void => {
        reject(new Error(`the broker closed the connection (${connectionFaults.lastError || 'no error'})`))
      }
      this.socket.once('close', onClose)
      this.handle({
        frame: (chunk, start) => {
          if ((chunk[start] ?? 0) >> 4 !== answerType) return
          this.socket.off('close', onClose)
          this.handle(next)
          const status = chunk[start + statusAt]
          if (status === wanted) {
            look?.(chunk, start)
            resolve()
          } else reject(new Error(`the broker answered ${String(status)} where ${wanted} was wanted`))
        },
        chunkEnd() {},
      })
      this.socket.write(packet)
    })
  }
}
