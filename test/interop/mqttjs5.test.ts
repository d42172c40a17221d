/** mqtt.js with MQTT 5 over TCP and over WebSocket: messages, their properties, reason codes, flow control. */
import { describe, expect, test } from 'vitest'
import { guarded, until } from '../support/guard.ts'
import type { CarrierName } from '../support/mqtt-clients.ts'
import { startHubWithHttp } from '../support/start-hub.ts'
import { connectClient5, type Properties, publishAll } from './client5.ts'

const CARRIER_NAMES: readonly CarrierName[] = ['mqtt.js over TCP', 'mqtt.js over WebSocket']
const QOS_LEVELS = [0, 1, 2] as const
const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, i) => i))

/** All properties that go from a publisher to its receivers. */
const PROPERTIES: Properties = {
  payloadFormatIndicator: true,
  messageExpiryInterval: 4_294_967_295,
  contentType: 'text/plain; charset=utf-8 ✓',
  responseTopic: 'ответ/сюда',
  correlationData: ALL_BYTES,
  userProperties: { z: ['1', '2', ''], a: 'b', 'имя 🏷️': 'значение' },
}

describe.each(CARRIER_NAMES)('%s with MQTT 5', (carrier) => {
  test.each(QOS_LEVELS)('carries all properties of a message there and back at QoS %i', async (qos) => {
    const hub = await startHubWithHttp()
    const [one, two] = [await connectClient5(hub, carrier), await connectClient5(hub, carrier)]
    await one.client.subscribeAsync('to/one', { qos })
    await two.client.subscribeAsync('to/two', { qos })
    await one.client.publishAsync('to/two', 'ping 🏓', { qos, properties: PROPERTIES })
    const [ping] = await two.messages.atLeast(1)
    // What is left of the expiry is less by the part of a second that has passed.
    const properties = { ...PROPERTIES, messageExpiryInterval: expect.toSatisfy((left) => left >= 4_294_967_290) }
    expect(ping).toEqual({ topic: 'to/two', payload: Buffer.from('ping 🏓'), qos, retain: false, properties })
    await two.client.publishAsync('to/one', 'pong', { qos, properties: ping?.properties ?? {} })
    const [pong] = await one.messages.atLeast(1)
    expect(pong).toEqual({ topic: 'to/one', payload: Buffer.from('pong'), qos, retain: false, properties })
  })

  test.each(QOS_LEVELS)('carries a million bytes with properties at QoS %i', async (qos) => {
    const hub = await startHubWithHttp()
    const { client, messages } = await connectClient5(hub, carrier)
    await client.subscribeAsync('big', { qos })
    const payload = Buffer.alloc(1_000_000, ALL_BYTES)
    const properties = { contentType: 'image/raw', userProperties: { part: '1' } }
    await client.publishAsync('big', payload, { qos, properties })
    const [message] = await messages.atLeast(1)
    expect(message?.payload.equals(payload)).toBe(true)
    expect(message?.properties).toEqual(properties)
  })

  test('asks and is answered, each question at its own place by its correlation data', async () => {
    const hub = await startHubWithHttp()
    const answering = await connectClient5(hub, carrier)
    await answering.client.subscribeAsync('square', { qos: 1 })
    answering.client.on('message', (_topic, payload, { properties = {} }) => {
      const { responseTopic = 'none', correlationData = Buffer.alloc(0) } = properties
      const answer = `${Number(payload.toString()) ** 2}`
      answering.client.publish(responseTopic, answer, { qos: 1, properties: { correlationData } })
    })
    const askers = await Promise.all([0, 1, 2].map(async () => connectClient5(hub, carrier)))
    for (const [i, { client }] of askers.entries()) {
      await client.subscribeAsync(`answers/${i}`, { qos: 1 })
      for (let n = 0; n < 20; n++) {
        const properties = { responseTopic: `answers/${i}`, correlationData: Buffer.from([i, n]) }
        client.publish('square', `${10 * i + n}`, { qos: 1, properties })
      }
    }
    for (const [i, { messages }] of askers.entries()) {
      const got = await messages.atLeast(20)
      expect(got.map(({ payload, properties }) => [payload.toString(), properties.correlationData])).toEqual(
        Array.from({ length: 20 }, (_, n) => [`${(10 * i + n) ** 2}`, Buffer.from([i, n])]),
      )
    }
  })

  test('is told in the CONNACK what the hub can do, and its client identifier if it has none', async () => {
    const hub = await startHubWithHttp({ config: { limits: { maxPacketBytes: 500_000 } } })
    const [one, two] = [
      await connectClient5(hub, carrier, { clientId: '', clean: true }),
      await connectClient5(hub, carrier, { clientId: '', clean: true }),
    ]
    const ids = [one, two].map(({ connack }) => connack.properties?.assignedClientIdentifier)
    expect(new Set(ids).size).toBe(2)
    for (const id of ids) expect(id).toMatch(/^[\w-]{8,}$/)
    const named = await connectClient5(hub, carrier, { clientId: 'my-own' })
    expect(named.connack).toMatchObject({ sessionPresent: false, reasonCode: 0 })
    expect(named.connack.properties?.assignedClientIdentifier).toBe(undefined)
    expect(named.connack.properties).toMatchObject({
      receiveMaximum: 100,
      topicAliasMaximum: 100,
      maximumPacketSize: 500_000,
    })
    // All that is not named is available at every QoS [MQTT5 §3.2.2.3].
    const {
      maximumQoS,
      retainAvailable = true,
      wildcardSubscriptionAvailable = true,
      ...others
    } = named.connack.properties ?? {}
    const { subscriptionIdentifiersAvailable = true, sharedSubscriptionAvailable = true } = others
    expect({
      maximumQoS,
      retainAvailable,
      wildcardSubscriptionAvailable,
      subscriptionIdentifiersAvailable,
      sharedSubscriptionAvailable,
    }).toEqual({
      maximumQoS: undefined,
      retainAvailable: true,
      wildcardSubscriptionAvailable: true,
      subscriptionIdentifiersAvailable: true,
      sharedSubscriptionAvailable: true,
    })
  })

  test('reads from PUBACK and PUBREC that nobody is subscribed, and its callbacks have no error', async () => {
    const hub = await startHubWithHttp()
    const publisher = await connectClient5(hub, carrier)
    for (const qos of [1, 2] as const) await publisher.client.publishAsync('t', 'x', { qos })
    await publisher.client.subscribeAsync('t', { qos: 2 })
    for (const qos of [1, 2] as const) await publisher.client.publishAsync('t', 'x', { qos })
    const reasons = (cmd: 'puback' | 'pubrec'): number[] =>
      publisher.receivedOf(cmd).map(({ reasonCode = 0 }) => reasonCode)
    expect({ puback: reasons('puback'), pubrec: reasons('pubrec') }).toEqual({ puback: [16, 0], pubrec: [16, 0] })
  })

  test.each([1, 2] as const)('has the error of a message that is not taken in its callback at QoS %i', async (qos) => {
    const hub = await startHubWithHttp()
    const { client, messages } = await connectClient5(hub, carrier)
    await client.subscribeAsync(['#', '$SYS/mine'], { qos: 2 })
    await expect(client.publishAsync('$SYS/mine', 'x', { qos })).rejects.toMatchObject({ code: 0x87 })
    const lie = { qos, properties: { payloadFormatIndicator: true } }
    await expect(client.publishAsync('t', Buffer.from([0xc0, 0x80]), lie)).rejects.toMatchObject({ code: 0x99 })
    await client.publishAsync('t', 'next', { qos })
    expect((await messages.atLeast(1)).map(({ payload }) => payload.toString())).toEqual(['next'])
  })

  test('has the reason codes of SUBACK and UNSUBACK for each filter', async () => {
    const hub = await startHubWithHttp({ config: { limits: { maxSubscriptionsPerClient: 3 } } })
    const one = await connectClient5(hub, carrier)
    await one.client.subscribeAsync({ a: { qos: 0 }, b: { qos: 1 }, c: { qos: 2 } })
    await expect(one.client.subscribeAsync('d', { qos: 1 })).rejects.toMatchObject({ packet: { granted: [0x97] } })
    await one.client.unsubscribeAsync(['b', 'never'])
    expect(one.receivedOf('suback').map(({ granted }) => granted)).toEqual([[0, 1, 2], [0x97]])
    expect(one.receivedOf('unsuback').map(({ granted }) => granted)).toEqual([[0, 0x11]])
  })

  test.each([1, 2] as const)('publishes and reads 1,000 messages in order at QoS %i', async (qos) => {
    const hub = await startHubWithHttp()
    const one = await connectClient5(hub, carrier)
    await one.client.subscribeAsync('t', { qos })
    const numbers = Array.from({ length: 1000 }, (_, i) => `${i}`)
    await publishAll(
      one,
      numbers.map((n) => ['t', n, { qos, properties: { userProperties: { n } } }]),
    )
    const got = await one.messages.atLeast(1000, 30_000)
    expect(got.map(({ payload }) => payload.toString())).toEqual(numbers)
    expect(got.map(({ properties }) => properties.userProperties?.['n'])).toEqual(numbers)
    expect(hub.hub.ledger.droppedTotal).toBe(0)
  })

  test('is told when it has more QoS 2 messages under way than the hub allows [MQTT5-3.3.4-8]', async () => {
    const hub = await startHubWithHttp()
    const rash = await connectClient5(hub, carrier)
    for (let i = 0; i < 300; i++) rash.client.publish('t', `${i}`, { qos: 2 })
    const [disconnect] = await rash.disconnects.atLeast(1)
    expect(disconnect?.reasonCode).toBe(0x93)
  })

  test.each([1, 2] as const)(
    'is sent no more than its receive maximum before it has acknowledged, at QoS %i [MQTT5-3.1.2-11]',
    async (qos) => {
      const hub = await startHubWithHttp()
      const slow = await connectClient5(hub, carrier, { properties: { receiveMaximum: 3 } })
      await slow.client.subscribeAsync('t', { qos })
      let bytes = Buffer.alloc(0)
      slow.client.stream.on('data', (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])))
      // mqtt.js acknowledges a message, and handles the next packet, when this calls back.
      const held = new Promise<() => void>((resolve) => {
        slow.client.handleMessage = (_packet, callback) => resolve(callback)
      })
      const publisher = await connectClient5(hub, carrier)
      const payload = Buffer.alloc(1000, 'x')
      for (let i = 0; i < 20; i++) await publisher.client.publishAsync('t', payload, { qos })
      const release = await guarded(held, () => 'the first message')
      // The answer to a PINGREQ comes behind all that the hub may send.
      slow.client.sendPing()
      await until(
        () => bytes.includes(Buffer.from([0xd0, 0x00])),
        () => `PINGRESP, got ${bytes.length} bytes`,
      )
      expect(Math.floor(bytes.length / 1000)).toBe(3)
      slow.client.handleMessage = (_packet, callback) => callback()
      release()
      expect((await slow.messages.atLeast(20)).length).toBe(20)
    },
  )
})
