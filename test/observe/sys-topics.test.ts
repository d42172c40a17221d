import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readVersion } from '../../src/base/package.ts'
import { inspectStore } from '../../src/store/disk/inspect.ts'
import { until } from '../support/guard.ts'
import { publishPacket } from '../support/packets.ts'
import type { RawClient } from '../support/raw-client.ts'
import type { ReceivedPublish } from '../support/received-packet.ts'
import { isPublish, join, leave, message, publish } from '../support/steps.ts'
import { scrapeSamples } from '../support/scrape.ts'
import { startHub } from '../support/start-hub.ts'

const folder = mkdtempSync(joinPath(tmpdir(), 'hubbub-sys-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** What a subscription gives at once, by topic. */
async function retainedUnder(client: RawClient, filter: string): Promise<Map<string, string>> {
  await client.subscribe([filter, 0])
  return valuesOf((await client.restBeforePingresp()).filter(isPublish).filter(({ retain }) => retain))
}

/** The last value of each topic. */
function valuesOf(packets: readonly ReceivedPublish[]): Map<string, string> {
  return new Map(packets.map(({ topic, payload }) => [topic.replace('$SYS/broker/', ''), payload.toString()]))
}

/** Waits until the last values that came to a subscriber are these among others. */
async function untilValues(client: RawClient, wanted: Readonly<Record<string, string>>): Promise<void> {
  const missing = () => {
    const values = valuesOf(client.received.filter(isPublish))
    return Object.entries(wanted).flatMap(([topic, value]) =>
      values.get(topic) === value ? [] : [`${topic} ${value}, it is ${values.get(topic)}`],
    )
  }
  await until(
    () => missing().length === 0,
    () => `the values ${missing().join('; ')}`,
  )
}

/** The next value of a topic that is not retained, and so was published just now. */
async function nextValue(client: RawClient, topic: string): Promise<string> {
  for (;;) {
    const packet = await client.next('PUBLISH')
    if (packet.topic === topic && !packet.retain) return packet.payload.toString()
  }
}

describe('$SYS', () => {
  test('is there for a new subscriber at once, as retained messages', async () => {
    const { port } = await startHub()
    const values = await retainedUnder(await join(port, 'a'), '$SYS/#')
    expect(values.get('version')).toBe(`hubbub version ${readVersion()}`)
    expect(values.get('uptime')).toBe('0 seconds')
    expect(values.get('clients/connected')).toBe('0')
    expect(values.get('load/publish/received/15min')).toBe('0.00')
    expect(values.size).toBeGreaterThan(50)
  })

  test('follows what happens, in each interval', async () => {
    const { port } = await startHub({ config: { sysIntervalSeconds: 0.02, limits: { maxQueuedMessages: 1 } } })
    const watcher = await join(port, 'watcher')
    await watcher.subscribe(['$SYS/#', 0])
    const away = await join(port, 'away', { isClean: false })
    await away.subscribe(['t', 1], ['$share/g/s', 0])
    await leave(away)
    const publisher = await join(port, 'publisher')
    const packets = [1, 2].map((packetId) =>
      publishPacket({ topic: 't', payload: '12', qos: 1, retain: true, packetId }),
    )
    await publish(publisher, ...packets)
    const [one] = packets
    await untilValues(watcher, {
      'clients/connected': '2',
      'clients/active': '2',
      'clients/disconnected': '1',
      'clients/inactive': '1',
      'clients/total': '3',
      'clients/expired': '0',
      'subscriptions/count': '2',
      'shared_subscriptions/count': '1',
      'retained messages/count': '1',
      'messages/inflight': '0',
      'messages/stored': '2',
      'store/messages/count': '2',
      'store/messages/bytes': `${2 * (one?.length ?? 0)}`,
      'publish/messages/received': '2',
      'publish/messages/dropped': '1',
      'publish/bytes/received': `${2 * (one?.length ?? 0)}`,
    })
    expect(await nextValue(watcher, '$SYS/broker/uptime')).toMatch(/^[1-9]\d* seconds$/)
    const values = valuesOf(watcher.received.filter(isPublish))
    for (const load of ['messages/received', 'messages/sent', 'publish/received', 'publish/sent', 'publish/dropped']) {
      expect(Number(values.get(`load/${load}/1min`))).toBeGreaterThan(0)
    }
    for (const load of ['bytes/received', 'bytes/sent', 'sockets', 'connections']) {
      expect(Number(values.get(`load/${load}/1min`))).toBeGreaterThan(0)
    }
    expect(Number(values.get('clients/maximum'))).toBeGreaterThanOrEqual(2)
    expect(Number(values.get('publish/bytes/sent'))).toBeLessThan(Number(values.get('bytes/sent')))
    expect(Number(values.get('heap/maximum'))).toBeGreaterThanOrEqual(Number(values.get('heap/current')))
  })

  test('is matched by no filter that begins with a wildcard [MQTT-4.7.2-1]', async () => {
    const { port } = await startHub({ config: { sysIntervalSeconds: 0.02 } })
    const client = await join(port, 'a')
    await client.subscribe(['#', 0], ['+/broker/#', 0], ['$SYS/broker/uptime', 0])
    await nextValue(client, '$SYS/broker/uptime')
    const topics = new Set(client.received.filter(isPublish).map(({ topic }) => topic))
    expect(topics).toEqual(new Set(['$SYS/broker/uptime']))
  })

  test('can be had in part, by a filter or by the name of a topic', async () => {
    const { port } = await startHub()
    const parts = await retainedUnder(await join(port, 'a'), '$SYS/broker/load/+/received/5min')
    expect([...parts.keys()]).toEqual([
      'load/messages/received/5min',
      'load/publish/received/5min',
      'load/bytes/received/5min',
    ])
    const one = await retainedUnder(await join(port, 'b'), '$SYS/broker/retained messages/count')
    expect([...one]).toEqual([['retained messages/count', '0']])
  })

  test('is no topic of the users: not counted, not limited, not stored', async () => {
    const data = joinPath(folder, 'data')
    const { hub } = await startHub({ config: { data, limits: { maxRetainedMessages: 0 } } })
    const { ledger, metrics } = hub
    const samples = await scrapeSamples(metrics)
    expect(samples.get('hubbub_topics')).toBe(0)
    expect(samples.get('hubbub_retained_messages')).toBe(0)
    expect(samples.get('hubbub_retained_bytes')).toBe(0)
    expect(samples.get('hubbub_store_batch_changes_sum')).toBe(0)
    expect(ledger.notRetained).toBe(0)
    await hub.stop()
    expect(await inspectStore(data)).toMatchObject({ retainedMessages: 0 })
  })

  test('is not for clients to publish', async () => {
    const { hub, port } = await startHub()
    const client = await join(port, 'a')
    await publish(client, message('$SYS/broker/version', 'mine', true), message('$SYS/broker/uptime', '', true))
    const values = await retainedUnder(client, '$SYS/broker/+')
    expect(values.get('version')).not.toBe('mine')
    expect(values.get('uptime')).toBe('0 seconds')
    expect(hub.ledger.refused).toBe(2)
  })

  test('is silent with sysIntervalSeconds 0', async () => {
    const { port } = await startHub({ config: { sysIntervalSeconds: 0 } })
    expect(await retainedUnder(await join(port, 'a'), '$SYS/#')).toEqual(new Map())
  })
})
