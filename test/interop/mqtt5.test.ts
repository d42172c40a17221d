/** The command-line clients of Mosquitto 2.0 with MQTT 5 and its properties: messages. */
import { describe, expect, test } from 'vitest'
import { mosquittoSub } from '../support/mosquitto.ts'
import { startProcess } from '../support/processes.ts'
import { startHubWithHttp } from '../support/start-hub.ts'
import { connectClient5 } from './client5.ts'
import { mosquittoPub5, mosquittoSub5, property, talkativePub5 } from './mosquitto5.ts'

const QOS_LEVELS = [0, 1, 2] as const
/** What mosquitto_sub shows of a message that has no properties. */
const NO_PROPERTIES = {
  contentType: '',
  responseTopic: '',
  correlationData: '',
  payloadFormat: '',
  expirySeconds: '',
  topicAlias: '',
  subscriptionIdentifier: '',
  userProperties: '',
}

describe('mosquitto_pub and mosquitto_sub with -V 5', () => {
  test.each(QOS_LEVELS)('carry a message without properties as it is at QoS %i', async (qos) => {
    const { port } = await startHubWithHttp()
    const subscriber = await mosquittoSub5(port, { topics: ['home/+/temperature'], qos })
    await mosquittoPub5(port, { topic: 'home/кухня/temperature', payload: '21.5 °C', qos })
    expect(await subscriber.messages.atLeast(1)).toEqual([
      { ...NO_PROPERTIES, topic: 'home/кухня/temperature', payload: '21.5 °C', qos, retain: false },
    ])
    await subscriber.stop()
  })

  test.each(QOS_LEVELS)('carry every property of a message at QoS %i', async (qos) => {
    const { port } = await startHubWithHttp()
    const { messages } = await mosquittoSub5(port, { topics: ['#'], qos })
    await mosquittoPub5(port, {
      topic: 'door',
      payload: '{"open":true}',
      qos,
      args: [
        ...property('publish', 'content-type', 'application/json; charset=utf-8'),
        ...property('publish', 'response-topic', 'door/ответ'),
        ...property('publish', 'correlation-data', 'no. 7 🔑'),
        ...property('publish', 'payload-format-indicator', '1'),
        ...property('publish', 'user-property', 'unit', 'hall'),
      ],
    })
    expect(await messages.atLeast(1)).toEqual([
      {
        ...NO_PROPERTIES,
        topic: 'door',
        payload: '{"open":true}',
        qos,
        retain: false,
        contentType: 'application/json; charset=utf-8',
        responseTopic: 'door/ответ',
        correlationData: 'no. 7 🔑',
        payloadFormat: '1',
        userProperties: 'unit:hall',
      },
    ])
  })

  test('carry user properties in their order, the same name again among them [MQTT5-3.3.2-18]', async () => {
    const { port } = await startHubWithHttp()
    const { messages } = await mosquittoSub5(port, { topics: ['t'] })
    const pairs = [
      ['z', '1'],
      ['a', '2'],
      ['z', '3'],
      ['имя', 'значение'],
      ['a', '2'],
      ['empty', ''],
    ] as const
    const args = pairs.flatMap((pair) => property('publish', 'user-property', ...pair))
    await mosquittoPub5(port, { topic: 't', payload: 'x', args })
    const [message] = await messages.atLeast(1)
    expect(message?.userProperties).toBe(pairs.map(([name, value]) => `${name}:${value}`).join(' '))
  })

  test('carry a hundred user properties', async () => {
    const { port } = await startHubWithHttp()
    const { messages } = await mosquittoSub5(port, { topics: ['t'], qos: 1 })
    const names = Array.from({ length: 100 }, (_, i) => `name-${i}`)
    const args = names.flatMap((name) => property('publish', 'user-property', name, 'v'.repeat(50)))
    await mosquittoPub5(port, { topic: 't', payload: 'x', qos: 1, args })
    const [message] = await messages.atLeast(1)
    expect(message?.userProperties).toBe(names.map((name) => `${name}:${'v'.repeat(50)}`).join(' '))
  })

  test('keep the properties of a retained message, and replace them with the message', async () => {
    const { port } = await startHubWithHttp()
    for (const [payload, contentType] of [
      ['old', 'text/old'],
      ['new', 'text/new'],
    ] as const) {
      const args = [
        ...property('publish', 'content-type', contentType),
        ...property('publish', 'user-property', 'is', payload),
      ]
      await mosquittoPub5(port, { topic: 't', payload, qos: 1, retain: true, args })
    }
    const found = await mosquittoSub5(port, { topics: ['t'], qos: 1 })
    expect(await found.messages.atLeast(1)).toEqual([
      {
        ...NO_PROPERTIES,
        topic: 't',
        payload: 'new',
        qos: 1,
        retain: true,
        contentType: 'text/new',
        userProperties: 'is:new',
      },
    ])
    await mosquittoPub5(port, { topic: 't', payload: 'plain', qos: 1, retain: true })
    const later = await mosquittoSub5(port, { topics: ['t'], qos: 1 })
    expect(await later.messages.atLeast(1)).toEqual([
      { ...NO_PROPERTIES, topic: 't', payload: 'plain', qos: 1, retain: true },
    ])
  })

  test('keep the properties of a message that waits for a kept session', async () => {
    const { port } = await startHubWithHttp()
    const session = { topics: ['t'], qos: 2, args: ['-c', '-i', 'away'] }
    await (await mosquittoSub5(port, session)).stop()
    for (const [i, qos] of [1, 2].entries()) {
      const args = property('publish', 'user-property', 'number', `${i}`)
      await mosquittoPub5(port, { topic: 't', payload: `${i}`, qos, args })
    }
    const { messages } = await mosquittoSub5(port, session)
    const got = (await messages.atLeast(2)).toSorted((a, b) => a.qos - b.qos)
    expect(got.map(({ payload, qos, userProperties }) => [payload, qos, userProperties])).toEqual([
      ['0', 1, 'number:0'],
      ['1', 2, 'number:1'],
    ])
  })
})

