import { acknowledgePacket, publishPacket } from '../../support/packets.ts'
import type { ReceivedPacket } from '../../support/received-packet.ts'
import type { Published } from './checker.ts'
import type { Faults } from './faults.ts'
import { payloadOf, type PublisherPlan, topicOf } from './plan.ts'
import type { Random } from './random.ts'
import { type ClientOwner, ReconnectingClient } from './reconnecting-client.ts'

export interface Pace {
  readonly messagesPerSecond: number
  /** How many may wait for their acknowledgement. */
  readonly windowMessages: number
}

interface Outstanding {
  readonly sequence: number
  /** QoS 2: the PUBREC came, so PUBREL is what is sent again. */
  isReleased: boolean
}

const TICK_MS = 10

/**
 * A publisher with a kept session. A message counts as acknowledged with its PUBACK or PUBCOMP; until then it is sent again
 * after each reconnect, with DUP, the same packet identifier and in the same order [MQTT-4.4.0-1] [MQTT-4.6.0-1]. The
 * identifier that became free last is the next to be used, which is allowed and shows a hub that forgets too late.
 */
export class PublishingClient implements ClientOwner {
  readonly client: ReconnectingClient
  readonly #plan: PublisherPlan
  readonly #pace: Pace
  readonly #faults: Faults
  readonly #freeIds: number[]
  /** By packet identifier, in the order of sending. */
  readonly #outstanding = new Map<number, Outstanding>()
  #nextSequence = 0
  #isProducing = true
  #isAcknowledged = false
  #producedUntilMs = performance.now()
  readonly #ticker: NodeJS.Timeout

  constructor(port: number, plan: PublisherPlan, pace: Pace, random: Random, faults: Faults) {
    this.#plan = plan
    this.#pace = pace
    this.#faults = faults
    this.#freeIds = Array.from({ length: pace.windowMessages }, (_, i) => pace.windowMessages - i)
    this.client = new ReconnectingClient({ port, clientId: plan.id, isClean: false, random }, this)
    this.client.start()
    this.#ticker = setInterval(() => this.#produce(), TICK_MS)
  }

  get outstandingMessages(): number {
    return this.#outstanding.size
  }

  get sentMessages(): number {
    return this.#nextSequence
  }

  /** Publishes nothing new; what is unacknowledged is still sent again. */
  finish(): void {
    this.#isProducing = false
    clearInterval(this.#ticker)
  }

  report(): Published {
    const unacknowledged = [...this.#outstanding.values()].map(({ sequence }) => sequence)
    return { id: this.#plan.id, sent: this.#nextSequence, unacknowledged }
  }

  connected(isSessionPresent: boolean): void {
    if (!isSessionPresent && this.#isAcknowledged) this.fault('session lost', this.#plan.id)
    for (const [packetId, { sequence, isReleased }] of this.#outstanding) {
      if (isReleased) this.client.send(acknowledgePacket('PUBREL', packetId))
      else this.#send(packetId, sequence, true)
    }
    this.#producedUntilMs = performance.now()
  }

  received(packet: ReceivedPacket): void {
    if (packet.type === 'PUBACK' && this.#plan.qos === 1) this.#finishMessage(packet.packetId, packet.type)
    else if (packet.type === 'PUBREC' && this.#plan.qos === 2) this.#release(packet.packetId)
    else if (packet.type === 'PUBCOMP' && this.#plan.qos === 2) this.#finishMessage(packet.packetId, packet.type)
    else this.fault('unexpected packet', `${packet.type} to publisher ${this.#plan.id}`)
  }

  disconnected(): void {}

  fault(kind: string, example: string): void {
    this.#faults.add(kind, example)
  }

  #produce(): void {
    const nowMs = performance.now()
    const { messagesPerSecond, windowMessages } = this.#pace
    let due = Math.floor(((nowMs - this.#producedUntilMs) / 1000) * messagesPerSecond)
    if (due === 0 || !this.#isProducing || !this.client.isConnected) return
    this.#producedUntilMs = nowMs
    for (; due > 0 && this.#outstanding.size < windowMessages; due--) {
      const packetId = this.#freeIds.pop()
      if (packetId === undefined) return
      const sequence = this.#nextSequence++
      this.#outstanding.set(packetId, { sequence, isReleased: false })
      this.#send(packetId, sequence, false)
    }
  }

  #send(packetId: number, sequence: number, dup: boolean): void {
    const { qos, isRetained: retain } = this.#plan
    const payload = payloadOf(this.#plan, sequence)
    this.client.send(publishPacket({ topic: topicOf(this.#plan, sequence), payload, qos, retain, dup, packetId }))
  }

  #release(packetId: number): void {
    this.#isAcknowledged = true
    const message = this.#outstanding.get(packetId)
    if (message === undefined) {
      this.fault('acknowledged unasked', `PUBREC ${packetId} to ${this.#plan.id}`)
      return
    }
    message.isReleased = true
    this.client.send(acknowledgePacket('PUBREL', packetId))
  }

  #finishMessage(packetId: number, type: string): void {
    this.#isAcknowledged = true
    const message = this.#outstanding.get(packetId)
    if (message === undefined || (this.#plan.qos === 2 && !message.isReleased)) {
      this.fault('acknowledged unasked', `${type} ${packetId} to ${this.#plan.id}`)
      return
    }
    this.#outstanding.delete(packetId)
    this.#freeIds.push(packetId)
  }
}
