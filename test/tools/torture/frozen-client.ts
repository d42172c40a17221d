import { acknowledgePacket, subscribePacket } from '../../support/packets.ts'
import type { ReceivedPacket } from '../../support/received-packet.ts'
import type { Faults } from './faults.ts'
import type { Random } from './random.ts'
import { type ClientOwner, ReconnectingClient } from './reconnecting-client.ts'

/** Subscribes to everything at QoS 0 or 1 with a kept session, and can stop reading. */
export class FrozenClient implements ClientOwner {
  isSubscribed = false
  receivedMessages = 0
  readonly #client: ReconnectingClient
  readonly #qos: 0 | 1
  readonly #faults: Faults

  constructor(port: number, qos: 0 | 1, random: Random, faults: Faults) {
    this.#qos = qos
    this.#faults = faults
    this.#client = new ReconnectingClient({ port, clientId: `frozen-${qos}`, isClean: false, random }, this)
    this.#client.start()
  }

  freeze(): void {
    this.#client.pause()
  }

  thaw(): void {
    this.#client.resume()
  }

  end(): void {
    this.#client.leave(true)
  }

  connected(isSessionPresent: boolean): void {
    if (isSessionPresent) this.fault('connection lost', `of the frozen client at QoS ${this.#qos}`)
    this.#client.send(subscribePacket(1, [['torture/#', this.#qos]]))
  }

  received(packet: ReceivedPacket): void {
    if (packet.type === 'SUBACK') this.isSubscribed = true
    if (packet.type !== 'PUBLISH') return
    this.receivedMessages++
    if (packet.qos === 1) this.#client.send(acknowledgePacket('PUBACK', packet.packetId))
  }

  disconnected(): void {}

  fault(kind: string, example: string): void {
    this.#faults.add(kind, example)
  }
}
