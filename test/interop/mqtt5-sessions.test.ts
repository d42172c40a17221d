/** The command-line clients of Mosquitto 2.0 with MQTT 5: sessions, subscriptions, wills, and how connections end. */
import { describe, expect, test } from 'vitest'
import { mosquittoSub } from '../support/mosquitto.ts'
import type { TestProcess } from '../support/processes.ts'
import { startHub } from '../support/start-hub.ts'
import { mosquittoPub5, mosquittoSub5, property, untilNobodySubscribes } from './mosquitto5.ts'

/** Publishes `0`, `1`, … at QoS 1. */
async function publishNumbers(port: number, topic: string, count: number, first = 0): Promise<string[]> {
  const payloads = Array.from({ length: count }, (_, i) => `${first + i}`)
  for (const payload of payloads) await mosquittoPub5(port, { topic, payload, qos: 1 })
  return payloads
}

/** Options for a will at QoS 1. */
function will(topic: string, payload: string): string[] {
  return ['--will-topic', topic, '--will-payload', payload, '--will-qos', '1']
}

describe('A session of MQTT 5', () => {
  test('with a session expiry interval keeps what comes while its client is away', async () => {
    const { port } = await startHub()
    const session = { topics: ['t'], qos: 1, args: ['-c', '-i', 'away', '-x', '1000'] }
    await (await mosquittoSub5(port, session)).stop()
    const payloads = await publishNumbers(port, 't', 5)
    const { messages } = await mosquittoSub5(port, session)
    expect((await messages.atLeast(5)).map(({ payload }) => payload)).toEqual(payloads)
  })

  test('ends with the connection when its session expiry interval is 0, though clean start was not asked for', async () => {
    const { port } = await startHub()
    const session = { topics: ['t'], qos: 1, args: ['-c', '-i', 'brief', '-x', '0'] }
    await (await mosquittoSub5(port, session)).stop()
    await untilNobodySubscribes(port, 't')
    const { messages } = await mosquittoSub5(port, session)
    await mosquittoPub5(port, { topic: 't', payload: 'after', qos: 1 })
    expect((await messages.atLeast(1)).map(({ payload }) => payload)).toEqual(['after'])
  })

  test('ends when its session expiry interval has passed, and not before', async () => {
    const { port } = await startHub()
    const session = { topics: ['t'], qos: 1, args: ['-c', '-i', 'brief', '-x', '2'] }
    const subscriber = await mosquittoSub5(port, session)
    const leftAtMs = performance.now()
    await subscriber.stop()
    await untilNobodySubscribes(port, 't')
    expect(performance.now() - leftAtMs).toBeGreaterThan(1000)
  })
})

describe('A subscription of MQTT 5', () => {
  test('has its identifier shown with each message, retained ones too [MQTT5-3.3.4-3]', async () => {
    const { port } = await startHub()
    await mosquittoPub5(port, { topic: 'a/b', payload: 'kept', qos: 1, retain: true })
    const identifier = property('subscribe', 'subscription-identifier', '268435455')
    const { messages } = await mosquittoSub5(port, { topics: ['a/+'], qos: 1, args: identifier })
    const without = await mosquittoSub5(port, { topics: ['a/+'], qos: 1 })
    await mosquittoPub5(port, { topic: 'a/b', payload: 'live', qos: 1 })
    const shown = (await messages.atLeast(2)).map(({ payload, subscriptionIdentifier }) => [
      payload,
      subscriptionIdentifier,
    ])
    expect(shown).toEqual([
      ['kept', '268435455'],
      ['live', '268435455'],
    ])
    expect((await without.messages.atLeast(2)).map(({ subscriptionIdentifier }) => subscriptionIdentifier)).toEqual([
      '',
      '',
    ])
  })

  test('shows the publisher’s retain flag when it asks for that, and 0 otherwise [MQTT5-3.3.1-12, MQTT5-3.3.1-13]', async () => {
    const { port } = await startHub()
    const asPublished = await mosquittoSub5(port, { topics: ['t'], qos: 1, args: ['--retain-as-published'] })
    const plain = await mosquittoSub5(port, { topics: ['t'], qos: 1 })
    await mosquittoPub5(port, { topic: 't', payload: 'retained', qos: 1, retain: true })
    await mosquittoPub5(port, { topic: 't', payload: 'not', qos: 1 })
    expect((await asPublished.messages.atLeast(2)).map(({ retain }) => retain)).toEqual([true, false])
    expect((await plain.messages.atLeast(2)).map(({ retain }) => retain)).toEqual([false, false])
  })
})

describe('A shared subscription', () => {
  test.each([
    ['MQTT 5', ['-V', '5']],
    ['MQTT 3.1.1', ['-V', '311']],
  ])('of %s gives each message to one member in turn, and all to a client beside it', async (_version, args) => {
    const { port } = await startHub()
    const options = { topics: ['$share/workers/jobs/+'], qos: 1, args }
    const members = [await mosquittoSub(port, options), await mosquittoSub(port, options)]
    const other = await mosquittoSub(port, { topics: ['jobs/#'], qos: 1, args })
    const payloads = await publishNumbers(port, 'jobs/a', 10)
    expect((await other.messages.atLeast(10)).map(({ payload }) => payload.toString())).toEqual(payloads)
    for (const { messages } of members) await messages.atLeast(5)
    const numbers = members.map(({ messages }) => messages.items.map(({ payload }) => Number(payload.toString())))
    for (const own of numbers) expect(own).toEqual(own.toSorted((a, b) => a - b))
    expect(numbers.flat().toSorted((a, b) => a - b)).toEqual(payloads.map(Number))
  })

  test('gives everything to the members that stay, and nothing retained to a new one [MQTT5 §4.8.2]', async () => {
    const { port } = await startHub()
    await mosquittoPub5(port, { topic: 'jobs/old', payload: 'retained', qos: 1, retain: true })
    const options = { topics: ['$share/workers/jobs/#'], qos: 1 }
    const leaver = await mosquittoSub5(port, options)
    const stayer = await mosquittoSub5(port, options)
    await leaver.stop()
    const payloads = await publishNumbers(port, 'jobs/new', 4)
    expect((await stayer.messages.atLeast(4)).map(({ payload }) => payload)).toEqual(payloads)
    expect(leaver.messages.items).toEqual([])
  })

  test('of another group, or of the same group with another filter, gets a copy of its own', async () => {
    const { port } = await startHub()
    const filters = ['$share/a/jobs/+', '$share/b/jobs/+', '$share/a/jobs/#']
    const members = await Promise.all(filters.map(async (filter) => mosquittoSub5(port, { topics: [filter], qos: 1 })))
    const payloads = await publishNumbers(port, 'jobs/x', 3)
    for (const { messages } of members)
      expect((await messages.atLeast(3)).map(({ payload }) => payload)).toEqual(payloads)
  })
})

