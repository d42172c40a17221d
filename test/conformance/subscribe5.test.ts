import { describe, expect, test } from 'vitest'
import { endingOf, join5, KEPT, message5, NOT_UTF8, publishAcknowledged, SURROGATE, WITH_NUL } from './steps5.ts'
import {
  acknowledgePacket,
  NO_LOCAL,
  publishPacket,
  RETAIN_AS_PUBLISHED,
  RETAINED_IF_NEW,
  RETAINED_NEVER,
  subscribePacket,
} from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import { valuesOf } from '../support/received-packet.ts'
import { isPublish, leave, lose, publish, takeMessages, takePayloads } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

const MALFORMED = 0x81
const PROTOCOL_ERROR = 0x82

describe('SUBSCRIBE', () => {
  const faults: readonly (readonly [what: string, bytes: Buffer, codes: readonly number[]])[] = [
    ['with reserved flags [MQTT-3.8.1-1]', subscribePacket(1, [['t', 0]], [], 0), [MALFORMED]],
    ['with a filter that is not UTF-8 [MQTT-3.8.3-1]', subscribePacket(1, [[NOT_UTF8, 0]], []), [MALFORMED, 0x8f]],
    ['with a surrogate in a filter [MQTT-1.5.4-1]', subscribePacket(1, [[SURROGATE, 0]], []), [MALFORMED, 0x8f]],
    ['with U+0000 in a filter [MQTT-4.7.3-2]', subscribePacket(1, [[WITH_NUL, 0]], []), [MALFORMED, 0x8f]],
    ['without a filter [MQTT-3.8.3-2]', subscribePacket(1, [], []), [PROTOCOL_ERROR]],
    ['with an empty filter [MQTT-4.7.3-1]', subscribePacket(1, [['', 0]], []), [MALFORMED, PROTOCOL_ERROR, 0x8f]],
    ['with packet identifier 0', subscribePacket(0, [['t', 0]], []), [MALFORMED, PROTOCOL_ERROR]],
    ['with QoS 3', subscribePacket(1, [['t', 3]], []), [MALFORMED, PROTOCOL_ERROR]],
    ['with Retain Handling 3', subscribePacket(1, [['t', 0x30]], []), [PROTOCOL_ERROR]],
    ['with bit 6 of the options [MQTT-3.8.3-5]', subscribePacket(1, [['t', 0x40]], []), [MALFORMED]],
    ['with bit 7 of the options [MQTT-3.8.3-5]', subscribePacket(1, [['t', 0x80]], []), [MALFORMED]],
    ['to "a/#/b" [MQTT-4.7.1-1]', subscribePacket(1, [['a/#/b', 0]], []), [MALFORMED]],
    ['to "a#" [MQTT-4.7.1-1]', subscribePacket(1, [['a#', 0]], []), [MALFORMED]],
    ['to "a+/b" [MQTT-4.7.1-2]', subscribePacket(1, [['a+/b', 0]], []), [MALFORMED]],
    ['to "a/+b" [MQTT-4.7.1-2]', subscribePacket(1, [['a/+b', 0]], []), [MALFORMED]],
    [
      'with Subscription Identifier 0',
      subscribePacket(1, [['t', 0]], [[Id.SUBSCRIPTION_IDENTIFIER, 0]]),
      [PROTOCOL_ERROR],
    ],
  ]
  test.each(faults)('%s ends the client with its reason code [MQTT-4.13.1-1]', async (_what, bytes, codes) => {
    const { port } = await startHub()
    expect(codes).toContain(await endingOf(port, bytes))
  })

  test('is answered with its packet identifier [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-2.2.1-6]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    client.send(subscribePacket(0xfffe, [['t', 0]], []))
    expect(await client.next('SUBACK')).toMatchObject({ packetId: 0xfffe, codes: [0] })
  })

  test('is answered with a code for each filter, in their order: the QoS granted or why not [MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1] [MQTT-3.9.3-2]', async () => {
    const { port } = await startHub({ config: { limits: { maxTopicLevels: 3, maxTopicBytes: 10 } } })
    const client = await join5(port, 'c')
    const suback = await client.subscribe(['b', 2], ['a/b/c/d', 1], ['a', 0], ['x'.repeat(11), 1], ['c', 1])
    expect(suback.codes).toEqual([2, 0x8f, 0, 0x8f, 1])
    const publisher = await join5(port, 'publisher')
    await publish(publisher, message5('a', '1'), message5('b', '2'), message5('c', '3'))
    expect(await takePayloads(client)).toEqual(['1', '2', '3'])
  })

  test('to more than limits.maxSubscriptionsPerClient gets 0x97 for what is too many [MQTT-3.9.3-2]', async () => {
    const { port } = await startHub({ config: { limits: { maxSubscriptionsPerClient: 2 } } })
    const client = await join5(port, 'c')
    expect((await client.subscribe(['a', 0], ['b', 0], ['c', 0], ['a', 1])).codes).toEqual([0, 0, 0x97, 1])
  })

  test('to a filter that is held replaces all of it: QoS, options and identifier [MQTT-3.8.4-3]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    await client.subscribeWith([[Id.SUBSCRIPTION_IDENTIFIER, 1]], ['t', 2 | NO_LOCAL])
    await client.subscribe(['t', 0])
    client.send(message5('t', 'my own'))
    const got = await client.next('PUBLISH')
    expect(got.qos).toBe(0)
    expect(valuesOf(got, Id.SUBSCRIPTION_IDENTIFIER)).toEqual([])
    expect(await client.restBeforePingresp()).toEqual([])
  })

  test.each([0, 1, 2])(
    'to a filter that is held sends the retained messages again, and loses and doubles no other at QoS %i [MQTT-3.8.4-4]',
    async (qos) => {
      const { port } = await startHub()
      const publisher = await join5(port, 'publisher')
      await publish(publisher, publishPacket({ topic: 'retained', payload: 'r', retain: true, properties: [] }))
      const client = await join5(port, 'c')
      await client.subscribe(['#', qos])
      await takeMessages(client)
      const live: string[] = []
      for (let i = 0; i < 20; i++) {
        publisher.send(publishPacket({ topic: 'live', payload: `${i}`, qos, packetId: i + 1, properties: [] }))
        client.send(subscribePacket(7, [['#', qos]], []))
        live.push(`${i}`)
      }
      await publisher.restBeforePingresp()
      const packets = await client.restBeforePingresp()
      const payloads = packets.flatMap((packet) => (packet.type === 'PUBLISH' ? [packet.payload.toString()] : []))
      expect(payloads.filter((payload) => payload !== 'r')).toEqual(live)
      expect(payloads.filter((payload) => payload === 'r')).toHaveLength(20)
    },
  )

  test.each([
    [0, [0, 0, 0]],
    [1, [0, 1, 1]],
    [2, [0, 1, 2]],
  ])('at QoS %i lowers messages of a higher QoS and raises none [MQTT-3.8.4-8]', async (granted, expected) => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    expect((await client.subscribe(['t', granted])).codes).toEqual([granted])
    const publisher = await join5(port, 'publisher')
    const packets = [0, 1, 2].map((qos) => publishPacket({ topic: 't', qos, packetId: qos, properties: [] }))
    await publish(publisher, ...packets)
    expect((await takeMessages(client)).map(({ qos }) => qos)).toEqual(expected)
  })

  test('matches as the standard has it, with "$" kept from wildcards and no letter changed [MQTT-4.7.2-1] [MQTT-4.7.3-4]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    await client.subscribe(['#', 0], ['+/x', 0], ['e\u0301', 0])
    const publisher = await join5(port, 'publisher')
    await publish(publisher, message5('$own/x', 'no'), message5('own/x', 'yes'), message5('é', 'by # only'))
    expect(await takePayloads(client)).toEqual(['yes', 'by # only'])
    await client.subscribe(['$own/#', 0])
    await publish(publisher, message5('$own/x', 'named'))
    expect(await takePayloads(client)).toEqual(['named'])
  })

  test.each(['#', '+/x', '$share/group/#', '$share/group/+/x'])(
    'to %s does not reach topics that begin with "$", live or retained [MQTT-4.7.2-1]',
    async (filter) => {
      const { port } = await startHub()
      const client = await join5(port, 'c')
      const publisher = await join5(port, 'publisher')
      await publish(publisher, publishPacket({ topic: '$own/x', payload: 'kept', retain: true, properties: [] }))
      await client.subscribe([filter, 0])
      // The hub looks for the subscribers of a topic that it has not seen, and keeps them for one that it has.
      await publish(publisher, message5('$own/x', 'live'), message5('$new/x', 'new'), message5('own/x', 'matches'))
      expect(await takePayloads(client)).toEqual(['matches'])
    },
  )

  test('to a topic of 65,535 bytes is served where the configuration allows it [MQTT-4.7.3-3]', async () => {
    const { port } = await startHub({ config: { limits: { maxTopicBytes: 65_535 } } })
    const client = await join5(port, 'c')
    const topic = 'x'.repeat(65_535)
    expect((await client.subscribe([topic, 0])).codes).toEqual([0])
    client.send(message5(topic, 'found'))
    expect((await client.next('PUBLISH')).topic).toBe(topic)
  })
})

