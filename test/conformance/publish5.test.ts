import { describe, expect, test } from 'vitest'
import {
  endingOf,
  join5,
  KEPT,
  message5,
  NOT_UTF8,
  publishAcknowledged,
  retainedFor,
  SURROGATE,
  WITH_NUL,
} from './steps5.ts'
import { NO_LOCAL, type PublishFields, publishPacket, RETAINED_NEVER } from '../support/packets.ts'
import { Id, type Properties, type Property } from '../support/properties.ts'
import type { RawClient } from '../support/raw-client.ts'
import { valueOf, valuesOf } from '../support/received-packet.ts'
import { leave, lose, publish, takeMessages, takePayloads } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

const MALFORMED = 0x81
const PROTOCOL_ERROR = 0x82
const TOPIC_NAME_INVALID = 0x90

function withProperties(properties: Properties): Buffer {
  return publishPacket({ topic: 't', properties })
}

/** The reason codes for a message at QoS 1 and QoS 2. */
async function codesFor(port: number, fields: PublishFields): Promise<readonly unknown[]> {
  const client = await join5(port, 'asking')
  const answers = await publish(
    client,
    publishPacket({ properties: [], ...fields, qos: 1, packetId: 1 }),
    publishPacket({ properties: [], ...fields, qos: 2, packetId: 2 }),
  )
  expect(answers.map(({ type }) => type)).toEqual(['PUBACK', 'PUBREC'])
  return answers.map((answer) => ('reasonCode' in answer ? answer.reasonCode : undefined))
}

