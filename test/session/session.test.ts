import { describe, expect, test } from 'vitest'
import {
  acknowledgePacket,
  connectPacket,
  PINGREQ,
  publishPacket,
  subscribePacket,
  unsubscribePacket,
} from '../support/packets.ts'
import { connectRawClient, openRawClient, type RawClient } from '../support/raw-client.ts'
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

const KEPT = { isClean: false } as const

/** Connects and gives what comes up to the first PINGRESP, CONNACK first. */
async function resume(port: number, clientId: string): Promise<RawClient> {
  const client = await openRawClient(port)
  client.send(connectPacket({ clientId, ...KEPT }))
  expect(await client.next('CONNACK')).toMatchObject({ reasonCode: 0, isSessionPresent: true })
  return client
}

/** Leaves a kept session behind that is subscribed to `t` and not connected. */
async function leaveKept(port: number, qos: number): Promise<void> {
  const client = await join(port, 'kept', KEPT)
  await client.subscribe(['t', qos])
  await leave(client)
}

function longPayload(i: number): string {
  return `${i} `.padEnd(200_000, 'x')
}

describe('A kept session', () => {
  test('keeps its subscriptions and what comes at QoS 1 and 2 while its client is away, in order [MQTT-3.1.2-4] [MQTT-3.1.2-5]', async () => {
    const testHub = await startHub()
    const { hub, port } = testHub
    await leaveKept(port, 2)
    for (let i = 0; i < 6; i++) await hub.publish('t', `${i}`, { qos: i % 2 === 0 ? 1 : 2 })
    await hub.publish('t', 'not kept', { qos: 0 })
    expect(hub.ledger.dropped.offline).toBe(1)
    expect(hub.pendingMessages).toBe(6)
    const client = await resume(port, 'kept')
    const packets = (await client.restBeforePingresp()).filter(isPublish)
    expect(packets.map(({ payload, qos, dup, retain }) => [payload.toString(), qos, dup, retain])).toEqual(
      Array.from({ length: 6 }, (_, i) => [`${i}`, i % 2 === 0 ? 1 : 2, false, false]),
    )
    await hub.publish('t', 'live', { qos: 0 })
    expect(await takePayloads(client)).toEqual(['live'])
    expectLedgerBalanced(testHub)
  })

  test('forgets a subscription that was ended, across a reconnect', async () => {
    const { hub, port } = await startHub()
    const client = await join(port, 'kept', KEPT)
    await client.subscribe(['a', 1], ['b', 1])
    client.send(unsubscribePacket(2, ['a']))
    await client.next('UNSUBACK')
    await leave(client)
    await hub.publish('a', 'a', { qos: 1 })
    await hub.publish('b', 'b', { qos: 1 })
    expect(await takePayloads(await resume(port, 'kept'))).toEqual(['b'])
  })

  test('has its CONNACK as the first packet, also when messages flow in meanwhile [MQTT-3.2.0-1]', async () => {
    const { hub, log, port } = await startHub()
    const older = await join(port, 'kept', KEPT)
    await older.subscribe(['t', 1])
    // The older connection ends inside of the newer one's CONNECT: from there on a message comes between any two steps that are
    // not one turn.
    let published = 0
    log.lines.onPush(({ fields }) => {
      if (fields['reason'] !== 'another connection took over the client identifier') return
      const publishNext = (): void => {
        void hub.publish('t', `${published}`, { qos: published % 2 === 0 ? 0 : 1 })
        if (++published < 100) process.nextTick(publishNext)
      }
      publishNext()
    })
    const newer = await openRawClient(port)
    newer.send(connectPacket({ clientId: 'kept', ...KEPT }))
    expect(await newer.next()).toMatchObject({ type: 'CONNACK', isSessionPresent: true })
    const packets = (await newer.restBeforePingresp()).filter(isPublish)
    const kept = Array.from({ length: 50 }, (_, i) => `${2 * i + 1}`)
    expect(payloadsOf(packets.filter(({ qos }) => qos === 1))).toEqual(kept)
    // Only the message that comes while the session changes hands finds it without a connection.
    expect(hub.ledger.dropped.offline).toBe(1)
  })

  test('sends what was not acknowledged again, with DUP, the same packet id and in order, before anything new [MQTT-2.3.1-4] [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT-3.3.1-1]', async () => {
    const testHub = await startHub()
    const { hub, log, port } = testHub
    const client = await join(port, 'kept', KEPT)
    await client.subscribe(['t', 2])
    for (let i = 0; i < 4; i++) await hub.publish('t', `${i}`, { qos: i === 2 ? 2 : 1 })
    const sent = (await client.restBeforePingresp()).filter(isPublish)
    expect(sent.map(({ dup }) => dup)).toEqual([false, false, false, false])
    await publish(client, acknowledgePacket('PUBACK', sent[1]?.packetId ?? 0))
    await lose(log, client)
    await hub.publish('t', 'new', { qos: 1 })
    const back = await resume(port, 'kept')
    const again = (await back.restBeforePingresp()).filter(isPublish)
    expect(again.map(({ payload, packetId, dup }) => [payload.toString(), packetId, dup])).toEqual([
      ['0', sent[0]?.packetId, true],
      ['2', sent[2]?.packetId, true],
      ['3', sent[3]?.packetId, true],
      ['new', again[3]?.packetId, false],
    ])
    expect(sent.map(({ packetId }) => packetId)).not.toContain(again[3]?.packetId)
    expectLedgerBalanced(testHub)
  })

  test('sends PUBREL again, and never the message, when the PUBREC had come [MQTT-4.3.3-1] [MQTT-4.4.0-1]', async () => {
    const { hub, log, port } = await startHub()
    const client = await join(port, 'kept', KEPT)
    await client.subscribe(['t', 2])
    await hub.publish('t', 'one', { qos: 2 })
    await hub.publish('t', 'two', { qos: 2 })
    const one = await client.next('PUBLISH')
    const two = await client.next('PUBLISH')
    await publish(client, acknowledgePacket('PUBREC', one.packetId))
    await lose(log, client)
    const back = await resume(port, 'kept')
    expect(await back.restBeforePingresp()).toMatchObject([
      { type: 'PUBREL', packetId: one.packetId, flags: 2 },
      { type: 'PUBLISH', packetId: two.packetId, dup: true },
    ])
    await publish(back, acknowledgePacket('PUBCOMP', one.packetId), acknowledgePacket('PUBREC', two.packetId))
    await publish(back, acknowledgePacket('PUBCOMP', two.packetId))
    expect(hub.ledger.delivered).toBe(2)
    await lose(log, back)
    expect(await (await resume(port, 'kept')).restBeforePingresp()).toEqual([])
  })

  test('sends nothing again while the connection lasts [MQTT-4.4.0-1]', async () => {
    const { hub, port } = await startHub()
    const client = await join(port, 'kept', KEPT)
    await client.subscribe(['t', 1])
    await hub.publish('t', 'once', { qos: 1 })
    expect(await takePayloads(client)).toEqual(['once'])
    await hub.publish('t', 'other', { qos: 0 })
    expect(await takePayloads(client)).toEqual(['other'])
  })

  test('takes acknowledgements of an earlier connection that come late', async () => {
    const { hub, log, port } = await startHub()
    const client = await join(port, 'kept', KEPT)
    await client.subscribe(['t', 1])
    await hub.publish('t', 'one', { qos: 1 })
    const { packetId } = await client.next('PUBLISH')
    await lose(log, client)
    const back = await openRawClient(port)
    back.send(connectPacket({ clientId: 'kept', ...KEPT }), acknowledgePacket('PUBACK', packetId), PINGREQ)
    await back.next('CONNACK')
    await back.restBeforePingresp()
    expect(hub.ledger).toMatchObject({ delivered: 1 })
    expect(hub.pendingMessages).toBe(0)
  })

  test('sends a retained message again as a retained one after a reconnect [MQTT-3.3.1-8]', async () => {
    const { hub, log, port } = await startHub()
    await hub.publish('t', 'kept', { qos: 1, retain: true })
    const client = await join(port, 'kept', KEPT)
    await client.subscribe(['t', 1])
    expect(await client.next('PUBLISH')).toMatchObject({ retain: true, dup: false })
    await lose(log, client)
    const back = await resume(port, 'kept')
    expect(await back.next('PUBLISH')).toMatchObject({ retain: true, dup: true, payload: Buffer.from('kept') })
  })

  test('goes with a client to its newer connection, with all that is in flight [MQTT-3.1.4-2]', async () => {
    const { hub, port } = await startHub()
    const older = await join(port, 'kept', KEPT)
    await older.subscribe(['t', 1])
    await hub.publish('t', 'one', { qos: 1 })
    const { packetId } = await older.next('PUBLISH')
    const newer = await resume(port, 'kept')
    expect(await newer.next('PUBLISH')).toMatchObject({ packetId, dup: true, payload: Buffer.from('one') })
    await older.untilClosed()
    expect(older.received.filter(isPublish)).toHaveLength(1)
  })

  test('is the same for MQTT 3.1 and 3.1.1', async () => {
    const { hub, port } = await startHub()
    const client = await join(port, 'kept', { ...KEPT, protocolLevel: 3 })
    await client.subscribe(['t', 1])
    await leave(client)
    await hub.publish('t', 'one', { qos: 1 })
    expect(await takePayloads(await resume(port, 'kept'))).toEqual(['one'])
  })

  test('ends when its client connects with a clean session; what it held is counted [MQTT-3.1.2-6]', async () => {
    const testHub = await startHub()
    const { hub, port } = testHub
    await leaveKept(port, 1)
    await hub.publish('t', 'one', { qos: 1 })
    await hub.publish('t', 'two', { qos: 1 })
    const clean = await join(port, 'kept')
    expect(await clean.restBeforePingresp()).toEqual([])
    expect(hub.ledger.dropped['session-ended']).toBe(2)
    expectLedgerBalanced(testHub)
  })
})