describe('A topic alias', () => {
  // At QoS 2 the subscriber ends when it is sent more than its Receive Maximum of 20, counted until its PUBCOMP.
  test.each(QOS_LEVELS)(
    'of mosquitto_pub -l stands for its topic from the second line on, and goes no further at QoS %i',
    async (qos) => {
      const { port } = await startHubWithHttp()
      const { messages } = await mosquittoSub5(port, { topics: ['#'], qos })
      const lines = Array.from({ length: 300 }, (_, i) => `line ${i}`)
      const args = ['-t', 'long/name/of/a/topic', '-q', `${qos}`, '-l', ...property('publish', 'topic-alias', '10')]
      const { code, output } = await talkativePub5(port, args, `${lines.join('\n')}\n`)
      expect(code, output).toBe(0)
      const got = await messages.atLeast(lines.length)
      expect(got.map(({ payload }) => payload)).toEqual(lines)
      expect(new Set(got.map(({ topic, topicAlias }) => `${topic} ${topicAlias}`))).toEqual(
        new Set(['long/name/of/a/topic ']),
      )
    },
  )
})

describe('Message expiry', () => {
  test('is sent on as what is left of it [MQTT5-3.3.2-6]', async () => {
    const { port } = await startHubWithHttp()
    const live = await mosquittoSub5(port, { topics: ['t'] })
    const args = property('publish', 'message-expiry-interval', '100')
    await mosquittoPub5(port, { topic: 't', payload: 'x', retain: true, args })
    const [first] = await live.messages.atLeast(1)
    expect(['100', '99']).toContain(first?.expirySeconds)
    const deadlineMs = performance.now() + 10_000
    let left = '100'
    while (Number(left) > 98 && performance.now() < deadlineMs) {
      const later = await mosquittoSub5(port, { topics: ['t'] })
      left = (await later.messages.atLeast(1))[0]?.expirySeconds ?? ''
      await later.stop()
    }
    expect(left).toBe('98')
  })

  test('ends a retained message and one that waits for a kept session, and none beside it [MQTT5-3.3.2-5]', async () => {
    const testHub = await startHubWithHttp()
    const { hub, port } = testHub
    const session = { topics: ['waiting'], qos: 1, args: ['-c', '-i', 'away'] }
    await (await mosquittoSub5(port, session)).stop()
    const briefly = property('publish', 'message-expiry-interval', '1')
    const long = property('publish', 'message-expiry-interval', '1000')
    await mosquittoPub5(port, { topic: 'waiting', payload: 'before', qos: 1, args: long })
    await mosquittoPub5(port, { topic: 'waiting', payload: 'brief', qos: 1, args: briefly })
    await mosquittoPub5(port, { topic: 'waiting', payload: 'after', qos: 1 })
    // It came last and may stay for longer, so once it is gone so must the other be.
    const longer = property('publish', 'message-expiry-interval', '2')
    await mosquittoPub5(port, { topic: 'kept/brief', payload: 'x', retain: true, args: longer })
    await mosquittoPub5(port, { topic: 'kept/long', payload: 'x', retain: true, args: long })
    const watcher = await connectClient5(testHub, 'mqtt.js over TCP')
    const deadlineMs = performance.now() + 10_000
    let topics: string[] = []
    do {
      const before = watcher.messages.items.length
      await watcher.client.subscribeAsync(['kept/#', 'end'], { qos: 1 })
      await watcher.client.publishAsync('end', '', { qos: 1 })
      await watcher.untilMessage(({ topic }) => topic === 'end', before)
      topics = watcher.messages.items.slice(before).map(({ topic }) => topic)
    } while (topics.includes('kept/brief') && performance.now() < deadlineMs)
    expect(topics).toEqual(['kept/long', 'end'])
    const { messages } = await mosquittoSub5(port, session)
    expect((await messages.atLeast(2)).map(({ payload }) => payload)).toEqual(['before', 'after'])
    expect(hub.ledger.dropped.expired).toBe(1)
  })
})

