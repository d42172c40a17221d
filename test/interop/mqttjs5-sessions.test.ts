/** mqtt.js with MQTT 5 over TCP and over WebSocket: sessions, reconnects, wills, and how the hub takes its leave. */
import { describe, expect, test } from 'vitest'
import { guarded, until } from '../support/guard.ts'
import type { CarrierName } from '../support/mqtt-clients.ts'
import { startHubWithHttp } from '../support/start-hub.ts'
import { type Client5, connectClient5, publishAll } from './client5.ts'

const CARRIER_NAMES: readonly CarrierName[] = ['mqtt.js over TCP', 'mqtt.js over WebSocket']

/** Options of a client whose session stays for so long. */
function kept(clientId: string, sessionExpiryInterval = 1000) {
  return { clientId, clean: false, resubscribe: false, properties: { sessionExpiryInterval } } as const
}

/** Publishes at QoS 1 until nobody is subscribed to `topic` any more. */
async function untilNobodySubscribes({ client, received }: Client5, topic: string): Promise<void> {
  const deadlineMs = performance.now() + 10_000
  for (;;) {
    const start = received.items.length
    await client.publishAsync(topic, 'anybody?', { qos: 1 })
    const answer = received.items.slice(start).find((packet) => packet.cmd === 'puback')
    if (answer?.reasonCode === 0x10) return
    if (performance.now() > deadlineMs) throw new Error(`somebody is still subscribed to ${topic}`)
  }
}

