import { describe, expect, test } from 'vitest'
import { until } from '../support/guard.ts'
import { acknowledgePacket, connectPacket, PINGREQ, publishPacket, subscribePacket } from '../support/packets.ts'
import { openRawClient, type RawClient } from '../support/raw-client.ts'
import { Bystander, isPublish, join, leave, lose, message, publish, reasonsOf, untilReason } from '../support/steps.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { SteppedStore } from '../support/stepped-store.ts'

interface Stage extends TestHub {
  readonly stepped: SteppedStore
}

/** A hub with a kept session that is subscribed to `kept` and away; all that led there is stored. */
async function setStage(): Promise<Stage> {
  const stepped = new SteppedStore()
  const testHub = await startHub({ store: stepped })
  const away = await join(testHub.port, 'away', { isClean: false })
  await away.subscribe(['kept', 2])
  await leave(away)
  stepped.isByHand = true
  return { ...testHub, stepped }
}

const WILL = { topic: 'will', payload: 'gone' }

/** Waits until something is to be stored that is not. */
async function untilBatch(stepped: SteppedStore): Promise<void> {
  const { latestBatch } = stepped
  await until(
    () => stepped.latestBatch > latestBatch,
    () => 'a batch',
  )
}

/** What has come to a client that has sent its CONNECT by the time that others are answered. */
async function received(port: number, client: RawClient): Promise<string[]> {
  await (await join(port, 'another')).restBeforePingresp()
  return client.received.map(({ type }) => type)
}

/** Does what has to be stored on the way, as it is while the stage is set. */
async function withStore<T>(stepped: SteppedStore, step: () => Promise<T>): Promise<T> {
  stepped.isByHand = false
  const result = await step()
  stepped.isByHand = true
  return result
}

function kept(packetId: number, qos = 1): Buffer {
  return publishPacket({ topic: 'kept', payload: `${packetId}`, qos, packetId })
}

/** What has come by the time a PINGREQ is answered, as `PUBACK 1`. */
async function answers(client: RawClient, ...packets: readonly Buffer[]): Promise<string[]> {
  return (await publish(client, ...packets)).map(
    (packet) => `${packet.type} ${'packetId' in packet ? packet.packetId : ''}`,
  )
}