describe('mosquitto_rr', () => {
  test('is answered at its response topic with its correlation data', async () => {
    const testHub = await startHubWithHttp()
    const answering = await connectClient5(testHub, 'mqtt.js over TCP')
    await answering.client.subscribeAsync('ask', { qos: 1 })
    answering.client.on('message', (_topic, payload, { properties = {} }) => {
      const { responseTopic = 'none', correlationData = Buffer.alloc(0) } = properties
      answering.client.publish(responseTopic, `you said ${payload.toString()}`, { properties: { correlationData } })
    })
    const asking = await startProcess('mosquitto_rr', [
      ...'-h 127.0.0.1 -V 5 -q 1 -t ask -e answers/me -m hello -p'.split(' '),
      String(testHub.port),
      '-F',
      '%t %D %p',
      ...property('publish', 'correlation-data', 'question-1'),
    ])
    expect((await asking.untilExit(15_000)).code).toBe(0)
    expect(asking.stdout.items).toEqual(['answers/me question-1 you said hello'])
  })
})

describe('mosquitto_pub -V 5', () => {
  test('reads from the PUBACK that nobody is subscribed', async () => {
    const { port } = await startHubWithHttp()
    const alone = await talkativePub5(port, ['-t', 't', '-q', '1', '-m', 'x'])
    expect(alone).toMatchObject({ code: 0, output: expect.stringContaining('RC:16') })
    await mosquittoSub(port, { topics: ['t'] })
    const heard = await talkativePub5(port, ['-t', 't', '-q', '1', '-m', 'x'])
    expect(heard).toMatchObject({ code: 0, output: expect.stringContaining('RC:0') })
  })

  test('reads from the PUBACK that $SYS is not for clients', async () => {
    const { port } = await startHubWithHttp()
    const { output } = await talkativePub5(port, ['-t', '$SYS/x', '-q', '1', '-m', 'x'])
    expect(output).toContain('RC:135')
  })

  test('reads from the PUBACK that its payload is not the UTF-8 it claims to be', async () => {
    const { port } = await startHubWithHttp()
    const format = property('publish', 'payload-format-indicator', '1')
    const { output } = await talkativePub5(port, ['-t', 't', '-q', '1', '-s', ...format], Buffer.from([0xff, 0xfe]))
    expect(output).toContain('RC:153')
  })
})
