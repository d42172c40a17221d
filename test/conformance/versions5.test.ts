import { describe, expect, test } from 'vitest'
import { join5, KEPT, message5, publishAcknowledged } from './steps5.ts'
import { publishPacket } from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import { openRawClient } from '../support/raw-client.ts'
import { join, leave, publish, takeMessages, takePayloads } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

const OLD = [3, 4] as const

describe.each(OLD)('A client of protocol level %i', (protocolLevel) => {
  test.each([0, 1, 2])('reads what MQTT 5 publishes at QoS %i, without its properties', async (qos) => {
    const { port } = await startHub()
    const old = await join(port, 'old', { protocolLevel })
    await old.subscribe(['t', 2])
    const publisher = await join5(port, 'publisher')
    const properties = [
      [Id.USER_PROPERTY, ['a', 'b']],
      [Id.MESSAGE_EXPIRY, 1000],
      [Id.TOPIC_ALIAS, 1],
    ] as const
    await publish(publisher, publishPacket({ topic: 't', payload: 'x', qos, properties }))
    const got = await old.next('PUBLISH')
    expect(got).toMatchObject({ topic: 't', payload: Buffer.from('x'), qos })
    expect(got.flags).toBe(qos << 1)
  })

  test.each([0, 1, 2])('is read by MQTT 5 at QoS %i', async (qos) => {
    const { port } = await startHub()
    const reader = await join5(port, 'reader')
    await reader.subscribe(['t', 2])
    const old = await join(port, 'old', { protocolLevel })
    await publish(old, publishPacket({ topic: 't', payload: 'x', qos }))
    expect(await takeMessages(reader)).toMatchObject([{ topic: 't', payload: Buffer.from('x'), qos, properties: [] }])
  })

  test('has its session ended by MQTT 5 that takes over, without a DISCONNECT', async () => {
    const { port } = await startHub()
    const old = await join(port, 'c', { protocolLevel })
    const newer = await join5(port, 'c')
    await old.untilClosed()
    expect(old.received.map(({ type }) => type)).toEqual(['CONNACK'])
    expect(await newer.restBeforePingresp()).toEqual([])
  })

  test('ends MQTT 5 with 0x8E when it takes over', async () => {
    const { port } = await startHub()
    const newer = await join5(port, 'c')
    await join(port, 'c', { protocolLevel })
    expect(await newer.untilDisconnected()).toBe(0x8e)
  })

  test('is served what MQTT 5 retained, and the other way round', async () => {
    const { port } = await startHub()
    const old = await join(port, 'old', { protocolLevel })
    const newer = await join5(port, 'newer')
    await publish(old, publishPacket({ topic: 'old', payload: 'by old', retain: true }))
    const properties = [[Id.CONTENT_TYPE, 'text/plain']] as const
    await publish(newer, publishPacket({ topic: 'new', payload: 'by new', retain: true, properties }))
    await old.subscribe(['new', 0])
    expect(await takePayloads(old)).toEqual(['by new'])
    await newer.subscribe(['old', 0])
    expect(await takePayloads(newer)).toEqual(['by old'])
  })
})

describe('A kept session', () => {
  test('of MQTT 3.1.1 is resumed by MQTT 5, with what waits', async () => {
    const { port } = await startHub()
    const old = await join(port, 'c', { isClean: false })
    await old.subscribe(['t', 1])
    await leave(old)
    await publishAcknowledged(await join5(port, 'publisher'), 't', 'x', [[Id.USER_PROPERTY, ['a', 'b']]])
    expect(await takeMessages(await join5(port, 'c', KEPT))).toMatchObject([
      { properties: [[Id.USER_PROPERTY, ['a', 'b']]] },
    ])
  })

  test('of MQTT 5 is resumed by MQTT 3.1.1, with what waits', async () => {
    const { port } = await startHub()
    const newer = await join5(port, 'c', KEPT)
    await newer.subscribe(['t', 1])
    await leave(newer)
    await publishAcknowledged(await join5(port, 'publisher'), 't', 'x')
    const old = await openRawClient(port)
    expect(await old.connect({ clientId: 'c', isClean: false })).toMatchObject({ isSessionPresent: true })
    expect(await takePayloads(old)).toEqual(['x'])
  })
})

test('A topic alias of MQTT 5 reaches MQTT 3.1.1 as the topic it stands for', async () => {
  const { port } = await startHub()
  const old = await join(port, 'old')
  await old.subscribe(['#', 0])
  const publisher = await join5(port, 'publisher')
  const properties = [[Id.TOPIC_ALIAS, 1]] as const
  await publish(publisher, message5('t', '1', properties), message5('', '2', properties))
  expect([(await old.next('PUBLISH')).topic, (await old.next('PUBLISH')).topic]).toEqual(['t', 't'])
})
