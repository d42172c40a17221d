/** mqtt.js with MQTT 5 over TCP and over WebSocket: options and identifiers of subscriptions, shared ones, topic aliases. */
import { describe, expect, test } from 'vitest'
import type { CarrierName } from '../support/mqtt-clients.ts'
import { startHubWithHttp } from '../support/start-hub.ts'
import { connectClient5 } from './client5.ts'

const CARRIER_NAMES: readonly CarrierName[] = ['mqtt.js over TCP', 'mqtt.js over WebSocket']

describe.each(CARRIER_NAMES)('%s with MQTT 5', (carrier) => {
  test('does not get its own messages where it says no local, and those of others [MQTT5-3.8.3-3]', async () => {
    const hub = await startHubWithHttp()
    const [one, other] = [await connectClient5(hub, carrier), await connectClient5(hub, carrier)]
    await one.client.subscribeAsync({ quiet: { qos: 1, nl: true }, loud: { qos: 1 } })
    for (const { client } of [one, other]) {
      const payload = client === one.client ? 'own' : 'other'
      for (const topic of ['quiet', 'loud']) await client.publishAsync(topic, payload, { qos: 1 })
    }
    expect((await one.settle()).map(({ topic, payload }) => `${topic} ${payload.toString()}`)).toEqual([
      'loud own',
      'quiet other',
      'loud other',
    ])
  })

  test('gets retained messages as its retain handling says [MQTT5-3.3.1-9, MQTT5-3.3.1-10, MQTT5-3.3.1-11]', async () => {
    const hub = await startHubWithHttp()
    const { client, ...one } = await connectClient5(hub, carrier)
    for (const rh of [0, 1, 2]) await client.publishAsync(`t/${rh}`, 'kept', { qos: 1, retain: true })
    const handlings = {
      't/0': { qos: 1, rh: 0 },
      't/1': { qos: 1, rh: 1 },
      't/2': { qos: 1, rh: 2 },
    } as const
    const firstEnd = { ...handlings, 'end/1': { qos: 1 as const } }
    await client.subscribeAsync(firstEnd)
    await client.publishAsync('end/1', '', { qos: 1 })
    await client.subscribeAsync({ ...handlings, 'end/2': { qos: 1 } })
    await client.publishAsync('end/2', '', { qos: 1 })
    const got = await one.messages.atLeast(5)
    expect(got.map(({ topic, retain }) => [topic, retain])).toEqual([
      ['t/0', true],
      ['t/1', true],
      ['end/1', false],
      ['t/0', true],
      ['end/2', false],
    ])
  })

  test('sees the retain flag of the publisher where it asks for that [MQTT5-3.3.1-12, MQTT5-3.3.1-13]', async () => {
    const hub = await startHubWithHttp()
    const asks = await connectClient5(hub, carrier)
    await asks.client.subscribeAsync('t', { qos: 1, rap: true })
    const asksNot = await connectClient5(hub, carrier)
    await asksNot.client.subscribeAsync('t', { qos: 1, rap: false })
    for (const retain of [true, false]) await asks.client.publishAsync('t', 'x', { qos: 1, retain })
    expect((await asks.messages.atLeast(2)).map(({ retain }) => retain)).toEqual([true, false])
    expect((await asksNot.messages.atLeast(2)).map(({ retain }) => retain)).toEqual([false, false])
  })

  test('gets one copy at the highest QoS with the identifiers of all its subscriptions that match [MQTT5-3.3.4-2]', async () => {
    const hub = await startHubWithHttp()
    const { client, messages } = await connectClient5(hub, carrier)
    const subscriptions = [
      ['a/#', 0, 1],
      ['a/+', 2, 268_435_455],
      ['+/b', 1, 300],
      ['other', 2, 4],
    ] as const
    for (const [filter, qos, subscriptionIdentifier] of subscriptions)
      await client.subscribeAsync(filter, { qos, properties: { subscriptionIdentifier } })
    await client.subscribeAsync('#', { qos: 0 })
    await client.publishAsync('a/b', 'three', { qos: 2 })
    await client.publishAsync('a/b/c', 'one', { qos: 2 })
    await client.publishAsync('elsewhere', 'none', { qos: 2 })
    const got = await messages.atLeast(3)
    const seen = got.map(({ payload, qos, properties: { subscriptionIdentifier = [] } }) => [
      payload.toString(),
      qos,
      [subscriptionIdentifier].flat().toSorted((a, b) => a - b),
    ])
    // Order is promised within a QoS.
    expect(seen.toSorted(([a], [b]) => String(a).localeCompare(String(b)))).toEqual([
      ['none', 0, []],
      ['one', 0, [1]],
      ['three', 2, [1, 300, 268_435_455]],
    ])
  })

  test('replaces the identifier and the options of a subscription when it subscribes again [MQTT5-3.8.4-3]', async () => {
    const hub = await startHubWithHttp()
    const { client, messages } = await connectClient5(hub, carrier)
    await client.subscribeAsync('t', { qos: 2, rap: true, properties: { subscriptionIdentifier: 7 } })
    await client.subscribeAsync('t', { qos: 1, rap: false, rh: 2, properties: { subscriptionIdentifier: 8 } })
    await client.publishAsync('t', 'x', { qos: 2, retain: true })
    await client.subscribeAsync('t', { qos: 1, rh: 2 })
    await client.publishAsync('t', 'y', { qos: 2 })
    expect(await messages.atLeast(2)).toEqual([
      { topic: 't', payload: Buffer.from('x'), qos: 1, retain: false, properties: { subscriptionIdentifier: 8 } },
      { topic: 't', payload: Buffer.from('y'), qos: 1, retain: false, properties: {} },
    ])
  })

  test('shares a subscription: each message goes to one member, in turn, and with the identifier of that member', async () => {
    const hub = await startHubWithHttp()
    const members = [
      await connectClient5(hub, carrier),
      await connectClient5(hub, carrier),
      await connectClient5(hub, carrier),
    ]
    for (const [i, { client }] of members.entries())
      await client.subscribeAsync('$share/g/jobs/+', { qos: 2, properties: { subscriptionIdentifier: i + 1 } })
    const publisher = await connectClient5(hub, carrier)
    for (let i = 0; i < 30; i++) {
      const properties = { contentType: 'job', userProperties: { n: `${i}` } }
      await publisher.client.publishAsync(`jobs/${i % 4}`, `${i}`, { qos: 2, properties })
    }
    for (const [i, { messages }] of members.entries()) {
      const got = await messages.atLeast(10)
      const numbers = got.map(({ payload }) => payload.toString())
      expect(got.map(({ properties }) => properties)).toEqual(
        numbers.map((n) => ({ contentType: 'job', userProperties: { n }, subscriptionIdentifier: i + 1 })),
      )
    }
    const all = members.flatMap(({ messages }) => messages.items.map(({ payload }) => Number(payload.toString())))
    expect(all.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i))
  })

  test('hands its unacknowledged share to another member when it goes [MQTT5 §4.8.2]', async () => {
    const hub = await startHubWithHttp()
    const stuck = await connectClient5(hub, carrier)
    await stuck.client.subscribeAsync('$share/g/jobs', { qos: 1 })
    stuck.client.handleMessage = () => undefined // no PUBACK, ever
    const publisher = await connectClient5(hub, carrier)
    for (let i = 0; i < 5; i++) await publisher.client.publishAsync('jobs', `${i}`, { qos: 1 })
    await stuck.messages.atLeast(1)
    const heir = await connectClient5(hub, carrier)
    await heir.client.subscribeAsync('$share/g/jobs', { qos: 1 })
    stuck.client.stream.destroy()
    const got = await heir.messages.atLeast(5)
    expect(got.map(({ payload }) => payload.toString())).toEqual(['0', '1', '2', '3', '4'])
  })

  test('may publish with topic aliases, which its receivers do not see', async () => {
    const hub = await startHubWithHttp()
    const reader = await connectClient5(hub, carrier)
    await reader.client.subscribeAsync('#', { qos: 1 })
    const publisher = await connectClient5(hub, carrier, { autoAssignTopicAlias: true })
    const topics = Array.from({ length: 500 }, (_, i) => `a/long/name/of/topic/${(i * i) % 13}`)
    for (const [i, topic] of topics.entries())
      await publisher.client.publishAsync(topic, `${i}`, { qos: i % 2 === 0 ? 0 : 1 })
    const got = await reader.messages.atLeast(500)
    expect(got.map(({ topic }) => topic)).toEqual(topics)
    expect(got.filter(({ properties }) => properties.topicAlias !== undefined)).toEqual([])
    const withoutTopic = publisher.sent.items.filter((packet) => packet.cmd === 'publish' && packet.topic === '')
    expect(withoutTopic.length).toBeGreaterThan(200)
  })

  test('is sent topic aliases as far as it allows them, again after a new connection [MQTT5-3.3.2-12]', async () => {
    const hub = await startHubWithHttp({ config: { limits: { maxTopicAliasesSent: 100 } } })
    const connect = async () => {
      const properties = { topicAliasMaximum: 5, sessionExpiryInterval: 1000 }
      return connectClient5(hub, carrier, { clientId: 'reader', clean: false, resubscribe: false, properties })
    }
    const first = await connect()
    await first.client.subscribeAsync('#', { qos: 1 })
    const publisher = await connectClient5(hub, carrier)
    const topics = Array.from({ length: 100 }, (_, i) => `topic/${i % 10}`)
    for (const topic of topics) await publisher.client.publishAsync(topic, 'x', { qos: 1 })
    expect((await first.messages.atLeast(100)).map(({ topic }) => topic)).toEqual(topics)
    await first.client.endAsync()
    const second = await connect()
    for (const topic of topics) await publisher.client.publishAsync(topic, 'x', { qos: 1 })
    expect((await second.messages.atLeast(100)).map(({ topic }) => topic)).toEqual(topics)
    for (const reader of [first, second]) {
      const publishes = reader.receivedOf('publish')
      const aliases = publishes.map(({ properties: { topicAlias = 0 } = {} }) => topicAlias)
      expect(Math.max(...aliases)).toBeLessThanOrEqual(5)
      expect(publishes.filter(({ topic }) => topic.length === 0).length).toBeGreaterThan(20)
    }
  })
})
