import { describe, expect, test } from 'vitest'
import { uint16 } from '../support/bytes.ts'
import {
  acknowledgePacket,
  connectPacket,
  publishPacket,
  subscribePacket,
  unsubscribePacket,
} from '../support/packets.ts'
import { connectRawClient, openRawClient } from '../support/raw-client.ts'
import {
  expectLedgerBalanced,
  isPublish,
  join,
  leave,
  lose,
  message,
  payloadsOf,
  publish,
  takePayloads,
} from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

describe('PUBLISH', () => {
  test('carries any bytes, and none at all, to its subscribers unchanged', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    await client.subscribe(['#', 0])
    const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    const packets = await publish(
      client,
      publishPacket({ topic: 'Дом/🙂', payload: everyByte }),
      publishPacket({ topic: ' ', payload: '' }),
    )
    expect(packets).toMatchObject([
      { topic: 'Дом/🙂', payload: everyByte },
      { topic: ' ', payload: Buffer.alloc(0) },
    ])
  })

  test('carries its topic byte for byte, U+FEFF included [MQTT-1.5.3-3] [MQTT-3.3.2-1]', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    await client.subscribe(['#', 1])
    const topic = Buffer.from([0xef, 0xbb, 0xbf, 0x61])
    for (const qos of [0, 1]) {
      const first = (await publish(client, publishPacket({ topic, qos }))).find(isPublish)
      expect(first?.bytes.subarray(2, 8)).toEqual(Buffer.concat([uint16(4), topic]))
    }
  })

  test.each([1, 127, 128, 200, 8190, 16_383, 16_384, 40_000, 300_000])(
    'of %i bytes arrives whole at every QoS',
    async (bytes) => {
      const { port } = await startHub()
      const client = await connectRawClient(port)
      await client.subscribe(['t', 2])
      const payload = Buffer.alloc(bytes, 'abcdefg')
      for (const qos of [0, 1, 2]) {
        const packets = await publish(client, publishPacket({ topic: 't', payload, qos, packetId: qos + 1 }))
        expect(packets.filter(isPublish).map((one) => one.payload.equals(payload))).toEqual([true])
      }
    },
  )

  test('reaches nobody when nobody subscribed, and is acknowledged all the same', async () => {
    const { hub, port } = await startHub()
    const client = await connectRawClient(port)
    expect(await publish(client, publishPacket({ topic: 't', qos: 1, packetId: 77 }))).toMatchObject([
      { type: 'PUBACK', packetId: 77, flags: 0 },
    ])
    expect(hub.ledger).toMatchObject({ received: [0, 1, 0], matched: 0 })
  })

  test('to a topic of $SYS is acknowledged, counted and handed to nobody', async () => {
    const { hub, port } = await startHub({ config: { sysIntervalSeconds: 0 } })
    const client = await connectRawClient(port)
    await client.subscribe(['$SYS/#', 2])
    const packets = await publish(
      client,
      message('$SYS/a', 'x', true),
      message('$SYS/a', 'x'),
      message('$SYS/a', 'x'),
      publishPacket({ topic: '$SYS/a', qos: 1, packetId: 3 }),
    )
    expect(packets).toMatchObject([{ type: 'PUBACK', packetId: 3 }])
    expect(hub.ledger).toMatchObject({ refused: 4, matched: 0 })
  })
})

describe('QoS 1', () => {
  test('is acknowledged with its packet id, every time it comes, in the order it came [MQTT-4.3.2-2] [MQTT-4.6.0-2]', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    const ids = [5, 1, 65_535, 2, 5]
    const answers = await publish(client, ...ids.map((packetId) => publishPacket({ topic: 't', qos: 1, packetId })))
    expect(answers).toMatchObject(ids.map((packetId) => ({ type: 'PUBACK', packetId })))
  })

  test('is delivered again when it comes again with DUP, as a message of its own without DUP [MQTT-4.3.2-2] [MQTT-3.3.1-3]', async () => {
    const { port } = await startHub()
    const publisher = await join(port, 'publisher')
    const subscriber = await join(port, 'subscriber')
    await subscriber.subscribe(['t', 1])
    await publish(publisher, publishPacket({ topic: 't', qos: 1 }), publishPacket({ topic: 't', qos: 1, dup: true }))
    const packets = (await subscriber.restBeforePingresp()).filter(isPublish)
    expect(packets.map(({ dup }) => dup)).toEqual([false, false])
    expect(new Set(packets.map(({ packetId }) => packetId)).size).toBe(2)
  })

  test('is delivered with a packet id of the hub, and done with the PUBACK [MQTT-4.3.2-1] [MQTT-2.3.1-4]', async () => {
    const { hub, port } = await startHub()
    const client = await connectRawClient(port)
    await client.subscribe(['t', 1])
    await hub.publish('t', 'x', { qos: 1 })
    const { packetId } = await client.next('PUBLISH')
    expect(packetId).toBeGreaterThan(0)
    expect(hub.pendingMessages).toBe(1)
    expect(await publish(client, acknowledgePacket('PUBACK', packetId))).toEqual([])
    expect(hub.pendingMessages).toBe(0)
    expect(hub.ledger).toMatchObject({ matched: 1, delivered: 1 })
  })
})

