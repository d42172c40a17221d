import { acknowledgePacket, subscribePacket } from '../../support/packets.ts'
import type { ReceivedPacket, ReceivedPublish, ReceivedSuback } from '../../support/received-packet.ts'
import type { Received } from './checker.ts'
import type { Faults } from './faults.ts'
import { effectiveQos, readPayload, type SubscriberPlan } from './plan.ts'
import type { Random } from './random.ts'
import { type ClientOwner, ReconnectingClient } from './reconnecting-client.ts'

const SUBSCRIBE_ID = 1
const SLOW_REST_MS = 250

/**
 * A subscriber with a kept session that follows its habit until `finish`. At QoS 2 it takes a message with its PUBLISH and
 * remembers the packet identifier until the PUBREL, across reconnects and restarts of the hub [MQTT-4.3.3-2].
 */
export class ReceivingClient implements ClientOwner {
  receivedMessages = 0
  isSubscribed = false
  readonly client: ReconnectingClient
  readonly #plan: SubscriberPlan
  readonly #random: Random
  readonly #faults: Faults
  readonly #qosByPublisher: Readonly<Record<string, 1 | 2>>
  readonly #sequences: Record<string, number[]> = {}
  /** QoS 2 messages that wait for their PUBREL: packet identifier and what the message was. */
  readonly #unreleased = new Map<number, string>()
  #isFinishing = false
  #hasLostSession = false

  constructor(
    port: number,
    plan: SubscriberPlan,
    qosByPublisher: Readonly<Record<string, 1 | 2>>,
    random: Random,
    faults: Faults,
  ) {
    this.#plan = plan
    this.#random = random
    this.#faults = faults
    this.#qosByPublisher = qosByPublisher
    this.client = new ReconnectingClient({ port, clientId: plan.clientId, isClean: false, random }, this)
    this.client.start()
  }

  /** From now on it stays connected and reads as fast as it can. */
  finish(): void {
    this.#isFinishing = true
    this.client.start()
  }

  report(): Received {
    return { clientId: this.#plan.clientId, sequences: this.#sequences }
  }

  connected(isSessionPresent: boolean): void {
    if (!isSessionPresent) {
      if (this.isSubscribed) {
        this.#hasLostSession = true
        this.fault('session lost', this.#plan.clientId)
      }
      this.isSubscribed = false
      this.#unreleased.clear()
    }
    if (!this.isSubscribed) this.client.send(subscribePacket(SUBSCRIBE_ID, this.#plan.filters))
    else this.#scheduleLeave()
  }

  received(packet: ReceivedPacket): void {
    switch (packet.type) {
      case 'PUBLISH':
        this.#receive(packet)
        break
      case 'PUBREL':
        this.#unreleased.delete(packet.packetId)
        this.client.send(acknowledgePacket('PUBCOMP', packet.packetId))
        break
      case 'SUBACK':
        this.#subscribed(packet)
        break
      default:
        this.fault('unexpected packet', `${packet.type} to subscriber ${this.#plan.clientId}`)
    }
  }

  disconnected(): void {}

  fault(kind: string, example: string): void {
    this.#faults.add(kind, example)
  }

  #receive({ topic, payload, qos, retain, packetId }: ReceivedPublish): void {
    const origin = readPayload(topic, payload.toString())
    const at = `${topic} at ${this.#plan.clientId}`
    if (origin === undefined) {
      this.fault('damaged', at)
    } else {
      const { publisher, sequence } = origin
      const message = `${publisher}:${sequence}`
      const dueQos = effectiveQos(this.#plan, topic, this.#qosByPublisher[publisher] ?? 1)
      if (qos !== dueQos) this.fault('wrong QoS', `${message} on ${at} has ${qos}, due is ${dueQos}`)
      // [MQTT-3.3.1-9]; who has to subscribe again gets what is retained.
      if (retain && !this.#hasLostSession) this.fault('RETAIN set', `${message} on ${at}`)
      if (qos !== 2 || this.#isNew(packetId, message)) this.#record(publisher, sequence)
    }
    if (qos > 0) this.client.send(acknowledgePacket(qos === 1 ? 'PUBACK' : 'PUBREC', packetId))
    if (this.#plan.habit === 'slow' && !this.#isFinishing) this.client.rest(SLOW_REST_MS)
  }

  /** False for a message that was taken before. */
  #isNew(packetId: number, message: string): boolean {
    const earlier = this.#unreleased.get(packetId)
    if (earlier === undefined) {
      this.#unreleased.set(packetId, message)
      return true
    }
    if (earlier !== message)
      this.fault(
        'identifier used twice',
        `${packetId} for ${earlier}, before its PUBREL for ${message}, to ${this.#plan.clientId}`,
      )
    return false
  }

  #record(publisher: string, sequence: number): void {
    this.receivedMessages++
    const sequences = (this.#sequences[publisher] ??= [])
    sequences.push(sequence)
  }

  #subscribed({ codes }: ReceivedSuback): void {
    const wanted = this.#plan.filters.map(([, qos]) => qos)
    if (codes.join() !== wanted.join()) this.fault('SUBACK', `${codes.join()} to ${this.#plan.clientId}`)
    this.isSubscribed = true
    this.#scheduleLeave()
  }

  #scheduleLeave(): void {
    const { habit } = this.#plan
    if (this.#isFinishing || (habit !== 'sleeper' && habit !== 'wanderer')) return
    const stayMs = habit === 'sleeper' ? 0 : this.#random.between(50, 1500)
    setTimeout(() => this.#leave(), stayMs)
  }

  #leave(): void {
    if (this.#isFinishing || !this.client.isConnected) return
    this.client.leave(this.#plan.habit === 'sleeper' || this.#random.isLikely(0.5))
    if (this.#plan.habit === 'wanderer') setTimeout(() => this.client.start(), this.#random.between(50, 2500))
  }
}
