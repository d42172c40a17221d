import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { GUARD_MS, guarded } from './guard.ts'
import { PINGREQ } from './packets.ts'
import {
  acknowledgePacket5,
  type ConnectFields5,
  connectPacket5,
  type FilterFields5,
  type Properties,
  subscribePacket5,
} from './packets5.ts'
import {
  PacketCutter5,
  type Received5ByName,
  type ReceivedCodes5,
  type ReceivedConnack5,
  type ReceivedPacket5,
  type ReceivedPublish5,
  type ServerPacketName,
} from './received-packet5.ts'

/**
 * A client that sends any bytes and shows every MQTT 5 packet it gets; one that breaks the standard ends its connection and
 * fails whoever waits. It acknowledges nothing by itself. To show that nothing more comes, use `restBeforePingresp`.
 */
export class RawClient5 {
  /** All packets so far, also those that `next` gave away. */
  readonly received: ReceivedPacket5[] = []
  readonly #socket: Socket
  readonly #closed: Promise<void>
  readonly #cutter = new PacketCutter5()
  #taken = 0
  #isClosed = false
  #fault: unknown = undefined
  #wake: () => void = () => undefined

  constructor(socket: Socket) {
    this.#socket = socket
    this.#closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true
        resolve()
        this.#wake()
      })
    })
    socket.on('data', (chunk) => this.#take(chunk))
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Sends the buffers as one chunk. */
  send(...parts: readonly Buffer[]): void {
    this.#socket.write(Buffer.concat(parts))
  }

  /** The next packet; without `type` it may be any. */
  async next(): Promise<ReceivedPacket5>
  async next<T extends ServerPacketName>(type: T, guardMs?: number): Promise<Received5ByName[T]>
  async next(type?: ServerPacketName, guardMs = GUARD_MS): Promise<ReceivedPacket5> {
    const expected = type ?? 'a packet'
    const isThere = (): boolean => this.received.length > this.#taken
    await guarded(this.#until(isThere, expected), () => `${expected}; ${this.#state()}`, guardMs)
    const packet = this.received[this.#taken]
    if (packet === undefined) throw new Error('only one may wait for packets at a time')
    this.#taken++
    if (type !== undefined && packet.type !== type) throw new Error(`expected ${type}; ${this.#state()}`)
    return packet
  }

  /** What comes before the answer to a PINGREQ, which the hub sends after all that was due. */
  async restBeforePingresp(): Promise<ReceivedPacket5[]> {
    this.send(PINGREQ)
    const start = this.#taken
    const findAnswer = (): number => this.received.findIndex(({ type }, i) => i >= start && type === 'PINGRESP')
    const answered = this.#until(() => findAnswer() >= 0, 'PINGRESP')
    await guarded(answered, () => `PINGRESP; ${this.#state()}`)
    const end = findAnswer()
    this.#taken = end + 1
    return this.received.slice(start, end)
  }

  /** Sends CONNECT and waits for CONNACK. */
  async connect(fields?: ConnectFields5): Promise<ReceivedConnack5> {
    this.send(connectPacket5(fields))
    return this.next('CONNACK')
  }

  /** Sends SUBSCRIBE and waits for SUBACK, which must be the next packet. */
  async subscribe(...filters: readonly FilterFields5[]): Promise<ReceivedCodes5<'SUBACK'>> {
    return this.subscribeWith([], ...filters)
  }

  /** As `subscribe`, with properties. */
  async subscribeWith(properties: Properties, ...filters: readonly FilterFields5[]): Promise<ReceivedCodes5<'SUBACK'>> {
    this.send(subscribePacket5(1, filters, properties))
    return this.next('SUBACK')
  }

  /** Takes a message for good, as its QoS asks: nothing, PUBACK, or PUBREC and PUBCOMP. */
  async finish({ qos, packetId }: ReceivedPublish5): Promise<void> {
    if (qos === 0) return
    if (qos === 1) {
      this.send(acknowledgePacket5('PUBACK', packetId))
      return
    }
    this.send(acknowledgePacket5('PUBREC', packetId))
    const { packetId: releasedId } = await this.next('PUBREL')
    if (releasedId !== packetId) throw new Error(`expected PUBREL for ${packetId}, it is for ${releasedId}`)
    this.send(acknowledgePacket5('PUBCOMP', packetId))
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
    if (this.#fault !== undefined) throw this.#fault
  }

  /** Waits until the connection is gone, and fails readably if it stays. */
  async untilClosed(guardMs = GUARD_MS): Promise<void> {
    await guarded(this.#closed, () => `the connection to close; ${this.#state()}`, guardMs)
  }

  /** Drops the connection without a word. */
  destroy(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    try {
      this.received.push(...this.#cutter.push(chunk))
    } catch (error) {
      this.#fault = error
      this.#socket.destroy()
    }
    this.#wake()
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
    const names = this.received.slice(-8).map((packet) => {
      return 'reasonCode' in packet ? `${packet.type} 0x${packet.reasonCode.toString(16)}` : packet.type
    })
    return `the last packets were [${names.join(', ')}] of ${this.received.length}, the connection is ${this.#isClosed ? 'closed' : 'open'}`
  }
}

/** Opens a TCP connection and sends nothing. It is destroyed when the test that opened it ends. */
export async function openRawClient5(port: number): Promise<RawClient5> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const client = new RawClient5(socket)
  onTestFinished(() => {
    socket.destroy()
  })
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.on('error', reject)
  })
  await guarded(opened, () => `a TCP connection to port ${port}`)
  return client
}

/** Opens a TCP connection as an MQTT 5 client that the hub has accepted. */
export async function connectRawClient5(port: number, fields?: ConnectFields5): Promise<RawClient5> {
  const client = await openRawClient5(port)
  const { reasonCode } = await client.connect(fields)
  if (reasonCode !== 0) throw new Error(`the hub refused the CONNECT with reason code 0x${reasonCode.toString(16)}`)
  return client
}