describe('PUBLISH', () => {
  const faults: readonly (readonly [what: string, bytes: Buffer, reasonCode: number])[] = [
    ['at QoS 3 [MQTT-3.3.1-4]', publishPacket({ topic: 't', qos: 3, properties: [] }), MALFORMED],
    ['to a topic with "#" [MQTT-3.3.2-2] [MQTT-4.7.0-1]', message5('a/#'), TOPIC_NAME_INVALID],
    ['to a topic with "+" [MQTT-3.3.2-2] [MQTT-4.7.0-1]', message5('+/a'), TOPIC_NAME_INVALID],
    ['without topic and without alias [MQTT-4.7.3-1]', message5(''), PROTOCOL_ERROR],
    ['with packet identifier 0', publishPacket({ topic: 't', qos: 1, packetId: 0, properties: [] }), PROTOCOL_ERROR],
    [
      'with a Response Topic that is not UTF-8 [MQTT-3.3.2-13]',
      withProperties([[Id.RESPONSE_TOPIC, Buffer.concat([Buffer.from([0, 3]), NOT_UTF8])]]),
      MALFORMED,
    ],
    [
      'with "#" in its Response Topic [MQTT-3.3.2-14]',
      withProperties([[Id.RESPONSE_TOPIC, 'answers/#']]),
      PROTOCOL_ERROR,
    ],
    ['with "+" in its Response Topic [MQTT-3.3.2-14]', withProperties([[Id.RESPONSE_TOPIC, '+/a']]), PROTOCOL_ERROR],
    ['with an empty Response Topic', withProperties([[Id.RESPONSE_TOPIC, '']]), PROTOCOL_ERROR],
    [
      'with a Content Type that is not UTF-8 [MQTT-3.3.2-19]',
      withProperties([[Id.CONTENT_TYPE, Buffer.concat([Buffer.from([0, 3]), NOT_UTF8])]]),
      MALFORMED,
    ],
    [
      'with a Subscription Identifier [MQTT-3.3.4-6]',
      withProperties([[Id.SUBSCRIPTION_IDENTIFIER, 1]]),
      PROTOCOL_ERROR,
    ],
  ]
  test.each(faults)('%s ends its sender with a reason code [MQTT-4.13.1-1]', async (_what, bytes, reasonCode) => {
    const { port } = await startHub()
    const code = await endingOf(port, bytes)
    // Whether a packet identifier of 0 is malformed or a protocol error, the standard does not say.
    expect(code === MALFORMED && reasonCode === PROTOCOL_ERROR ? PROTOCOL_ERROR : code).toBe(reasonCode)
  })

  test.each([
    ['an overlong form [MQTT-1.5.4-1]', NOT_UTF8],
    ['a surrogate [MQTT-1.5.4-1]', SURROGATE],
    ['U+0000 [MQTT-1.5.4-2] [MQTT-4.7.3-2]', WITH_NUL],
  ])('to a topic with %s ends its sender [MQTT-3.3.2-1]', async (_what, topic) => {
    const { port } = await startHub()
    expect(await endingOf(port, publishPacket({ topic, properties: [] }))).toBe(MALFORMED)
  })

  test('at QoS 0 with DUP is counted and taken, and goes out without it [MQTT-3.3.1-2]', async () => {
    const { hub, port } = await startHub()
    const subscriber = await join5(port, 'subscriber')
    await subscriber.subscribe(['t', 0])
    const publisher = await join5(port, 'publisher')
    publisher.send(publishPacket({ topic: 't', payload: 'x', dup: true, properties: [] }))
    expect(await subscriber.next('PUBLISH')).toMatchObject({ qos: 0, dup: false })
    expect(hub.ledger.tolerated['dup-at-qos-0']).toBe(1)
    expect(await publisher.restBeforePingresp()).toEqual([])
  })

  test.each([
    ['long', { maxTopicBytes: 5 }, 'abcdef'],
    ['deep', { maxTopicLevels: 2 }, 'a/b/c'],
  ])('to a topic that is too %s for the hub ends its sender', async (_what, limits, topic) => {
    const { port } = await startHub({ config: { limits } })
    expect(await endingOf(port, message5(topic))).toBe(TOPIC_NAME_INVALID)
  })

  test('reaches its subscribers with the topic byte for byte [MQTT-3.3.2-1] [MQTT-1.5.4-3] [MQTT-3.3.2-3]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    await client.subscribe(['#', 0])
    for (const topic of ['\uFEFFa', 'a\uFEFF/ b', '/', 'e\u0301/é']) {
      client.send(message5(topic))
      expect((await client.next('PUBLISH')).topic).toBe(topic)
    }
  })

  test('is answered as its QoS asks: not at all, PUBACK, PUBREC [MQTT-3.3.4-1] [MQTT-2.2.1-2] [MQTT-2.2.1-5]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    const send = async (fields: Partial<PublishFields>): Promise<unknown> =>
      publish(client, publishPacket({ properties: [], topic: 't', ...fields }))
    expect(await send({ qos: 0 })).toEqual([])
    expect(await send({ qos: 1, packetId: 7 })).toMatchObject([{ type: 'PUBACK', packetId: 7 }])
    expect(await send({ qos: 2, packetId: 0xffff })).toMatchObject([{ type: 'PUBREC', packetId: 0xffff }])
  })

  test.each([1, 2])(
    'at QoS %i with a DUP of its sender goes on without one, to whoever is there, comes back or comes late [MQTT-3.3.1-3]',
    async (qos) => {
      const { port } = await startHub()
      const here = await join5(port, 'here')
      const away = await join5(port, 'away', KEPT)
      for (const client of [here, away]) await client.subscribe(['t', qos])
      await leave(away)
      const message = { topic: 't', payload: 'x', qos, dup: true, retain: true, properties: [] }
      await publish(await join5(port, 'publisher'), publishPacket(message))
      expect(await takeMessages(here)).toMatchObject([{ qos, dup: false }])
      expect(await takeMessages(await join5(port, 'away', KEPT))).toMatchObject([{ qos, dup: false }])
      const late = await join5(port, 'late')
      await late.subscribe(['t', qos])
      expect(await takeMessages(late)).toMatchObject([{ qos, dup: false, retain: true }])
    },
  )
})