describe.each(CARRIER_NAMES)('%s with MQTT 5', (carrier) => {
  test('finds its session, its subscriptions and what came while it was away, in order', async () => {
    const hub = await startHubWithHttp()
    const before = await connectClient5(hub, carrier, kept('away'))
    expect(before.connack.sessionPresent).toBe(false)
    await before.client.subscribeAsync({ 't/1': { qos: 1 }, 't/2': { qos: 2 } })
    await before.client.endAsync()
    const publisher = await connectClient5(hub, carrier)
    for (let i = 0; i < 100; i++) {
      const qos = i % 2 === 0 ? 1 : 2
      await publisher.client.publishAsync(`t/${qos}`, `${i}`, { qos, properties: { userProperties: { n: `${i}` } } })
    }
    const after = await connectClient5(hub, carrier, kept('away'))
    expect(after.connack.sessionPresent).toBe(true)
    const got = await after.messages.atLeast(100)
    for (const qos of [1, 2]) {
      const own = got.filter((message) => message.qos === qos)
      const numbers = Array.from({ length: 50 }, (_, i) => `${2 * i + qos - 1}`)
      expect(own.map(({ payload }) => payload.toString())).toEqual(numbers)
      expect(own.map(({ properties }) => properties.userProperties?.['n'])).toEqual(numbers)
    }
    expect((await after.settle()).length).toBe(100)
    await until(
      () => hub.hub.pendingMessages === 0,
      () => `no pending messages, there are ${hub.hub.pendingMessages}`,
    )
  })

  test('that comes back by itself loses nothing and gets nothing twice at QoS 2', async () => {
    const hub = await startHubWithHttp()
    const reader = await connectClient5(hub, carrier, { ...kept('reader'), reconnectPeriod: 5 })
    await reader.client.subscribeAsync('t', { qos: 2 })
    const publisher = await connectClient5(hub, carrier)
    const numbers = Array.from({ length: 1000 }, (_, i) => `${i}`)
    const messages = numbers.map((n) => ['t', n, { qos: 2 }] as const)
    const onPublish = (i: number): void => {
      if (i % 200 === 100) reader.client.stream.destroy()
    }
    await publishAll(publisher, messages, { onPublish })
    await reader.messages.atLeast(1000, 30_000)
    expect((await reader.settle()).map(({ payload }) => payload.toString())).toEqual(numbers)
    const returns = reader.connacks.items.slice(1)
    expect(returns.length).toBeGreaterThan(0)
    expect(returns.every(({ sessionPresent }) => sessionPresent)).toBe(true)
  })

  test('begins anew with clean start, whatever was kept [MQTT5-3.1.2-4]', async () => {
    const hub = await startHubWithHttp()
    const before = await connectClient5(hub, carrier, kept('fresh'))
    await before.client.subscribeAsync('t', { qos: 1 })
    await before.client.endAsync()
    const after = await connectClient5(hub, carrier, { ...kept('fresh'), clean: true })
    expect(after.connack.sessionPresent).toBe(false)
    const publisher = await connectClient5(hub, carrier)
    await publisher.client.publishAsync('t', 'x', { qos: 1 })
    expect(publisher.receivedOf('puback').map(({ reasonCode }) => reasonCode)).toEqual([0x10])
    expect(await after.settle()).toEqual([])
  })

  test('has its session end after its expiry, and not before', async () => {
    const hub = await startHubWithHttp()
    const brief = await connectClient5(hub, carrier, kept('brief', 2))
    await brief.client.subscribeAsync('t', { qos: 1 })
    const leftAtMs = performance.now()
    await brief.client.endAsync()
    const publisher = await connectClient5(hub, carrier)
    await publisher.client.publishAsync('t', 'x', { qos: 1 })
    expect(publisher.receivedOf('puback').map(({ reasonCode = 0 }) => reasonCode)).toEqual([0])
    await untilNobodySubscribes(publisher, 't')
    expect(performance.now() - leftAtMs).toBeGreaterThan(1000)
    const after = await connectClient5(hub, carrier, kept('brief', 2))
    expect(after.connack.sessionPresent).toBe(false)
  })

  test('may end its session with the expiry in its DISCONNECT', async () => {
    const hub = await startHubWithHttp()
    const one = await connectClient5(hub, carrier, kept('done'))
    await one.client.subscribeAsync('t', { qos: 1 })
    await one.client.endAsync(false, { reasonCode: 0, properties: { sessionExpiryInterval: 0 } })
    await untilNobodySubscribes(await connectClient5(hub, carrier), 't')
    const after = await connectClient5(hub, carrier, kept('done'))
    expect(after.connack.sessionPresent).toBe(false)
  })

  test('reads that another client took its session over, and its session goes on there', async () => {
    const hub = await startHubWithHttp()
    const older = await connectClient5(hub, carrier, kept('same'))
    await older.client.subscribeAsync('t', { qos: 1 })
    const newer = await connectClient5(hub, carrier, kept('same'))
    const [disconnect] = await older.disconnects.atLeast(1)
    expect(disconnect?.reasonCode).toBe(0x8e)
    await guarded(older.closed, () => 'the older connection to close')
    expect(newer.connack.sessionPresent).toBe(true)
    await newer.client.publishAsync('t', 'x', { qos: 1 })
    expect((await newer.messages.atLeast(1)).map(({ topic }) => topic)).toEqual(['t'])
    expect(older.messages.items).toEqual([])
  })

  test('reads that the hub shuts down', async () => {
    const hub = await startHubWithHttp()
    const { disconnects, closed } = await connectClient5(hub, carrier)
    await hub.hub.stop()
    await guarded(closed, () => 'the connection to close')
    expect(disconnects.items.map(({ reasonCode }) => reasonCode)).toEqual([0x8b])
  })

  test('has its will published with its properties, also at a DISCONNECT that asks for it', async () => {
    const hub = await startHubWithHttp()
    const watcher = await connectClient5(hub, carrier)
    await watcher.client.subscribeAsync('will/#', { qos: 2 })
    const properties = {
      contentType: 'text/plain',
      responseTopic: 'care',
      correlationData: Buffer.from([0, 1, 255]),
      payloadFormatIndicator: true,
      userProperties: { b: ['1', '2'], a: '3' },
    }
    const will = (topic: string) => ({
      will: { topic, payload: Buffer.from('ушёл'), qos: 2 as const, retain: false, properties },
    })
    const silent = await connectClient5(hub, carrier, will('will/never'))
    await silent.client.endAsync()
    const speaking = await connectClient5(hub, carrier, will('will/asked'))
    await speaking.client.endAsync(false, { reasonCode: 4 })
    const message = { payload: Buffer.from('ушёл'), qos: 2, retain: false, properties }
    expect(await watcher.messages.atLeast(1)).toEqual([{ topic: 'will/asked', ...message }])
    const lost = await connectClient5(hub, carrier, will('will/lost'))
    lost.client.stream.destroy()
    expect((await watcher.messages.atLeast(2))[1]).toEqual({ topic: 'will/lost', ...message })
  })

  test('has what it published before a lost connection taken once, when it comes back and sends it again', async () => {
    const hub = await startHubWithHttp()
    const reader = await connectClient5(hub, carrier)
    await reader.client.subscribeAsync('t', { qos: 2 })
    const publisher = await connectClient5(hub, carrier, { ...kept('publisher'), reconnectPeriod: 5 })
    const numbers = Array.from({ length: 300 }, (_, i) => i)
    const messages = numbers.map((n) => ['t', `${n}`, { qos: 2 }] as const)
    const onPublish = (i: number): void => {
      if (i % 100 === 50) publisher.client.stream.destroy()
    }
    await publishAll(publisher, messages, { onPublish, isRecovering: true })
    await reader.messages.atLeast(300)
    const got = (await reader.settle()).map(({ payload }) => Number(payload.toString()))
    expect(got.toSorted((a, b) => a - b)).toEqual(numbers)
    await until(
      () => publisher.connacks.items.length > 1,
      () => 'a second CONNACK',
    )
  })
})
