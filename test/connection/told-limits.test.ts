import { describe, expect, test } from 'vitest'
import type { PartialConfig } from '../../src/config/complete.ts'
import { LIMITS_OPTIONS } from '../../src/config/options/limits.ts'
import { join5, KEPT, message5, publishAcknowledged } from '../conformance/steps5.ts'
import { ApiClient } from '../support/api.ts'
import { until } from '../support/guard.ts'
import { connectPacket, publishPacket, subscribePacket } from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import { openRawClient, type RawClient } from '../support/raw-client.ts'
import { join, leave, message, publish } from '../support/steps.ts'
import { type HttpTestHub, startHubWithHttp } from '../support/start-hub.ts'

type Key = (typeof LIMITS_OPTIONS)[number]['key']
type Limits = PartialConfig['limits']

/** A limit that keeps something from a client. */
interface Bite {
  readonly limits: Limits
  /** Has one client run into the limit, and more than once where that does not end its connection. */
  readonly bite: (hub: HttpTestHub) => Promise<void>
  /** How often it is in the log and under mishaps; 1 when it is left out. */
  readonly lines?: number
  readonly mishaps?: number
}

const MIB = 1024 ** 2

/** Leaves a session behind and publishes as many messages to it. */
async function queueFor({ port }: HttpTestHub, count: number, payload: string | Buffer = 'x'): Promise<void> {
  const away = await join5(port, 'c', KEPT)
  await away.subscribe(['t', 1])
  await leave(away)
  const publisher = await join5(port, 'publisher')
  for (let i = 0; i < count; i++) {
    publisher.send(publishPacket({ topic: 't', payload, qos: 1, properties: [] }))
    await publisher.next('PUBACK')
  }
}

/** Publishes to a client that reads nothing until the hub drops some, and some more. */
async function outrun({ hub, port }: HttpTestHub): Promise<void> {
  const frozen = await join(port, 'c')
  await frozen.subscribe(['t', 0])
  frozen.pause()
  const publisher = await join(port, 'publisher')
  const payload = Buffer.alloc(100_000)
  while (hub.ledger.droppedTotal < 20) await publish(publisher, message('t', payload.toString()))
  frozen.destroy()
}

async function ended(client: RawClient, ...packets: readonly Buffer[]): Promise<void> {
  client.send(...packets)
  await client.untilClosed()
}

async function refuseSecond({ port }: HttpTestHub): Promise<void> {
  await join(port, 'first')
  await ended(await openRawClient(port), connectPacket({ clientId: 'c' }))
}

async function retainTooMuch({ port }: HttpTestHub): Promise<void> {
  const client = await join(port, 'c')
  await publish(client, ...['a', 'b', 'c', 'd'].map((topic) => message(topic, 'a payload', true)))
}

/** As `retainTooMuch`, of a client that is told itself. */
async function retainTooMuch5({ port }: HttpTestHub): Promise<void> {
  const client = await join5(port, 'c')
  for (const topic of ['a', 'b', 'c', 'd']) {
    client.send(publishPacket({ topic, payload: 'a payload', qos: 1, retain: true, properties: [] }))
    await client.next('PUBACK')
  }
}

