// One MQTT connection of the generator: handshake here, everything after it belongs to the scenario.
import { connect, type Socket, type TcpSocketConnectOpts } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { FrameWalker, type FrameHandler } from './frame-walker.ts'
import { bodyAt } from './frame-parts.ts'
import {
  acknowledgementByte,
  CLEAN_SESSION,
  connectPacket,
  DISCONNECT,
  PacketType,
  subscribePacket,
  type Greeting,
  type QoS,
} from './packets.ts'

// All sockets read into one buffer: libuv fills it and calls back before it reads the next socket, so nothing is
// allocated per read.
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024)
const slabBytes = 64 * 1024

let isTls = false

/** Has all clients of this process speak TLS. Nobody's certificate is checked: it is the broker that is measured. */
export function speakTls(): void {
  isTls = true
}

/** Counts what went wrong on any connection of this process. */
const connectionFaults = { closedByBroker: 0, lastError: '' }

/** Says, behind a colon as far as it is known, why the broker closed connections; empty when it closed none. */
export function closedFaults(): string[] {
  const { closedByBroker, lastError } = connectionFaults
  return closedByBroker === 0 ? [] : [`CLOSED ${closedByBroker}${lastError === '' ? '' : `: ${lastError}`}`]
}

/** A connected client; `handle` replaces who gets its frames. */
export class Client {
  readonly socket: Socket
  readonly greeting: Greeting
  readonly #walker = new FrameWalker({ frame() {}, chunkEnd() {} })
  #isClosing = false
  #slab = Buffer.allocUnsafeSlow(0)
  #slabStart = 0
  #slabEnd = 0

  private constructor(port: number, greeting: Greeting, localAddress: string | undefined) {
    this.greeting = greeting
    const options: TcpSocketConnectOpts = {
      host: '127.0.0.1',
      port,
      // Who binds an address takes a port for itself, that of no connection that has just gone: they would soon be used up.
      ...(localAddress === undefined ? undefined : { localAddress }),
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (bytes, chunk) => {
          this.#walker.push(chunk, bytes)
          return true
        },
      },
    }
    this.socket = isTls ? connectTls({ ...options, rejectUnauthorized: false }) : connect(options)
    this.socket.on('error', (error) => {
      connectionFaults.lastError = error.message
    })
    this.socket.on('close', () => {
      if (!this.#isClosing) connectionFaults.closedByBroker++
    })
  }

  /** Without a word to the broker yet. */
  static connecting(port: number, greeting: Greeting): Client {
    return new Client(port, greeting, undefined)
  }

  /** Resolves when CONNACK has accepted the client. An address has ports for some 28,000 connections at a time. */
  static async open(
    port: number,
    clientId: string,
    greeting: Greeting = CLEAN_SESSION,
    localAddress?: string,
  ): Promise<Client> {
    const client = new Client(port, greeting, localAddress)
    await client.resume(clientId)
    return client
  }

  /**
   * Says CONNECT with a client fresh from `connecting`. For a kept session, what it handles frames with must be set
   * before: messages may follow CONNACK in the same chunk. Resolves to whether the broker still had the session.
   */
  async resume(clientId: string): Promise<boolean> {
    // [MQTT-3.2.2-2] the first byte of CONNACK's variable header says that it has, the second that all is well.
    let hadSession = false
    await this.#ask(connectPacket(clientId, this.greeting), PacketType.connack, 0, (chunk, start) => {
      const at = bodyAt(chunk, start)
      hadSession = chunk[at] === 1
      return chunk[at + 1]
    })
    return hadSession
  }

  /** Resolves when SUBACK has granted exactly `qos`. */
  async subscribe(filter: string, qos: QoS): Promise<void> {
    const packet = subscribePacket(1, filter, qos, this.greeting.version)
    // The answer to the only filter is the last byte, whatever properties MQTT 5 has before it.
    await this.#ask(packet, PacketType.suback, qos, (chunk, _start, end) => chunk[end - 1])
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

  /** Keeps the reason code of a DISCONNECT [start, end) from the broker, which only MQTT 5 has, for `closedFaults`. */
  noteDisconnect(chunk: Uint8Array, start: number, end: number): void {
    const reasonCode = end - start > 2 ? (chunk[start + 2] ?? 0) : 0
    connectionFaults.lastError = `DISCONNECT 0x${reasonCode.toString(16).padStart(2, '0')}`
  }

  /** Drops the connection without a word. */
  destroy(): void {
    this.#isClosing = true
    this.socket.destroy()
  }

  /**
   * Sends a packet and resolves when `statusOf` reads `wanted` in its answer. Frames before it are ignored; those behind
   * it go to the handler that was set.
   */
  async #ask(
    packet: Buffer,
    answerType: number,
    wanted: number,
    statusOf: (chunk: Uint8Array, start: number, end: number) => number | undefined,
  ): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const next = this.#walker.handler
      const onClose = (): void => {
        reject(new Error(`the broker closed the connection (${connectionFaults.lastError || 'no error'})`))
      }
      this.socket.once('close', onClose)
      this.handle({
        frame: (chunk, start, end) => {
          if ((chunk[start] ?? 0) >> 4 !== answerType) return
          this.socket.off('close', onClose)
          this.handle(next)
          const status = statusOf(chunk, start, end)
          if (status === wanted) resolve()
          else reject(new Error(`the broker answered ${String(status)} where ${wanted} was wanted`))
        },
        chunkEnd() {},
      })
      this.socket.write(packet)
    })
  }
}
