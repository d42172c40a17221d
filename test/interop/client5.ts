import {
  ErrorWithReasonCode,
  type IClientOptions,
  type IClientPublishOptions,
  type IConnackPacket,
  type IDisconnectPacket,
  type IPublishPacket,
  type MqttClient,
  type Packet,
} from 'mqtt'
import { onTestFinished } from 'vitest'
import { Collected, guarded } from '../support/guard.ts'
import { CARRIERS, type CarrierName } from '../support/mqtt-clients.ts'
import type { HttpTestHub } from '../support/start-hub.ts'

export type Properties = NonNullable<IPublishPacket['properties']>

export interface ClientMessage5 {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: number
  readonly retain: boolean
  /** Empty when the packet has none. */
  readonly properties: Properties
}

type PacketOf<C extends Packet['cmd']> = Extract<Packet, { cmd: C }>

/** A client of mqtt.js that speaks MQTT 5; it is ended when the test ends. */
export class Client5 {
  readonly client: MqttClient
  readonly messages: Collected<ClientMessage5>
  readonly connacks: Collected<IConnackPacket>
  readonly disconnects: Collected<IDisconnectPacket>
  readonly received: Collected<Packet>
  readonly sent: Collected<Packet>
  readonly closed: Promise<void>

  constructor(client: MqttClient, name: string) {
    this.client = client
    this.messages = new Collected(`messages of ${name}`)
    this.connacks = new Collected(`CONNACK packets of ${name}`)
    this.disconnects = new Collected(`DISCONNECT packets of ${name}`)
    this.received = new Collected(`packets of ${name}`)
    this.sent = new Collected(`packets sent by ${name}`)
    client.on('connect', (packet) => this.connacks.push(packet))
    client.on('disconnect', (packet) => this.disconnects.push(packet))
    client.on('packetreceive', (packet) => this.received.push(packet))
    client.on('packetsend', (packet) => this.sent.push(packet))
    client.on('message', (topic, payload, { qos, retain, properties = {} }) => {
      this.messages.push({ topic, payload, qos, retain, properties })
    })
    this.closed = new Promise((resolve) => {
      client.once('close', resolve)
    })
  }

  /** The CONNACK of the first connection. */
  get connack(): IConnackPacket {
    const [packet] = this.connacks.items
    if (packet === undefined) throw new Error('the client is not connected')
    return packet
  }

  /** The packets of one kind that the hub has sent. */
  receivedOf<C extends Packet['cmd']>(cmd: C): PacketOf<C>[] {
    return this.received.items.filter((packet): packet is PacketOf<C> => packet.cmd === cmd)
  }

  payloads(): string[] {
    return this.messages.items.map(({ payload }) => payload.toString())
  }

  /** Resolves with the first message, from number `start` on, that `isIt`. */
  async untilMessage(isIt: (message: ClientMessage5) => boolean, start = 0): Promise<ClientMessage5> {
    let count = 0
    const found = this.messages.firstThat((message) => (++count > start && isIt(message) ? message : undefined))
    return guarded(found, () => `a message; there came ${this.payloads().slice(-5).join(', ')}`)
  }

  /**
   * Waits until whatever was due by now has come, and shows that nothing else has: publishes to itself and gets that. The
   * filter `end` is subscribed; its message is not given.
   */
  async settle(): Promise<readonly ClientMessage5[]> {
    await this.client.subscribeAsync('end', { qos: 2 })
    const before = this.messages.items.filter(({ topic }) => topic === 'end').length
    await this.client.publishAsync('end', '', { qos: 2 })
    await this.messages.firstThat(() =>
      this.messages.items.filter(({ topic }) => topic === 'end').length > before ? true : undefined,
    )
    return this.messages.items.filter(({ topic }) => topic !== 'end')
  }
}

interface Publishing {
  /** Called after each PUBLISH with its index. */
  readonly onPublish?: (index: number) => void
  /**
   * The publisher loses connections. A PUBREL that is sent again is answered with "Packet Identifier not found" when the hub has
   * had it already: no error then [MQTT5 §3.7.2.1], but mqtt.js takes it for one.
   */
  readonly isRecovering?: boolean
}

/** Publishes with at most 20 messages under way: mqtt.js does not keep to the Receive Maximum of the hub by itself. */
export async function publishAll(
  { client }: Client5,
  messages: readonly (readonly [topic: string, payload: string, options: IClientPublishOptions])[],
  { onPublish, isRecovering = false }: Publishing = {},
): Promise<void> {
  const window = 20
  const published: Promise<unknown>[] = []
  for (const [i, message] of messages.entries()) {
    if (i >= window) await published[i - window]
    const taken = client.publishAsync(...message).catch((error: unknown) => {
      if (!isRecovering || !(error instanceof ErrorWithReasonCode) || error.code !== 0x92) throw error
    })
    // It is awaited above or below; until then it is not to be reported as unhandled.
    taken.catch(() => undefined)
    published.push(taken)
    onPublish?.(i)
  }
  await Promise.all(published)
}

/** Connects a client that does not come back by itself, unless `options` say so. */
export async function connectClient5(
  hub: HttpTestHub,
  carrier: CarrierName,
  options: IClientOptions = {},
): Promise<Client5> {
  const client = new Client5(CARRIERS[carrier](hub, { reconnectPeriod: 0, protocolVersion: 5, ...options }), carrier)
  onTestFinished(async () => {
    await client.client.endAsync(true)
  })
  const connected = new Promise<void>((resolve, reject) => {
    client.client.once('connect', () => resolve())
    client.client.on('error', reject)
  })
  await guarded(connected, () => `${carrier} to connect`)
  return client
}