describe('A clean session', () => {
  test('ends with its connection, subscriptions and all [MQTT-3.1.2-6]', async () => {
    const testHub = await startHub()
    const { hub, port } = testHub
    const client = await join(port, 'c')
    await client.subscribe(['t', 1])
    await hub.publish('t', 'unfinished', { qos: 1 })
    await client.next('PUBLISH')
    await leave(client)
    expect(hub.ledger.dropped['session-ended']).toBe(1)
    expect(await hub.publish('t', 'for nobody', { qos: 1 })).toEqual({ matched: 0 })
    const back = await openRawClient(port)
    expect(await back.connect({ clientId: 'c', isClean: false })).toMatchObject({ isSessionPresent: false })
    expect(await back.restBeforePingresp()).toEqual([])
    expectLedgerBalanced(testHub)
  })

  test('is never resumed by a connection that takes over to keep one [MQTT-3.1.2-6]', async () => {
    const testHub = await startHub()
    const { hub, port } = testHub
    const older = await join(port, 'c')
    await older.subscribe(['t', 1])
    const newer = await openRawClient(port)
    expect(await newer.connect({ clientId: 'c', isClean: false })).toMatchObject({ isSessionPresent: false })
    expect(await hub.publish('t', 'for nobody')).toEqual({ matched: 0 })
  })
})

