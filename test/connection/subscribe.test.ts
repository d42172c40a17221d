import { describe, expect, test } from 'vitest'
import { acknowledgePacket, packet, publishPacket, subscribePacket, unsubscribePacket } from '../support/packets.ts'
import { connectRawClient } from '../support/raw-client.ts'
import type { ReceivedPacket } from '../support/received-packet.ts'
import { isPublish, join, message, payloadsOf, publish, takePayloads, untilReason } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

/** Topic, payload and RETAIN of the PUBLISH packets, sorted, for where their order is not promised. */
function summary(packets: readonly ReceivedPacket[]): string[] {
  return packets
    .filter(isPublish)
    .map(({ topic, payload, retain, qos }) => `${topic}=${payload.toString()} retain=${retain ? 1 : 0} qos=${qos}`)
    .toSorted()
}

describe('SUBSCRIBE', () => {
  test('is answered with its packet id and a code for each filter, in their order [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.8.4-5] [MQTT-3.9.3-1]', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    client.send(
      subscribePacket(0xfffe, [
        ['a', 2],
        ['b/+', 0],
        ['#', 1],
        ['c', 2],
      ]),
    )
    expect(await client.next('SUBACK')).toMatchObject({ flags: 0, packetId: 0xfffe, codes: [2, 0, 1, 2] })
    client.send(subscribePacket(1, [['d', 1]]))
    expect(await client.next('SUBACK')).toMatchObject({ packetId: 1, codes: [1] })
  })

  test('with a filter twice is answered with a code for each, and the last one holds [MQTT-3.8.4-4]', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    const { codes } = await client.subscribe(['a', 2], ['b', 1], ['a', 0])
    expect(codes).toEqual([2, 1, 0])
    const packets = await publish(client, publishPacket({ topic: 'a', payload: 'once', qos: 1 }))
    expect(summary(packets)).toEqual(['a=once retain=0 qos=0'])
  })

  test('with many filters keeps all of them', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    const filters = Array.from({ length: 300 }, (_, i) => [`t/${i}`, i % 3] as const)
    const { codes } = await client.subscribe(...filters)
    expect(codes).toEqual(filters.map(([, qos]) => qos))
    const packets = await publish(client, ...filters.map(([topic]) => message(topic, topic)))
    expect(payloadsOf(packets)).toEqual(filters.map(([topic]) => topic))
  })

  test('over limits.maxSubscriptionsPerClient gets 0x80 for what is too many, and the rest is served [MQTT-3.9.3-2]', async () => {
    const { port } = await startHub({ config: { limits: { maxSubscriptionsPerClient: 2 } } })
    const client = await connectRawClient(port)
    await publish(client, message('c', 'retained', true))
    expect((await client.subscribe(['a', 0], ['b', 1], ['c', 2], ['a', 1])).codes).toEqual([0, 1, 0x80, 1])
    const packets = await publish(client, message('a', '1'), message('b', '2'), message('c', '3'))
    expect(payloadsOf(packets)).toEqual(['1', '2'])
    client.send(unsubscribePacket(2, ['a']))
    await client.next('UNSUBACK')
    expect((await client.subscribe(['c', 2])).codes).toEqual([2])
  })

  test('to a filter held already replaces it, and a message is never delivered twice [MQTT-3.8.4-3]', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    await client.subscribe(['t/+', 0])
    await client.subscribe(['t/+', 1])
    const raised = await publish(client, publishPacket({ topic: 't/a', payload: 'one', qos: 1, packetId: 1 }))
    expect(summary(raised)).toEqual(['t/a=one retain=0 qos=1'])
    await client.subscribe(['t/+', 0])
    const lowered = await publish(client, publishPacket({ topic: 't/a', payload: 'two', qos: 1, packetId: 2 }))
    expect(summary(lowered)).toEqual(['t/a=two retain=0 qos=0'])
  })

  test('goes on delivering while it is replaced [MQTT-3.8.4-3]', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    await client.subscribe(['t', 0])
    const packets = await publish(client, message('t', 'before'), subscribePacket(2, [['t', 0]]), message('t', 'after'))
    expect(packets.map(({ type }) => type)).toEqual(['PUBLISH', 'SUBACK', 'PUBLISH'])
    expect(payloadsOf(packets)).toEqual(['before', 'after'])
  })

  test.each([0, 1, 2])('at QoS %i lowers messages of a higher QoS and raises none [MQTT-3.8.4-6]', async (granted) => {
    const { port } = await startHub()
    const publisher = await join(port, 'publisher')
    const subscriber = await join(port, 'subscriber')
    await subscriber.subscribe(['t', granted])
    for (const qos of [0, 1, 2]) {
      publisher.send(publishPacket({ topic: 't', payload: `${qos}`, qos, packetId: 10 + qos }))
    }
    await publisher.restBeforePingresp()
    const packets = (await subscriber.restBeforePingresp()).filter(isPublish)
    expect(packets.map(({ qos }) => qos)).toEqual([0, Math.min(1, granted), Math.min(2, granted)])
    expect(payloadsOf(packets)).toEqual(['0', '1', '2'])
  })

  test('to overlapping filters delivers once, at the highest QoS of them [MQTT-3.3.5-1]', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    await client.subscribe(['a/#', 0], ['a/+', 2], ['+/b', 1], ['a/b', 1])
    const packets = await publish(client, publishPacket({ topic: 'a/b', payload: 'x', qos: 2 }))
    expect(summary(packets)).toEqual(['a/b=x retain=0 qos=2'])
  })

  test.each([
    ['+', 'a', true],
    ['+', 'a/b', false],
    ['+', '/a', false],
    ['/+', '/a', true],
    ['+/+', '/a', true],
    ['a/+', 'a', false],
    ['a/+', 'a/', true],
    ['a/+/c', 'a//c', true],
    ['#', 'a/b/c', true],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['a/#', 'ab', false],
    ['a', 'A', false],
    ['a', 'a/', false],
    ['a b', 'a b', true],
    ['Дом/+', 'Дом/🙂', true],
    ['#', '$SYSTEM/a', false],
    ['+/a', '$SYSTEM/a', false],
    ['$SYSTEM/#', '$SYSTEM/a', true],
    ['$SYSTEM/+', '$SYSTEM/a', true],
    ['a/#', 'a/$b', true],
  ])(
    'to %j and a message to %j: reached is %s [MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-4.7.2-1] [MQTT-4.7.3-4]',
    async (filter, topic, isReached) => {
      const { port } = await startHub()
      const client = await connectRawClient(port)
      await client.subscribe([filter, 0])
      // Live messages and retained ones find their way by different trees.
      const live = await publish(client, message(topic, 'live', true))
      expect(payloadsOf(live)).toEqual(isReached ? ['live'] : [])
      const again = await publish(client, subscribePacket(2, [[filter, 0]]))
      expect(payloadsOf(again)).toEqual(isReached ? ['live'] : [])
    },
  )

  test('does not merge what looks alike: U+FEFF and other forms of a letter count [MQTT-1.5.3-3] [MQTT-4.7.3-4]', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    await client.subscribe(['\uFEFFa', 0], ['\u00E9', 0])
    const packets = await publish(
      client,
      message('a'),
      message('\uFEFFa', 'bom'),
      message('e\u0301'),
      message('\u00E9', 'é'),
    )
    expect(payloadsOf(packets)).toEqual(['bom', 'é'])
  })

  test('may go up to limits.maxTopicLevels and limits.maxTopicBytes, which count in full up to their own maximum', async () => {
    const { log, port } = await startHub({ config: { limits: { maxTopicLevels: 100, maxTopicBytes: 2000 } } })
    const client = await join(port, 'c')
    const deep = Array.from({ length: 100 }, () => 'x').join('/')
    const long = 'x'.repeat(2000)
    expect((await client.subscribe([deep, 0], [long, 0])).codes).toEqual([0, 0])
    expect(payloadsOf(await publish(client, message(deep, 'deep'), message(long, 'long')))).toEqual(['deep', 'long'])
    client.send(subscribePacket(2, [[`${deep}/x`, 0]]))
    await client.untilClosed()
    await untilReason(log, /levels/)
    const other = await join(port, 'c')
    other.send(subscribePacket(2, [[`${long}x`, 0]]))
    await other.untilClosed()
    await untilReason(log, /at most 2000 bytes long \(limits.maxTopicBytes\), it is 2001/)
  })
})

