import { describe, expect, test } from 'vitest'
import { endingOf, join5, KEPT, message5, publishAcknowledged } from './steps5.ts'
import {
  acknowledgePacket,
  type ConnectFields,
  connectPacket,
  PINGREQ,
  publishPacket,
  unsubscribePacket,
} from '../support/packets.ts'
import { Id, type Property } from '../support/properties.ts'
import { openRawClient } from '../support/raw-client.ts'
import { type ReceivedConnack, valueOf, valuesOf } from '../support/received-packet.ts'
import { leave, publish } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

async function connackFor(port: number, fields: ConnectFields): Promise<ReceivedConnack> {
  return (await openRawClient(port, 5)).connect({ clientId: 'c', ...fields })
}

describe('CONNACK', () => {
  test('says with 0x00 that the client is accepted, and comes before all else [MQTT-3.1.4-5] [MQTT-3.2.0-1]', async () => {
    const { port } = await startHub()
    const away = await join5(port, 'away', KEPT)
    await away.subscribe(['t', 1])
    await leave(away)
    await publishAcknowledged(await join5(port, 'publisher'), 't', 'waits')
    const back = await openRawClient(port, 5)
    back.send(connectPacket({ properties: [], ...KEPT, clientId: 'away' }), PINGREQ)
    expect(await back.next('CONNACK')).toMatchObject({ reasonCode: 0, isSessionPresent: true })
    expect((await back.next('PUBLISH')).payload.toString()).toBe('waits')
  })

  test('is sent once, whatever comes [MQTT-3.2.0-2]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    client.send(connectPacket({ clientId: 'c', properties: [] }))
    await client.untilDisconnected()
    expect(client.received.filter(({ type }) => type === 'CONNACK')).toHaveLength(1)
  })

  test('has no flag but session present [MQTT-3.2.2-1]', async () => {
    const { port } = await startHub()
    await leave(await join5(port, 'c', KEPT))
    // The client fails on any other flag.
    expect((await connackFor(port, KEPT)).isSessionPresent).toBe(true)
  })

  test('that refuses says that no session is present, is of the table, and ends the connection [MQTT-3.2.2-6] [MQTT-3.2.2-7] [MQTT-3.2.2-8] [MQTT-4.13.2-1]', async () => {
    const { port } = await startHub()
    await leave(await join5(port, 'c', KEPT))
    const client = await openRawClient(port, 5)
    const properties: Property[] = [
      [Id.SESSION_EXPIRY, 1000],
      [Id.AUTHENTICATION_METHOD, 'unknown'],
    ]
    const connack = await client.connect({ clientId: 'c', isClean: false, properties })
    expect(connack).toMatchObject({ reasonCode: 0x8c, isSessionPresent: false })
    await client.untilClosed()
    client.expectNothingLeft()
    expect((await connackFor(port, KEPT)).isSessionPresent).toBe(true)
  })

  test('names the capabilities that differ from what the standard presumes', async () => {
    const { port } = await startHub({ config: { limits: { maxPacketBytes: 5000 } } })
    const { properties } = await connackFor(port, {})
    expect(properties.toSorted(([a], [b]) => a - b)).toEqual([
      [Id.RECEIVE_MAXIMUM, 100],
      [Id.TOPIC_ALIAS_MAXIMUM, 100],
      [Id.MAXIMUM_PACKET_SIZE, 5000],
    ])
  })

  test('names the limits that are configured', async () => {
    const { port } = await startHub({ config: { limits: { receiveMaximum: 7, maxTopicAliases: 3 } } })
    const connack = await connackFor(port, {})
    expect(valueOf(connack, Id.RECEIVE_MAXIMUM)).toBe(7)
    expect(valueOf(connack, Id.TOPIC_ALIAS_MAXIMUM)).toBe(3)
  })

  test('leaves out Maximum QoS and Retain Available, for the hub takes all of both [MQTT-3.2.2-9] [MQTT-3.2.2-12] [MQTT-3.2.2-13]', async () => {
    const { port } = await startHub()
    const client = await openRawClient(port, 5)
    const connack = await client.connect({ clientId: 'c', will: { topic: 'w', qos: 2, retain: true } })
    expect(connack.reasonCode).toBe(0)
    expect(valuesOf(connack, Id.MAXIMUM_QOS)).toEqual([])
    expect(valuesOf(connack, Id.RETAIN_AVAILABLE)).toEqual([])
    const [pubrec] = await publish(client, publishPacket({ topic: 't', qos: 2, retain: true, properties: [] }))
    expect(pubrec).toMatchObject({ type: 'PUBREC', packetId: 1 })
    if (pubrec?.type === 'PUBREC') expect(pubrec.reasonCode).toBeLessThan(0x80)
  })

  test('has no session expiry where the client gets what it asked for', async () => {
    const { port } = await startHub()
    for (const properties of [[], [[Id.SESSION_EXPIRY, 1000]], [[Id.SESSION_EXPIRY, 0xffffffff]]] as Property[][]) {
      expect(valuesOf(await connackFor(port, { properties }), Id.SESSION_EXPIRY)).toEqual([])
    }
  })

  test('names the session expiry that the hub uses where it is less than was asked for', async () => {
    const { port } = await startHub({ config: { limits: { maxSessionExpirySeconds: 100 } } })
    const expiryFor = async (seconds: number): Promise<unknown> =>
      valueOf(await connackFor(port, { properties: [[Id.SESSION_EXPIRY, seconds]] }), Id.SESSION_EXPIRY)
    expect(await expiryFor(101)).toBe(100)
    expect(await expiryFor(0xffffffff)).toBe(100)
    expect(await expiryFor(100)).toBe(undefined)
    expect(await expiryFor(0)).toBe(undefined)
  })
})

