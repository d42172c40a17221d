import { expect, test } from 'vitest'
import { join5, KEPT, publishAcknowledged } from '../conformance/steps5.ts'
import { type ConnectFields, publishPacket } from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import type { RawClient } from '../support/raw-client.ts'
import type { ReceivedPacket } from '../support/received-packet.ts'
import { expectLedgerBalanced, isPublish, join, leave, lose, publish } from '../support/steps.ts'
import { ApiClient, fieldOf } from '../support/api.ts'
import { GatedStore } from '../support/gated-store.ts'
import { until } from '../support/guard.ts'
import { type HttpTestHub, startHubWithHttp } from '../support/start-hub.ts'

/** What has to come of a message that expired while it waited: it was dropped, counted, and its trail tells so. */
async function expectExpired(testHub: HttpTestHub, step: object): Promise<void> {
  const { hub, httpPort } = testHub
  expect(hub.ledger.dropped.expired).toBe(1)
  expectLedgerBalanced(testHub)
  const messages = fieldOf(await new ApiClient(httpPort).get('/explain', { topic: 'a/short' }), 'messages')
  expect(messages).toMatchObject([{ steps: [{ ...step, outcome: 'dropped', reason: 'expired' }] }])
}

/** Publishes to `a/short` what has expired when it is next looked at, and to `a/long` what has not. */
async function publishBoth(port: number, qos: number): Promise<void> {
  const publisher = await join5(port, 'publisher')
  const short = { topic: 'a/short', payload: 'short', qos, packetId: 1, properties: [[Id.MESSAGE_EXPIRY, 0]] } as const
  const long = { topic: 'a/long', payload: 'long', qos, packetId: 2, properties: [[Id.MESSAGE_EXPIRY, 1000]] } as const
  await publish(publisher, publishPacket(short), publishPacket(long))
}

function textsOf(packets: readonly ReceivedPacket[]): string[] {
  return packets.flatMap((packet) => (packet.type === 'PUBLISH' ? [packet.payload.toString()] : []))
}

/** The payloads of what comes, each taken for good, until `payload` has come. */
async function takeUntil(client: RawClient, payload: string): Promise<string[]> {
  const payloads: string[] = []
  while (payloads.at(-1) !== payload) {
    const packet = await client.next('PUBLISH')
    payloads.push(packet.payload.toString())
    await client.finish(packet)
  }
  expect(textsOf(await client.restBeforePingresp())).toEqual([])
  return payloads
}

const ONE_AT_A_TIME: ConnectFields = { properties: [[Id.RECEIVE_MAXIMUM, 1]] }

test.each([1, 2])('QoS %i that expires in the queue of a client that is away is dropped as expired', async (qos) => {
  const testHub = await startHubWithHttp()
  const away = await join5(testHub.port, 's', KEPT)
  await away.subscribe(['a/#', qos])
  await leave(away)
  await publishBoth(testHub.port, qos)
  expect(await takeUntil(await join5(testHub.port, 's', KEPT), 'long')).toEqual(['long'])
  await expectExpired(testHub, { clientId: 's', group: null, qos })
})

test.each([1, 2])('QoS %i that expires behind a full window is dropped as expired', async (qos) => {
  const testHub = await startHubWithHttp()
  const client = await join5(testHub.port, 's', ONE_AT_A_TIME)
  await client.subscribe(['a/#', qos])
  await publishAcknowledged(await join5(testHub.port, 'first'), 'a/first', 'first')
  const first = await client.next('PUBLISH')
  await publishBoth(testHub.port, qos)
  await client.finish(first)
  expect(await takeUntil(client, 'long')).toEqual(['long'])
  await expectExpired(testHub, { clientId: 's', group: null, qos })
})

test.each([0, 1, 2])('QoS %i that expires behind the past of a subscription is dropped as expired', async (qos) => {
  const testHub = await startHubWithHttp()
  const publisher = await join5(testHub.port, 'first')
  for (const payload of ['past 1', 'past 2']) await publishAcknowledged(publisher, 'past', payload)
  const client = await join5(testHub.port, 's', ONE_AT_A_TIME)
  await client.subscribe(['a/#', qos])
  await client.subscribe(['$history/2/past', 1])
  const past1 = await client.next('PUBLISH')
  await publishBoth(testHub.port, qos)
  expect(textsOf(await client.restBeforePingresp())).toEqual([])
  await client.finish(past1)
  expect(await takeUntil(client, 'long')).toEqual(['past 2', 'long'])
  await expectExpired(testHub, { clientId: 's', group: null, qos })
})

