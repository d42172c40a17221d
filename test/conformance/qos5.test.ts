import { describe, expect, test } from 'vitest'
import { endingOf, join5, KEPT, message5, publishAcknowledged } from './steps5.ts'
import { acknowledgePacket, publishPacket } from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import type { RawClient } from '../support/raw-client.ts'
import { expectLedgerBalanced, isPublish, leave, lose, publish, takeMessages, takePayloads } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

async function subscriberAt(port: number, qos: number): Promise<RawClient> {
  const subscriber = await join5(port, 'subscriber', KEPT)
  await subscriber.subscribe(['t', qos])
  return subscriber
}

describe('A message from the hub', () => {
  test('at QoS 0 has no DUP and no packet identifier, and is not sent again [MQTT-4.3.1-1] [MQTT-2.2.1-2] [MQTT-3.3.1-2]', async () => {
    const { port } = await startHub()
    const subscriber = await subscriberAt(port, 0)
    await publish(await join5(port, 'publisher'), publishPacket({ topic: 't', payload: 'x', qos: 2, properties: [] }))
    expect(await takeMessages(subscriber)).toMatchObject([
      { qos: 0, dup: false, packetId: 0, payload: Buffer.from('x') },
    ])
    await leave(subscriber)
    expect(await takeMessages(await join5(port, 'subscriber', KEPT))).toEqual([])
  })

  test.each([1, 2])(
    'at QoS %i has a packet identifier of its own and no DUP [MQTT-2.2.1-4] [MQTT-4.3.2-1] [MQTT-4.3.2-2] [MQTT-4.3.3-1] [MQTT-4.3.3-2]',
    async (qos) => {
      const { port } = await startHub()
      const subscriber = await subscriberAt(port, qos)
      const publisher = await join5(port, 'publisher')
      for (let i = 0; i < 20; i++)
        publisher.send(publishPacket({ topic: 't', qos: 2, packetId: i + 1, properties: [] }))
      await publisher.restBeforePingresp()
      const messages = await takeMessages(subscriber)
      expect(new Set(messages.map(({ packetId }) => packetId)).size).toBe(20)
      for (const message of messages) expect(message).toMatchObject({ qos, dup: false })
    },
  )

  test('at QoS 1 is sent again with DUP and the same identifier until its PUBACK comes [MQTT-4.3.2-3] [MQTT-4.4.0-1] [MQTT-3.3.1-1]', async () => {
    const { log, port } = await startHub()
    const first = await subscriberAt(port, 1)
    await publishAcknowledged(await join5(port, 'publisher'), 't', 'x')
    const { packetId } = await first.next('PUBLISH')
    expect(await first.restBeforePingresp()).toEqual([])
    await lose(log, first)
    const second = await join5(port, 'subscriber', KEPT)
    const again = await second.next('PUBLISH')
    expect(again).toMatchObject({ packetId, dup: true, payload: Buffer.from('x') })
    await second.finish(again)
    await second.restBeforePingresp()
    await lose(log, second)
    expect(await takeMessages(await join5(port, 'subscriber', KEPT))).toEqual([])
  })

  test.each([0, 0x10])(
    'at QoS 2 is sent again until its PUBREC comes with %i, then its PUBREL until the PUBCOMP [MQTT-4.3.3-3] [MQTT-4.3.3-4] [MQTT-4.3.3-5] [MQTT-4.3.3-6] [MQTT-4.4.0-1]',
    async (received) => {
      const { log, port } = await startHub()
      const first = await subscriberAt(port, 2)
      await publish(await join5(port, 'publisher'), publishPacket({ topic: 't', payload: 'x', qos: 2, properties: [] }))
      const { packetId } = await first.next('PUBLISH')
      await lose(log, first)
      const second = await join5(port, 'subscriber', KEPT)
      expect(await second.next('PUBLISH')).toMatchObject({ packetId, dup: true })
      second.send(acknowledgePacket('PUBREC', packetId, received))
      expect(await second.next('PUBREL')).toMatchObject({ packetId, reasonCode: 0 })
      await lose(log, second)
      const third = await join5(port, 'subscriber', KEPT)
      expect(await third.next('PUBREL')).toMatchObject({ packetId, reasonCode: 0 })
      third.send(acknowledgePacket('PUBCOMP', packetId))
      expect(await third.restBeforePingresp()).toEqual([])
      await lose(log, third)
      expect(await (await join5(port, 'subscriber', KEPT)).restBeforePingresp()).toEqual([])
    },
  )

  test.each([
    ['PUBACK', 1],
    ['PUBREC', 2],
  ] as const)('is done with a %s of 0x80 or more, and counted as rejected [MQTT-4.4.0-2]', async (type, qos) => {
    const testHub = await startHub()
    const { hub, log, port } = testHub
    const first = await subscriberAt(port, qos)
    await publish(await join5(port, 'publisher'), publishPacket({ topic: 't', qos: 2, properties: [] }))
    const { packetId } = await first.next('PUBLISH')
    first.send(acknowledgePacket(type, packetId, 0x83))
    expect(await first.restBeforePingresp()).toEqual([])
    expect(hub.ledger.dropped).toMatchObject({ rejected: 1 })
    expectLedgerBalanced(testHub)
    await lose(log, first)
    expect(await (await join5(port, 'subscriber', KEPT)).restBeforePingresp()).toEqual([])
  })

  test('is kept for every session that has subscribed, there or away, before it is acknowledged [MQTT-4.5.0-1]', async () => {
    const { port } = await startHub()
    const here = await subscriberAt(port, 1)
    const away = await join5(port, 'away', KEPT)
    await away.subscribe(['#', 2])
    await leave(away)
    expect(await publishAcknowledged(await join5(port, 'publisher'), 't', 'x')).toBe(0)
    expect(await takePayloads(here)).toEqual(['x'])
    expect(await takePayloads(await join5(port, 'away', KEPT))).toEqual(['x'])
  })
})

