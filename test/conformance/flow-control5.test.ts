import { describe, expect, test } from 'vitest'
import { until } from '../support/guard.ts'
import { endingOf, join5, KEPT, message5, publishAcknowledged } from './steps5.ts'
import {
  acknowledgePacket,
  connectPacket,
  PINGREQ,
  publishPacket,
  subscribePacket,
  unsubscribePacket,
} from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import { openRawClient, type RawClient } from '../support/raw-client.ts'
import {
  expectLedgerBalanced,
  leave,
  lose,
  payloadsOf,
  publish,
  reasonsOf,
  takeMessages,
  takePayloads,
} from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

/** A client with this Receive Maximum that has subscribed to `t`. */
async function limited(port: number, maximum: number): Promise<RawClient> {
  const client = await join5(port, 'limited', { properties: [[Id.RECEIVE_MAXIMUM, maximum]] })
  await client.subscribe(['t', 2])
  return client
}

function atQos2(packetId: number): Buffer {
  return publishPacket({ topic: 't', qos: 2, packetId, properties: [] })
}

function release(packetId: number): Buffer {
  return acknowledgePacket('PUBREL', packetId)
}

describe('Receive Maximum of a client', () => {
  test('bounds what is sent to it and not acknowledged; each acknowledgement lets one more come [MQTT-3.3.4-9] [MQTT-4.9.0-1] [MQTT-4.9.0-2]', async () => {
    const { port } = await startHub()
    const client = await limited(port, 2)
    const publisher = await join5(port, 'publisher')
    for (const payload of ['1', '2', '3', '4']) await publishAcknowledged(publisher, 't', payload)
    const sent = await takeMessages(client)
    expect(sent.map(({ payload }) => payload.toString())).toEqual(['1', '2'])
    client.send(acknowledgePacket('PUBACK', sent[0]?.packetId ?? 0))
    expect(await takePayloads(client)).toEqual(['3'])
    client.send(acknowledgePacket('PUBACK', sent[1]?.packetId ?? 0))
    expect(await takePayloads(client)).toEqual(['4'])
  })

  test('is not enlarged by acknowledgements that come twice, or for nothing [MQTT-3.3.4-9] [MQTT-4.9.0-2]', async () => {
    const { port } = await startHub()
    const client = await limited(port, 2)
    const publisher = await join5(port, 'publisher')
    const packets = ['1', '2', '3', '4', '5', '6'].map((payload, i) =>
      publishPacket({ topic: 't', payload, qos: i === 1 ? 2 : 1, packetId: i + 1, properties: [] }),
    )
    await publish(publisher, ...packets)
    const [first, second] = await takeMessages(client)
    if (first === undefined || second === undefined) throw new Error('the messages did not come')
    const puback = acknowledgePacket('PUBACK', first.packetId)
    client.send(puback, puback, acknowledgePacket('PUBACK', 999), acknowledgePacket('PUBCOMP', 998), puback)
    const third = await takeMessages(client)
    expect(third.map(({ payload }) => payload.toString())).toEqual(['3'])
    const pubrec = acknowledgePacket('PUBREC', second.packetId)
    client.send(pubrec, pubrec)
    expect(payloadsOf(await client.restBeforePingresp())).toEqual([])
    const pubcomp = acknowledgePacket('PUBCOMP', second.packetId)
    client.send(pubcomp, pubcomp)
    expect(await takePayloads(client)).toEqual(['4'])
  })

  test('counts a QoS 2 message until its PUBCOMP, or a PUBREC that refuses it [MQTT-3.3.4-9]', async () => {
    const { port } = await startHub()
    const client = await limited(port, 1)
    const publisher = await join5(port, 'publisher')
    const packets = ['1', '2', '3'].map((payload, i) =>
      publishPacket({ topic: 't', payload, qos: 2, packetId: i + 1, properties: [] }),
    )
    await publish(publisher, ...packets)
    const first = await client.next('PUBLISH')
    client.send(acknowledgePacket('PUBREC', first.packetId))
    await client.next('PUBREL')
    expect(await client.restBeforePingresp()).toEqual([])
    client.send(acknowledgePacket('PUBCOMP', first.packetId))
    const second = await client.next('PUBLISH')
    expect(second.payload.toString()).toBe('2')
    client.send(acknowledgePacket('PUBREC', second.packetId, 0x80))
    expect((await client.next('PUBLISH')).payload.toString()).toBe('3')
  })

  test('holds back no other packet: SUBACK, UNSUBACK, PINGRESP, PUBACK, PUBREC, PUBREL, PUBCOMP, QoS 0 [MQTT-3.3.4-10] [MQTT-4.9.0-3]', async () => {
    const { port } = await startHub()
    const client = await limited(port, 1)
    const publisher = await join5(port, 'publisher')
    await publish(publisher, publishPacket({ topic: 't', payload: '1', qos: 2, properties: [] }))
    await publishAcknowledged(publisher, 't', '2')
    const inFlight = await client.next('PUBLISH')
    expect(await takePayloads(client)).toEqual([])
    client.send(subscribePacket(1, [['u', 0]], []))
    await client.next('SUBACK')
    client.send(PINGREQ)
    await client.next('PINGRESP')
    client.send(publishPacket({ topic: 'v', qos: 2, packetId: 9, properties: [] }))
    expect(await client.next('PUBREC')).toMatchObject({ packetId: 9 })
    client.send(acknowledgePacket('PUBREL', 9))
    expect(await client.next('PUBCOMP')).toMatchObject({ packetId: 9 })
    expect(await publishAcknowledged(client, 'v', 'QoS 1')).toBe(0x10)
    client.send(message5('u', 'QoS 0'))
    expect((await client.next('PUBLISH')).payload.toString()).toBe('QoS 0')
    client.send(unsubscribePacket(2, ['u'], []))
    await client.next('UNSUBACK')
    client.send(acknowledgePacket('PUBREC', inFlight.packetId))
    expect(await client.next('PUBREL')).toMatchObject({ packetId: inFlight.packetId, reasonCode: 0 })
    expect(await client.restBeforePingresp()).toEqual([])
  })

  test('holds for a session that is resumed, with the value of the new connection', async () => {
    const { port } = await startHub()
    const first = await join5(port, 'c', KEPT)
    await first.subscribe(['t', 1])
    await leave(first)
    const publisher = await join5(port, 'publisher')
    for (const payload of ['1', '2', '3']) await publishAcknowledged(publisher, 't', payload)
    const properties = [
      [Id.RECEIVE_MAXIMUM, 1],
      [Id.SESSION_EXPIRY, 1000],
    ] as const
    const second = await join5(port, 'c', { ...KEPT, properties })
    const [message] = await takeMessages(second)
    expect(message?.payload.toString()).toBe('1')
    second.send(acknowledgePacket('PUBACK', message?.packetId ?? 0))
    expect(await takePayloads(second)).toEqual(['2'])
  })
})