describe('Keep-alive', () => {
  test('of the client holds where the CONNACK names none: silence ends it with 0x8D [MQTT-3.1.2-22] [MQTT-3.2.2-22]', async () => {
    const { port } = await startHub()
    const client = await openRawClient(port, 5)
    const connack = await client.connect({ clientId: 'c', keepAliveSeconds: 1 })
    expect(valueOf(connack, Id.SERVER_KEEP_ALIVE)).toBe(undefined)
    expect(await client.untilDisconnected()).toBe(0x8d)
  })

  test.each([0, 2, 65_535])(
    'of %i that is over limits.maxKeepAliveSeconds is replaced by the limit, which the hub then uses',
    async (asked) => {
      const { port } = await startHub({ config: { limits: { maxKeepAliveSeconds: 1 } } })
      const client = await openRawClient(port, 5)
      const connack = await client.connect({ clientId: 'c', keepAliveSeconds: asked })
      expect(valueOf(connack, Id.SERVER_KEEP_ALIVE)).toBe(1)
      expect(await client.untilDisconnected()).toBe(0x8d)
    },
  )

  test('within limits.maxKeepAliveSeconds stays the client’s', async () => {
    const { port } = await startHub({ config: { limits: { maxKeepAliveSeconds: 60 } } })
    expect(valuesOf(await connackFor(port, { keepAliveSeconds: 60 }), Id.SERVER_KEEP_ALIVE)).toEqual([])
  })

  test('is served by PINGREQ, which is answered with PINGRESP [MQTT-3.12.4-1]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c', { keepAliveSeconds: 60 })
    client.send(PINGREQ, PINGREQ)
    await client.next('PINGRESP')
    await client.next('PINGRESP')
  })
})

describe('Response Information', () => {
  test('is given where it is asked for, and holds the client identifier', async () => {
    const { port } = await startHub()
    const connack = await connackFor(port, { properties: [[Id.REQUEST_RESPONSE_INFORMATION, 1]] })
    expect(valueOf(connack, Id.RESPONSE_INFORMATION)).toBe('response/c')
  })

  test.each([
    ['0', [[Id.REQUEST_RESPONSE_INFORMATION, 0]]],
    ['nothing', []],
  ] as const)('is not given where the client asks with %s [MQTT-3.1.2-28]', async (_what, properties) => {
    const { port } = await startHub()
    expect(valuesOf(await connackFor(port, { properties }), Id.RESPONSE_INFORMATION)).toEqual([])
  })
})