describe('A message to the hub', () => {
  test('at QoS 1 is acknowledged each time, and each time a new message, whatever its DUP [MQTT-4.3.2-4] [MQTT-4.3.2-5]', async () => {
    const { port } = await startHub()
    const subscriber = await subscriberAt(port, 0)
    const publisher = await join5(port, 'publisher')
    const message = { topic: 't', qos: 1, packetId: 9, properties: [] }
    const answers = await publish(publisher, publishPacket(message), publishPacket({ ...message, dup: true }))
    expect(answers).toMatchObject([
      { type: 'PUBACK', packetId: 9, reasonCode: 0 },
      { type: 'PUBACK', packetId: 9, reasonCode: 0 },
    ])
    expect(await takeMessages(subscriber)).toHaveLength(2)
  })

  test('at QoS 2 is passed on once until its PUBREL, then its identifier is free [MQTT-4.3.3-8] [MQTT-4.3.3-10] [MQTT-4.3.3-11] [MQTT-4.3.3-12]', async () => {
    const { port } = await startHub()
    const subscriber = await subscriberAt(port, 0)
    const publisher = await join5(port, 'publisher')
    const message = { topic: 't', qos: 2, packetId: 9, properties: [] }
    const twice = await publish(publisher, publishPacket(message), publishPacket({ ...message, dup: true }))
    expect(twice).toMatchObject([
      { type: 'PUBREC', packetId: 9 },
      { type: 'PUBREC', packetId: 9 },
    ])
    expect(await takeMessages(subscriber)).toHaveLength(1)
    const released = await publish(publisher, acknowledgePacket('PUBREL', 9))
    expect(released).toMatchObject([{ type: 'PUBCOMP', packetId: 9, reasonCode: 0 }])
    await publish(publisher, publishPacket(message))
    expect(await takeMessages(subscriber)).toHaveLength(1)
  })

  test('at QoS 2 is passed on once though its sender reconnects before the PUBREL [MQTT-4.3.3-10]', async () => {
    const { log, port } = await startHub()
    const subscriber = await subscriberAt(port, 0)
    const publisher = await join5(port, 'publisher', KEPT)
    const message = { topic: 't', qos: 2, packetId: 9, properties: [] }
    await publish(publisher, publishPacket(message))
    await lose(log, publisher)
    const back = await join5(port, 'publisher', KEPT)
    expect(await publish(back, publishPacket({ ...message, dup: true }))).toMatchObject([{ type: 'PUBREC' }])
    expect(await takeMessages(subscriber)).toHaveLength(1)
  })

  test('at QoS 2 that was refused leaves its identifier free [MQTT-4.3.3-9]', async () => {
    const { port } = await startHub()
    const subscriber = await subscriberAt(port, 0)
    const publisher = await join5(port, 'publisher')
    const refused = await publish(publisher, publishPacket({ topic: '$SYS/x', qos: 2, packetId: 9, properties: [] }))
    expect(refused).toMatchObject([{ type: 'PUBREC', reasonCode: 0x87 }])
    const taken = await publish(publisher, publishPacket({ topic: 't', qos: 2, packetId: 9, properties: [] }))
    expect(taken).toMatchObject([{ type: 'PUBREC', reasonCode: 0 }])
    expect(await takeMessages(subscriber)).toHaveLength(1)
  })

  test('at QoS 2 that was taken is not refused when it comes again, and its identifier is free after it', async () => {
    const { log, port } = await startHub({ config: { limits: { maxRetainedMessages: 1 } } })
    const subscriber = await subscriberAt(port, 0)
    const publisher = await join5(port, 'publisher', KEPT)
    const message = { topic: 'a', payload: 'x', qos: 2, retain: true, packetId: 1, properties: [] }
    expect(await publish(publisher, publishPacket(message))).toMatchObject([{ type: 'PUBREC', reasonCode: 0x10 }])
    await lose(log, publisher)
    const other = await join5(port, 'other')
    await publish(other, publishPacket({ topic: 'a', retain: true, properties: [] }))
    await publish(other, publishPacket({ topic: 'b', payload: 'x', retain: true, properties: [] }))
    const back = await join5(port, 'publisher', KEPT)
    const again = await publish(back, publishPacket({ ...message, dup: true }))
    expect(again).toMatchObject([{ type: 'PUBREC', reasonCode: 0 }])
    expect(await publish(back, acknowledgePacket('PUBREL', 1))).toMatchObject([{ type: 'PUBCOMP', reasonCode: 0 }])
    await publish(back, publishPacket({ topic: 't', payload: 'another', qos: 2, packetId: 1, properties: [] }))
    expect(await takeMessages(subscriber)).toHaveLength(1)
  })

  test('that there is not gets 0x92 in PUBCOMP and PUBREL [MQTT-3.6.2-1] [MQTT-3.7.2-1]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    const answers = await publish(client, acknowledgePacket('PUBREL', 77), acknowledgePacket('PUBREC', 78))
    expect(answers).toMatchObject([
      { type: 'PUBCOMP', packetId: 77, reasonCode: 0x92 },
      { type: 'PUBREL', packetId: 78, reasonCode: 0x92 },
    ])
  })

  test('with reserved flags in its PUBREL ends the client [MQTT-3.6.1-1]', async () => {
    const { port } = await startHub()
    expect(await endingOf(port, acknowledgePacket('PUBREL', 1, 0, [], 0))).toBe(0x81)
  })
})