describe('No Local', () => {
  test('keeps from a client what it published itself, and nothing else [MQTT-3.8.3-3]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    await client.subscribe(['t', 1 | NO_LOCAL], ['u', 1])
    const other = await join5(port, 'other')
    await publish(other, message5('t', 'of another'))
    client.send(message5('t', 'my own'), message5('u', 'my own, elsewhere'))
    expect(await takePayloads(client)).toEqual(['of another', 'my own, elsewhere'])
  })

  test('goes by the client identifier, not by the connection [MQTT-3.8.3-3]', async () => {
    const { port } = await startHub()
    const first = await join5(port, 'c', KEPT)
    await first.subscribe(['t', 1 | NO_LOCAL])
    await leave(first)
    const second = await join5(port, 'c', KEPT)
    await publishAcknowledged(second, 't', 'my own')
    expect(await takePayloads(second)).toEqual([])
  })

  test('keeps its will from a client that comes back [MQTT-3.8.3-3]', async () => {
    const { log, port } = await startHub()
    const will = { topic: 't', payload: 'my own', qos: 1 }
    const first = await join5(port, 'c', { ...KEPT, will })
    await first.subscribe(['t', 1 | NO_LOCAL])
    const watcher = await join5(port, 'watcher')
    await watcher.subscribe(['t', 0])
    await lose(log, first)
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('my own')
    expect(await takePayloads(await join5(port, 'c', KEPT))).toEqual([])
  })

  test('of one subscription does not keep it from another that overlaps, at the QoS of that one [MQTT-3.8.3-3]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    await client.subscribeWith([[Id.SUBSCRIPTION_IDENTIFIER, 1]], ['t', 2 | NO_LOCAL])
    await client.subscribeWith([[Id.SUBSCRIPTION_IDENTIFIER, 2]], ['#', 0])
    client.send(publishPacket({ topic: 't', qos: 2, properties: [] }))
    const mine = (await client.restBeforePingresp()).find(isPublish)
    expect(mine).toMatchObject({ qos: 0, properties: [[Id.SUBSCRIPTION_IDENTIFIER, 2]] })
    await publish(await join5(port, 'other'), publishPacket({ topic: 't', qos: 2, properties: [] }))
    const [theirs] = await takeMessages(client)
    expect(theirs?.qos).toBe(2)
    expect(valuesOf(theirs ?? { properties: [] }, Id.SUBSCRIPTION_IDENTIFIER)).toHaveLength(2)
  })
})