describe('Receive Maximum of the hub', () => {
  const LIMITS = { config: { limits: { receiveMaximum: 2 } } }

  test('lets so many QoS 2 messages be open, and ends a client that sends one more [MQTT-3.3.4-7]', async () => {
    const { port } = await startHub(LIMITS)
    const client = await join5(port, 'c')
    expect(await publish(client, atQos2(1), atQos2(2))).toHaveLength(2)
    client.send(atQos2(3))
    expect(await client.untilDisconnected()).toBe(0x93)
  })

  test('counts no message twice, none that is complete and none that was refused [MQTT-3.3.4-7]', async () => {
    const { port } = await startHub(LIMITS)
    const client = await join5(port, 'c')
    const refused = publishPacket({ topic: '$SYS/x', qos: 2, packetId: 7, properties: [] })
    await publish(client, refused, refused, refused, atQos2(1), atQos2(2), atQos2(2), release(1), atQos2(3), release(2))
    await publish(client, atQos2(4), release(3), release(4), atQos2(1), atQos2(2))
    expect(client.isClosed).toBe(false)
  })

  test('is none for QoS 1, which is acknowledged at once', async () => {
    const { port } = await startHub(LIMITS)
    const client = await join5(port, 'c')
    for (let i = 1; i <= 20; i++)
      await publish(client, publishPacket({ topic: 't', qos: 1, packetId: i, properties: [] }))
    expect(client.received.filter(({ type }) => type === 'PUBACK')).toHaveLength(20)
  })
})