describe('The order', () => {
  test.each([0, 1, 2])(
    'of messages of one client, topic and QoS %i is kept, live and from a queue, with and without properties [MQTT-4.6.0-5] [MQTT-4.6.0-6]',
    async (qos) => {
      const { port } = await startHub()
      const here = await join5(port, 'here')
      await here.subscribe(['t', 2])
      const away = await subscriberAt(port, 2)
      await leave(away)
      const publisher = await join5(port, 'publisher')
      const payloads = Array.from({ length: 50 }, (_, i) => `${i}`)
      const packets = payloads.map((payload, i) => {
        const properties = i % 3 === 0 ? [[Id.USER_PROPERTY, ['i', payload]] as const] : []
        return publishPacket({ topic: 't', payload, qos, packetId: i + 1, properties })
      })
      const answers = await publish(publisher, ...packets)
      const answered = qos === 0 ? [] : payloads.map((_, i) => i + 1)
      expect(answers.map((answer) => ('packetId' in answer ? answer.packetId : 0))).toEqual(answered)
      expect(await takePayloads(here)).toEqual(payloads)
      expect(await takePayloads(await join5(port, 'subscriber', KEPT))).toEqual(qos === 0 ? [] : payloads)
    },
  )

  test('of what is sent again is that of the first sending [MQTT-4.4.0-1]', async () => {
    const { log, port } = await startHub()
    const first = await subscriberAt(port, 2)
    const publisher = await join5(port, 'publisher')
    for (let i = 0; i < 6; i++)
      await publish(publisher, publishPacket({ topic: 't', qos: (i % 2) + 1, packetId: i + 1, properties: [] }))
    const sent = (await takeMessages(first)).map(({ packetId }) => packetId)
    await lose(log, first)
    const second = await join5(port, 'subscriber', KEPT)
    const again = (await second.restBeforePingresp()).filter(isPublish)
    expect(again.map(({ packetId }) => packetId)).toEqual(sent)
    expect(again.every(({ dup }) => dup)).toBe(true)
  })

  test('of acknowledgements is that of the messages', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    const packets = [1, 2, 1, 2, 1].map((qos, i) => publishPacket({ topic: 't', qos, packetId: i + 1, properties: [] }))
    const answers = await publish(client, ...packets, message5('t'))
    expect(answers.map((answer) => ('packetId' in answer ? answer.packetId : 0))).toEqual([1, 2, 3, 4, 5])
  })
})