describe('Retained messages', () => {
  test('are sent to each SUBSCRIBE with RETAIN 1, behind the SUBACK; live ones have RETAIN 0 [MQTT-3.3.1-6] [MQTT-3.3.1-8] [MQTT-3.3.1-9]', async () => {
    const { port } = await startHub()
    const publisher = await join(port, 'publisher')
    await publish(publisher, message('a/1', 'old', true), message('a/1', 'one', true), message('a/2', 'two', true))
    const client = await join(port, 'client')
    const first = await publish(client, subscribePacket(1, [['a/+', 1]]))
    expect(first[0]?.type).toBe('SUBACK')
    expect(summary(first)).toEqual(['a/1=one retain=1 qos=0', 'a/2=two retain=1 qos=0'])
    const again = await publish(client, subscribePacket(2, [['a/+', 1]]))
    expect(summary(again)).toEqual(summary(first))
    await publish(publisher, message('a/1', 'live', true))
    expect(summary(await client.restBeforePingresp())).toEqual(['a/1=live retain=0 qos=0'])
  })

  test('are sent at their own QoS, lowered to the granted one [MQTT-3.8.4-6]', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    for (const qos of [0, 1, 2]) {
      const packetId = 10 + qos
      client.send(publishPacket({ topic: `r/${qos}`, payload: 'x', qos, packetId, retain: true }))
      client.send(acknowledgePacket('PUBREL', packetId))
    }
    await client.restBeforePingresp()
    for (const granted of [0, 1, 2]) {
      const packets = await publish(client, subscribePacket(1, [['r/#', granted]]))
      expect(summary(packets)).toEqual([0, 1, 2].map((qos) => `r/${qos}=x retain=1 qos=${Math.min(qos, granted)}`))
      expect(packets.filter(isPublish).filter(({ dup }) => dup)).toEqual([])
    }
  })

  test('are sent for each filter of a SUBSCRIBE that matches them', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    await publish(client, message('a/b', 'x', true), message('c', 'y', true), message('d', 'z', true))
    const packets = await publish(
      client,
      subscribePacket(1, [
        ['a/b', 0],
        ['c', 0],
      ]),
    )
    expect(summary(packets)).toEqual(['a/b=x retain=1 qos=0', 'c=y retain=1 qos=0'])
  })

  test('are deleted by an empty payload, which is itself delivered and never retained [MQTT-3.3.1-10] [MQTT-3.3.1-11]', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    await client.subscribe(['t', 0])
    await publish(client, message('t', 'kept', true), message('other', 'stays', true))
    expect(summary(await publish(client, message('t', '', true)))).toEqual(['t= retain=0 qos=0'])
    const packets = await publish(client, subscribePacket(2, [['#', 0]]))
    expect(summary(packets)).toEqual(['other=stays retain=1 qos=0'])
  })

  test('stay when a message without RETAIN passes, and outlive the client who sent them [MQTT-3.3.1-12]', async () => {
    const { port } = await startHub()
    const publisher = await join(port, 'publisher')
    await publish(publisher, message('t', 'kept', true), message('t', 'passing'), message('t', ''))
    publisher.destroy()
    await publisher.untilClosed()
    const client = await join(port, 'client')
    expect(summary(await publish(client, subscribePacket(1, [['t', 0]])))).toEqual(['t=kept retain=1 qos=0'])
  })

  test('are replaced, not added to [MQTT-3.3.1-5]', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    const first = publishPacket({ topic: 't', payload: 'first', qos: 1, packetId: 1, retain: true })
    await publish(client, first, message('t', 'second', true))
    const packets = await publish(client, subscribePacket(1, [['t', 2]]))
    expect(summary(packets)).toEqual(['t=second retain=1 qos=0'])
  })

  test('keep to the in-flight window, and none is lost behind it', async () => {
    const { hub, port } = await startHub({ config: { limits: { maxInflightMessages: 3 } } })
    const client = await connectRawClient(port)
    for (let i = 0; i < 20; i++) await hub.publish(`r/${i}`, `${i}`, { qos: 1, retain: true })
    const seen: string[] = []
    let packets = await publish(client, subscribePacket(1, [['r/#', 1]]))
    while (packets.some(isPublish)) {
      const published = packets.filter(isPublish)
      expect(published.length).toBeLessThanOrEqual(3)
      seen.push(...payloadsOf(published))
      client.send(...published.map(({ packetId }) => acknowledgePacket('PUBACK', packetId)))
      packets = await client.restBeforePingresp()
    }
    expect(seen.toSorted()).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`).toSorted())
    expect(hub.ledger).toMatchObject({ matched: 20, delivered: 20, droppedTotal: 0 })
  })
})

describe('UNSUBSCRIBE', () => {
  test('ends what it names and nothing else, and is answered with its packet id [MQTT-3.10.4-1] [MQTT-3.10.4-4] [MQTT-3.10.4-6]', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    await client.subscribe(['a', 0], ['b', 0], ['c', 0], ['+', 0])
    client.send(unsubscribePacket(0x1234, ['a', '+', 'c']))
    const unsuback = await client.next('UNSUBACK')
    expect(unsuback).toMatchObject({ packetId: 0x1234, bytes: packet('UNSUBACK', 0, Buffer.from([0x12, 0x34])) })
    expect(payloadsOf(await publish(client, message('a', 'a'), message('b', 'b'), message('c', 'c')))).toEqual(['b'])
  })

  test('compares filters by their characters, not by what they match [MQTT-3.10.4-1]', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    await client.subscribe(['a/b', 0])
    client.send(unsubscribePacket(2, ['a/+', '#', 'A/b', 'a/b/']))
    await client.next('UNSUBACK')
    expect(payloadsOf(await publish(client, message('a/b', 'still')))).toEqual(['still'])
  })

  test('from what was never subscribed is answered all the same [MQTT-3.10.4-5]', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    client.send(unsubscribePacket(9, ['nothing', 'nothing']))
    expect(await client.next('UNSUBACK')).toMatchObject({ packetId: 9 })
  })

  test('holds from its answer on: pipelined messages before it are delivered, those behind it are not [MQTT-3.10.4-2]', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    await client.subscribe(['t', 0])
    const packets = await publish(client, message('t', 'before'), unsubscribePacket(2, ['t']), message('t', 'after'))
    expect(packets.map(({ type }) => type)).toEqual(['PUBLISH', 'UNSUBACK'])
    expect(payloadsOf(packets)).toEqual(['before'])
  })

  test('lets a QoS 1 message that was sent already be finished [MQTT-3.10.4-3]', async () => {
    const { hub, port } = await startHub({ config: { limits: { maxInflightMessages: 1 } } })
    const client = await connectRawClient(port)
    await client.subscribe(['t', 1])
    await hub.publish('t', 'sent', { qos: 1 })
    await hub.publish('t', 'queued', { qos: 1 })
    const sent = await client.next('PUBLISH')
    client.send(unsubscribePacket(2, ['t']))
    await client.next('UNSUBACK')
    client.send(acknowledgePacket('PUBACK', sent.packetId))
    expect(await takePayloads(client)).toEqual(['queued'])
    expect(hub.ledger.delivered).toBe(1)
  })
})
