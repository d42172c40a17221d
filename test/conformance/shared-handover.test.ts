import { describe, expect, test } from 'vitest'
import { join5, KEPT, message5, publishAcknowledged } from './steps5.ts'
import {
  acknowledgePacket,
  disconnectPacket,
  publishPacket,
  RETAIN_AS_PUBLISHED,
  subscribePacket,
} from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import type { RawClient } from '../support/raw-client.ts'
import { type ReceivedPublish, valuesOf } from '../support/received-packet.ts'
import {
  expectLedgerBalanced,
  join,
  leave,
  lose,
  payloadsOf,
  publish,
  takeMessages,
  takePayloads,
} from '../support/steps.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const FILTER = '$share/group/t'

interface Stage {
  readonly testHub: TestHub
  readonly publisher: RawClient
  readonly a: RawClient
  readonly b: RawClient
}

/** A group of two members with kept sessions. */
async function setStage(qos: number): Promise<Stage> {
  const testHub = await startHub()
  const [a, b] = [await join5(testHub.port, 'a', KEPT), await join5(testHub.port, 'b', KEPT)]
  for (const member of [a, b]) await member.subscribe([FILTER, qos])
  return { testHub, a, b, publisher: await join5(testHub.port, 'publisher') }
}

/** Publishes one message and says which member it was given to; the other comes second. */
async function giveOne(
  { publisher, a, b }: Stage,
  qos: number,
): Promise<{ message: ReceivedPublish; holder: RawClient; holderId: string; other: RawClient }> {
  await publish(publisher, publishPacket({ topic: 't', payload: 'x', qos, packetId: 77, properties: [] }))
  const [forA, forB] = [await takeMessages(a), await takeMessages(b)]
  expect(forA.length + forB.length).toBe(1)
  const [message] = [...forA, ...forB]
  if (message === undefined) throw new Error('the message came to nobody')
  return forA.length === 1
    ? { message, holder: a, holderId: 'a', other: b }
    : { message, holder: b, holderId: 'b', other: a }
}

describe('A group whose members come and go', () => {
  test('gives everything to those that are there, nothing to one that is away', async () => {
    const { testHub, publisher, a, b } = await setStage(1)
    await leave(a)
    for (const payload of ['1', '2', '3']) await publishAcknowledged(publisher, 't', payload)
    expect(await takePayloads(b)).toEqual(['1', '2', '3'])
    expect(await takePayloads(await join5(testHub.port, 'a', KEPT))).toEqual([])
    expectLedgerBalanced(testHub)
  })

  test('keeps QoS 1 and 2 while nobody is there, for whoever comes first', async () => {
    const { testHub, publisher, a, b } = await setStage(2)
    await leave(a)
    await leave(b)
    for (const payload of ['1', '2', '3']) expect(await publishAcknowledged(publisher, 't', payload)).toBe(0)
    await publish(publisher, publishPacket({ topic: 't', payload: '4', qos: 2, packetId: 9, properties: [] }))
    expect(await takePayloads(await join5(testHub.port, 'b', KEPT))).toEqual(['1', '2', '3', '4'])
    expect(await takePayloads(await join5(testHub.port, 'a', KEPT))).toEqual([])
    expectLedgerBalanced(testHub)
  })

  test('gives what waits to a member that is new', async () => {
    const { testHub, publisher, a, b } = await setStage(1)
    await leave(a)
    await leave(b)
    await publishAcknowledged(publisher, 't', '1')
    const fresh = await join5(testHub.port, 'fresh')
    // A message may come before the SUBACK.
    expect(payloadsOf(await publish(fresh, subscribePacket(1, [[FILTER, 1]], [])))).toEqual(['1'])
  })

  test('drops QoS 0 as offline while nobody is there', async () => {
    const { testHub, publisher, a, b } = await setStage(1)
    await leave(a)
    await leave(b)
    await publish(publisher, message5('t', 'lost'))
    expect(testHub.hub.ledger.dropped.offline).toBe(1)
    expectLedgerBalanced(testHub)
    expect(await takePayloads(await join5(testHub.port, 'a', KEPT))).toEqual([])
  })

  test('drops what waits when its last member ends its session, and counts it', async () => {
    const testHub = await startHub()
    const only = await join5(testHub.port, 'only', KEPT)
    await only.subscribe([FILTER, 1])
    await leave(only)
    await publishAcknowledged(await join5(testHub.port, 'publisher'), 't', 'x')
    await join5(testHub.port, 'only', { isClean: true })
    expect(testHub.hub.pendingMessages).toBe(0)
    expectLedgerBalanced(testHub)
  })

  test('works for members of MQTT 3.1.1', async () => {
    const testHub = await startHub()
    const { port } = testHub
    const publisher = await join5(port, 'publisher')
    for (const clientId of ['a', 'b']) {
      const member = await join(port, clientId, { isClean: false })
      await member.subscribe([FILTER, 1])
      await leave(member)
    }
    await publishAcknowledged(publisher, 't', '1')
    expect(await takePayloads(await join(port, 'b', { isClean: false }))).toEqual(['1'])
    expect(await takePayloads(await join(port, 'a', { isClean: false }))).toEqual([])
    expectLedgerBalanced(testHub)
  })
})

