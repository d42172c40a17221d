/** The package mqtt over TCP, over WebSocket, and with websocket-stream as older devices have it. */
import { describe, expect, test } from 'vitest'
import { CARRIERS, type CarrierName, connectLibraryClient, MQTT_31 } from '../support/mqtt-clients.ts'
import { startHubWithHttp } from '../support/start-hub.ts'

const CARRIER_NAMES: readonly CarrierName[] = Object.keys(CARRIERS).filter((name): name is CarrierName =>
  Object.hasOwn(CARRIERS, name),
)
const VERSIONS = [
  { version: 'MQTT 3.1', protocol: MQTT_31 },
  { version: 'MQTT 3.1.1', protocol: { protocolVersion: 4 } },
] as const
const CASES = CARRIER_NAMES.flatMap((carrier) =>
  VERSIONS.map(({ version, protocol }) => ({ carrier, version, protocol })),
)

describe.each(CASES)('$carrier with $version', ({ carrier, protocol }) => {
  test('publishes and reads at QoS 0, 1 and 2, and is granted what it asks for', async () => {
    const hub = await startHubWithHttp()
    const { client, messages } = await connectLibraryClient(hub, carrier, protocol)
    const grants = await client.subscribeAsync({ 't/0': { qos: 0 }, 't/1': { qos: 1 }, 't/2': { qos: 2 } })
    expect(grants.map(({ qos }) => qos)).toEqual([0, 1, 2])
    for (const qos of [0, 1, 2] as const) await client.publishAsync(`t/${qos}`, `at ${qos}`, { qos })
    const got = await messages.atLeast(3)
    expect(got.map(({ topic, payload, qos }) => [topic, payload.toString(), qos])).toEqual([
      ['t/0', 'at 0', 0],
      ['t/1', 'at 1', 1],
      ['t/2', 'at 2', 2],
    ])
  })

  test('gets retained messages when it subscribes, and no message once it has unsubscribed', async () => {
    const hub = await startHubWithHttp()
    const { client, messages } = await connectLibraryClient(hub, carrier, protocol)
    await client.publishAsync('lamp/state', 'on', { qos: 1, retain: true })
    await client.subscribeAsync('lamp/+', { qos: 1 })
    expect(await messages.atLeast(1)).toEqual([
      { topic: 'lamp/state', payload: Buffer.from('on'), qos: 1, retain: true },
    ])
    await client.unsubscribeAsync('lamp/+')
    await client.publishAsync('lamp/state', 'off', { qos: 1, retain: true })
    await client.subscribeAsync('end', { qos: 0 })
    await client.publishAsync('end', '')
    expect((await messages.atLeast(2))[1]?.topic).toBe('end')
  })

  test('has its will published when it goes without DISCONNECT, and not when it says DISCONNECT', async () => {
    const hub = await startHubWithHttp()
    const watcher = await connectLibraryClient(hub, carrier, protocol)
    await watcher.client.subscribeAsync('will/#', { qos: 1 })
    const will = { topic: 'will/polite', payload: Buffer.from('never'), qos: 1, retain: false } as const
    const polite = await connectLibraryClient(hub, carrier, { ...protocol, will })
    await polite.client.endAsync()
    const rude = await connectLibraryClient(hub, carrier, {
      ...protocol,
      will: { ...will, topic: 'will/rude', payload: Buffer.from('gone') },
    })
    rude.client.stream.destroy()
    const [first] = await watcher.messages.atLeast(1)
    expect(first).toMatchObject({ topic: 'will/rude', payload: Buffer.from('gone'), qos: 1 })
  })

  test('finds what came while it was away when it returns to a kept session', async () => {
    const hub = await startHubWithHttp()
    const session = { ...protocol, clientId: 'kept', clean: false, resubscribe: false } as const
    const before = await connectLibraryClient(hub, carrier, session)
    await before.client.subscribeAsync('t', { qos: 2 })
    await before.client.endAsync()
    for (let i = 0; i < 250; i++) await hub.hub.publish('t', `${i}`, { qos: i % 2 === 0 ? 1 : 2 })
    const after = await connectLibraryClient(hub, carrier, session)
    const got = await after.messages.atLeast(250)
    // Order is promised within a QoS [MQTT-4.6.0-6]: mqtt.js hands over a QoS 2 message when its PUBREL comes.
    for (const qos of [1, 2]) {
      const numbers = got.filter((message) => message.qos === qos).map(({ payload }) => Number(payload.toString()))
      expect(numbers).toEqual(Array.from({ length: 125 }, (_, i) => 2 * i + qos - 1))
    }
    expect(got.length).toBe(250)
  })

  test('reads 5,000 messages in order while it publishes them', async () => {
    const hub = await startHubWithHttp()
    const { client, messages } = await connectLibraryClient(hub, carrier, protocol)
    await client.subscribeAsync('t', { qos: 1 })
    for (let i = 0; i < 5000; i++) client.publish('t', `${i}`, { qos: 1 })
    const got = await messages.atLeast(5000, 30_000)
    expect(got.map(({ payload }) => payload.toString())).toEqual(Array.from({ length: 5000 }, (_, i) => `${i}`))
  })
})