/** A message to `t` with RETAIN and one without. */
function retainedAndNot(qos: number, firstId = 1): Buffer[] {
  return [true, false].map((retain, i) =>
    publishPacket({ topic: 't', payload: 'x', qos, retain, packetId: firstId + i, properties: [] }),
  )
}

describe('Retained messages', () => {
  test('are the last of each topic, with their QoS; others stay out [MQTT-3.3.1-5] [MQTT-3.3.1-8]', async () => {
    const { port } = await startHub()
    const publisher = await join5(port, 'publisher')
    await publish(
      publisher,
      publishPacket({ topic: 't', payload: 'old', retain: true, properties: [] }),
      publishPacket({ topic: 't', payload: 'new', retain: true, qos: 1, properties: [] }),
      publishPacket({ topic: 't', payload: 'passing', properties: [] }),
      publishPacket({ topic: 'u', payload: 'passing too', properties: [] }),
    )
    const client = await join5(port, 'c')
    await client.subscribe(['#', 2])
    expect(await takeMessages(client)).toMatchObject([
      { topic: 't', payload: Buffer.from('new'), qos: 1, retain: true },
    ])
  })

  test.each([0, 1, 2])(
    'are removed by an empty one at QoS %i, which is passed on and not kept [MQTT-3.3.1-6] [MQTT-3.3.1-7]',
    async (qos) => {
      const { port } = await startHub()
      const watcher = await join5(port, 'watcher')
      await watcher.subscribe(['t', 0])
      const publisher = await join5(port, 'publisher')
      const retained = { topic: 't', qos, retain: true, properties: [] }
      await publish(publisher, publishPacket({ ...retained, payload: 'x', packetId: 1 }))
      // Whether it is empty, its payload says, not its properties.
      const properties = [[Id.USER_PROPERTY, ['a', 'b']]] as const
      await publish(publisher, publishPacket({ ...retained, properties, packetId: 2 }))
      expect(await takePayloads(watcher)).toEqual(['x', ''])
      const client = await join5(port, 'c')
      await client.subscribe(['t', 0])
      expect(await takeMessages(client)).toEqual([])
    },
  )

  test('are not sent by Retain Handling 1 to a subscription of a session that is resumed [MQTT-3.3.1-10]', async () => {
    const { port } = await startHub()
    const first = await join5(port, 'c', KEPT)
    await first.subscribe(['t', 1])
    await leave(first)
    await publish(
      await join5(port, 'publisher'),
      publishPacket({ topic: 't', payload: 'x', retain: true, properties: [] }),
    )
    const second = await join5(port, 'c', KEPT)
    await second.subscribe(['t', 1 | RETAINED_IF_NEW])
    expect(await takePayloads(second)).toEqual([])
    await leave(second)
    const fresh = await join5(port, 'c', { ...KEPT, isClean: true })
    await fresh.subscribe(['t', 1 | RETAINED_IF_NEW])
    expect(await takePayloads(fresh)).toEqual(['x'])
  })

  test.each([
    ['0: to each SUBSCRIBE [MQTT-3.3.1-9]', 0, ['kept'], ['kept']],
    ['1: to a subscription that is new [MQTT-3.3.1-10]', RETAINED_IF_NEW, ['kept'], []],
    ['2: never [MQTT-3.3.1-11]', RETAINED_NEVER, [], []],
  ])('are sent by Retain Handling %s', async (_what, handling, first, second) => {
    const { port } = await startHub()
    await publish(
      await join5(port, 'publisher'),
      publishPacket({ topic: 't', payload: 'kept', retain: true, properties: [] }),
    )
    const client = await join5(port, 'c')
    await client.subscribe(['t', 1 | handling])
    expect(await takePayloads(client)).toEqual(first)
    await client.subscribe(['t', 0 | handling])
    expect(await takePayloads(client)).toEqual(second)
    await client.subscribe(['+', 0 | handling])
    expect(await takePayloads(client)).toEqual(first)
  })

  test.each([0, 1, 2])(
    'published at QoS %i to a subscription that is held keep RETAIN where it asks for that, else lose it [MQTT-3.3.1-12] [MQTT-3.3.1-13]',
    async (qos) => {
      const { port } = await startHub()
      const plain = await join5(port, 'plain')
      await plain.subscribe(['t', qos])
      const asPublished = await join5(port, 'as published')
      await asPublished.subscribe(['t', qos | RETAIN_AS_PUBLISHED])
      await publish(await join5(port, 'publisher'), ...retainedAndNot(qos))
      expect((await takeMessages(plain)).map(({ retain }) => retain)).toEqual([false, false])
      expect((await takeMessages(asPublished)).map(({ retain }) => retain)).toEqual([true, false])
    },
  )

  test.each([1, 2])(
    'that wait or are sent again at QoS %i do so with RETAIN as the subscription had asked [MQTT-3.3.1-12] [MQTT-3.3.1-13]',
    async (qos) => {
      const { log, port } = await startHub()
      const publisher = await join5(port, 'publisher')
      const flagsFor = async (options: number): Promise<boolean[]> => {
        const first = await join5(port, 'c', KEPT)
        await first.subscribe(['t', options | RETAINED_NEVER])
        await publish(publisher, ...retainedAndNot(qos))
        expect(await takeMessages(first)).toHaveLength(2)
        await lose(log, first)
        await publish(publisher, ...retainedAndNot(qos, 3))
        const second = await join5(port, 'c', KEPT)
        const messages = await takeMessages(second)
        expect(messages.map(({ dup }) => dup)).toEqual([true, true, false, false])
        await leave(second)
        await leave(await join5(port, 'c'))
        await publish(publisher, ...[1, 2, 3, 4].map((packetId) => acknowledgePacket('PUBREL', packetId)))
        return messages.map(({ retain }) => retain)
      }
      expect(await flagsFor(qos)).toEqual([false, false, false, false])
      expect(await flagsFor(qos | RETAIN_AS_PUBLISHED)).toEqual([true, false, true, false])
    },
  )
})
