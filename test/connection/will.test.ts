import { describe, expect, test } from 'vitest'
import {
  connectPacket,
  DISCONNECT,
  packet,
  publishPacket,
  subscribePacket,
  type WillFields,
} from '../support/packets.ts'
import { connectRawClient, openRawClient, type RawClient } from '../support/raw-client.ts'
import type { ReceivedPublish } from '../support/received-packet.ts'
import { isPublish, join, leave, lose, publish, takePayloads } from '../support/steps.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const WILL = { topic: 'will/c', payload: 'gone' } as const

async function watch(port: number): Promise<RawClient> {
  const watcher = await join(port, 'watcher')
  await watcher.subscribe(['will/#', 2])
  return watcher
}

/** Lets a client with this will go without a word, and gives what a watcher gets. */
async function willOf({ log, port }: TestHub, will: WillFields): Promise<ReceivedPublish> {
  const watcher = await watch(port)
  await lose(log, await join(port, 'c', { will }))
  return watcher.next('PUBLISH')
}

describe('Will', () => {
  test.each([0, 1, 2])(
    'is published at its QoS %i, its payload unchanged [MQTT-3.1.2-8] [MQTT-3.1.3-12]',
    async (qos) => {
      const payload = Buffer.from([0, 255, 128, 10])
      const got = await willOf(await startHub(), { topic: 'will/c', payload, qos })
      expect(got).toMatchObject({ topic: 'will/c', payload, qos, retain: false, dup: false })
    },
  )

  test('is published with an empty payload too', async () => {
    const got = await willOf(await startHub(), { topic: 'will/c', payload: '' })
    expect(got.payload).toEqual(Buffer.alloc(0))
  })

  test('is retained when it says so, and not otherwise [MQTT-3.1.2-16] [MQTT-3.1.2-17]', async () => {
    const testHub = await startHub()
    expect(await willOf(testHub, { topic: 'will/plain', payload: 'plain' })).toMatchObject({ retain: false })
    expect(await willOf(testHub, { topic: 'will/kept', payload: 'kept', retain: true })).toMatchObject({
      retain: false,
    })
    const latecomer = await connectRawClient(testHub.port)
    const packets = (await publish(latecomer, subscribePacket(1, [['will/#', 0]]))).filter(isPublish)
    expect(packets).toMatchObject([{ topic: 'will/kept', payload: Buffer.from('kept'), retain: true }])
  })

  test('deletes a retained message when it is retained and empty [MQTT-3.3.1-10]', async () => {
    const testHub = await startHub()
    await testHub.hub.publish('will/c', 'online', { retain: true })
    const watcher = await connectRawClient(testHub.port)
    await lose(testHub.log, await join(testHub.port, 'c', { will: { topic: 'will/c', payload: '', retain: true } }))
    const packets = await publish(watcher, subscribePacket(1, [['will/#', 0]]))
    expect(packets.filter(isPublish)).toEqual([])
  })

  const unclean: readonly (readonly [string, (client: RawClient, port: number) => void | Promise<void>])[] = [
    ['a lost connection', (client) => client.destroy()],
    ['an end without DISCONNECT', (client) => client.end()],
    ['a protocol error', (client) => client.send(packet(0, 0, Buffer.alloc(0)))],
    ['a malformed frame', (client) => client.send(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x7f]))],
    ['an invalid filter', (client) => client.send(subscribePacket(1, [['#/a', 0]]))],
    ['an invalid topic', (client) => client.send(publishPacket({ topic: 'a/#' }))],
    [
      'a DISCONNECT that is malformed [MQTT-3.14.1-1]',
      (client) => client.send(packet('DISCONNECT', 3, Buffer.alloc(0))),
    ],
    ['a takeover [MQTT-3.1.4-2]', async (_client, port) => void (await join(port, 'c'))],
  ]
  test.each(unclean)('is published once after %s [MQTT-3.1.2-8]', async (_how, end) => {
    const { port } = await startHub()
    const watcher = await watch(port)
    const client = await join(port, 'c', { will: WILL })
    await end(client, port)
    await client.untilClosed()
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('gone')
    expect(await takePayloads(watcher)).toEqual([])
  })

  test('is published when the keep-alive ends [MQTT-3.1.2-8]', async () => {
    const { port } = await startHub()
    const watcher = await watch(port)
    const client = await join(port, 'c', { will: WILL, keepAliveSeconds: 1 })
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('gone')
    await client.untilClosed()
  })

  test('is forgotten at DISCONNECT, whatever happens to the socket then [MQTT-3.1.2-10] [MQTT-3.14.4-3]', async () => {
    const { port } = await startHub()
    const watcher = await watch(port)
    await leave(await join(port, 'c', { will: WILL }))
    const hasty = await openRawClient(port)
    hasty.send(connectPacket({ clientId: 'c', will: WILL }), DISCONNECT, Buffer.from([0, 0]))
    await hasty.untilClosed()
    const next = await join(port, 'c')
    expect(await next.restBeforePingresp()).toEqual([])
    expect(await takePayloads(watcher)).toEqual([])
  })

  test('of a former connection is not that of the next one', async () => {
    const { log, port } = await startHub()
    const watcher = await watch(port)
    await leave(await join(port, 'c', { will: WILL, isClean: false }))
    await lose(log, await join(port, 'c', { isClean: false }))
    expect(await takePayloads(watcher)).toEqual([])
    await lose(log, await join(port, 'c', { isClean: false, will: { ...WILL, payload: 'newer' } }))
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('newer')
  })

  test('waits in the kept session of its own client for its return', async () => {
    const { log, port } = await startHub()
    const fields = { isClean: false, will: { ...WILL, qos: 1 } }
    const client = await join(port, 'c', fields)
    await client.subscribe(['will/c', 1])
    await lose(log, client)
    const back = await join(port, 'c', fields)
    expect(await takePayloads(back)).toEqual(['gone'])
  })

  test('to a topic of $SYS is handed to nobody and not retained, as any PUBLISH there', async () => {
    const { hub, log, port } = await startHub({ config: { sysIntervalSeconds: 0 } })
    const watcher = await connectRawClient(port)
    await watcher.subscribe(['$SYS/#', 0])
    await lose(log, await join(port, 'c', { will: { topic: '$SYS/hub', payload: 'forged', retain: true } }))
    expect(await takePayloads(watcher)).toEqual([])
    const packets = await publish(watcher, subscribePacket(1, [['$SYS/#', 0]]))
    expect(packets.filter(isPublish)).toEqual([])
    expect(hub.ledger.refused).toBe(1)
  })

  test('of a client that was refused is never published', async () => {
    const { port } = await startHub()
    const watcher = await watch(port)
    const refused = await openRawClient(port)
    expect(await refused.connect({ clientId: '', isClean: false, will: WILL })).toMatchObject({ reasonCode: 2 })
    await refused.untilClosed()
    expect(await takePayloads(watcher)).toEqual([])
  })
})
