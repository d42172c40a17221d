import { describe, expect, test } from 'vitest'
import { acknowledgePacket, publishPacket, subscribePacket } from '../support/packets.ts'
import type { RawClient } from '../support/raw-client.ts'
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

describe('A store that fails', () => {
  test('ends the connections that wait for it unacknowledged, and no other', async () => {
    const { stepped, log, port } = await setStage()
    const bystander = await Bystander.join(port)
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

  test('publishes the will of a client it has cost the connection [MQTT-3.1.2-8]', async () => {
    const { stepped, port } = await setStage()
    const watcher = await join(port, 'watcher')
    await watcher.subscribe(['will', 0])
    const publisher = await join(port, 'publisher', { will: { topic: 'will', payload: 'gone' } })
    await publish(publisher, kept(1))
    stepped.reportFailed(stepped.latestBatch)
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('gone')
  })
})