describe('A takeover', () => {
  test('counts what the older connection has not taken as lost, once', async () => {
    const testHub = await startHub()
    const { hub, port } = testHub
    const older = await join(port, 'kept', KEPT)
    await older.subscribe(['t', 0])
    older.pause()
    // More than the buffers of both ends of a connection hold.
    for (let i = 0; i < 100 && hub.ledger.dropped['output-full'] === 0; i++) {
      await hub.publish('t', Buffer.alloc(500_000))
      await new Promise(setImmediate)
    }
    expect(hub.pendingMessages).toBeGreaterThan(0)
    await resume(port, 'kept')
    expect(hub.ledger.dropped['connection-lost']).toBeGreaterThan(0)
    expectLedgerBalanced(testHub)
  })
})

describe('The in-flight window', () => {
  test.each([true, false])(
    'holds limits.maxInflightMessages, and what waits behind it keeps its order (clean session: %s)',
    async (isClean) => {
      const testHub = await startHub({ config: { limits: { maxInflightMessages: 2 } } })
      const { hub, port } = testHub
      const client = await join(port, 'c', { isClean })
      await client.subscribe(['t', 2])
      for (let i = 0; i < 5; i++) await hub.publish('t', `${i}`, { qos: i === 1 ? 2 : 1 })
      const [zero, one] = (await client.restBeforePingresp()).filter(isPublish)
      expect(hub.pendingMessages).toBe(5)
      // A PUBREC makes no room; PUBACK and PUBCOMP do.
      const answers = await publish(client, acknowledgePacket('PUBREC', one?.packetId ?? 0))
      expect(answers.map(({ type }) => type)).toEqual(['PUBREL'])
      const second = await publish(client, acknowledgePacket('PUBACK', zero?.packetId ?? 0))
      expect(payloadsOf(second)).toEqual(['2'])
      const third = await publish(client, acknowledgePacket('PUBCOMP', one?.packetId ?? 0))
      expect(payloadsOf(third)).toEqual(['3'])
      const ids = [...second, ...third].filter(isPublish).map(({ packetId }) => packetId)
      const fourth = await publish(client, ...ids.map((packetId) => acknowledgePacket('PUBACK', packetId)))
      expect(payloadsOf(fourth)).toEqual(['4'])
      expectLedgerBalanced(testHub)
    },
  )

  test('lets QoS 0 pass, which needs no room', async () => {
    const { hub, port } = await startHub({ config: { limits: { maxInflightMessages: 1 } } })
    const client = await join(port, 'c')
    await client.subscribe(['t', 1])
    for (const [payload, qos] of [
      ['a', 1],
      ['b', 1],
      ['c', 0],
    ] as const)
      await hub.publish('t', payload, { qos })
    expect(await takePayloads(client)).toEqual(['a', 'c'])
  })

  test('is resent whole after a reconnect before the queue goes on', async () => {
    const { hub, log, port } = await startHub({ config: { limits: { maxInflightMessages: 2 } } })
    const client = await join(port, 'kept', KEPT)
    await client.subscribe(['t', 1])
    for (let i = 0; i < 4; i++) await hub.publish('t', `${i}`, { qos: 1 })
    expect(await takePayloads(client)).toEqual(['0', '1'])
    await lose(log, client)
    await hub.publish('t', '4', { qos: 1 })
    const back = await resume(port, 'kept')
    const again = (await back.restBeforePingresp()).filter(isPublish)
    expect(again.map(({ payload, dup }) => [payload.toString(), dup])).toEqual([
      ['0', true],
      ['1', true],
    ])
    const rest: string[] = []
    let next = again
    while (next.length > 0) {
      const acknowledgements = next.map(({ packetId }) => acknowledgePacket('PUBACK', packetId))
      next = (await publish(back, ...acknowledgements)).filter(isPublish)
      rest.push(...payloadsOf(next))
    }
    expect(rest).toEqual(['2', '3', '4'])
  })

  test('is resent in order to a client that takes it slowly, and nothing new comes between', async () => {
    const { hub, log, port } = await startHub({ config: { limits: { maxOutputBytes: 1024 } } })
    const client = await join(port, 'kept', KEPT)
    await client.subscribe(['t', 1])
    for (let i = 0; i < 5; i++) {
      await hub.publish('t', longPayload(i), { qos: 1 })
      await client.next('PUBLISH')
    }
    await lose(log, client)
    const back = await resume(port, 'kept')
    await hub.publish('t', longPayload(5), { qos: 1 })
    const got: (readonly [string, boolean])[] = []
    for (let i = 0; i < 6; i++) {
      const packet = await back.next('PUBLISH')
      got.push([packet.payload.toString('latin1', 0, 1), packet.dup])
    }
    expect(got).toEqual([0, 1, 2, 3, 4, 5].map((i) => [`${i}`, i < 5]))
  })

  test('never uses a packet id again that is still in flight, round 65,535 and on [MQTT-2.3.1-2] [MQTT5-2.2.1-4] [MQTT5-4.3.2-1] [MQTT5-4.3.3-1]', async () => {
    const { hub, port } = await startHub({ config: { limits: { maxInflightMessages: 65_535 } } })
    const client = await join(port, 'c')
    await client.subscribe(['t', 2])
    await hub.publish('t', 'held', { qos: 1 })
    const held = await client.next('PUBLISH')
    await hub.publish('t', 'released', { qos: 2 })
    const released = await client.next('PUBLISH')
    client.send(acknowledgePacket('PUBREC', released.packetId))
    await client.next('PUBREL')
    for (let sent = 0; sent < 66_000; sent += 6000) {
      for (let i = 0; i < 6000; i++) await hub.publish('t', '', { qos: 1 })
      const packets = (await client.restBeforePingresp()).filter(isPublish)
      expect(packets).toHaveLength(6000)
      expect(new Set([held, released, ...packets].map(({ packetId }) => packetId)).size).toBe(6002)
      expect(packets.every(({ packetId }) => packetId > 0)).toBe(true)
      await publish(client, Buffer.concat(packets.map(({ packetId }) => acknowledgePacket('PUBACK', packetId))))
    }
    expect(hub.pendingMessages).toBe(2)
  })
})

