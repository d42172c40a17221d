import type { IClientPublishOptions, IPublishPacket, MqttClient, Packet } from 'mqtt'
import type { Outgoing, SendChange, SendStep } from './protocol.ts'

/** MQTT's own default, for a hub that names none. */
const DEFAULT_RECEIVE_MAXIMUM = 65_535
/** [MQTT-3.4.2-1] the hub took the message, and nobody listens. */
const NO_MATCHING_SUBSCRIBERS = 0x10
const FAILURE = 0x80
const PACKET_IDENTIFIER_NOT_FOUND = 0x92

type Tell = (change: SendChange) => void

/**
 * Sends messages and tells what becomes of each. What has to wait, because the page is offline or the hub's Receive Maximum is
 * reached, waits here in its order; QoS 0 does not wait for a connection: it says that it was not sent.
 */
export class Outbox {
  readonly #tell: Tell
  readonly #waiting: Outgoing[] = []
  /** By packet identifier. */
  readonly #inFlight = new Map<number, string>()
  #client: MqttClient | undefined = undefined
  #isOnline = false
  #receiveMaximum = DEFAULT_RECEIVE_MAXIMUM
  #replyTopic = ''

  constructor(tell: Tell) {
    this.#tell = tell
  }

  attach(client: MqttClient, replyTopic: string): void {
    this.#client = client
    this.#replyTopic = replyTopic
    client.on('packetsend', (packet) => this.#sent(packet))
    client.on('packetreceive', (packet) => this.#received(packet))
  }

  online(receiveMaximum: number | undefined): void {
    this.#isOnline = true
    this.#receiveMaximum = receiveMaximum ?? DEFAULT_RECEIVE_MAXIMUM
    this.#sendWaiting()
  }

  offline(): void {
    this.#isOnline = false
  }

  publish(message: Outgoing): void {
    if (message.qos === 0 && !this.#isOnline) {
      this.#say(message.id, 'not-sent')
      return
    }
    this.#waiting.push(message)
    this.#say(message.id, 'waiting')
    this.#sendWaiting()
  }

  #sendWaiting(): void {
    while (this.#isOnline) {
      const [next] = this.#waiting
      if (next === undefined || (next.qos > 0 && this.#inFlight.size >= this.#receiveMaximum)) return
      this.#waiting.shift()
      this.#send(next)
    }
  }

  #send({ id, topic, payload, qos, retain, wantsReply }: Outgoing): void {
    const properties = {
      userProperties: { receipt: id },
      payloadFormatIndicator: true,
      ...(wantsReply && { responseTopic: this.#replyTopic, correlationData: new TextEncoder().encode(id) }),
    }
    // mqtt.js types Correlation Data as Node's Buffer; it writes any Uint8Array.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as said above
    const options = { qos, retain, properties } as unknown as IClientPublishOptions
    this.#client?.publish(topic, payload, options, (error) => {
      if (qos === 0 && error === undefined) this.#say(id, 'written')
      if (qos === 0 && error instanceof Error) this.#say(id, 'not-sent', undefined, error.message)
    })
  }

  #sent(packet: Packet): void {
    if (packet.cmd !== 'publish' || packet.qos === 0 || packet.messageId === undefined) return
    const receipt = receiptOf(packet)
    if (receipt === undefined) return
    this.#inFlight.set(packet.messageId, receipt)
    this.#say(receipt, 'written')
  }

  #received(packet: Packet): void {
    if (packet.cmd !== 'puback' && packet.cmd !== 'pubrec' && packet.cmd !== 'pubcomp') return
    const { messageId = 0, reasonCode = 0, properties } = packet
    const id = this.#inFlight.get(messageId)
    if (id === undefined) return
    // [MQTT 5, 3.7.2.1] a PUBREL that was sent again after a reconnect: the hub had done all before.
    const wasDoneBefore = packet.cmd === 'pubcomp' && reasonCode === PACKET_IDENTIFIER_NOT_FOUND
    const isRefused = reasonCode >= FAILURE && !wasDoneBefore
    if (packet.cmd !== 'pubrec' || isRefused) this.#inFlight.delete(messageId)
    if (isRefused) this.#say(id, 'refused', reasonCode, properties?.reasonString)
    else {
      this.#say(id, packet.cmd, reasonCode)
      if (reasonCode === NO_MATCHING_SUBSCRIBERS) this.#say(id, 'nobody', reasonCode)
    }
    this.#sendWaiting()
  }

  #say(id: string, step: SendStep, reasonCode?: number, reason?: string): void {
    this.#tell({ kind: 'send', id, step, atMs: Date.now(), reasonCode, reason, receipt: undefined })
  }
}

/** The User Property `receipt` of a packet. */
export function receiptOf({ properties }: Pick<IPublishPacket, 'properties'>): string | undefined {
  const value = properties?.userProperties?.['receipt']
  return Array.isArray(value) ? value[0] : value
}
