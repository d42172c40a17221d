import { describe, expect, test } from 'vitest'
import { endingOf, join5, KEPT, message5, publishAcknowledged } from './steps5.ts'
import { publishPacket } from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import { valueOf, valuesOf } from '../support/received-packet.ts'
import { isPublish, join, leave, publish } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

const PROTOCOL_ERROR = 0x82
const TOPIC_ALIAS_INVALID = 0x94
/** The hub sends aliases to who takes some. */
const SENT = { config: { limits: { maxTopicAliasesSent: 10 } } }

function aliased(alias: number, topic: string, payload = ''): Buffer {
  return message5(topic, payload, [[Id.TOPIC_ALIAS, alias]])
}

describe('A topic alias of a client', () => {
  test('stands for the topic it was given with, from 1 to the maximum, and can be given anew [MQTT-3.3.2-12]', async () => {
    const { port } = await startHub({ config: { limits: { maxTopicAliases: 2 } } })
    const client = await join5(port, 'c')
    await client.subscribe(['#', 0])
    client.send(aliased(1, 'one'), aliased(2, 'two'), aliased(1, ''), aliased(2, ''), aliased(1, 'new'), aliased(1, ''))
    const topics = (await client.restBeforePingresp()).filter(isPublish).map(({ topic }) => topic)
    expect(topics).toEqual(['one', 'two', 'one', 'two', 'new', 'new'])
  })

  test('is not passed on to subscribers who take none [MQTT-3.1.2-27]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    await client.subscribe(['t', 0])
    client.send(aliased(5, 't'))
    expect(valuesOf(await client.next('PUBLISH'), Id.TOPIC_ALIAS)).toEqual([])
  })

  test('does not make another message of a QoS 2 message that is sent again, nor do other properties [MQTT5-4.3.3-10]', async () => {
    const { hub, port } = await startHub()
    const subscriber = await join5(port, 's')
    await subscriber.subscribe(['#', 0])
    const first = await join5(port, 'c', KEPT)
    const packet = { payload: 'x', qos: 2, packetId: 7 } as const
    await publish(first, publishPacket({ ...packet, topic: 't', properties: [[Id.TOPIC_ALIAS, 1]] }))
    await publish(first, publishPacket({ ...packet, topic: '', dup: true, properties: [[Id.TOPIC_ALIAS, 1]] }))
    first.destroy()
    const again = await join5(port, 'c', KEPT)
    await publish(again, publishPacket({ ...packet, topic: 't', dup: true, properties: [[Id.MESSAGE_EXPIRY, 9]] }))
    await leave(again)
    const older = await join(port, 'c', { isClean: false })
    await publish(older, publishPacket({ ...packet, topic: 't', dup: true }))
    expect((await subscriber.restBeforePingresp()).filter(isPublish)).toHaveLength(1)
    expect(hub.ledger.tolerated['packet-identifier-in-use']).toBe(0)
  })

  test('holds for each QoS and for retained messages', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    await publish(client, aliased(1, 't', 'first'))
    const properties = [[Id.TOPIC_ALIAS, 1]] as const
    await publish(client, publishPacket({ topic: '', payload: 'kept', qos: 1, retain: true, properties }))
    await client.subscribe(['#', 0])
    expect(await client.next('PUBLISH')).toMatchObject({ topic: 't', payload: Buffer.from('kept'), retain: true })
  })

  test('of 0 ends the client [MQTT-3.3.2-8]', async () => {
    const { port } = await startHub()
    expect(await endingOf(port, aliased(0, 't'))).toBe(TOPIC_ALIAS_INVALID)
  })

  test('above the maximum of the CONNACK ends the client [MQTT-3.3.2-9] [MQTT-3.2.2-17]', async () => {
    const { port } = await startHub({ config: { limits: { maxTopicAliases: 2 } } })
    expect(await endingOf(port, aliased(3, 't'))).toBe(TOPIC_ALIAS_INVALID)
  })

  test('where the hub takes none ends the client [MQTT-3.2.2-18]', async () => {
    const { port } = await startHub({ config: { limits: { maxTopicAliases: 0 } } })
    expect(await endingOf(port, aliased(1, 't'))).toBe(TOPIC_ALIAS_INVALID)
  })

  test('that was never given ends the client', async () => {
    const { port } = await startHub()
    expect(await endingOf(port, aliased(1, ''))).toBe(PROTOCOL_ERROR)
  })

  test('ends with its connection, though the session goes on [MQTT-3.3.2-7]', async () => {
    const { port } = await startHub()
    const first = await join5(port, 'c', KEPT)
    await publish(first, aliased(1, 't'))
    await leave(first)
    const second = await join5(port, 'c', KEPT)
    second.send(aliased(1, ''))
    expect(await second.untilDisconnected()).toBe(PROTOCOL_ERROR)
  })

  test('of one client is not that of another', async () => {
    const { port } = await startHub()
    await publish(await join5(port, 'other'), aliased(1, 't'))
    expect(await endingOf(port, aliased(1, ''))).toBe(PROTOCOL_ERROR)
  })
})