describe('The queue', () => {
  test('of a client that is away drops its oldest beyond limits.maxQueuedMessages, counts and logs them', async () => {
    const testHub = await startHub({ config: { limits: { maxQueuedMessages: 3 } } })
    const { hub, port } = testHub
    await leaveKept(port, 1)
    for (let i = 0; i < 8; i++) await hub.publish('t', `${i}`, { qos: 1 })
    expect(hub.ledger.dropped['queue-full']).toBe(5)
    expectLedgerBalanced(testHub)
    expect(testHub.log.lines.items.filter(({ level }) => level === 'warn')).toMatchObject([
      { fields: { clientId: 'kept', reason: 'queue-full' } },
    ])
    expect(await takePayloads(await resume(port, 'kept'))).toEqual(['5', '6', '7'])
  })

  test('is bounded by limits.maxQueuedBytes as well', async () => {
    const { hub, port } = await startHub({ config: { limits: { maxQueuedBytes: 10_000 } } })
    await leaveKept(port, 1)
    for (let i = 0; i < 5; i++) await hub.publish('t', `${i}`.padEnd(4000, '.'), { qos: 1 })
    expect(hub.ledger.dropped['queue-full']).toBe(3)
    const payloads = await takePayloads(await resume(port, 'kept'))
    expect(payloads.map((payload) => payload[0])).toEqual(['3', '4'])
  })

  test('of a connected client without acknowledgements is bounded too, and its window is not touched', async () => {
    const testHub = await startHub({ config: { limits: { maxInflightMessages: 1, maxQueuedMessages: 2 } } })
    const { hub, port } = testHub
    const client = await connectRawClient(port)
    await client.subscribe(['t', 1])
    for (let i = 0; i < 6; i++) await hub.publish('t', `${i}`, { qos: 1 })
    const first = await client.next('PUBLISH')
    expect(first.payload.toString()).toBe('0')
    expect(hub.ledger.dropped['queue-full']).toBe(3)
    const rest = await publish(client, acknowledgePacket('PUBACK', first.packetId))
    expect(payloadsOf(rest)).toEqual(['4'])
    expectLedgerBalanced(testHub)
  })

  test("does not stop a frozen neighbour's messages from reaching others", async () => {
    const { port } = await startHub()
    const frozen = await join(port, 'frozen')
    await frozen.subscribe(['t', 1])
    frozen.pause()
    const awake = await join(port, 'awake')
    await awake.subscribe(['t', 0])
    const publisher = await join(port, 'publisher')
    const payload = 'x'.repeat(100_000)
    for (let i = 0; i < 50; i++) {
      await publish(publisher, message('t', payload), publishPacket({ topic: 't', payload, qos: 1, packetId: i + 1 }))
      expect(await takePayloads(awake)).toHaveLength(2)
    }
    expect(await publish(publisher, subscribePacket(1, [['x', 0]]))).toHaveLength(1)
  })
})