describe('PUBLISH at QoS 0', () => {
  test('with DUP is counted and taken, retained too, and goes out without it [MQTT-3.3.1-2]', async () => {
    const { hub, port } = await startHub()
    const subscriber = await join(port, 'subscriber')
    await subscriber.subscribe(['t', 1])
    const publisher = await join(port, 'publisher')
    const live = publishPacket({ topic: 't', payload: 'live', dup: true })
    const kept = publishPacket({ topic: 't', payload: 'kept', dup: true, retain: true })
    expect(await publish(publisher, message('t', 'before'), live, kept, message('t', 'after'))).toEqual([])
    expect(await takePayloads(subscriber)).toEqual(['before', 'live', 'kept', 'after'])
    const late = await join(port, 'late')
    await late.subscribe(['t', 1])
    expect(await takePayloads(late)).toEqual(['kept'])
    expect(subscriber.received.filter(isPublish).every(({ dup }) => !dup)).toBe(true)
    expect(hub.ledger.tolerated['dup-at-qos-0']).toBe(2)
    expect(hub.pendingMessages).toBe(0)
  })
})

describe('A client of MQTT 3.1', () => {
  test('may send PUBREL, SUBSCRIBE and UNSUBSCRIBE again with DUP, and so finish QoS 2', async () => {
    const { hub, port } = await startHub()
    const client = await join(port, 'old', { protocolLevel: 3 })
    client.send(subscribePacket(1, [['t', 0]], undefined, 10))
    await client.next('SUBACK')
    const release = acknowledgePacket('PUBREL', 9, undefined, undefined, 10)
    const answers = await publish(client, publishPacket({ topic: 't', payload: 'x', qos: 2, packetId: 9 }), release)
    expect(answers.map(({ type }) => type).toSorted()).toEqual(['PUBCOMP', 'PUBLISH', 'PUBREC'])
    client.send(unsubscribePacket(2, ['t'], undefined, 10))
    await client.next('UNSUBACK')
    expect(hub.pendingMessages).toBe(0)
  })
})