/** A subscriber to `a/#` and `filler` that reads nothing until it is resumed, and whose output is full. */
async function joinCongested({ hub, port }: HttpTestHub, qos: number): Promise<RawClient> {
  const frozen = await join(port, 's')
  await frozen.subscribe(['a/#', qos], ['filler', 0])
  frozen.pause()
  const publisher = await join(port, 'first')
  const filler = publishPacket({ topic: 'filler', payload: 'x'.repeat(32 * 1024) })
  while (hub.ledger.droppedTotal === 0) {
    publisher.send(filler)
    await publisher.restBeforePingresp()
  }
  return frozen
}

test.each([
  [0, 'latest'],
  [1, 'latest'],
  [2, 'drop'],
] as const)('QoS %i that expires behind a full output, by "%s", is dropped as expired', async (qos, outputPolicy) => {
  const limits = { maxOutputBytes: 64 * 1024, outputPolicy } as const
  const testHub = await startHubWithHttp({ config: { limits } })
  const frozen = await joinCongested(testHub, qos)
  await publishBoth(testHub.port, qos)
  frozen.resume()
  const got: string[] = []
  while (got.at(-1) !== 'long') {
    const packet = await frozen.next()
    if (isPublish(packet) && packet.topic !== 'filler') got.push(packet.payload.toString())
  }
  expect(got).toEqual(['long'])
  await expectExpired(testHub, { clientId: 's', group: null, qos })
})

test.each([1, 2])('QoS %i that expires in the queue of a shared subscription is dropped as expired', async (qos) => {
  const testHub = await startHubWithHttp()
  const filter = '$share/g/a/#'
  const member = await join5(testHub.port, 's', ONE_AT_A_TIME)
  await member.subscribe([filter, qos])
  await publishAcknowledged(await join5(testHub.port, 'first'), 'a/first', 'first')
  const first = await member.next('PUBLISH')
  await publishBoth(testHub.port, qos)
  await member.finish(first)
  expect(await takeUntil(member, 'long')).toEqual(['long'])
  await expectExpired(testHub, { clientId: null, group: filter, qos })
})

test('QoS 1 that expires at a member of a shared subscription that leaves is dropped as expired, and no other gets it', async () => {
  const testHub = await startHubWithHttp()
  const filter = '$share/g/a/#'
  const leaving = await join5(testHub.port, 'leaving')
  await leaving.subscribe([filter, 1])
  await publishBoth(testHub.port, 1)
  expect(textsOf(await leaving.restBeforePingresp())).toEqual(['short', 'long'])
  const staying = await join5(testHub.port, 'staying')
  await staying.subscribe([filter, 1])
  await lose(testHub.log, leaving)
  expect(await takeUntil(staying, 'long')).toEqual(['long'])
  expect(testHub.hub.ledger.dropped.expired).toBe(1)
  expectLedgerBalanced(testHub)
  const api = new ApiClient(testHub.httpPort)
  expect(fieldOf(await api.get('/explain', { topic: 'a/short' }), 'messages')).toMatchObject([
    {
      steps: [
        { clientId: 'leaving', group: filter, outcome: 'handed-on' },
        { clientId: null, group: filter, outcome: 'dropped', reason: 'expired', qos: 1 },
      ],
    },
  ])
})

test('QoS 2 that expires before the store has its packet identifier is dropped as expired', async () => {
  const store = new GatedStore()
  const testHub = await startHubWithHttp({ store })
  const client = await join5(testHub.port, 's', KEPT)
  await client.subscribe(['a/#', 2])
  const publisher = await join5(testHub.port, 'publisher')
  store.closeGate()
  const short = {
    topic: 'a/short',
    payload: 'short',
    qos: 2,
    packetId: 1,
    properties: [[Id.MESSAGE_EXPIRY, 0]],
  } as const
  publisher.send(
    publishPacket(short),
    publishPacket({ topic: 'a/long', payload: 'long', qos: 2, packetId: 2, properties: [] }),
  )
  await until(
    () => testHub.hub.pendingMessages === 2,
    () => 'both messages to wait for the store',
  )
  store.openGate()
  expect(await takeUntil(client, 'long')).toEqual(['long'])
  await expectExpired(testHub, { clientId: 's', group: null, qos: 2 })
})
