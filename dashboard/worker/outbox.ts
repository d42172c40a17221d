import type { IClientPublishOptions, IConnackPacket, IDisconnectPacket, IPublishPacket, MqttClient, Packet } from 'mqtt'
import { publishBytes } from './packet-bytes.ts'
import type { Outgoing, SendChange, SendStep } from './protocol.ts'

/** MQTT's own default, for a hub that names none. */
const DEFAULT_RECEIVE_MAXIMUM = 65_535
/** [MQTT-3.4.2-1] the hub took the message, and nobody listens. */
const NO_MATCHING_SUBSCRIBERS = 0x10
const FAILURE = 0x80
const PACKET_IDENTIFIER_NOT_FOUND = 0x92
const TOPIC_NAME_INVALID = 0x90
const PACKET_TOO_LARGE = 0x95

interface OnItsWay {
  readonly id: string
  /** Undefined at QoS 0. */
  readonly messageId: number | undefined
}

type Tell = (change: SendChange) => void

/**
 * Sends messages and tells what becomes of each. What has to wait, because the page is offline or the hub's Receive Maximum is
 * reached, waits here in its order; QoS 0 does not wait for a connection: it says that it was not sent.
 */
export class Outbox {
  readonly #tell: Tell
  #waiting: Outgoing[] = []
  /** By packet identifier. */
  readonly #inFlight = new Map<number, string>()
  /** What this connection took, in its order, after the last that was answered: nobody knows yet whether the hub could read it. */
  #unread: OnItsWay[] = []
  #unsendableId: number | undefined = undefined
  #client: MqttClient | undefined = undefined
  #isOnline = false
  #receiveMaximum = DEFAULT_RECEIVE_MAXIMUM
  #maxPacketBytes = Infinity
  #replyTopic = ''

  constructor(tell: Tell) {
    this.#tell = tell
  }

  attach(client: MqttClient, replyTopic: string): void {
    this.#client = client
    this.#replyTopic = replyTopic
    client.on('packetsend', (packet) => this.#sent(packet))
    client.on('packetreceive', (packet) => this.#received(packet))
    client.on('disconnect', (packet) => this.#ended(packet))
  }

  /** With what CONNACK says of the hub. */
  online({ receiveMaximum, maximumPacketSize }: NonNullable<IConnackPacket['properties']> = {}): void {
    this.#isOnline = true
    this.#receiveMaximum = receiveMaximum ?? DEFAULT_RECEIVE_MAXIMUM
    this.#maxPacketBytes = maximumPacketSize ?? Infinity
    this.#sendWaiting()
  }

  offline(): void {
    this.#isOnline = false
    this.#unread = []
    // What mqtt.js keeps it sends again on each connection: the hub would end them all.
    if (this.#unsendableId !== undefined) this.#client?.removeOutgoingMessage(this.#unsendableId)
    this.#unsendableId = undefined
    // It waited behind others for its turn, and must not fire a minute later.
    for (const { id, qos } of this.#waiting) if (qos === 0) this.#say(id, 'not-sent')
    this.#waiting = this.#waiting.filter(({ qos }) => qos > 0)
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
      // [MQTT5-3.2.2-15]: the hub would end the connection, and the next ones too.
      if (publishBytes(next, this.#replyTopic) > this.#maxPacketBytes) this.#say(next.id, 'refused', PACKET_TOO_LARGE)
      else this.#send(next)
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
    if (packet.cmd !== 'publish') return
    const { qos, messageId } = packet
    const id = receiptOf(packet)
    if (id === undefined) return
    this.#unread.push({ id, messageId: qos === 0 ? undefined : messageId })
    if (qos === 0 || messageId === undefined) return
    this.#inFlight.set(messageId, id)
    this.#say(id, 'written')
  }

  #received(packet: Packet): void {
    if (packet.cmd !== 'puback' && packet.cmd !== 'pubrec' && packet.cmd !== 'pubcomp') return
    const { messageId = 0, reasonCode = 0, properties } = packet
    const id = this.#inFlight.get(messageId)
    if (id === undefined) return
    // The hub reads in order: what went before it was read as well.
    this.#unread.splice(0, this.#unread.findIndex((one) => one.messageId === messageId) + 1)
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

  /** The hub ends the connection for a topic that it does not take. When several may be meant the next connection tells: there mqtt.js sends them again one by one. */
  #ended({ reasonCode = 0, properties }: IDisconnectPacket): void {
    const [suspect, other] = this.#unread
    if (reasonCode !== TOPIC_NAME_INVALID || suspect === undefined || other !== undefined) return
    const { id, messageId } = suspect
    this.#unsendableId = messageId
    if (messageId !== undefined) this.#inFlight.delete(messageId)
    this.#say(id, 'refused', reasonCode, properties?.reasonString)
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