/** What each limit does that keeps something from clients, or why the option keeps nothing from them that they are not told. */
const ROWS: Readonly<Record<Key, Bite | string>> = {
  'limits.memory': {
    limits: { memory: 16 * MIB },
    bite: async (hub) => queueFor(hub, 120, Buffer.alloc(100_000)),
    // One of them says which part of the memory is used up.
    lines: 2,
  },
  'limits.maxPacketBytes': {
    limits: { maxPacketBytes: 128 },
    bite: async ({ port }) => ended(await join(port, 'c'), message('t', 'x'.repeat(200))),
  },
  'limits.maxConnectPacketBytes': {
    limits: { maxConnectPacketBytes: 128 },
    bite: async ({ port }) => ended(await openRawClient(port), connectPacket({ clientId: 'c'.repeat(200) })),
  },
  'limits.connectTimeoutSeconds': {
    limits: { connectTimeoutSeconds: 0.05 },
    bite: async ({ port }) => ended(await openRawClient(port)),
  },
  'limits.maxConnections': { limits: { maxConnections: 1 }, bite: refuseSecond },
  'limits.maxConnectionsPerAddress': { limits: { maxConnectionsPerAddress: 1 }, bite: refuseSecond },
  'limits.maxTopicBytes': {
    limits: { maxTopicBytes: 5 },
    bite: async ({ port }) => ended(await join(port, 'c'), message('abcdef')),
  },
  'limits.maxTopicLevels': {
    limits: { maxTopicLevels: 2 },
    bite: async ({ port }) => ended(await join(port, 'c'), subscribePacket(1, [['a/b/c', 0]])),
  },
  'limits.maxSubscriptionsPerClient': {
    limits: { maxSubscriptionsPerClient: 1 },
    bite: async ({ port }) => {
      const client = await join(port, 'c')
      expect((await client.subscribe(['a', 0], ['b', 0], ['c', 0])).codes).toEqual([0, 0x80, 0x80])
    },
  },
  'limits.maxInflightMessages': 'what is more waits in the queue, and nothing is lost',
  'limits.maxQueuedMessages': {
    limits: { maxQueuedMessages: 2 },
    bite: async (hub) => queueFor(hub, 6),
  },
  'limits.maxQueuedBytes': {
    limits: { maxQueuedBytes: 1024 },
    bite: async (hub) => queueFor(hub, 6, 'x'.repeat(600)),
  },
  'limits.queuePolicy': {
    limits: { queuePolicy: 'disconnect', maxInflightMessages: 1, maxQueuedMessages: 1 },
    bite: async ({ port }) => {
      const slow = await join(port, 'c')
      await slow.subscribe(['t', 1])
      const publisher = await join5(port, 'publisher')
      for (const payload of ['1', '2', '3']) await publishAcknowledged(publisher, 't', payload)
      await slow.untilClosed()
    },
    // The message that was dropped, and the connection that ended for it.
    lines: 2,
    mishaps: 2,
  },
  'limits.maxMessageExpirySeconds': {
    limits: { maxMessageExpirySeconds: 1 },
    bite: async (hub) => {
      await queueFor(hub, 3)
      const publishedAtMs = performance.now()
      await until(
        () => performance.now() - publishedAtMs > 1000,
        () => 'a second to pass',
      )
      expect(await (await join5(hub.port, 'c', KEPT)).restBeforePingresp()).toEqual([])
      expect(hub.hub.ledger.dropped.expired).toBe(3)
    },
  },
  'limits.maxSessionExpirySeconds':
    'a client of MQTT 5 is told at once, in its CONNACK; of each end there is a log line',
  'limits.maxOutputBytes': { limits: { maxOutputBytes: 1024 }, bite: outrun },
  'limits.outputPolicy': { limits: { maxOutputBytes: 2 * MIB, outputPolicy: 'latest' }, bite: outrun },
  'limits.maxPublishRate': {
    limits: { maxPublishRate: 0.1 },
    bite: async ({ hub, port }) => {
      const client = await join(port, 'c')
      client.send(message('t'), message('t'), message('t'))
      await until(
        () => hub.ledger.limitHits['publish-rate'] === 1,
        () => 'the client to be held',
      )
    },
  },
  'limits.receiveMaximum': {
    limits: { receiveMaximum: 1 },
    bite: async ({ port }) => {
      const packets = [1, 2].map((packetId) => publishPacket({ topic: 't', qos: 2, packetId, properties: [] }))
      await ended(await join5(port, 'c'), ...packets)
    },
  },
  'limits.maxTopicAliases': {
    limits: { maxTopicAliases: 1 },
    bite: async ({ port }) => ended(await join5(port, 'c'), message5('t', '', [[Id.TOPIC_ALIAS, 2]])),
  },
  'limits.maxTopicAliasesSent': 'a topic without an alias is sent whole',
  'limits.maxKeepAliveSeconds': 'a client of MQTT 5 is told in its CONNACK, and others are not held to it',
  'limits.maxRetainedMessages': { limits: { maxRetainedMessages: 1 }, bite: retainTooMuch },
  'limits.maxRetainedBytes': { limits: { maxRetainedBytes: 20 }, bite: retainTooMuch5 },
  'limits.maxTopics': 'the list of topics forgets the oldest; clients have nothing to do with it',
  'limits.maxTopicMemoryBytes': 'as limits.maxTopics',
}

const BITES = Object.entries(ROWS).flatMap(([key, row]) => (typeof row === 'string' ? [] : [[key, row] as const]))

describe('What a limit of the hub keeps from a client', () => {
  test.each(BITES)('is told once in the log and under mishaps, with the name of the option: %s', async (key, row) => {
    const testHub = await startHubWithHttp({ config: { limits: row.limits ?? {} } })
    await row.bite(testHub)
    const name = new RegExp(`${key.replace('.', '\\.')}\\b`)
    const linesOf = (): readonly unknown[] => testHub.log.lines.items.filter((line) => name.test(JSON.stringify(line)))
    await until(
      () => linesOf().length >= (row.lines ?? 1),
      () => `a log line with ${key}; the log says ${JSON.stringify(testHub.log.lines.items)}`,
    )
    expect(linesOf()).toHaveLength(row.lines ?? 1)
    const { body } = await new ApiClient(testHub.httpPort).get('/mishaps')
    expect(JSON.stringify(body).match(new RegExp(name.source, 'g'))).toHaveLength(row.mishaps ?? 1)
  })

  test('is told again when it does so on the next connection', async () => {
    const testHub = await startHubWithHttp({ config: { limits: { maxQueuedMessages: 2 } } })
    const toldFor = (): number =>
      testHub.log.lines.items.filter(({ fields }) => fields['reason'] === 'queue-full').length
    await queueFor(testHub, 6)
    expect(toldFor()).toBe(1)
    await leave(await join5(testHub.port, 'c', KEPT))
    const publisher = await join5(testHub.port, 'publisher')
    for (const payload of ['1', '2', '3', '4']) await publishAcknowledged(publisher, 't', payload)
    expect(toldFor()).toBe(2)
  })

  test('is told of a shared subscription with its filter', async () => {
    const testHub = await startHubWithHttp({ config: { limits: { maxQueuedMessages: 2 } } })
    const member = await join5(testHub.port, 'c', KEPT)
    await member.subscribe(['$share/group/t', 1])
    await leave(member)
    const publisher = await join5(testHub.port, 'publisher')
    for (const payload of ['1', '2', '3', '4']) await publishAcknowledged(publisher, 't', payload)
    const told = testHub.log.lines.items.filter(({ level }) => level === 'warn')
    expect(told).toMatchObject([{ fields: { filter: '$share/group/t', reason: 'queue-full' } }])
    const { body } = await new ApiClient(testHub.httpPort).get('/mishaps')
    const reason = expect.stringMatching(/^\$share\/group\/t: .*limits\.maxQueuedMessages/)
    expect(body).toMatchObject({ mishaps: [{ kind: 'limit-reached', address: 'the hub itself', reason }] })
  })

  test('has a row here for every option of limits', () => {
    expect(Object.keys(ROWS).toSorted()).toEqual(LIMITS_OPTIONS.map(({ key }) => key).toSorted())
  })
})
