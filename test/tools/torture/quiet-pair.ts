import { connect, type Socket } from 'node:net'
import { connectPacket, publishPacket, subscribePacket } from '../../support/packets.ts'
import { PacketCutter } from '../../support/received-packet.ts'
import { until } from './until.ts'

const EVERY_MS = 4
const READY_DEADLINE_MS = 10_000
const ARRIVAL_DEADLINE_MS = 15_000
const TOPIC = 'quiet/pair'

/** Two clients who have nothing to do with what others do: one sends the other a small message every few ms at QoS 0. */
export class QuietPair {
  sent = 0
  received = 0
  isCutOff = false
  readonly #publisher: Socket
  readonly #subscriber: Socket
  readonly #sentAtMs: number[] = []
  #latenciesMs: number[] = []
  #isSubscribed = false
  #ticker: NodeJS.Timeout | undefined = undefined

  constructor(port: number) {
    const cutter = new PacketCutter(4)
    this.#subscriber = this.#connect(port, 'quiet-subscriber', (chunk) => {
      for (const packet of cutter.push(chunk)) {
        if (packet.type === 'SUBACK') this.#isSubscribed = true
        if (packet.type === 'PUBLISH') this.#arrived(Number(packet.payload.toString()))
      }
    })
    this.#subscriber.write(subscribePacket(1, [[TOPIC, 0]]))
    this.#publisher = this.#connect(port, 'quiet-publisher', () => undefined)
  }

  /** Begins to publish when the subscription is there; false when it does not come. */
  async start(): Promise<boolean> {
    const isReady = await until(() => this.#isSubscribed, READY_DEADLINE_MS)
    this.#ticker = setInterval(() => {
      this.#sentAtMs.push(performance.now())
      this.#publisher.write(publishPacket({ topic: TOPIC, payload: String(this.sent++) }))
    }, EVERY_MS)
    return isReady
  }

  /** How long messages took since the last call, sorted, in ms. */
  takeLatenciesMs(): readonly number[] {
    const latenciesMs = this.#latenciesMs.toSorted((a, b) => a - b)
    this.#latenciesMs = []
    return latenciesMs
  }

  /** Stops publishing and waits for what is on its way. */
  async stop(): Promise<void> {
    clearInterval(this.#ticker)
    await until(() => this.received >= this.sent || this.isCutOff, ARRIVAL_DEADLINE_MS)
  }

  end(): void {
    clearInterval(this.#ticker)
    for (const socket of [this.#publisher, this.#subscriber]) socket.removeAllListeners('close').destroy()
  }

  #connect(port: number, clientId: string, read: (chunk: Buffer) => void): Socket {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.write(connectPacket({ clientId }))
    socket.on('data', read)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.isCutOff = true
    })
    return socket
  }

  #arrived(number: number): void {
    this.received++
    this.#latenciesMs.push(performance.now() - (this.#sentAtMs[number] ?? 0))
  }
}