describe('Reason strings and user properties', () => {
  /** What the hub may explain: acknowledgements that fail, a SUBACK that refuses, an UNSUBACK. */
  const OCCASIONS = [
    publishPacket({ topic: '$SYS/x', qos: 1, packetId: 1, properties: [] }),
    publishPacket({ topic: '$SYS/x', qos: 2, packetId: 2, properties: [] }),
    publishPacket({ topic: 'nobody', qos: 1, packetId: 3, properties: [] }),
  ]
  /** Packets about what there is not. */
  const UNKNOWN = [
    acknowledgePacket('PUBREC', 77),
    acknowledgePacket('PUBREL', 78),
    unsubscribePacket(79, ['never subscribed'], []),
  ]

  /** What answers all of these, and a SUBSCRIBE. */
  const ANSWERS = ['PUBACK', 'PUBACK', 'PUBCOMP', 'PUBREC', 'PUBREL', 'SUBACK', 'UNSUBACK']

  test('are left out of all but PUBLISH, CONNACK and DISCONNECT where Request Problem Information is 0 [MQTT-3.1.2-29]', async () => {
    const { port } = await startHub({ config: { limits: { maxTopicLevels: 3 } } })
    const explainedFor = async (wanted: number): Promise<string[]> => {
      const client = await join5(port, 'c', { properties: [[Id.REQUEST_PROBLEM_INFORMATION, wanted]] })
      const answers = await publish(client, ...OCCASIONS, ...UNKNOWN)
      answers.push(await client.subscribe(['a/b/c/d', 0]))
      expect(answers.map(({ type }) => type).toSorted()).toEqual(ANSWERS)
      const explained = answers.filter(
        (answer) =>
          'properties' in answer &&
          answer.properties.some(([id]) => id === Id.REASON_STRING || id === Id.USER_PROPERTY),
      )
      return explained.map(({ type }) => type).toSorted()
    }
    expect(await explainedFor(0)).toEqual([])
    // Else there is something to leave out.
    expect(await explainedFor(1)).toEqual(['PUBACK', 'PUBCOMP', 'PUBREC', 'PUBREL'])
  })

  test('of a message still reach a client whose Request Problem Information is 0', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c', { properties: [[Id.REQUEST_PROBLEM_INFORMATION, 0]] })
    await client.subscribe(['t', 0])
    client.send(message5('t', 'x', [[Id.USER_PROPERTY, ['a', 'b']]]))
    expect(valuesOf(await client.next('PUBLISH'), Id.USER_PROPERTY)).toEqual([['a', 'b']])
  })

  test('say what to do in the DISCONNECT of a client that has done wrong', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    client.send(message5('a/#'))
    expect(valueOf(await client.next('DISCONNECT'), Id.REASON_STRING)).toMatch(/\w+/)
    expect(await endingOf(port, message5('a/#'))).toBe(0x90)
  })

  test('are left out where the packet would be larger than the client takes: CONNACK and DISCONNECT [MQTT-3.2.2-19] [MQTT-3.2.2-20] [MQTT-3.14.2-3] [MQTT-3.14.2-4]', async () => {
    const { port } = await startHub()
    const limit: Property = [Id.MAXIMUM_PACKET_SIZE, 20]
    const refused = await connackFor(port, { properties: [limit, [Id.AUTHENTICATION_METHOD, 'unknown']] })
    expect(refused.reasonCode).toBe(0x8c)
    expect(refused.bytes.length).toBeLessThanOrEqual(20)
    const client = await join5(port, 'c', { properties: [limit] })
    client.send(message5('a/#'))
    const disconnect = await client.next('DISCONNECT')
    expect(disconnect.reasonCode).toBe(0x90)
    expect(disconnect.bytes.length).toBeLessThanOrEqual(20)
  })

  test('are left out where the packet would be larger than the client takes: PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK and UNSUBACK [MQTT-3.4.2-2] [MQTT-3.4.2-3] [MQTT-3.5.2-2] [MQTT-3.5.2-3] [MQTT-3.6.2-2] [MQTT-3.6.2-3] [MQTT-3.7.2-2] [MQTT-3.7.2-3] [MQTT-3.9.2-1] [MQTT-3.9.2-2] [MQTT-3.11.2-1] [MQTT-3.11.2-2]', async () => {
    const { port } = await startHub({ config: { limits: { maxTopicLevels: 3 } } })
    const client = await join5(port, 'c', { properties: [[Id.MAXIMUM_PACKET_SIZE, 20]] })
    const answers = await publish(client, ...OCCASIONS, ...UNKNOWN)
    answers.push(await client.subscribe(['a/b/c/d', 0]))
    expect(answers.map(({ type }) => type).toSorted()).toEqual(ANSWERS)
    for (const { bytes } of answers) expect(bytes.length).toBeLessThanOrEqual(20)
  })
})
