import { describe, expect, test } from 'vitest'
import { until } from '../support/guard.ts'
import { join5, KEPT, message5, NOT_UTF8, refusalOf, retainedFor } from './steps5.ts'
import { connectPacket, type WillFields } from '../support/packets.ts'
import { Id, type Property } from '../support/properties.ts'
import { openRawClient, type RawClient } from '../support/raw-client.ts'
import { type ReceivedPublish, valuesOf } from '../support/received-packet.ts'
import { join, leave, lose, takePayloads } from '../support/steps.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const WILL = { topic: 'will', payload: 'gone' } as const

function delayed(seconds: number): WillFields {
  return { ...WILL, properties: [[Id.WILL_DELAY, seconds]] }
}

function keptFor(seconds: number): { isClean: boolean; properties: Property[] } {
  return { isClean: false, properties: [[Id.SESSION_EXPIRY, seconds]] }
}

async function watch(port: number): Promise<RawClient> {
  const watcher = await join5(port, 'watcher')
  await watcher.subscribe(['will', 2])
  return watcher
}

/** Lets a client with this will go without a word, and gives what a watcher gets. */
async function willOf({ log, port }: TestHub, will: WillFields): Promise<ReceivedPublish> {
  const watcher = await watch(port)
  await lose(log, await join5(port, 'c', { will }))
  return watcher.next('PUBLISH')
}

describe('Will', () => {
  test.each([0, 1, 2])(
    'is published at its QoS %i when the connection is lost [MQTT-3.1.2-7] [MQTT-3.1.2-8]',
    async (qos) => {
      const payload = Buffer.from([0, 255, 10])
      const got = await willOf(await startHub(), { topic: 'will', payload, qos })
      expect(got).toMatchObject({ topic: 'will', payload, qos, retain: false, dup: false })
    },
  )

  test('is published when the client breaks the protocol [MQTT-3.1.2-8]', async () => {
    const { port } = await startHub()
    const watcher = await watch(port)
    const client = await join5(port, 'c', { will: WILL })
    client.send(message5('a/#'))
    await client.untilDisconnected()
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('gone')
  })

  test('is forgotten once it was published, and at a normal DISCONNECT [MQTT-3.1.2-10]', async () => {
    const { log, port } = await startHub()
    const watcher = await watch(port)
    await lose(log, await join5(port, 'c', { ...KEPT, will: WILL }))
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('gone')
    await lose(log, await join5(port, 'c', KEPT))
    await leave(await join5(port, 'c', { ...KEPT, will: WILL }))
    await lose(log, await join5(port, 'c', KEPT))
    expect(await takePayloads(watcher)).toEqual([])
  })

  test('is not retained unless it says so [MQTT-3.1.2-14] [MQTT-3.1.2-15]', async () => {
    const testHub = await startHub()
    await willOf(testHub, WILL)
    expect(await retainedFor(testHub.port, 'will')).toBe(undefined)
    await willOf(testHub, { ...WILL, retain: true })
    expect(await retainedFor(testHub.port, 'will')).toMatchObject({ payload: Buffer.from('gone'), retain: true })
  })

  test('has its properties, user properties in their order, and no Will Delay [MQTT-3.1.3-10]', async () => {
    const properties: Property[] = [
      [Id.PAYLOAD_FORMAT, 1],
      [Id.CONTENT_TYPE, 'text/plain'],
      [Id.RESPONSE_TOPIC, 'answers'],
      [Id.CORRELATION_DATA, Buffer.from([1, 0])],
      [Id.USER_PROPERTY, ['b', '1']],
      [Id.USER_PROPERTY, ['a', '2']],
      [Id.USER_PROPERTY, ['b', '1']],
    ]
    const got = await willOf(await startHub(), { ...WILL, properties: [...properties, [Id.WILL_DELAY, 0]] })
    expect(got.properties).toHaveLength(properties.length)
    for (const [id] of properties) expect(valuesOf(got, id)).toEqual(valuesOf({ properties }, id))
  })

  const faults: readonly (readonly [what: string, will: WillFields, codes: readonly number[]])[] = [
    ['a property that no will has', { ...WILL, properties: [[Id.TOPIC_ALIAS, 1]] }, [0x81, 0x82]],
    [
      'a property twice',
      {
        ...WILL,
        properties: [
          [Id.WILL_DELAY, 1],
          [Id.WILL_DELAY, 1],
        ],
      },
      [0x82],
    ],
    ['a wildcard in its Response Topic', { ...WILL, properties: [[Id.RESPONSE_TOPIC, '#']] }, [0x82]],
    ['properties longer than all of it', { ...WILL, properties: Buffer.from([100]) }, [0x81]],
    [
      'a payload that is not the UTF-8 it says it is',
      { ...WILL, payload: NOT_UTF8, properties: [[Id.PAYLOAD_FORMAT, 1]] },
      [0x99],
    ],
  ]
  test.each(faults)('with %s has its CONNECT refused [MQTT-3.1.4-1]', async (_what, will, codes) => {
    const { port } = await startHub()
    expect(codes).toContain(await refusalOf(port, connectPacket({ clientId: 'c', will, properties: [] })))
  })
})

