import { once } from 'node:events'
import { connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { PartialConfig } from '../../src/config/complete.ts'
import type { LimitName } from '../../src/observe/ledger.ts'
import { join5 } from '../conformance/steps5.ts'
import { ApiClient } from '../support/api.ts'
import { until } from '../support/guard.ts'
import { connectPacket, publishPacket, subscribePacket } from '../support/packets.ts'
import { openRawClient, openRawWebSocketClient, type RawClient } from '../support/raw-client.ts'
import { isPublish, join, leave, message, payloadsOf, publish, untilReason } from '../support/steps.ts'
import { startHub, startHubWithHttp, type TestHub } from '../support/start-hub.ts'

const ACCEPTED = Buffer.from([0x20, 2, 0, 0])
const REFUSED = Buffer.from([0x20, 2, 0, 3])

/** The limits that were hit, with how often. */
function hits({ hub }: TestHub): Record<string, number> {
  return Object.fromEntries(Object.entries(hub.ledger.limitHits).filter(([, count]) => count > 0))
}

async function startWith(limits: PartialConfig['limits']): Promise<TestHub> {
  return startHub({ config: { limits } })
}

/** Sends what the hub must end the connection for, and waits until it has. */
async function untilEnded(client: RawClient, ...packets: readonly Buffer[]): Promise<void> {
  client.send(...packets)
  await client.untilClosed()
}

/** Lets the event loop turn. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await setImmediate()
}

/** Connects from an address of this machine and gives the bytes of the first answer; one that is refused is gone by then. */
async function firstAnswer(port: number, localAddress: string, clientId: string): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  onTestFinished(() => void socket.destroy())
  socket.write(connectPacket({ clientId }))
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  await once(socket, 'data')
  const answer = Buffer.concat(chunks)
  if (!answer.equals(ACCEPTED)) await once(socket, 'close')
  return answer
}