describe('QoS 2', () => {
  test('from a client is delivered once however often it comes before its PUBREL [MQTT-4.3.3-2] [MQTT-2.3.1-3] [MQTT-2.3.1-6]', async () => {
    const { hub, port } = await startHub()
    const publisher = await join(port, 'publisher')
    const subscriber = await join(port, 'subscriber')
    await subscriber.subscribe(['t', 0])
    const first = publishPacket({ topic: 't', payload: 'one', qos: 2, packetId: 9 })
    const repeated = publishPacket({ topic: 't', payload: 'one', qos: 2, packetId: 9, dup: true })
    expect(await publish(publisher, first, repeated, repeated)).toMatchObject([
      { type: 'PUBREC', packetId: 9 },
      { type: 'PUBREC', packetId: 9 },
      { type: 'PUBREC', packetId: 9 },
    ])
    const release = acknowledgePacket('PUBREL', 9)
    expect(await publish(publisher, release, release)).toMatchObject([
      { type: 'PUBCOMP', packetId: 9 },
      { type: 'PUBCOMP', packetId: 9 },
    ])
    expect(await takePayloads(subscriber)).toEqual(['one'])
    expect(hub.ledger.received).toEqual([0, 0, 1])
    // The id is free again [MQTT-2.3.1-3], for another message and for one like the last.
    const second = publishPacket({ topic: 't', payload: 'two', qos: 2, packetId: 9 })
    await publish(publisher, second, release, second)
    expect(await takePayloads(subscriber)).toEqual(['two', 'two'])
  })

  test.each([false, true])(
    'with the identifier of one that is not finished, DUP %s, is another by its topic or payload: none is lost',
    async (dup) => {
      const { hub, log, port } = await startHub()
      const subscriber = await join(port, 'subscriber')
      await subscriber.subscribe(['#', 0])
      const publisher = await join(port, 'publisher')
      const contents = [
        { topic: 't', payload: 'one' },
        { topic: 't', payload: 'two' },
        { topic: 't', payload: '' },
        { topic: 'tt', payload: 'wo' },
        // Of the same bytes as the one before, divided otherwise.
        { topic: 'ttw', payload: 'o' },
      ]
      for (const content of contents) {
        const packet = { ...content, qos: 2, packetId: 9 } as const
        const [first, again] = await publish(
          publisher,
          publishPacket({ ...packet, dup }),
          publishPacket({ ...packet, dup: true }),
        )
        expect([first, again]).toMatchObject([{ type: 'PUBREC' }, { type: 'PUBREC' }])
      }
      expect(await takePayloads(subscriber)).toEqual(['one', 'two', '', 'wo', 'o'])
      const release = acknowledgePacket('PUBREL', 9)
      expect(await publish(publisher, release)).toMatchObject([{ type: 'PUBCOMP', packetId: 9 }])
      expect(hub.ledger.tolerated['packet-identifier-in-use']).toBe(4)
      const lines = log.lines.items.filter(({ text }) =>
        text.includes('packet identifier of an unfinished QoS 2 message'),
      )
      expect(lines.map(({ fields }) => fields)).toMatchObject([
        { clientId: 'publisher', packetId: 9, topic: 't' },
        { topic: 't' },
        { topic: 'tt' },
        { topic: 'ttw' },
      ])
    },
  )

  test('from a client is delivered once though its connection broke before the PUBREC came [MQTT-4.4.0-1]', async () => {
    const { log, port } = await startHub()
    const subscriber = await join(port, 'subscriber')
    await subscriber.subscribe(['t', 0])
    const first = await join(port, 'publisher', { isClean: false })
    await publish(first, publishPacket({ topic: 't', payload: 'one', qos: 2, packetId: 4 }))
    await lose(log, first)
    const second = await join(port, 'publisher', { isClean: false })
    await publish(second, publishPacket({ topic: 't', payload: 'one', qos: 2, packetId: 4, dup: true }))
    await publish(second, acknowledgePacket('PUBREL', 4))
    expect(await takePayloads(subscriber)).toEqual(['one'])
  })

  test('from a client with a clean session is new after a reconnect, whatever its packet id', async () => {
    const { log, port } = await startHub()
    const subscriber = await join(port, 'subscriber')
    await subscriber.subscribe(['t', 0])
    for (const payload of ['one', 'two']) {
      const publisher = await join(port, 'publisher')
      await publish(publisher, publishPacket({ topic: 't', payload, qos: 2, packetId: 4 }))
      await lose(log, publisher)
    }
    expect(await takePayloads(subscriber)).toEqual(['one', 'two'])
  })

  test.each([true, false])('to a client with a clean session %s takes four steps [MQTT-4.3.3-1]', async (isClean) => {
    const { hub, port } = await startHub()
    const client = await join(port, 'c', { isClean })
    await client.subscribe(['t', 2])
    await hub.publish('t', 'x', { qos: 2 })
    const { packetId } = await client.next('PUBLISH')
    const received = acknowledgePacket('PUBREC', packetId)
    expect(await publish(client, received)).toMatchObject([{ type: 'PUBREL', packetId, flags: 2 }])
    expect(await publish(client, received)).toMatchObject([{ type: 'PUBREL', packetId, flags: 2 }])
    expect(hub.ledger.delivered).toBe(0)
    const complete = acknowledgePacket('PUBCOMP', packetId)
    expect(await publish(client, complete, complete)).toEqual([])
    expect(hub.ledger).toMatchObject({ matched: 1, delivered: 1 })
    expect(hub.pendingMessages).toBe(0)
  })
})