describe('An acknowledgement', () => {
  test('leaves when its batch is stored and not before: PUBACK and PUBREC [MQTT-4.3.2-2] [MQTT-4.3.3-2]', async () => {
    const { stepped, port } = await setStage()
    const publisher = await join(port, 'publisher')
    expect(await answers(publisher, kept(1), kept(2, 2))).toEqual([])
    stepped.reportStored(stepped.latestBatch - 1)
    expect(await answers(publisher)).toEqual([])
    stepped.reportStored(stepped.latestBatch)
    expect(await answers(publisher)).toEqual(['PUBACK 1', 'PUBREC 2'])
  })

  test('of a retained message, and of its deletion, waits for the store', async () => {
    const { stepped, port } = await setStage()
    const publisher = await join(port, 'publisher')
    for (const payload of ['x', '']) {
      const packet = publishPacket({ topic: 'r', payload, qos: 1, packetId: 1, retain: true })
      expect(await answers(publisher, packet)).toEqual([])
      stepped.reportStored(stepped.latestBatch)
      expect(await answers(publisher)).toEqual(['PUBACK 1'])
    }
  })

  test('at QoS 2 to a kept session waits for its packet id to be noted, and PUBCOMP for it to be forgotten', async () => {
    const { stepped, port } = await setStage()
    const publisher = await join(port, 'publisher', { isClean: false })
    stepped.reportStored(stepped.latestBatch)
    expect(await answers(publisher, publishPacket({ topic: 'nobody', qos: 2, packetId: 7 }))).toEqual([])
    stepped.reportStored(stepped.latestBatch)
    expect(await answers(publisher)).toEqual(['PUBREC 7'])
    expect(await answers(publisher, acknowledgePacket('PUBREL', 7))).toEqual([])
    stepped.reportStored(stepped.latestBatch)
    expect(await answers(publisher)).toEqual(['PUBCOMP 7'])
  })

  test('leaves at once when nothing had to be stored', async () => {
    const { stepped, port } = await setStage()
    const before = stepped.latestBatch
    const publisher = await join(port, 'publisher')
    expect(await answers(publisher, publishPacket({ topic: 'nobody', qos: 1, packetId: 3 }))).toEqual(['PUBACK 3'])
    expect(stepped.latestBatch).toBe(before)
  })

  test('never overtakes one of an earlier packet, though it has nothing to wait for itself [MQTT-4.6.0-2]', async () => {
    const { stepped, port } = await setStage()
    const publisher = await join(port, 'publisher')
    const nothing = publishPacket({ topic: 'nobody', qos: 1, packetId: 2 })
    expect(await answers(publisher, kept(1), nothing, kept(3, 2), acknowledgePacket('PUBREL', 9))).toEqual([])
    stepped.reportStored(stepped.latestBatch)
    expect(await answers(publisher)).toEqual(['PUBACK 1', 'PUBACK 2', 'PUBREC 3', 'PUBCOMP 9'])
  })

  test('never overtakes one that is stored already, but not reported yet', async () => {
    const { stepped, port } = await setStage()
    const publisher = await join(port, 'publisher')
    await publish(publisher, kept(1))
    stepped.storeSilently(stepped.latestBatch)
    expect(await answers(publisher, publishPacket({ topic: 'nobody', qos: 1, packetId: 2 }))).toEqual([])
    stepped.reportStored(stepped.latestBatch)
    expect(await answers(publisher)).toEqual(['PUBACK 1', 'PUBACK 2'])
  })

  test('leaves batch by batch', async () => {
    const { stepped, port } = await setStage()
    const publisher = await join(port, 'publisher')
    const batches: number[] = []
    for (let packetId = 1; packetId <= 3; packetId++) {
      expect(await answers(publisher, kept(packetId))).toEqual([])
      batches.push(stepped.latestBatch)
    }
    const [first = 0, second = 0, third = 0] = batches
    expect(new Set(batches).size).toBe(3)
    stepped.reportStored(first)
    expect(await answers(publisher)).toEqual(['PUBACK 1'])
    // More of them come while others wait.
    expect(await answers(publisher, kept(4))).toEqual([])
    stepped.reportStored(second)
    expect(await answers(publisher)).toEqual(['PUBACK 2'])
    stepped.reportStored(third)
    expect(await answers(publisher)).toEqual(['PUBACK 3'])
    stepped.reportStored(stepped.latestBatch)
    expect(await answers(publisher)).toEqual(['PUBACK 4'])
  })

  test('that waits holds up nothing else: deliveries, QoS 0, SUBSCRIBE and PINGREQ go on', async () => {
    const { port } = await setStage()
    const publisher = await join(port, 'publisher')
    await publisher.subscribe(['t', 0])
    const packets = await publish(publisher, kept(1), message('t', 'on'), subscribePacket(2, [['kept', 0]]), kept(2))
    expect(packets.map(({ type }) => type)).toEqual(['PUBLISH', 'SUBACK', 'PUBLISH'])
  })

  test('is held for each client by itself', async () => {
    const { stepped, port } = await setStage()
    const [one, two] = [await join(port, 'one'), await join(port, 'two')]
    await publish(one, kept(1))
    const firstBatch = stepped.latestBatch
    await publish(two, kept(2))
    stepped.reportStored(firstBatch)
    expect(await answers(two)).toEqual([])
    expect(await answers(one)).toEqual(['PUBACK 1'])
    stepped.reportStored(stepped.latestBatch)
    expect(await answers(two)).toEqual(['PUBACK 2'])
  })

  test('is forgotten with its connection: the next one gets none that it did not earn [MQTT-4.4.0-1]', async () => {
    const { stepped, log, port } = await setStage()
    const publisher = await join(port, 'publisher', { isClean: false })
    await publish(publisher, kept(1), kept(2, 2))
    await lose(log, publisher)
    const back = await join(port, 'publisher', { isClean: false })
    stepped.reportStored(stepped.latestBatch)
    expect(await answers(back)).toEqual([])
    // It sends again what it has no word of; the QoS 2 message is known and not queued twice.
    const again = publishPacket({ topic: 'kept', payload: '2', qos: 2, packetId: 2, dup: true })
    expect(await answers(back, again)).toEqual(['PUBREC 2'])
    const away = await join(port, 'away', { isClean: false })
    stepped.reportStored(stepped.latestBatch)
    const queued = (await away.restBeforePingresp()).filter(isPublish)
    expect(queued.map(({ payload }) => payload.toString())).toEqual(['1', '2'])
  })
})