describe('A will of MQTT 5', () => {
  test('is published with its properties', async () => {
    const { port } = await startHub()
    const watcher = await mosquittoSub5(port, { topics: ['will/#'], qos: 1 })
    const doomed = await mosquittoSub5(port, {
      topics: ['anything'],
      args: [
        ...will('will/я', '{"gone":true}'),
        ...property('will', 'content-type', 'application/json'),
        ...property('will', 'response-topic', 'care/home'),
        ...property('will', 'correlation-data', 'c-1'),
        ...property('will', 'payload-format-indicator', '1'),
        ...property('will', 'message-expiry-interval', '1000'),
        ...property('will', 'user-property', 'b', '1'),
        ...property('will', 'user-property', 'a', '2'),
        ...property('will', 'user-property', 'b', '3'),
      ],
    })
    await doomed.process.end('SIGKILL')
    const [message] = await watcher.messages.atLeast(1)
    expect(message).toEqual({
      topic: 'will/я',
      payload: '{"gone":true}',
      qos: 1,
      retain: false,
      contentType: 'application/json',
      responseTopic: 'care/home',
      correlationData: 'c-1',
      payloadFormat: '1',
      expirySeconds: expect.stringMatching(/^(999|1000)$/),
      topicAlias: '',
      subscriptionIdentifier: '',
      userProperties: 'b:1 a:2 b:3',
    })
  })

  test('waits for its delay, and is not published when its client comes back before [MQTT5-3.1.3-9]', async () => {
    const { port } = await startHub()
    const watcher = await mosquittoSub5(port, { topics: ['will/#'], qos: 1 })
    const start = async (id: string): Promise<TestProcess> => {
      const session = ['-c', '-i', id, '-x', '1000', ...property('will', 'will-delay-interval', '2')]
      return (await mosquittoSub5(port, { topics: ['x'], args: [...will(`will/${id}`, id), ...session] })).process
    }
    const returning = await start('returns')
    const staying = await start('stays-away')
    const diedAtMs = performance.now()
    await returning.end('SIGKILL')
    await start('returns')
    await staying.end('SIGKILL')
    await mosquittoPub5(port, { topic: 'will/none', payload: 'nobody died', qos: 1 })
    const got = await watcher.messages.atLeast(2)
    expect(performance.now() - diedAtMs).toBeGreaterThan(1000)
    expect(got.map(({ topic }) => topic)).toEqual(['will/none', 'will/stays-away'])
  })

  test('is published when the session ends, though its delay is longer [MQTT5-3.1.2-8]', async () => {
    const { port } = await startHub()
    const watcher = await mosquittoSub5(port, { topics: ['will/#'], qos: 1 })
    const delay = property('will', 'will-delay-interval', '1000')
    const doomed = await mosquittoSub5(port, { topics: ['x'], args: [...will('will/now', 'x'), ...delay] })
    await doomed.process.end('SIGKILL')
    expect((await watcher.messages.atLeast(1))[0]?.topic).toBe('will/now')
  })
})

describe('mosquitto_sub -V 5', () => {
  test('is not sent what is larger than its maximum packet size, and all that is not [MQTT5-3.1.2-24]', async () => {
    const { hub, port } = await startHub()
    const size = property('connect', 'maximum-packet-size', '100')
    const { messages } = await mosquittoSub5(port, { topics: ['t'], qos: 1, args: size })
    await mosquittoPub5(port, { topic: 't', payload: 'x'.repeat(200), qos: 1 })
    await mosquittoPub5(port, { topic: 't', payload: 'small', qos: 1 })
    expect((await messages.atLeast(1)).map(({ payload }) => payload)).toEqual(['small'])
    expect(hub.ledger.dropped['too-large']).toBe(1)
  })

  test.each([1, 2])('with a receive maximum of 1 gets what waited and what comes at QoS %i, in order', async (qos) => {
    const { port } = await startHub()
    const one = property('connect', 'receive-maximum', '1')
    const session = { topics: ['t'], qos, args: ['-c', '-i', 'narrow', ...one] }
    await (await mosquittoSub5(port, session)).stop()
    const payloads = Array.from({ length: 20 }, (_, i) => `${i}`)
    for (const payload of payloads.slice(0, 10)) await mosquittoPub5(port, { topic: 't', payload, qos })
    const { messages } = await mosquittoSub5(port, session)
    for (const payload of payloads.slice(10)) await mosquittoPub5(port, { topic: 't', payload, qos })
    expect((await messages.atLeast(20)).map(({ payload }) => payload)).toEqual(payloads)
  })
})
