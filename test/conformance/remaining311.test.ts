import { describe, expect, test } from 'vitest'
import { field, uint16 } from '../support/bytes.ts'
import {
  acknowledgePacket,
  connectPacket,
  packet,
  PINGREQ,
  publishPacket,
  subscribePacket,
  unsubscribePacket,
} from '../support/packets.ts'
import { openRawClient, openRawWebSocketClient } from '../support/raw-client.ts'
import { isPublish, join, leave, lose, message, publish, takeMessages, takePayloads } from '../support/steps.ts'
import { startHub, startHubWithHttp } from '../support/start-hub.ts'

/** Statements of MQTT 3.1.1 that no other test names; their numbers are those of that standard. */

describe('CONNECT of MQTT 3.1.1', () => {
  test('must have a client identifier, even an empty one, before anything else [MQTT-3.1.3-3]', async () => {
    const { port } = await startHub()
    const client = await openRawClient(port)
    client.send(packet('CONNECT', 0, Buffer.concat([field('MQTT'), Buffer.from([4, 2]), uint16(0)])))
    await client.untilClosed()
    expect(client.received).toEqual([])
  })

  test('is read in one order: client identifier, will topic, will message, user name, password [MQTT-3.1.3-1]', async () => {
    const { log, port } = await startHub()
    const watcher = await join(port, 'watcher')
    await watcher.subscribe(['#', 0])
    const will = { topic: 'topic', payload: 'message' }
    await lose(log, await join(port, 'c', { will, userName: 'name', password: 'password' }))
    expect(await watcher.next('PUBLISH')).toMatchObject({ topic: 'topic', payload: Buffer.from('message') })
  })

  test('that is accepted is answered with return code 0 and the processing of Clean Session [MQTT-3.1.4-3] [MQTT-3.1.4-4]', async () => {
    const { port } = await startHub()
    const kept = await join(port, 'c', { isClean: false })
    await kept.subscribe(['t', 1])
    await leave(kept)
    const clean = await openRawClient(port)
    expect(await clean.connect({ clientId: 'c' })).toMatchObject({ reasonCode: 0, isSessionPresent: false })
    await publish(await join(port, 'publisher'), message('t'))
    expect(await takePayloads(clean)).toEqual([])
  })

  test.each([
    ['for its identifier', { clientId: '', isClean: false }, 2],
    ['for its protocol level', { clientId: 'c', isClean: false, protocolLevel: 6 }, 1],
    ['as one too many', { clientId: 'c', isClean: false }, 3],
  ])(
    'that is refused %s has nothing behind it processed; the answer shows no session and ends the connection [MQTT-3.1.4-5] [MQTT-3.2.2-4] [MQTT-3.2.2-5] [MQTT-3.1.3-9]',
    async (_why, fields, returnCode) => {
      const { log, port } = await startHub({ config: { limits: { maxConnections: 2 } } })
      // Not `leave`: the hub has counted it out when it says that it is lost.
      await lose(log, await join(port, 'c', { isClean: false }))
      const watcher = await join(port, 'watcher')
      await watcher.subscribe(['t', 0])
      if (returnCode === 3) await join(port, 'another')
      const refused = await openRawClient(port)
      const acknowledged = publishPacket({ topic: 't', payload: 'must not pass', qos: 1 })
      refused.send(connectPacket(fields), message('t', 'must not pass'), acknowledged, subscribePacket(1, [['t', 0]]))
      // Its client fails on a session that is present in a refusal.
      expect(await refused.next('CONNACK')).toMatchObject({ reasonCode: returnCode, isSessionPresent: false })
      await refused.untilClosed()
      refused.expectNothingLeft()
      expect(await takePayloads(watcher)).toEqual([])
    },
  )

  test('that no return code fits is not answered: a malformed one [MQTT-3.2.2-6]', async () => {
    const { port } = await startHub()
    const client = await openRawClient(port)
    client.send(connectPacket({ clientId: 'c', connectFlags: 3 }))
    await client.untilClosed()
    expect(client.received).toEqual([])
  })

  test('that keeps a session is told that there was none, the first time [MQTT-3.2.2-3]', async () => {
    const { port } = await startHub()
    const client = await openRawClient(port)
    const connack = await client.connect({ clientId: 'c', isClean: false })
    expect(connack).toMatchObject({ reasonCode: 0, isSessionPresent: false })
  })

  test('without a will has none published [MQTT-3.1.2-12]', async () => {
    const { log, port } = await startHub()
    const watcher = await join(port, 'watcher')
    await watcher.subscribe(['#', 0])
    await lose(log, await join(port, 'c'))
    expect(await takePayloads(watcher)).toEqual([])
  })
})