describe('CONNACK', () => {
  test.each([true, false])('waits until the will is stored, for a clean session %s [MQTT-3.1.2-8]', async (isClean) => {
    const { stepped, port } = await setStage()
    const client = await openRawClient(port)
    client.send(connectPacket({ clientId: 'c', isClean, will: WILL }), PINGREQ)
    await untilBatch(stepped)
    stepped.reportStored(stepped.latestBatch - 1)
    expect(await received(port, client)).toEqual([])
    stepped.reportStored(stepped.latestBatch)
    await client.next('CONNACK')
    await client.next('PINGRESP')
  })

  test('waits until a kept session is discarded in the store [MQTT-3.1.2-6]', async () => {
    const { stepped, port } = await setStage()
    const client = await openRawClient(port)
    client.send(connectPacket({ clientId: 'away', isClean: true }))
    await untilBatch(stepped)
    expect(await received(port, client)).toEqual([])
    stepped.reportStored(stepped.latestBatch)
    await client.next('CONNACK')
  })

  test('waits for nothing when there is neither', async () => {
    const { port } = await setStage()
    await join(port, 'away', { isClean: false })
    await join(port, 'new', { isClean: false })
    await join(port, 'clean')
  })

  test('with a will waits for no store that cannot write, and is not refused', async () => {
    const { stepped, port } = await setStage()
    const client = await openRawClient(port)
    client.send(connectPacket({ clientId: 'c', will: WILL }))
    await untilBatch(stepped)
    stepped.reportFailed(stepped.latestBatch)
    await client.next('CONNACK')
    expect(await client.restBeforePingresp()).toEqual([])
  })

  test('of a client that is gone or replaced before its will is stored never comes, and the last will is in the store', async () => {
    const { stepped, port } = await setStage()
    const watcher = await join(port, 'watcher')
    await watcher.subscribe(['will', 0])
    const clients = [await openRawClient(port), await openRawClient(port)]
    for (const [i, client] of clients.entries()) {
      client.send(connectPacket({ clientId: 'c', will: { topic: 'will', payload: `${i}` } }))
      // oxlint-disable-next-line no-await-in-loop -- the second replaces the first
      await untilBatch(stepped)
    }
    await clients[0]?.untilClosed()
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('0')
    clients[1]?.destroy()
    stepped.reportStored(stepped.latestBatch)
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('1')
    expect(clients[0]?.received).toEqual([])
    await until(
      () => [...stepped.wills()].length === 0,
      () => 'no will to be left',
    )
  })
})

describe('A store that fails', () => {
  test('ends the connections that wait for it unacknowledged, and no other', async () => {
    const { stepped, log, port } = await setStage()
    const bystander = await withStore(stepped, () => Bystander.join(port))
    const earlier = await join(port, 'earlier')
    await publish(earlier, kept(1))
    stepped.reportStored(stepped.latestBatch)
    const [one, two] = [await join(port, 'one'), await join(port, 'two')]
    await publish(one, kept(1))
    await publish(two, publishPacket({ topic: 'r', payload: 'x', qos: 2, packetId: 1, retain: true }))
    stepped.reportFailed(stepped.latestBatch)
    await Promise.all([one.untilClosed(), two.untilClosed()])
    for (const client of [one, two]) {
      expect(client.received.map(({ type }) => type)).toEqual(['CONNACK', 'PINGRESP'])
    }
    await untilReason(log, /^the store failed: the disk is full$/)
    expect(reasonsOf(log)).toHaveLength(2)
    expect(await answers(earlier)).toEqual(['PUBACK 1'])
    await bystander.expectUntouched()
  })

  test('spares a client whose acknowledgements wait for a later batch', async () => {
    const { stepped, port } = await setStage()
    const early = await join(port, 'early')
    await publish(early, kept(1))
    const failed = stepped.latestBatch
    const late = await join(port, 'late')
    await publish(late, kept(1))
    stepped.reportFailed(failed)
    await early.untilClosed()
    expect(await answers(late)).toEqual([])
    stepped.reportStored(stepped.latestBatch)
    expect(await answers(late)).toEqual(['PUBACK 1'])
  })

  test('publishes the will of a client it has cost the connection [MQTT-3.1.2-8] [MQTT-4.8.0-2]', async () => {
    const { stepped, port } = await setStage()
    const watcher = await join(port, 'watcher')
    await watcher.subscribe(['will', 0])
    const will = { topic: 'will', payload: 'gone' }
    const publisher = await withStore(stepped, () => join(port, 'publisher', { will }))
    await publish(publisher, kept(1))
    stepped.reportFailed(stepped.latestBatch)
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('gone')
  })
})
