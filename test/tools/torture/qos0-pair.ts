import { publishPacket, subscribePacket } from '../../support/packets.ts'
import type { ReceivedPacket } from '../../support/received-packet.ts'
import type { Faults } from './faults.ts'
import type { Random } from './random.ts'
import { ReconnectingClient } from './reconnecting-client.ts'
import { until } from './until.ts'

const EVERY_MS = 20
const ARRIVAL_DEADLINE_MS = 3000

/** A publisher and a subscriber of QoS 0 with clean sessions, who have nothing to do with what is stored. */
export class Qos0Pair {
  sentMessages = 0
  receivedMessages = 0
  #isSubscribed = false
  #isDone = false
  readonly #publisher: ReconnectingClient
  readonly #subscriber: ReconnectingClient
  readonly #ticker: NodeJS.Timeout

  constructor(port: number, random: Random, faults: Faults) {
    const owner = (name: string) => ({
      connected: () => this.#subscribe(name),
      received: (packet: ReceivedPacket) => this.#receive(packet),
      disconnected: () => {
        if (!this.#isDone) faults.add('connection lost', `of the ${name} at QoS 0`)
      },
      fault: (kind: string, example: string) => faults.add(kind, example),
    })
    this.#subscriber = new ReconnectingClient(
      { port, clientId: 'subscriber-0', isClean: true, random },
      owner('subscriber'),
    )
    this.#publisher = new ReconnectingClient(
      { port, clientId: 'publisher-0', isClean: true, random },
      owner('publisher'),
    )
    this.#subscriber.start()
    this.#publisher.start()
    this.#ticker = setInterval(() => this.#publish(), EVERY_MS)
  }

  /** Stops publishing and waits for what is on its way. */
  async stop(): Promise<void> {
    clearInterval(this.#ticker)
    await until(() => this.receivedMessages >= this.sentMessages, ARRIVAL_DEADLINE_MS)
    this.#isDone = true
    this.#publisher.leave(true)
    this.#subscriber.leave(true)
  }

  #subscribe(name: string): void {
    if (name === 'subscriber') this.#subscriber.send(subscribePacket(1, [['pair', 0]]))
  }

  #receive(packet: ReceivedPacket): void {
    if (packet.type === 'SUBACK') this.#isSubscribed = true
    if (packet.type === 'PUBLISH') this.receivedMessages++
  }

  #publish(): void {
    if (!this.#isSubscribed || !this.#publisher.isConnected) return
    this.sentMessages++
    this.#publisher.send(publishPacket({ topic: 'pair', payload: String(this.sentMessages) }))
  }
}