test('A will is forgotten once it was published: the next connection leaves without one [MQTT-3.1.2-10]', async () => {
  const { log, port } = await startHub()
  const watcher = await join(port, 'watcher')
  await watcher.subscribe(['#', 0])
  await lose(log, await join(port, 'c', { isClean: false, will: { topic: 'will', payload: 'gone' } }))
  expect(await takePayloads(watcher)).toEqual(['gone'])
  await lose(log, await join(port, 'c', { isClean: false }))
  expect(await takePayloads(watcher)).toEqual([])
})

describe('A session of MQTT 3.1.1', () => {
  test('belongs to its client identifier and to no other [MQTT-3.1.3-2]', async () => {
    const { port } = await startHub()
    for (const clientId of ['a', 'b']) {
      const client = await join(port, clientId, { isClean: false })
      await client.subscribe([clientId, 1])
      await leave(client)
    }
    await publish(await join(port, 'publisher'), publishPacket({ topic: 'b', payload: 'x', qos: 1 }))
    expect(await takePayloads(await join(port, 'a', { isClean: false }))).toEqual([])
    expect(await takePayloads(await join(port, 'b', { isClean: false }))).toEqual(['x'])
  })

  test('holds its state for as long as it is connected and, kept, beyond that [MQTT-4.1.0-1] [MQTT-4.1.0-2]', async () => {
    const { log, port } = await startHub()
    const client = await join(port, 'c', { isClean: false })
    await client.subscribe(['t', 1])
    const publisher = await join(port, 'publisher')
    await publish(publisher, publishPacket({ topic: 't', payload: '1', qos: 1 }))
    expect(await takePayloads(client)).toEqual(['1'])
    await lose(log, client)
    expect(await takePayloads(await join(port, 'c', { isClean: false }))).toEqual(['1'])
  })

  test('whose identifier, filter or will begins with U+FEFF is not that without it [MQTT-1.5.3-3]', async () => {
    const { log, port } = await startHub()
    const marked = await join(port, '\uFEFFc')
    const plain = await join(port, 'c')
    await marked.subscribe(['\uFEFFt', 0])
    marked.send(unsubscribePacket(2, ['t']))
    await marked.next('UNSUBACK')
    await lose(log, await join(port, 'gone', { will: { topic: '\uFEFFt', payload: 'will' } }))
    await publish(plain, message('t', 'plain'), message('\uFEFFt', 'marked'))
    expect(await takePayloads(marked)).toEqual(['will', 'marked'])
  })

  test('does not take retained messages with it when it ends [MQTT-3.1.2-7]', async () => {
    const { port } = await startHub()
    const client = await join(port, 'c')
    await publish(client, message('t', 'kept', true))
    await leave(client)
    const reader = await join(port, 'reader')
    await reader.subscribe(['t', 0])
    expect(await takePayloads(reader)).toEqual(['kept'])
  })

  test('has every message added that its subscriptions match [MQTT-4.5.0-1]', async () => {
    const { port } = await startHub()
    const [here, away] = [await join(port, 'here'), await join(port, 'away', { isClean: false })]
    for (const client of [here, away]) await client.subscribe(['t/#', 1])
    await leave(away)
    await publish(await join(port, 'publisher'), publishPacket({ topic: 't/a', payload: 'x', qos: 1 }))
    expect(await takePayloads(here)).toEqual(['x'])
    expect(await takePayloads(await join(port, 'away', { isClean: false }))).toEqual(['x'])
  })
})