describe('Will Delay', () => {
  test('holds the will back until it is over [MQTT-3.1.2-8]', async () => {
    const { log, port } = await startHub()
    const watcher = await watch(port)
    await lose(log, await join5(port, 'c', { ...keptFor(1000), will: delayed(1) }))
    const lostAtMs = performance.now()
    expect(await takePayloads(watcher)).toEqual([])
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('gone')
    expect(performance.now() - lostAtMs).toBeGreaterThan(900)
  })

  test('ends with the session when that is sooner [MQTT-3.1.2-8]', async () => {
    const { log, port } = await startHub()
    const watcher = await watch(port)
    await lose(log, await join5(port, 'c', { ...keptFor(1), will: delayed(1000) }))
    expect(await takePayloads(watcher)).toEqual([])
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('gone')
  })

  test('is none where the session ends with the connection [MQTT-3.1.2-8]', async () => {
    const { log, port } = await startHub()
    const watcher = await watch(port)
    await lose(log, await join5(port, 'c', { will: delayed(1000) }))
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('gone')
  })

  test('that is not over when the client resumes its session lets the will never come [MQTT-3.1.3-9]', async () => {
    const { log, port } = await startHub()
    const watcher = await watch(port)
    await lose(log, await join5(port, 'c', { ...keptFor(1000), will: delayed(1) }))
    const back = await join5(port, 'c', keptFor(1000))
    // A will of another client with the same delay comes, and by then the first would have.
    await lose(log, await join5(port, 'other', { ...keptFor(1000), will: { ...delayed(1), payload: 'other' } }))
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('other')
    expect(await takePayloads(watcher)).toEqual([])
    expect(back.isClosed).toBe(false)
  })

  test('that is over when the client resumes its session has the will published, though the hub had not looked yet [MQTT-3.1.2-8]', async () => {
    const testHub = await startHub()
    const watcher = await watch(testHub.port)
    await lose(testHub.log, await join5(testHub.port, 'c', { ...keptFor(1000), will: delayed(1) }))
    const lostAtMs = performance.now()
    await until(
      () => performance.now() - lostAtMs > 1001,
      () => 'a second to pass',
    )
    await join5(testHub.port, 'c', keptFor(1000))
    expect(await takePayloads(watcher)).toEqual(['gone'])
  })

  test('is cut short by Clean Start, which ends the session that the will belongs to [MQTT-3.1.2-8]', async () => {
    const { log, port } = await startHub()
    const watcher = await watch(port)
    await lose(log, await join5(port, 'c', { ...keptFor(1000), will: delayed(1000) }))
    await join5(port, 'c', { isClean: true })
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('gone')
  })

  test('holds for a client that took over its own connection: no will, for the session goes on [MQTT-3.1.3-9]', async () => {
    const { log, port } = await startHub()
    const watcher = await watch(port)
    const older = await join5(port, 'c', { ...keptFor(1000), will: delayed(1) })
    const newer = await openRawClient(port, 5)
    expect(await newer.connect({ clientId: 'c', ...keptFor(1000) })).toMatchObject({ isSessionPresent: true })
    expect(await older.untilDisconnected()).toBe(0x8e)
    // A will of another client with the same delay comes, and by then the first would have.
    await lose(log, await join5(port, 'other', { ...keptFor(1000), will: { ...delayed(1), payload: 'other' } }))
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('other')
    expect(await takePayloads(watcher)).toEqual([])
    expect(newer.isClosed).toBe(false)
  })

  test('is cut short by Clean Start of who takes over the connection, too [MQTT-3.1.2-8]', async () => {
    const { port } = await startHub()
    const watcher = await watch(port)
    const older = await join5(port, 'c', { ...keptFor(1000), will: delayed(1000) })
    await join5(port, 'c', { isClean: true })
    expect(await older.untilDisconnected()).toBe(0x8e)
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('gone')
  })

  test.each([
    [false, []],
    [true, ['gone']],
  ])(
    'of a client that comes back by MQTT 3.1.1 with Clean Session %j: the will is %j [MQTT-3.1.3-9]',
    async (isClean, expected) => {
      const { log, port } = await startHub()
      const watcher = await watch(port)
      await lose(log, await join5(port, 'c', { ...keptFor(1000), will: delayed(1000) }))
      await join(port, 'c', { isClean })
      expect(await takePayloads(watcher)).toEqual(expected)
    },
  )

  test('of 0 is none: a client that takes over its own connection has the will of the older one published [MQTT-3.1.2-8]', async () => {
    const { port } = await startHub()
    const watcher = await watch(port)
    await join5(port, 'c', { ...keptFor(1000), will: delayed(0) })
    await join5(port, 'c', keptFor(1000))
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('gone')
  })

  test('ends with a session that a DISCONNECT with 0x04 ends at once [MQTT-3.1.2-8]', async () => {
    const { port } = await startHub()
    const watcher = await watch(port)
    const client = await join5(port, 'c', { ...keptFor(1000), will: delayed(1000) })
    await leave(client, 0x04, [[Id.SESSION_EXPIRY, 0]])
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('gone')
  })

  test('counts from a DISCONNECT with 0x04, too [MQTT-3.1.2-8]', async () => {
    const { port } = await startHub()
    const watcher = await watch(port)
    await leave(await join5(port, 'c', { ...keptFor(1000), will: delayed(1) }), 0x04)
    expect(await takePayloads(watcher)).toEqual([])
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('gone')
  })
})

test('A client without a will has none published [MQTT-3.1.2-8]', async () => {
  const { log, port } = await startHub()
  const watcher = await join5(port, 'watcher')
  await watcher.subscribe(['#', 0])
  await lose(log, await join5(port, 'c'))
  await leave(await join5(port, 'c', KEPT), 0x04)
  expect(await takePayloads(watcher)).toEqual([])
})
