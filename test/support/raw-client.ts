import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { type RawData, WebSocket } from 'ws'
import { GUARD_MS, guarded } from './guard.ts'
import {
  type ConnectFields,
  connectPacket,
  type FilterFields,
  type PacketName,
  PINGREQ,
  subscribePacket,
} from './packets.ts'
import {
  PacketCutter,
  type ReceivedByName,
  type ReceivedConnack,
  type ReceivedPacket,
  type ReceivedSuback,
} from './received-packet.ts'

/** What carries a raw client's bytes. */
interface Wire {
  send(bytes: Buffer): void
  end(): void
  destroy(): void
  pause(): void
  resume(): void
}

/**
 * A client that sends any bytes and shows every packet it gets. Its connection is destroyed when the test that opened it
 * ends. To show that nothing more comes, use `restBeforePingresp`, not time.
 */
export class RawClient {
  /** All packets so far, also those that `next` gave away. */
  readonly received: ReceivedPacket[] = []
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>
  readonly #wire: Wire
  readonly #cutter = new PacketCutter()
  #taken = 0
  #isClosed = false
  #fault: unknown = undefined
  #wake: () => void = () => undefined
  #markClosed: () => void = () => undefined

  constructor(wire: Wire) {
    this.#wire = wire
    this.closed = new Promise((resolve) => {
      this.#markClosed = resolve
    })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Sends the buffers as one chunk. */
  send(...parts: readonly Buffer[]): void {
    this.#wire.send(parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts))
  }

  /** The next packet; without `type` it may be any. */
  async next(): Promise<ReceivedPacket>
  async next<T extends PacketName>(type: T): Promise<ReceivedByName[T]>
  async next(type?: PacketName): Promise<ReceivedPacket> {
    const packet = await guarded(this.#take(type ?? 'a packet'), () => `${type ?? 'a packet'}; ${this.#state()}`)
    if (type !== undefined && packet.type !== type) throw new Error(`expected ${type}; ${this.#state()}`)
    return packet
  }

  /** What comes before the answer to a PINGREQ, which the hub sends after all that was due. */
  async restBeforePingresp(): Promise<ReceivedPacket[]> {
    this.send(PINGREQ)
    const start = this.#taken
    const findAnswer = (): number => this.received.findIndex(({ type }, i) => i >= start && type === 'PINGRESP')
    await guarded(
      this.#until(() => findAnswer() >= 0, 'PINGRESP'),
      () => `PINGRESP; ${this.#state()}`,
    )
    const end = findAnswer()
    this.#taken = end + 1
    return this.received.slice(start, end)
  }

  /** Sends CONNECT and waits for CONNACK. */
  async connect(fields?: ConnectFields): Promise<ReceivedConnack> {
    this.send(connectPacket(fields))
    return this.next('CONNACK')
  }

  /** Sends SUBSCRIBE and waits for SUBACK, which must be the next packet. */
  async subscribe(...filters: readonly FilterFields[]): Promise<ReceivedSuback> {
    this.send(subscribePacket(1, filters))
    return this.next('SUBACK')
  }

  /** Waits until the connection is gone, and fails readably if it stays. */
  async untilClosed(guardMs = GUARD_MS): Promise<void> {
    await guarded(this.closed, () => `the connection to close; ${this.#state()}`, guardMs)
  }

  /** Closes this side after what was sent: FIN, or a WebSocket close frame. */
  end(): void {
    this.#wire.end()
  }

  /** Drops the connection without a word. */
  destroy(): void {
    this.#wire.destroy()
  }

  /** Stops reading, as a frozen client does. */
  pause(): void {
    this.#wire.pause()
  }

  resume(): void {
    this.#wire.resume()
  }

  /** For the wire alone. */
  wireData(chunk: Buffer): void {
    try {
      this.received.push(...this.#cutter.push(chunk))
    } catch (error) {
      this.#fault = error
      this.#wire.destroy()
    }
    this.#wake()
  }

  /** For the wire alone. */
  wireClosed(): void {
    this.#isClosed = true
    this.#markClosed()
    this.#wake()
  }

  async #take(expected: string): Promise<ReceivedPacket> {
    await this.#until(() => this.received.length > this.#taken, expected)
    const packet = this.received[this.#taken]
    if (packet === undefined) throw new Error('only one may wait for packets at a time')
    this.#taken++
    return packet
  }

  async #until(isThere: () => boolean, expected: string): Promise<void> {
    if (isThere()) return
    if (this.#fault !== undefined) throw this.#fault
    if (this.#isClosed) throw new Error(`the connection closed while waiting for ${expected}; ${this.#state()}`)
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    await this.#until(isThere, expected)
  }

  #state(): string {
    const names = this.received.slice(-8).map((packet) => packet.type)
    return `the last packets were [${names.join(', ')}] of ${this.received.length}, the connection is ${this.#isClosed ? 'closed' : 'open'}`
  }
}

/** Opens a TCP connection and sends nothing. */
export async function openRawClient(port: number, host = '127.0.0.1'): Promise<RawClient> {
  const socket = connect({ port, host, noDelay: true })
  const client = new RawClient(socketWire(socket))
  onTestFinished(() => {
    socket.destroy()
  })
  socket.on('data', (chunk) => client.wireData(chunk))
  socket.on('close', () => client.wireClosed())
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.on('error', reject)
  })
  await guarded(opened, () => `a TCP connection to ${host}:${port}`)
  return client
}

/** Opens a WebSocket at `/mqtt` and sends nothing in it; each `send` is one binary message. */
export async function openRawWebSocketClient(port: number, path = '/mqtt', protocol = 'mqtt'): Promise<RawClient> {
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}${path}`, [protocol], { perMessageDeflate: false })
  const client = new RawClient(webSocketWire(webSocket))
  onTestFinished(() => {
    webSocket.terminate()
  })
  webSocket.on('message', (data: RawData) => {
    if (Buffer.isBuffer(data)) client.wireData(data)
  })
  webSocket.on('close', () => client.wireClosed())
  const opened = new Promise<void>((resolve, reject) => {
    webSocket.once('open', resolve)
    webSocket.on('error', reject)
  })
  await guarded(opened, () => `a WebSocket connection to port ${port}`)
  return client
}

/** Opens a TCP connection as an MQTT client that the hub has accepted. */
export async function connectRawClient(port: number, fields?: ConnectFields): Promise<RawClient> {
  const client = await openRawClient(port)
  const { returnCode } = await client.connect(fields)
  if (returnCode !== 0) throw new Error(`the hub refused the CONNECT with return code ${returnCode}`)
  return client
}

function socketWire(socket: Socket): Wire {
  return {
    send: (bytes) => void socket.write(bytes),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
  }
}

function webSocketWire(webSocket: WebSocket): Wire {
  return {
    send: (bytes) => webSocket.send(bytes),
    end: () => webSocket.close(),
    destroy: () => webSocket.terminate(),
    pause: () => webSocket.pause(),
    resume: () => webSocket.resume(),
  }
}