describe('A topic alias of the hub', () => {
  test('is never 0 nor above what the client takes, and stands for the right topic [MQTT-3.1.2-26] [MQTT-3.3.2-8] [MQTT-3.3.2-11]', async () => {
    const { port } = await startHub(SENT)
    const client = await join5(port, 'c', { properties: [[Id.TOPIC_ALIAS_MAXIMUM, 2]] })
    await client.subscribe(['#', 0])
    const publisher = await join5(port, 'publisher')
    const topics = ['a', 'b', 'a', 'c', 'b', 'a', 'c', 'd', 'a', 'b', 'd']
    await publish(publisher, ...topics.map((topic) => message5(topic, topic)))
    const messages = (await client.restBeforePingresp()).filter(isPublish)
    expect(messages.map(({ payload }) => payload.toString())).toEqual(topics)
    const known = new Map<unknown, string>()
    for (const message of messages) {
      const alias = valueOf(message, Id.TOPIC_ALIAS)
      if (alias !== undefined) expect([1, 2]).toContain(alias)
      if (message.topic !== '') known.set(alias, message.topic)
      expect(message.topic === '' ? known.get(alias) : message.topic).toBe(message.payload.toString())
    }
  })

  test('is not sent unless the configuration says so', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c', { properties: [[Id.TOPIC_ALIAS_MAXIMUM, 2]] })
    await client.subscribe(['t', 0])
    for (let i = 0; i < 3; i++) {
      client.send(message5('t', 'x'))
      const got = await client.next('PUBLISH')
      expect(got.topic).toBe('t')
      expect(valuesOf(got, Id.TOPIC_ALIAS)).toEqual([])
    }
  })

  test.each([
    ['says 0', [[Id.TOPIC_ALIAS_MAXIMUM, 0]]],
    ['says nothing', []],
  ] as const)('is not sent to a client that %s [MQTT-3.1.2-27]', async (_what, properties) => {
    const { port } = await startHub(SENT)
    const client = await join5(port, 'c', { properties })
    await client.subscribe(['t', 0])
    await publish(client, message5('other'))
    for (let i = 0; i < 3; i++) {
      client.send(message5('t', 'x'))
      const got = await client.next('PUBLISH')
      expect(got.topic).toBe('t')
      expect(valuesOf(got, Id.TOPIC_ALIAS)).toEqual([])
    }
  })

  test('is not carried to the next connection: what waited there names its topic [MQTT-3.3.2-7]', async () => {
    const { port } = await startHub(SENT)
    const properties = [
      [Id.TOPIC_ALIAS_MAXIMUM, 5],
      [Id.SESSION_EXPIRY, 1000],
    ] as const
    const fields = { isClean: false, properties }
    const first = await join5(port, 'c', fields)
    await first.subscribe(['t', 1])
    const publisher = await join5(port, 'publisher')
    for (let i = 0; i < 3; i++) {
      await publishAcknowledged(publisher, 't', 'x')
      await first.finish(await first.next('PUBLISH'))
    }
    await first.restBeforePingresp()
    await leave(first)
    await publishAcknowledged(publisher, 't', 'later')
    const second = await join5(port, 'c', fields)
    expect(await second.next('PUBLISH')).toMatchObject({ topic: 't', payload: Buffer.from('later') })
  })
})