describe('Properties of a message', () => {
  const ALL: readonly Property[] = [
    [Id.PAYLOAD_FORMAT, 1],
    [Id.CONTENT_TYPE, 'text/plain; é'],
    [Id.RESPONSE_TOPIC, 'answers/here'],
    [Id.CORRELATION_DATA, Buffer.from([0, 255, 10])],
    [Id.USER_PROPERTY, ['b', '2']],
    [Id.USER_PROPERTY, ['a', '1']],
    [Id.USER_PROPERTY, ['b', '2']],
    [Id.USER_PROPERTY, ['', '']],
  ]

  test.each([0, 1, 2])(
    'reach every subscriber unaltered at QoS %i, user properties in their order [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20]',
    async (qos) => {
      const { port } = await startHub()
      const subscribers = [await join5(port, 'a'), await join5(port, 'b')]
      for (const subscriber of subscribers) await subscriber.subscribe(['t', qos])
      const publisher = await join5(port, 'publisher')
      publisher.send(publishPacket({ topic: 't', payload: 'é', qos, properties: ALL }))
      for (const subscriber of subscribers) {
        const got = await subscriber.next('PUBLISH')
        expect(got.payload.toString()).toBe('é')
        for (const id of new Set(ALL.map(([key]) => key))) {
          expect(valuesOf(got, id)).toEqual(valuesOf({ properties: ALL }, id))
        }
        expect(got.properties).toHaveLength(ALL.length)
      }
    },
  )

  test('are retained with it [MQTT-3.3.2-17]', async () => {
    const { port } = await startHub()
    const publisher = await join5(port, 'publisher')
    await publish(publisher, publishPacket({ topic: 't', payload: 'é', retain: true, properties: ALL }))
    const got = await retainedFor(port, 't')
    expect(valuesOf(got ?? { properties: [] }, Id.USER_PROPERTY)).toEqual(
      valuesOf({ properties: ALL }, Id.USER_PROPERTY),
    )
    expect(got?.properties).toHaveLength(ALL.length)
  })

  test('are none where the sender gave none, and a Payload Format Indicator of 0 stays [MQTT-3.3.2-4]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    await client.subscribe(['t', 0])
    client.send(message5('t', 'x'), message5('t', 'x', [[Id.PAYLOAD_FORMAT, 0]]))
    expect((await client.next('PUBLISH')).properties).toEqual([])
    expect(valueOf(await client.next('PUBLISH'), Id.PAYLOAD_FORMAT)).toBe(0)
  })
})

describe('The reason code of PUBACK and PUBREC is of its table [MQTT-3.4.2-1] [MQTT-3.5.2-1]:', () => {
  test('0x00 with a subscriber, 0x10 without', async () => {
    const { port } = await startHub()
    const subscriber = await join5(port, 'subscriber')
    await subscriber.subscribe(['t', 0])
    expect(await codesFor(port, { topic: 't' })).toEqual([0, 0])
    expect(await codesFor(port, { topic: 'nobody' })).toEqual([0x10, 0x10])
  })

  test('0x87 for what only the hub publishes', async () => {
    const { port } = await startHub()
    expect(await codesFor(port, { topic: '$SYS/broker/uptime' })).toEqual([0x87, 0x87])
  })

  test.each(['$SYS/x', '$hub/x', '$history/x'])('0x87 for %s, with a reason that names its root', async (topic) => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    client.send(publishPacket({ topic, qos: 1, packetId: 1, properties: [] }))
    const reason = valueOf(await client.next('PUBACK'), Id.REASON_STRING)
    expect(reason).toContain(topic.split('/', 1)[0])
  })

  test('0x97 for a retained message too many', async () => {
    const { port } = await startHub({ config: { limits: { maxRetainedMessages: 0 } } })
    expect(await codesFor(port, { topic: 't', payload: 'x', retain: true })).toEqual([0x97, 0x97])
    // That room would not help there says more.
    expect(await codesFor(port, { topic: '$SYS/t', payload: 'x', retain: true })).toEqual([0x87, 0x87])
  })

  test('0x99 for a payload that is not the UTF-8 it says it is', async () => {
    const { port } = await startHub()
    const properties: Property[] = [[Id.PAYLOAD_FORMAT, 1]]
    const subscriber = await join5(port, 'subscriber')
    await subscriber.subscribe(['t', 0])
    expect(await codesFor(port, { topic: 't', payload: NOT_UTF8, properties })).toEqual([0x99, 0x99])
    expect(await codesFor(port, { topic: 't', payload: 'é', properties })).toEqual([0, 0])
    expect(await takePayloads(subscriber)).toEqual(['é', 'é'])
    expect(await endingOf(port, publishPacket({ topic: 't', payload: NOT_UTF8, properties }))).toBe(0x99)
  })
})