describe('Order', () => {
  test('of a publisher, a topic and a QoS is kept, across chunks of any size [MQTT-4.6.0-5] [MQTT-4.6.0-6]', async () => {
    const { port } = await startHub({ config: { limits: { maxInflightMessages: 5 } } })
    const publishers = await Promise.all(['p0', 'p1', 'p2'].map(async (id) => join(port, id)))
    const subscriber = await join(port, 'subscriber')
    await subscriber.subscribe(['t/#', 2])
    for (let i = 0; i < 60; i++) {
      for (const [p, publisher] of publishers.entries()) {
        publisher.send(publishPacket({ topic: `t/${i % 2}`, payload: `${p} ${i}`, qos: p, packetId: i + 1 }))
        publisher.send(acknowledgePacket('PUBREL', i + 1))
      }
    }
    await Promise.all(publishers.map(async (publisher) => publisher.restBeforePingresp()))
    const got: { topic: string; qos: number; payload: string }[] = []
    while (got.length < 180) {
      const packet = await subscriber.next()
      if (packet.type === 'PUBREL') subscriber.send(acknowledgePacket('PUBCOMP', packet.packetId))
      if (packet.type !== 'PUBLISH') continue
      got.push({ topic: packet.topic, qos: packet.qos, payload: packet.payload.toString() })
      if (packet.qos > 0) subscriber.send(acknowledgePacket(packet.qos === 1 ? 'PUBACK' : 'PUBREC', packet.packetId))
    }
    for (const qos of [0, 1, 2]) {
      const payloads = got.filter((one) => one.qos === qos).map(({ payload }) => payload)
      expect(payloads).toEqual(Array.from({ length: 60 }, (_, i) => `${qos} ${i}`))
    }
  })

  test('of acknowledgements is that of their packets, of all kinds [MQTT-4.6.0-2] [MQTT-4.6.0-3]', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    const answers = await publish(
      client,
      publishPacket({ topic: 't', qos: 2, packetId: 1 }),
      publishPacket({ topic: 't', qos: 1, packetId: 2 }),
      acknowledgePacket('PUBREL', 1),
      subscribePacket(3, [['t', 0]]),
      publishPacket({ topic: 't', qos: 1, packetId: 4 }),
      unsubscribePacket(5, ['t']),
    )
    expect(answers.filter((packet) => !isPublish(packet)).map(({ type }) => type)).toEqual([
      'PUBREC',
      'PUBACK',
      'PUBCOMP',
      'SUBACK',
      'PUBACK',
      'UNSUBACK',
    ])
  })
})

describe('Ledger', () => {
  test('accounts for every message of a mixed load: matched is delivered, dropped and pending', async () => {
    const testHub = await startHub({ config: { limits: { maxInflightMessages: 4, maxQueuedMessages: 10 } } })
    const { hub, log, port } = testHub
    const away = await join(port, 'away', { isClean: false })
    await away.subscribe(['t/#', 2])
    await leave(away)
    const lost = await join(port, 'lost')
    await lost.subscribe(['t/#', 1])
    const slow = await join(port, 'slow')
    await slow.subscribe(['t/+', 2], ['t/1', 0])
    const fast = await join(port, 'fast')
    await fast.subscribe(['#', 0])
    const publisher = await join(port, 'publisher')
    for (let i = 0; i < 50; i++) {
      publisher.send(
        publishPacket({ topic: `t/${i % 5}`, payload: `${i}`, qos: i % 3, packetId: i + 1, retain: i % 7 === 0 }),
      )
      if (i === 20) publisher.send(acknowledgePacket('PUBREL', 3), acknowledgePacket('PUBREL', 6))
    }
    await publisher.restBeforePingresp()
    for (const packet of await slow.restBeforePingresp()) {
      if (isPublish(packet) && packet.qos === 1) slow.send(acknowledgePacket('PUBACK', packet.packetId))
      if (isPublish(packet) && packet.qos === 2) slow.send(acknowledgePacket('PUBREC', packet.packetId))
    }
    await slow.restBeforePingresp()
    await fast.restBeforePingresp()
    expectLedgerBalanced(testHub)
    expect(hub.ledger.matched).toBe(200)
    expect(hub.ledger.dropped['queue-full']).toBeGreaterThan(0)
    expect(hub.ledger.dropped.offline).toBe(17)
    await lose(log, lost)
    expect(hub.ledger.dropped['session-ended']).toBeGreaterThan(0)
    expectLedgerBalanced(testHub)
    const back = await openRawClient(port)
    back.send(connectPacket({ clientId: 'away', isClean: false }))
    const packets = await back.restBeforePingresp()
    expect(payloadsOf(packets)).toHaveLength(4)
    expectLedgerBalanced(testHub)
    await leave(slow)
    await leave(fast)
    expectLedgerBalanced(testHub)
  })
})