/** RETAIN, QoS and Subscription Identifiers of messages. */
function termsOf(messages: readonly ReceivedPublish[]): unknown[] {
  return messages.map((message) => [message.retain, message.qos, ...valuesOf(message, Id.SUBSCRIPTION_IDENTIFIER)])
}

test('A member has its messages by its own terms, also those that waited for the group or that another gave back [MQTT-4.8.2-3] [MQTT-3.3.4-3] [MQTT-3.3.1-13]', async () => {
  const { port } = await startHub()
  const [a, b] = [await join5(port, 'a', KEPT), await join5(port, 'b', KEPT)]
  await a.subscribeWith([[Id.SUBSCRIPTION_IDENTIFIER, 1]], [FILTER, 1 | RETAIN_AS_PUBLISHED])
  await leave(a)
  await b.subscribeWith([[Id.SUBSCRIPTION_IDENTIFIER, 2]], [FILTER, 2])
  const publisher = await join5(port, 'publisher')
  const retained = publishPacket({ topic: 't', payload: 'x', qos: 1, retain: true, properties: [] })
  await publish(publisher, retained)
  expect(termsOf(await takeMessages(b))).toEqual([[false, 1, 2]])
  // What b gives back waits for the group.
  await leave(b)
  await publish(publisher, publishPacket({ topic: 't', qos: 2, retain: true, properties: [] }))
  expect(termsOf(await takeMessages(await join5(port, 'a', KEPT)))).toEqual([
    [true, 1, 1],
    [true, 1, 1],
  ])
})

describe('What a member has not acknowledged', () => {
  test.each([
    ['leaves', async (_stage: Stage, holder: RawClient) => leave(holder)],
    ['is lost', async ({ testHub }: Stage, holder: RawClient) => lose(testHub.log, holder)],
  ])('at QoS 1 goes to another when it %s, and is not sent to it again', async (_how, end) => {
    const stage = await setStage(1)
    const { holder, holderId, other } = await giveOne(stage, 1)
    await end(stage, holder)
    const again = await other.next('PUBLISH')
    expect(again.payload.toString()).toBe('x')
    await other.finish(again)
    await other.restBeforePingresp()
    expect(await takePayloads(await join5(stage.testHub.port, holderId, KEPT))).toEqual([])
    expect(stage.testHub.hub.pendingMessages).toBe(0)
    expectLedgerBalanced(stage.testHub)
  })

  test('at QoS 2 waits for it alone, and is finished when it returns [MQTT-4.8.2-4]', async () => {
    const stage = await setStage(2)
    const { message, holder, holderId, other } = await giveOne(stage, 2)
    await lose(stage.testHub.log, holder)
    expect(await takePayloads(other)).toEqual([])
    const back = await join5(stage.testHub.port, holderId, KEPT)
    const again = await back.next('PUBLISH')
    expect(again).toMatchObject({ packetId: message.packetId, dup: true })
    await back.finish(again)
    await back.restBeforePingresp()
    expectLedgerBalanced(stage.testHub)
  })

  test('at QoS 2 goes to nobody when its session ends [MQTT-4.8.2-5]', async () => {
    const stage = await setStage(2)
    const { holder, holderId, other } = await giveOne(stage, 2)
    await lose(stage.testHub.log, holder)
    await join5(stage.testHub.port, holderId, { isClean: true })
    expect(await takePayloads(other)).toEqual([])
    expect(stage.testHub.hub.ledger.dropped['session-ended']).toBe(1)
    expectLedgerBalanced(stage.testHub)
  })

  test.each([
    ['PUBACK', 1],
    ['PUBREC', 2],
  ] as const)('because it refused it with a %s of 0x80 or more goes to nobody [MQTT-4.8.2-6]', async (type, qos) => {
    const stage = await setStage(qos)
    const { message, holder, other } = await giveOne(stage, qos)
    holder.send(acknowledgePacket(type, message.packetId, 0x83))
    expect(await holder.restBeforePingresp()).toEqual([])
    expect(await takePayloads(other)).toEqual([])
    holder.send(disconnectPacket())
    await holder.untilClosed()
    expect(await takePayloads(other)).toEqual([])
    expect(stage.testHub.hub.ledger.dropped).toMatchObject({ rejected: 1 })
    expectLedgerBalanced(stage.testHub)
  })
})