/** The Subscription Identifiers of the next packet, in any order. */
async function identifiersOfNext(client: RawClient): Promise<string[]> {
  const identifiers = valuesOf(await client.next('PUBLISH'), Id.SUBSCRIPTION_IDENTIFIER)
  return identifiers.map(String).toSorted()
}

describe('A message to overlapping subscriptions', () => {
  test('comes once, at the highest QoS of them [MQTT-3.3.4-2]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    await client.subscribe(['a/#', 1], ['a/+', 2], ['a/b', 0])
    const publisher = await join5(port, 'publisher')
    await publish(publisher, publishPacket({ topic: 'a/b', qos: 2, properties: [] }))
    expect(await takeMessages(client)).toMatchObject([{ qos: 2 }])
  })

  test('has all Subscription Identifiers of those that match, and no other [MQTT-3.3.4-3] [MQTT-3.3.4-4]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    await client.subscribeWith([[Id.SUBSCRIPTION_IDENTIFIER, 1]], ['a/#', 0])
    await client.subscribeWith([[Id.SUBSCRIPTION_IDENTIFIER, 268_435_455]], ['a/+', 0])
    await client.subscribeWith([[Id.SUBSCRIPTION_IDENTIFIER, 3]], ['b', 0], ['c/#', NO_LOCAL])
    await client.subscribe(['a/b', 0])
    const publisher = await join5(port, 'publisher')
    const identifiersFor = async (topic: string): Promise<string[]> => {
      publisher.send(message5(topic))
      return identifiersOfNext(client)
    }
    expect(await identifiersFor('a/b')).toEqual(['1', '268435455'])
    expect(await identifiersFor('a/b/c')).toEqual(['1'])
    expect(await identifiersFor('b')).toEqual(['3'])
    expect(await identifiersFor('c/d')).toEqual(['3'])
  })

  test('has the Subscription Identifiers when it is retained, has waited or is sent again, too [MQTT-3.3.4-3] [MQTT-3.3.4-4]', async () => {
    const { log, port } = await startHub()
    const publisher = await join5(port, 'publisher')
    await publish(publisher, publishPacket({ topic: 't', payload: 'retained', retain: true, properties: [] }))
    const first = await join5(port, 'c', KEPT)
    await first.subscribeWith([[Id.SUBSCRIPTION_IDENTIFIER, 5]], ['t', 1])
    expect(await identifiersOfNext(first)).toEqual(['5'])
    await first.subscribeWith([[Id.SUBSCRIPTION_IDENTIFIER, 7]], ['+', 2 | RETAINED_NEVER])
    expect(await publishAcknowledged(publisher, 't', 'live')).toBe(0)
    expect(await identifiersOfNext(first)).toEqual(['5', '7'])
    await lose(log, first)
    await publish(publisher, publishPacket({ topic: 't', payload: 'waits', qos: 2, properties: [] }))
    const second = await join5(port, 'c', KEPT)
    expect(await identifiersOfNext(second)).toEqual(['5', '7'])
    expect(await identifiersOfNext(second)).toEqual(['5', '7'])
  })
})
