import { connect, type Socket } from 'node:net'
import { connectPacket, DISCONNECT } from '../../support/packets.ts'
import { PacketCutter, type ReceivedPacket } from '../../support/received-packet.ts'
import type { Random } from './random.ts'

const ANSWER_DEADLINE_MS = 15_000
const MAX_RECONNECT_MS = 150

/** Whose connection it is. */
export interface ClientOwner {
  connected(isSessionPresent: boolean): void
  received(packet: ReceivedPacket): void
  disconnected(): void
  /** The hub did what no hub may. */
  fault(kind: string, example: string): void
}

export interface ClientOptions {
  readonly port: number
  readonly clientId: string
  readonly isClean: boolean
  readonly random: Random
}

/**
 * A connection that comes back by itself, with nothing of MQTT's delivery in it: that is its owner's. Written for this
 * test rather than taken from mqtt.js, whose store decides by itself what is sent again, and when, and in which order.
 */
export class ReconnectingClient {
  connects = 0
  readonly #options: ClientOptions
  readonly #owner: ClientOwner
  #socket: Socket | undefined = undefined
  #isConnected = false
  #isWanted = false
  #timer: NodeJS.Timeout | undefined = undefined

  constructor(options: ClientOptions, owner: ClientOwner) {
    this.#options = options
    this.#owner = owner
  }

  get isConnected(): boolean {
    return this.#isConnected
  }

  /** Connects, and reconnects until `leave`. */
  start(): void {
    if (this.#isWanted) return
    this.#isWanted = true
    this.#open()
  }

  /** Goes with a DISCONNECT or without a word, and does not come back. What still arrives is ignored, as if lost. */
  leave(isOrderly: boolean): void {
    this.#isWanted = false
    clearTimeout(this.#timer)
    const socket = this.#socket
    this.#forget()
    if (isOrderly) socket?.end(DISCONNECT)
    else socket?.destroy()
  }

  /** Drops the connection without a word, and comes back. */
  drop(): void {
    this.#socket?.destroy()
  }

  send(packet: Buffer): void {
    this.#socket?.write(packet)
  }

  /** Stops reading, for this connection. */
  pause(): void {
    this.#socket?.pause()
  }

  resume(): void {
    this.#socket?.resume()
  }

  /** Stops reading for a while. */
  rest(restMs: number): void {
    const socket = this.#socket
    socket?.pause()
    setTimeout(() => socket?.resume(), restMs)
  }

  #open(): void {
    const { port, clientId, isClean } = this.#options
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const cutter = new PacketCutter(4)
    this.#socket = socket
    this.#timer = setTimeout(() => {
      if (socket.connecting) return
      this.#owner.fault('no CONNACK', `${clientId} waited ${ANSWER_DEADLINE_MS} ms`)
      socket.destroy()
    }, ANSWER_DEADLINE_MS)
    socket.on('connect', () => socket.write(connectPacket({ clientId, isClean })))
    socket.on('data', (chunk) => {
      if (socket === this.#socket) this.#receive(socket, cutter, chunk)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      if (socket !== this.#socket) return
      this.#forget()
      this.#timer = setTimeout(() => this.#open(), this.#options.random.between(1, MAX_RECONNECT_MS))
    })
  }

  #forget(): void {
    clearTimeout(this.#timer)
    this.#socket = undefined
    const wasConnected = this.#isConnected
    this.#isConnected = false
    if (wasConnected) this.#owner.disconnected()
  }

  #receive(socket: Socket, cutter: PacketCutter, chunk: Buffer): void {
    socket.cork()
    try {
      for (const packet of cutter.push(chunk)) {
        if (socket === this.#socket) this.#take(packet)
      }
    } catch (error) {
      this.#owner.fault('malformed packet', `to ${this.#options.clientId}: ${String(error)}`)
      socket.destroy()
    }
    socket.uncork()
  }

  #take(packet: ReceivedPacket): void {
    if (packet.type !== 'CONNACK') {
      if (!this.#isConnected) this.#owner.fault('packet before CONNACK', `${packet.type} to ${this.#options.clientId}`)
      this.#owner.received(packet)
    } else if (packet.reasonCode !== 0) {
      this.#owner.fault('refused', `${this.#options.clientId}, return code ${packet.reasonCode}`)
    } else {
      clearTimeout(this.#timer)
      this.connects++
      this.#isConnected = true
      this.#owner.connected(packet.isSessionPresent)
    }
  }
}