describe('Maximum Packet Size', () => {
  test('of a client keeps larger messages from it, as if they were done, and others not [MQTT-3.1.2-24] [MQTT-3.1.2-25]', async () => {
    const testHub = await startHub()
    const { hub, port } = testHub
    const small = await join5(port, 'small', { properties: [[Id.MAXIMUM_PACKET_SIZE, 100]] })
    await small.subscribe(['t', 2])
    const large = await join5(port, 'large')
    await large.subscribe(['t', 0])
    const publisher = await join5(port, 'publisher')
    for (const qos of [0, 1, 2]) {
      const payload = 'x'.repeat(100)
      await publish(publisher, publishPacket({ topic: 't', payload, qos, packetId: qos, properties: [] }))
    }
    await publishAcknowledged(publisher, 't', 'small enough')
    expect(await takeMessages(large)).toHaveLength(4)
    const got = await takeMessages(small)
    expect(got.map(({ payload }) => payload.toString())).toEqual(['small enough'])
    expect(hub.ledger.dropped).toMatchObject({ 'too-large': 3 })
    for (const message of got) await small.finish(message)
    await until(
      () => hub.pendingMessages === 0,
      () => 'the messages to be done',
    )
    expectLedgerBalanced(testHub)
  })

  test('of a client is met to the byte, properties counted [MQTT-3.1.2-24]', async () => {
    const { port } = await startHub()
    const limit = 60
    const client = await join5(port, 'c', { properties: [[Id.MAXIMUM_PACKET_SIZE, limit]] })
    await client.subscribeWith([[Id.SUBSCRIPTION_IDENTIFIER, 300]], ['t', 0])
    const properties = [[Id.USER_PROPERTY, ['name', 'value']]] as const
    const publisher = await join5(port, 'publisher')
    const packets = Array.from({ length: limit }, (_, i) => message5('t', 'x'.repeat(i), properties))
    await publish(publisher, ...packets)
    const lengths = (await takeMessages(client)).map(({ bytes }) => bytes.length)
    expect(lengths.at(-1)).toBe(limit)
    expect(lengths).toEqual(Array.from({ length: lengths.length }, (_, i) => limit - lengths.length + 1 + i))
  })

  test.each([
    [
      'SUBACK',
      subscribePacket(
        1,
        Array.from({ length: 60 }, () => ['t', 0] as const),
        [],
      ),
    ],
    [
      'UNSUBACK',
      unsubscribePacket(
        1,
        Array.from({ length: 60 }, () => 't'),
        [],
      ),
    ],
  ])('of a client ends it with 0x95 where its %s would be larger [MQTT-3.1.2-24]', async (name, request) => {
    const { log, port } = await startHub()
    const client = await join5(port, 'c', { properties: [[Id.MAXIMUM_PACKET_SIZE, 40]] })
    client.send(request)
    expect(await client.untilDisconnected()).toBe(0x95)
    expect(client.received.filter(({ bytes }) => bytes.length > 40)).toEqual([])
    expect(reasonsOf(log)).toEqual([`${name} of 65 bytes is over the Maximum Packet Size of the client, 40`])
  })

  test('of a client that no CONNACK fits has it refused with 0x95, or closed where that is too large as well [MQTT-3.1.2-24]', async () => {
    const { hub, port } = await startHub()
    const bytesOf = async (maximum: number): Promise<string[]> => {
      const client = await openRawClient(port, 5)
      client.send(connectPacket({ clientId: 'c', properties: [[Id.MAXIMUM_PACKET_SIZE, maximum]] }))
      await client.untilClosed()
      return client.received.map(({ bytes }) => bytes.toString('hex'))
    }
    expect([await bytesOf(5), await bytesOf(4)]).toEqual([['2003009500'], []])
    expect(hub.pendingMessages).toBe(0)
  })

  test('of a client has Response Information left out of a CONNACK that would be larger [MQTT-3.1.2-24]', async () => {
    const { port } = await startHub()
    const clientId = 'c'.repeat(50)
    const response = [Id.REQUEST_RESPONSE_INFORMATION, 1] as const
    const propertiesFor = async (maximum: number): Promise<readonly number[]> => {
      const client = await openRawClient(port, 5)
      const properties = [response, [Id.MAXIMUM_PACKET_SIZE, maximum]] as const
      const connack = await client.connect({ clientId, properties })
      expect(connack.reasonCode).toBe(0)
      expect(connack.bytes.length).toBeLessThanOrEqual(maximum)
      return connack.properties.map(([id]) => id)
    }
    expect(await propertiesFor(100)).toContain(Id.RESPONSE_INFORMATION)
    expect(await propertiesFor(60)).not.toContain(Id.RESPONSE_INFORMATION)
  })

  test('of a client counts for what waited or was retained, too [MQTT-3.1.2-24]', async () => {
    const { hub, port } = await startHub()
    const first = await join5(port, 'c', KEPT)
    await first.subscribe(['t', 1])
    await leave(first)
    const publisher = await join5(port, 'publisher')
    const payload = 'x'.repeat(200)
    await publish(publisher, publishPacket({ topic: 't', payload, qos: 1, retain: true, properties: [] }))
    const properties = [
      [Id.MAXIMUM_PACKET_SIZE, 100],
      [Id.SESSION_EXPIRY, 1000],
    ] as const
    const second = await join5(port, 'c', { ...KEPT, properties })
    await second.subscribe(['t', 1])
    expect(await takeMessages(second)).toEqual([])
    expect(hub.ledger.dropped).toMatchObject({ 'too-large': 2 })
  })

  test('of a client leaves the window to what fits, when it comes back and all that was in flight does not [MQTT-3.1.2-24]', async () => {
    const testHub = await startHub()
    const { hub, log, port } = testHub
    const first = await join5(port, 'c', KEPT)
    await first.subscribe(['t', 1])
    const publisher = await join5(port, 'publisher')
    for (let i = 0; i < 3; i++) await publishAcknowledged(publisher, 't', 'x'.repeat(200))
    expect(await takeMessages(first)).toHaveLength(3)
    await lose(log, first)
    const properties = [
      [Id.MAXIMUM_PACKET_SIZE, 100],
      [Id.RECEIVE_MAXIMUM, 2],
      [Id.SESSION_EXPIRY, 1000],
    ] as const
    const second = await join5(port, 'c', { ...KEPT, properties })
    await publishAcknowledged(publisher, 't', 'small')
    expect(await takePayloads(second)).toEqual(['small'])
    expect(hub.ledger.dropped).toMatchObject({ 'too-large': 3 })
    expectLedgerBalanced(testHub)
  })

  test('of the hub ends a client that sends a larger packet [MQTT-3.2.2-15]', async () => {
    const { port } = await startHub({ config: { limits: { maxPacketBytes: 500 } } })
    expect(await endingOf(port, message5('t', 'x'.repeat(500)))).toBe(0x95)
    const client = await join5(port, 'c')
    const fits = message5('t', 'x'.repeat(500 - message5('t', 'x'.repeat(400)).length + 400))
    expect(fits).toHaveLength(500)
    expect(await publish(client, fits)).toEqual([])
  })
})