describe('PUBLISH of MQTT 3.1.1', () => {
  test('at QoS 0 has no packet identifier and no DUP, on its way in and out [MQTT-2.3.1-5] [MQTT-4.3.1-1]', async () => {
    const { port } = await startHub()
    const client = await join(port, 'c')
    await client.subscribe(['t', 2])
    client.send(message('t', 'x'))
    const got = await client.next('PUBLISH')
    expect(got).toMatchObject({ qos: 0, dup: false, payload: Buffer.from('x') })
    expect(got.bytes).toEqual(packet('PUBLISH', 0, Buffer.concat([field('t'), Buffer.from('x')])))
  })

  test('is answered as its QoS asks [MQTT-3.3.4-1]', async () => {
    const { port } = await startHub()
    const client = await join(port, 'c')
    const packets = [0, 1, 2].map((qos) => publishPacket({ topic: 't', qos, packetId: qos }))
    expect((await publish(client, ...packets)).map(({ type }) => type)).toEqual(['PUBACK', 'PUBREC'])
  })

  test('from the hub has a topic that the subscription matches [MQTT-3.3.2-3]', async () => {
    const { port } = await startHub()
    const client = await join(port, 'c')
    await client.subscribe(['a/+', 0])
    await publish(await join(port, 'publisher'), message('a/b'), message('b/a'), message('a/b/c'))
    const topics = (await client.restBeforePingresp()).filter(isPublish).map(({ topic }) => topic)
    expect(topics).toEqual(['a/b'])
  })

  test.each([
    [0, []],
    [1, ['PUBACK']],
    [2, ['PUBREC', 'PUBCOMP']],
  ])(
    'at QoS %i that its client may not publish is acknowledged and handed to nobody, now or later [MQTT-3.3.5-2]',
    async (qos, expected) => {
      const { port } = await startHub()
      const watcher = await join(port, 'watcher')
      await watcher.subscribe(['$SYS/mine', 0])
      const client = await join(port, 'c')
      const refused = publishPacket({ topic: '$SYS/mine', payload: 'x', qos, retain: true })
      const answers = await publish(client, refused, ...(qos === 2 ? [acknowledgePacket('PUBREL', 1)] : []))
      expect(answers.map(({ type }) => type)).toEqual(expected)
      expect(await takePayloads(watcher)).toEqual([])
      const late = await join(port, 'late')
      await late.subscribe(['$SYS/mine', 0])
      expect(await takePayloads(late)).toEqual([])
    },
  )

  test.each([1, 2])(
    'at QoS %i with a DUP of its sender goes on without one, to whoever is there, comes back or comes late [MQTT-3.3.1-3]',
    async (qos) => {
      const { port } = await startHub()
      const [here, away] = [await join(port, 'here'), await join(port, 'away', { isClean: false })]
      for (const client of [here, away]) await client.subscribe(['t', qos])
      await leave(away)
      const repeated = publishPacket({ topic: 't', payload: 'x', qos, dup: true, retain: true })
      await publish(await join(port, 'publisher'), repeated)
      expect(await takeMessages(here)).toMatchObject([{ qos, dup: false }])
      expect(await takeMessages(await join(port, 'away', { isClean: false }))).toMatchObject([{ qos, dup: false }])
      const late = await join(port, 'late')
      await late.subscribe(['t', qos])
      expect(await takeMessages(late)).toMatchObject([{ qos, dup: false, retain: true }])
    },
  )

  test.each([1, 2])(
    'at QoS %i with RETAIN goes without it to a subscription that is held, live, sent again and from a queue [MQTT-3.3.1-9]',
    async (qos) => {
      const { log, port } = await startHub()
      const publisher = await join(port, 'publisher')
      const first = await join(port, 'c', { isClean: false })
      await first.subscribe(['t', qos])
      const retained = { topic: 't', payload: 'x', qos, retain: true }
      await publish(publisher, publishPacket({ ...retained, packetId: 1 }))
      expect(await takeMessages(first)).toMatchObject([{ retain: false, dup: false }])
      await lose(log, first)
      await publish(publisher, publishPacket({ ...retained, packetId: 2 }))
      expect(await takeMessages(await join(port, 'c', { isClean: false }))).toMatchObject([
        { retain: false, dup: true },
        { retain: false, dup: false },
      ])
    },
  )

  test.each([0, 1, 2])(
    'at QoS %i with RETAIN and nothing in it removes what is retained, and is passed on and not kept [MQTT-3.3.1-10] [MQTT-3.3.1-11]',
    async (qos) => {
      const { port } = await startHub()
      const watcher = await join(port, 'watcher')
      await watcher.subscribe(['t', qos])
      const publisher = await join(port, 'publisher')
      const retained = { topic: 't', qos, retain: true }
      await publish(publisher, publishPacket({ ...retained, payload: 'x', packetId: 1 }))
      await publish(publisher, publishPacket({ ...retained, packetId: 2 }))
      expect(await takePayloads(watcher)).toEqual(['x', ''])
      const late = await join(port, 'late')
      await late.subscribe(['t', qos])
      expect(await takePayloads(late)).toEqual([])
    },
  )

  test('at QoS 0 with RETAIN replaces what was retained at another QoS [MQTT-3.3.1-7]', async () => {
    const { port } = await startHub()
    const client = await join(port, 'c')
    await publish(client, publishPacket({ topic: 't', payload: 'old', qos: 1, retain: true }))
    await publish(client, message('t', 'new', true))
    await client.subscribe(['t', 1])
    expect(await takePayloads(client)).toEqual(['new'])
  })
})

