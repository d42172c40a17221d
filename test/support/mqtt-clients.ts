import { type IClientOptions, type IPublishPacket, MqttClient, connect } from 'mqtt'
import { onTestFinished } from 'vitest'
import websocketStream from 'websocket-stream'
import { Collected, guarded } from './guard.ts'
import type { HttpTestHub } from './start-hub.ts'

export interface ClientMessage {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: number
  readonly retain: boolean
}

/** A connected client of the package mqtt, over whatever it came; it is ended when the test ends. */
export interface LibraryClient {
  readonly client: MqttClient
  readonly messages: Collected<ClientMessage>
}

/** How clients of the package mqtt reach a hub. */
export const CARRIERS = {
  'mqtt.js over TCP': ({ port }: HttpTestHub, options: IClientOptions) => connect(`mqtt://127.0.0.1:${port}`, options),
  'mqtt.js over WebSocket': ({ httpPort }: HttpTestHub, options: IClientOptions) =>
    connect(`ws://127.0.0.1:${httpPort}/mqtt`, options),
  'mqtt.js over WebSocket at /': ({ httpPort }: HttpTestHub, options: IClientOptions) =>
    connect(`ws://127.0.0.1:${httpPort}/`, options),
  'websocket-stream': ({ httpPort }: HttpTestHub, options: IClientOptions) => {
    // As mqtt.js has it: MQTT 3.1 has a subprotocol of its own.
    const subprotocol = options.protocolVersion === 3 ? 'mqttv3.1' : 'mqtt'
    const url = `ws://127.0.0.1:${httpPort}/mqtt`
    return new MqttClient(() => websocketStream(url, [subprotocol], { perMessageDeflate: false }), options)
  },
} as const satisfies Record<string, (hub: HttpTestHub, options: IClientOptions) => MqttClient>

export type CarrierName = keyof typeof CARRIERS

/** MQTT 3.1, as the package mqtt names it. */
export const MQTT_31 = { protocolId: 'MQIsdp', protocolVersion: 3 } as const satisfies IClientOptions

/** Connects a client that does not come back by itself. */
export async function connectLibraryClient(
  hub: HttpTestHub,
  carrier: CarrierName,
  options: IClientOptions = {},
): Promise<LibraryClient> {
  const client = CARRIERS[carrier](hub, { reconnectPeriod: 0, protocolVersion: 4, ...options })
  const messages = new Collected<ClientMessage>(`messages of ${carrier}`)
  client.on('message', (topic: string, payload: Buffer, { qos, retain }: IPublishPacket) => {
    messages.push({ topic, payload, qos, retain })
  })
  onTestFinished(async () => {
    await client.endAsync(true)
  })
  const connected = new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve())
    client.on('error', reject)
  })
  await guarded(connected, () => `${carrier} to connect`)
  return { client, messages }
}