describe('Ledger.limitHits', () => {
  test('counts clients over limits.maxConnections', async () => {
    const started = await startWith({ maxConnections: 1, maxConnectionsPerAddress: 1 })
    await join(started.port, 'first')
    const second = await openRawClient(started.port)
    expect(await second.connect({ clientId: 'second' })).toMatchObject({ reasonCode: 3 })
    expect(hits(started)).toEqual({ connections: 1 })
  })

  test('counts clients over limits.maxConnectionsPerAddress, which other addresses do not feel', async () => {
    const started = await startWith({ maxConnectionsPerAddress: 2 })
    const { port, log } = started
    const first = await join(port, 'first')
    await join(port, 'second')
    expect(await firstAnswer(port, '127.0.0.1', 'third')).toEqual(REFUSED)
    await untilReason(log, /too many connections/)
    expect(await firstAnswer(port, '127.0.0.2', 'elsewhere')).toEqual(ACCEPTED)
    expect(hits(started)).toEqual({ 'connections-per-address': 1 })
    await leave(first)
    // The hub sees the end of a connection a few turns later than its client does.
    while (!(await firstAnswer(port, '127.0.0.1', 'fourth')).equals(ACCEPTED)) await turns(5)
  })

  test('counts strangers over limits.connectTimeoutSeconds', async () => {
    const started = await startWith({ connectTimeoutSeconds: 0.05 })
    await untilEnded(await openRawClient(started.port))
    expect(hits(started)).toEqual({ 'connect-timeout': 1 })
  })

  test('tells the first refusal of each limit for a client in the log and under mishaps, with the option', async () => {
    const { port, httpPort, log } = await startHubWithHttp({
      config: { limits: { maxSubscriptionsPerClient: 1, maxTopicLevels: 2 } },
    })
    const client = await join5(port, 'greedy')
    expect((await client.subscribe(['a', 0], ['b', 0], ['c', 0], ['a/b/c', 0])).codes).toEqual([0, 0x97, 0x97, 0x8f])
    const told = log.lines.items.filter(({ text }) => text === 'a limit was reached')
    expect(told).toMatchObject([
      {
        level: 'warn',
        fields: {
          clientId: 'greedy',
          filter: 'b',
          reason: expect.stringContaining('limits.maxSubscriptionsPerClient'),
        },
      },
      {
        level: 'warn',
        fields: { clientId: 'greedy', filter: 'a/b/c', reason: expect.stringContaining('limits.maxTopicLevels') },
      },
    ])
    const { body } = await new ApiClient(httpPort).get('/mishaps')
    expect(body).toMatchObject({
      mishaps: [
        { kind: 'limit-reached', clientId: 'greedy', reason: expect.stringContaining('limits.maxTopicLevels') },
        {
          kind: 'limit-reached',
          clientId: 'greedy',
          reason: expect.stringContaining('limits.maxSubscriptionsPerClient'),
        },
      ],
    })
  })

  test.each([
    ['in a PUBLISH', message('a/b/c')],
    ['in a SUBSCRIBE', subscribePacket(1, [['a/b/c', 0]])],
  ])('tells why a client of MQTT 3.1.1 is let go that has too many levels %s', async (_where, bytes) => {
    const { port, httpPort, log } = await startHubWithHttp({ config: { limits: { maxTopicLevels: 2 } } })
    await untilEnded(await join(port, 'deep'), bytes)
    await untilReason(log, /at most 2 levels \(limits\.maxTopicLevels\), it has 3/)
    expect((await new ApiClient(httpPort).get('/mishaps')).body).toMatchObject({
      mishaps: [{ clientId: 'deep', reason: expect.stringContaining('limits.maxTopicLevels') }],
    })
  })

  test('names the option that a packet is too large for', async () => {
    const { port, log } = await startHub({ config: { limits: { maxPacketBytes: 500, maxConnectPacketBytes: 200 } } })
    await untilEnded(await openRawClient(port), connectPacket({ clientId: 'x'.repeat(300) }))
    await untilReason(log, /over the limit of 200 bytes \(limits\.maxConnectPacketBytes\)/)
    await untilEnded(await join(port, 'client'), message('t', 'x'.repeat(600)))
    await untilReason(log, /over the limit of 500 bytes \(limits\.maxPacketBytes\)/)
  })

  test('counts packets over limits.maxPacketBytes and limits.maxConnectPacketBytes, not lengths that are none', async () => {
    const started = await startWith({ maxPacketBytes: 500, maxConnectPacketBytes: 200 })
    const { port } = started
    await untilEnded(await join(port, 'client'), message('t', 'x'.repeat(600)))
    expect(hits(started)).toEqual({ 'packet-size': 1 })
    await untilEnded(await openRawClient(port), connectPacket({ clientId: 'x'.repeat(300) }))
    expect(hits(started)).toEqual({ 'packet-size': 2 })
    await untilEnded(await join(port, 'no length'), Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff]))
    expect(hits(started)).toEqual({ 'packet-size': 2 })
  })

  test('counts WebSocket frames that are too large for any packets', async () => {
    const limits = { maxPacketBytes: 500, maxConnectPacketBytes: 200 }
    const started = await startHubWithHttp({ config: { limits } })
    const stranger = await openRawWebSocketClient(started.httpPort)
    await untilEnded(stranger, Buffer.alloc(100_000))
    await until(
      () => hits(started)['packet-size'] === 1,
      () => 'the frame of a stranger to be counted',
    )
    const client = await openRawWebSocketClient(started.httpPort)
    await client.connect({ clientId: 'client' })
    await untilEnded(client, Buffer.alloc(2_000_000))
    await until(
      () => hits(started)['packet-size'] === 2,
      () => 'the frame of a client to be counted',
    )
  })

  const topics: readonly (readonly [string, string])[] = [
    ['too long', 'long'.repeat(5)],
    ['too deep', 'a/b/c/d'],
  ]
  test.each(topics)('counts topic names and filters that are %s', async (_fault, topic) => {
    const started = await startWith({ maxTopicBytes: 19, maxTopicLevels: 3 })
    const { port } = started
    await untilEnded(await join(port, 'c'), message(topic))
    expect(hits(started)).toEqual({ topic: 1 })
    await untilEnded(await join(port, 'c'), publishPacket({ topic, qos: 1 }))
    expect(hits(started)).toEqual({ topic: 2 })
    await untilEnded(await join(port, 'c'), subscribePacket(1, [[topic, 0]]))
    expect(hits(started)).toEqual({ topic: 3 })
    await untilEnded(await openRawClient(port), connectPacket({ clientId: 'c', will: { topic } }))
    expect(hits(started)).toEqual({ topic: 4 })
  })

  test('counts no topic that would not be valid without limits either', async () => {
    const started = await startWith({ maxTopicBytes: 20 })
    const { port } = started
    await untilEnded(await join(port, 'c'), message('long/#/'.repeat(5)))
    // Not UTF-8: as text it would be longer than it is.
    await untilEnded(await join(port, 'c'), publishPacket({ topic: Buffer.alloc(15, 0xff) }))
    await untilEnded(await join(port, 'c'), subscribePacket(1, [['long#'.repeat(5), 0]]))
    await untilEnded(await openRawClient(port), connectPacket({ clientId: 'c', will: { topic: '+'.repeat(30) } }))
    expect(hits(started)).toEqual({})
  })

  test('counts subscriptions over limits.maxSubscriptionsPerClient', async () => {
    const started = await startWith({ maxSubscriptionsPerClient: 1 })
    const client = await join(started.port, 'c')
    expect((await client.subscribe(['a', 0], ['b', 0], ['a', 1], ['c', 0])).codes).toEqual([0, 0x80, 1, 0x80])
    expect(hits(started)).toEqual({ subscriptions: 2 })
  })

  test('has every limit, none of them hit, from the start', async () => {
    const started = await startHub()
    const names: readonly LimitName[] = [
      'connections',
      'connections-per-address',
      'open-files',
      'connect-timeout',
      'packet-size',
      'topic',
      'subscriptions',
      'memory',
      'publish-rate',
      'receive-maximum',
    ]
    expect(started.hub.ledger.limitHits).toEqual(Object.fromEntries(names.map((name) => [name, 0])))
  })
})

test('A message over limits.maxRetainedMessages is delivered, not retained, and counted; room that is made is used', async () => {
  const { hub, port } = await startWith({ maxRetainedMessages: 2 })
  const subscriber = await join(port, 'subscriber')
  await subscriber.subscribe(['#', 0])
  const publisher = await join(port, 'publisher')
  const retained = async (): Promise<string[]> => {
    const reader = await join(port, 'reader')
    await reader.subscribe(['#', 0])
    const packets = await reader.restBeforePingresp()
    expect(packets.every((packet) => isPublish(packet) && packet.retain)).toBe(true)
    return payloadsOf(packets).toSorted()
  }
  await publish(publisher, message('a', '1', true), message('b', '2', true), message('c', '3', true))
  expect(await retained()).toEqual(['1', '2'])
  expect(hub.ledger.notRetained).toBe(1)
  await publish(publisher, message('b', '4', true), message('a', '', true), message('c', '5', true))
  expect(await retained()).toEqual(['4', '5'])
  expect(hub.ledger.notRetained).toBe(1)
  expect(payloadsOf(await subscriber.restBeforePingresp())).toEqual(['1', '2', '3', '4', '', '5'])
})
