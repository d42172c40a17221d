import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { type RawData, WebSocket } from 'ws'
import { GUARD_MS, guarded } from './guard.ts'
import {
  acknowledgePacket,
  type ConnectFields,
  connectPacket,
  type FilterFields,
  PINGREQ,
  subscribePacket,
} from './packets.ts'
import type { Properties } from './properties.ts'
import {
  PacketCutter,
  type ReceivedByName,
  type ReceivedConnack,
  type ReceivedPacket,
  type ReceivedPublish,
  type ReceivedSuback,
  type ServerPacketName,
  type Version,
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
 * A client that sends any bytes and shows every packet it gets; one that breaks the standard of its version ends its connection
 * and fails whoever waits. It acknowledges nothing by itself. Its connection is destroyed when the test that opened it ends. To
 * show that nothing more comes, use `restBeforePingresp`, not time.
 */
export class RawClient {
  /** All packets so far, also those that `next` gave away. */
  readonly received: ReceivedPacket[] = []
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>
  readonly #wire: Wire
  readonly #cutter: PacketCutter
  /** What packets of its version have where no properties are given. */
  readonly #noProperties: Properties | undefined
  #taken = 0
  #isClosed = false
  #fault: unknown = undefined
  #wake: () => void = () => undefined
  #markClosed: () => void = () => undefined

  constructor(wire: Wire, version: Version) {
    this.#wire = wire
    this.#cutter = new PacketCutter(version)
    this.#noProperties = version === 5 ? [] : undefined
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
  async next<T extends ServerPacketName>(type: T, guardMs?: number): Promise<ReceivedByName[T]>
  async next(type?: ServerPacketName, guardMs = GUARD_MS): Promise<ReceivedPacket> {
    await this.#until(() => this.received.length > this.#taken, type ?? 'a packet', guardMs)
    const packet = this.received[this.#taken]
    if (packet === undefined) throw new Error('only one may wait for packets at a time')
    this.#taken++
    if (type !== undefined && packet.type !== type) throw new Error(`expected ${type}; ${this.#state()}`)
    return packet
  }

  /** What comes before the answer to a PINGREQ, which the hub sends after all that was due. */
  async restBeforePingresp(): Promise<ReceivedPacket[]> {
    this.send(PINGREQ)
    const start = this.#taken
    let end = start
    await this.#until(() => {
      while (end < this.received.length && this.received[end]?.type !== 'PINGRESP') end++
      return end < this.received.length
    }, 'PINGRESP')
    this.#taken = end + 1
    return this.received.slice(start, end)
  }

  /** Sends CONNECT, of its version unless `fields` say another, and waits for CONNACK. */
  async connect(fields?: ConnectFields): Promise<ReceivedConnack> {
    this.send(connectPacket({ properties: this.#noProperties, ...fields }))
    return this.next('CONNACK')
  }

  /** Sends SUBSCRIBE and waits for SUBACK, which must be the next packet. */
  async subscribe(...filters: readonly FilterFields[]): Promise<ReceivedSuback> {
    return this.subscribeWith(this.#noProperties, ...filters)
  }

  /** As `subscribe`, with properties. */
  async subscribeWith(
    properties: Properties | undefined,
    ...filters: readonly FilterFields[]
  ): Promise<ReceivedSuback> {
    this.send(subscribePacket(1, filters, properties))
    return this.next('SUBACK')
  }

  /** Takes a message for good, as its QoS asks: nothing, PUBACK, or PUBREC and PUBCOMP. */
  async finish({ qos, packetId }: ReceivedPublish): Promise<void> {
    if (qos === 0) return
    if (qos === 1) {
      this.send(acknowledgePacket('PUBACK', packetId))
      return
    }
    this.send(acknowledgePacket('PUBREC', packetId))
    const { packetId: releasedId } = await this.next('PUBREL')
    if (releasedId !== packetId) throw new Error(`expected PUBREL for ${packetId}, it is for ${releasedId}`)
    this.send(acknowledgePacket('PUBCOMP', packetId))
  }

  /** Waits for DISCONNECT, which must be the next packet, and for the end that follows. Returns its reason code. */
  async untilDisconnected(guardMs?: number): Promise<number> {
    const { reasonCode } = await this.next('DISCONNECT', guardMs)
    await this.untilClosed()
    this.expectNothingLeft()
    return reasonCode
  }

  /** Fails when there is a packet that nobody took. */
  expectNothingLeft(): void {
    if (this.received.length > this.#taken) throw new Error(`expected no more packets; ${this.#state()}`)
    this.expectNoFault()
  }

  /** Fails when a packet came that breaks the standard. */
  expectNoFault(): void {
    if (this.#fault !== undefined) throw this.#fault
  }

  /** Waits until the hub has closed the connection, and fails readably if it stays, or if this side closed it for a fault. */
  async untilClosed(guardMs = GUARD_MS): Promise<void> {
    await guarded(this.closed, () => `the connection to close; ${this.#state()}`, guardMs)
    this.expectNoFault()
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

  async #until(isThere: () => boolean, expected: string, guardMs = GUARD_MS): Promise<void> {
    const arrived = async (): Promise<void> => {
      if (isThere()) return
      this.expectNoFault()
      if (this.#isClosed) throw new Error(`the connection closed while waiting for ${expected}; ${this.#state()}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      await arrived()
    }
    await guarded(arrived(), () => `${expected}; ${this.#state()}`, guardMs)
  }

  #state(): string {
    const names = this.received.slice(-8).map((packet) => {
      return 'reasonCode' in packet && packet.reasonCode > 0
        ? `${packet.type} 0x${packet.reasonCode.toString(16)}`
        : packet.type
    })
    return `the last packets were [${names.join(', ')}] of ${this.received.length}, the connection is ${this.#isClosed ? 'closed' : 'open'}`
  }
}

/** Opens a TCP connection and sends nothing. */
export async function openRawClient(port: number, version: Version = 4): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const client = new RawClient(socketWire(socket), version)
  onTestFinished(() => {
    socket.destroy()
  })
  socket.on('data', (chunk) => client.wireData(chunk))
  socket.on('close', () => client.wireClosed())
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.on('error', reject)
  })
  await guarded(opened, () => `a TCP connection to port ${port}`)
  return client
}

/** Opens a WebSocket at `/mqtt` and sends nothing in it; each `send` is one binary message. */
export async function openRawWebSocketClient(port: number, version: Version = 4, path = '/mqtt'): Promise<RawClient> {
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}${path}`, ['mqtt'], { perMessageDeflate: false })
  const client = new RawClient(webSocketWire(webSocket), version)
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

/** What may carry MQTT, for tests of both; a client is opened at the ports of a hub. */
export const CARRIERS = [
  { name: 'TCP', open: async ({ port }: Ports) => openRawClient(port) },
  { name: 'WebSocket', open: async ({ httpPort }: Ports) => openRawWebSocketClient(httpPort) },
] as const

interface Ports {
  readonly port: number
  readonly httpPort: number
}

/** Opens a TCP connection as an MQTT client that the hub has accepted; with `properties` it is one of MQTT 5. */
export async function connectRawClient(port: number, fields: ConnectFields = {}): Promise<RawClient> {
  const client = await openRawClient(port, fields.properties === undefined ? 4 : 5)
  const { reasonCode } = await client.connect(fields)
  if (reasonCode !== 0) throw new Error(`the hub refused the CONNECT with reason code 0x${reasonCode.toString(16)}`)
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
