import { setTimeout as sleep } from 'node:timers/promises'
import { acknowledgePacket } from '../../support/packets.ts'
import type { ReceivedPacket } from '../../support/received-packet.ts'
import type { Received } from './checker.ts'
import type { Faults } from './faults.ts'
import { readPayload } from './plan.ts'
import type { Random } from './random.ts'
import { type ClientOwner, ReconnectingClient } from './reconnecting-client.ts'
import { until } from './until.ts'

const ANSWER_DEADLINE_MS = 15_000
const QUIET_MS = 400

/** Takes over a kept session as it is, subscribes to nothing, and reads what is queued there. */
export class SessionReader implements ClientOwner {
  isSessionPresent: boolean | undefined = undefined
  readonly #clientId: string
  readonly #client: ReconnectingClient
  readonly #faults: Faults
  readonly #sequences: Record<string, number[]> = {}
  readonly #unreleased = new Set<number>()
  #receivedMessages = 0

  constructor(port: number, clientId: string, random: Random, faults: Faults) {
    this.#clientId = clientId
    this.#faults = faults
    this.#client = new ReconnectingClient({ port, clientId, isClean: false, random }, this)
  }

  /** Resolves with what came, when nothing more does. */
  async readAll(): Promise<Received> {
    this.#client.start()
    if (!(await until(() => this.isSessionPresent !== undefined, ANSWER_DEADLINE_MS)))
      this.fault('no CONNACK', `to ${this.#clientId}`)
    let before = -1
    while (this.#receivedMessages > before) {
      before = this.#receivedMessages
      await sleep(QUIET_MS)
    }
    this.#client.leave(true)
    return { clientId: this.#clientId, sequences: this.#sequences }
  }

  connected(isSessionPresent: boolean): void {
    this.isSessionPresent ??= isSessionPresent
  }

  received(packet: ReceivedPacket): void {
    if (packet.type === 'PUBREL') {
      this.#unreleased.delete(packet.packetId)
      this.#client.send(acknowledgePacket('PUBCOMP', packet.packetId))
    }
    if (packet.type !== 'PUBLISH') return
    const { topic, payload, qos, packetId } = packet
    if (qos !== 2 || !this.#unreleased.has(packetId)) {
      this.#receivedMessages++
      const origin = readPayload(topic, payload.toString())
      if (origin === undefined) this.fault('damaged', `${topic} at ${this.#clientId}`)
      else (this.#sequences[origin.publisher] ??= []).push(origin.sequence)
    }
    if (qos === 2) this.#unreleased.add(packetId)
    if (qos > 0) this.#client.send(acknowledgePacket(qos === 1 ? 'PUBACK' : 'PUBREC', packetId))
  }

  disconnected(): void {}

  fault(kind: string, example: string): void {
    this.#faults.add(kind, example)
  }
}