describe('SUBSCRIBE and UNSUBSCRIBE of MQTT 3.1.1', () => {
  test('are answered with their packet identifiers [MQTT-2.3.1-7]', async () => {
    const { port } = await startHub()
    const client = await join(port, 'c')
    client.send(subscribePacket(0xabcd, [['t', 0]]), unsubscribePacket(0x1234, ['t']))
    expect(await client.next('SUBACK')).toMatchObject({ packetId: 0xabcd })
    expect(await client.next('UNSUBACK')).toMatchObject({ packetId: 0x1234 })
  })

  test('of UNSUBSCRIBE let QoS 1 and 2 that were sent already be finished, also on the next connection [MQTT-3.10.4-3]', async () => {
    const { hub, log, port } = await startHub()
    const client = await join(port, 'c', { isClean: false })
    await client.subscribe(['t', 2])
    const publisher = await join(port, 'publisher')
    for (const qos of [1, 2]) await publish(publisher, publishPacket({ topic: 't', qos, packetId: qos }))
    const sent = await takeMessages(client)
    client.send(unsubscribePacket(1, ['t']))
    await client.next('UNSUBACK')
    await lose(log, client)
    const back = await join(port, 'c', { isClean: false })
    const again = await takeMessages(back)
    expect(again.map(({ packetId, qos }) => [packetId, qos])).toEqual(sent.map(({ packetId, qos }) => [packetId, qos]))
    for (const one of again) await back.finish(one)
    expect(await back.restBeforePingresp()).toEqual([])
    expect(hub.ledger).toMatchObject({ matched: 2, delivered: 2 })
  })

  test('may have wildcards, which the hub supports [MQTT-3.8.3-2]', async () => {
    const { port } = await startHub()
    const client = await join(port, 'c')
    expect((await client.subscribe(['a/#', 0], ['+/b', 1])).codes).toEqual([0, 1])
  })

  test.each(['', 'ab/+e', 'a/#/b', '#/', '$share//a'])(
    'of filter %j end the connection, either of them alike',
    async (filter) => {
      const { port } = await startHub()
      for (const bytes of [subscribePacket(1, [[filter, 0]]), unsubscribePacket(1, [filter])]) {
        const client = await join(port, 'c')
        client.send(bytes)
        await client.untilClosed()
        expect(client.received.map(({ type }) => type)).toEqual(['CONNACK'])
      }
    },
  )

  test('must have filters in UTF-8 [MQTT-3.8.3-1]', async () => {
    const { port } = await startHub()
    const client = await join(port, 'c')
    client.send(subscribePacket(1, [[Buffer.from([0x61, 0xc0, 0xaf]), 0]]))
    await client.untilClosed()
    expect(client.received.map(({ type }) => type)).toEqual(['CONNACK'])
  })
})

test('A remaining length may take more bytes than it needs in MQTT 3.1.1, which does not forbid it', async () => {
  const { port } = await startHub()
  const client = await join(port, 'c')
  client.send(Buffer.from([0xc0, 0x80, 0]))
  expect(await client.next()).toMatchObject({ type: 'PINGRESP' })
})

test('A protocol violation ends the connection that it came by, and no other [MQTT-4.8.0-1]', async () => {
  const { port } = await startHub()
  const bystander = await join(port, 'bystander')
  const client = await join(port, 'c')
  client.send(packet('SUBACK', 0, Buffer.from([0, 1, 0])))
  await client.untilClosed()
  expect(await bystander.restBeforePingresp()).toEqual([])
})

test('MQTT 3.1.1 packets may lie in WebSocket frames as they like, in parts or many in one [MQTT-6.0.0-2]', async () => {
  const { httpPort } = await startHubWithHttp()
  const client = await openRawWebSocketClient(httpPort)
  for (const byte of connectPacket({ clientId: 'c' })) client.send(Buffer.from([byte]))
  expect(await client.next('CONNACK')).toMatchObject({ reasonCode: 0 })
  client.send(PINGREQ, publishPacket({ topic: 't', qos: 2 }), acknowledgePacket('PUBREL', 1))
  const types = [await client.next(), await client.next(), await client.next()].map(({ type }) => type)
  expect(types.toSorted()).toEqual(['PINGRESP', 'PUBCOMP', 'PUBREC'])
})
