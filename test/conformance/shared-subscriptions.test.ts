import { describe, expect, test } from 'vitest'
import type { PartialConfig } from '../../src/config/complete.ts'
import { until } from '../support/guard.ts'
import { endingOf, join5, message5, publishAcknowledged } from './steps5.ts'
import { NO_LOCAL, publishPacket, subscribePacket, unsubscribePacket } from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import type { RawClient } from '../support/raw-client.ts'
import { valuesOf } from '../support/received-packet.ts'
import { expectLedgerBalanced, join, publish, takeMessages, takePayloads } from '../support/steps.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const FILTER = '$share/group/t/#'

/** A hub with this strategy, a publisher, and members of one group at this QoS. */
async function setStage(
  qos: number,
  count: number,
  config: PartialConfig = {},
): Promise<{ testHub: TestHub; publisher: RawClient; members: RawClient[] }> {
  const testHub = await startHub({ config })
  const publisher = await join5(testHub.port, 'publisher')
  const members: RawClient[] = []
  for (let i = 0; i < count; i++) {
    const member = await join5(testHub.port, `member ${i}`)
    expect((await member.subscribe([FILTER, qos])).codes).toEqual([qos])
    members.push(member)
  }
  return { testHub, publisher, members }
}

async function takeAll(clients: readonly RawClient[]): Promise<string[][]> {
  const taken: string[][] = []
  for (const client of clients) taken.push(await takePayloads(client))
  return taken
}

const TEN = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']

describe('A shared subscription', () => {
  test('gives each message to one member of the group, and to all others as ever', async () => {
    const { testHub, publisher, members } = await setStage(0, 3)
    const alone = await join5(testHub.port, 'alone')
    await alone.subscribe(['t/#', 0])
    const elsewhere = await join5(testHub.port, 'other group')
    await elsewhere.subscribe(['$share/other/t/+', 0])
    await publish(publisher, ...TEN.map((payload) => message5('t/a', payload)))
    const taken = await takeAll(members)
    expect(taken.flat().toSorted()).toEqual(TEN)
    for (const payloads of taken) expect(payloads).toEqual(payloads.toSorted())
    expect(await takePayloads(alone)).toEqual(TEN)
    expect(await takePayloads(elsewhere)).toEqual(TEN)
    expectLedgerBalanced(testHub)
  })

  test('is open to MQTT 3.1.1 and MQTT 5 in one group', async () => {
    const { testHub, publisher, members } = await setStage(0, 1)
    const older = await join(testHub.port, 'older')
    expect((await older.subscribe([FILTER, 0])).codes).toEqual([0])
    await publish(publisher, ...TEN.map((payload) => message5('t/a', payload)))
    const [newer = []] = await takeAll(members)
    const old = await takePayloads(older)
    expect([newer.length, old.length]).toEqual([5, 5])
    expect([...newer, ...old].toSorted()).toEqual(TEN)
  })

  const malformed: readonly (readonly [what: string, filter: string])[] = [
    ['an empty share name [MQTT-4.8.2-1]', '$share//t'],
    ['nothing but a share [MQTT-4.8.2-1]', '$share/'],
    ['"+" in its share name [MQTT-4.8.2-2]', '$share/a+/t'],
    ['"#" in its share name [MQTT-4.8.2-2]', '$share/#/t'],
    ['no "/" behind its share name [MQTT-4.8.2-2]', '$share/group'],
    ['no filter [MQTT-4.8.2-2]', '$share/group/'],
    ['a filter that is not valid [MQTT-4.8.2-2]', '$share/group/a#'],
  ]
  test.each(malformed)('with %s is refused', async (_what, filter) => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    client.send(subscribePacket(1, [[filter, 0]], []))
    const answer = await client.next()
    if (answer.type === 'SUBACK') expect(answer.codes).toEqual([0x8f])
    else expect([0x81, 0x82, 0x8f]).toContain(answer.type === 'DISCONNECT' ? answer.reasonCode : answer.type)
  })

  test.each(['$sharing/group/t', '$SHARE/group/t'])('is not meant by "%s"', async (topic) => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    expect((await client.subscribe([topic, 0])).codes).toEqual([0])
    client.send(message5(topic, 'plain'))
    expect(await takePayloads(client)).toEqual(['plain'])
  })

  test('with No Local is a protocol error [MQTT-3.8.3-4]', async () => {
    const { port } = await startHub()
    expect(await endingOf(port, subscribePacket(1, [[FILTER, NO_LOCAL]], []))).toBe(0x82)
  })

  test('gives each member its messages at the QoS it was granted [MQTT-4.8.2-3]', async () => {
    const { testHub, publisher, members } = await setStage(0, 1)
    for (const qos of [1, 2]) {
      const member = await join5(testHub.port, `at QoS ${qos}`)
      await member.subscribe([FILTER, qos])
      members.push(member)
    }
    const packets = TEN.slice(0, 9).map((payload, i) =>
      publishPacket({ topic: 't/a', payload, qos: 2, packetId: i + 1, properties: [] }),
    )
    await publish(publisher, ...packets)
    for (const [granted, member] of members.entries()) {
      expect((await takeMessages(member)).map(({ qos }) => qos)).toEqual([granted, granted, granted])
    }
  })

  test('sends no retained messages when it begins', async () => {
    const { testHub, publisher } = await setStage(0, 0)
    await publish(publisher, publishPacket({ topic: 't/a', payload: 'kept', retain: true, properties: [] }))
    const member = await join5(testHub.port, 'member')
    await member.subscribe([FILTER, 0])
    expect(await takePayloads(member)).toEqual([])
  })

  test('has its Subscription Identifier in its messages [MQTT-3.3.4-3]', async () => {
    const { testHub, publisher } = await setStage(0, 0)
    const member = await join5(testHub.port, 'member')
    await member.subscribeWith([[Id.SUBSCRIPTION_IDENTIFIER, 8]], [FILTER, 0])
    await publish(publisher, message5('t/a'))
    expect(valuesOf(await member.next('PUBLISH'), Id.SUBSCRIPTION_IDENTIFIER)).toEqual([8])
  })

  test('ends with UNSUBSCRIBE from its whole filter, for that member alone [MQTT-3.10.4-1]', async () => {
    const { publisher, members } = await setStage(0, 2)
    const [leaving, staying] = members
    leaving?.send(unsubscribePacket(1, ['t/#', FILTER], []))
    expect((await leaving?.next('UNSUBACK'))?.codes).toEqual([0x11, 0])
    await publish(publisher, ...TEN.map((payload) => message5('t/a', payload)))
    expect(await takePayloads(staying ?? publisher)).toEqual(TEN)
  })

  test('that is made again stays one membership', async () => {
    const { publisher, members } = await setStage(0, 2)
    for (let i = 0; i < 3; i++) await members[0]?.subscribe([FILTER, 0])
    await publish(publisher, ...TEN.map((payload) => message5('t/a', payload)))
    expect((await takeAll(members)).map(({ length }) => length)).toEqual([5, 5])
  })

  test('holds back a message when no member has room, and gives it to the first that has', async () => {
    const { testHub, publisher } = await setStage(1, 0)
    const members: RawClient[] = []
    for (const name of ['a', 'b']) {
      const member = await join5(testHub.port, name, { properties: [[Id.RECEIVE_MAXIMUM, 1]] })
      await member.subscribe([FILTER, 1])
      members.push(member)
    }
    for (const payload of ['1', '2', '3', '4']) await publishAcknowledged(publisher, 't/a', payload)
    const [a, b] = members
    const held = await takeMessages(a ?? publisher)
    const [first] = await takeMessages(b ?? publisher)
    if (a === undefined || b === undefined || first === undefined) throw new Error('a message is missing')
    expect(held).toHaveLength(1)
    expect([...held, first].map(({ payload }) => payload.toString()).toSorted()).toEqual(['1', '2'])
    await b.finish(first)
    const third = await b.next('PUBLISH')
    expect(third.payload.toString()).toBe('3')
    await b.finish(third)
    expect((await b.next('PUBLISH')).payload.toString()).toBe('4')
    expect(await takePayloads(a)).toEqual([])
  })
})

describe('The strategy of a shared subscription', () => {
  test('is round-robin by default: each in turn', async () => {
    const { publisher, members } = await setStage(0, 3)
    await publish(publisher, ...TEN.slice(0, 9).map((payload) => message5('t/a', payload)))
    const taken = await takeAll(members)
    expect(taken.map(({ length }) => length)).toEqual([3, 3, 3])
    for (const [first = '0', second, third] of taken) {
      expect([second, third]).toEqual([`${Number(first) + 3}`, `${Number(first) + 6}`])
    }
  })

  test('"sticky" gives all to one until it goes, then to another', async () => {
    const { publisher, members } = await setStage(0, 3, { sharedSubscriptions: { strategy: 'sticky' } })
    const rest = [...members]
    for (let round = 0; round < 3; round++) {
      await publish(publisher, ...TEN.map((payload) => message5('t/a', payload)))
      const taken = await takeAll(rest)
      const chosen = taken.findIndex(({ length }) => length > 0)
      expect(taken.flat()).toEqual(TEN)
      expect(taken[chosen]).toEqual(TEN)
      const [member] = rest.splice(chosen, 1)
      member?.send(unsubscribePacket(1, [FILTER], []))
      await member?.next('UNSUBACK')
    }
  })

  test('"least-loaded" gives to who has the fewest messages open', async () => {
    const config: PartialConfig = { sharedSubscriptions: { strategy: 'least-loaded' } }
    const { testHub, publisher, members } = await setStage(1, 2, config)
    const [slow, fast] = members
    if (slow === undefined || fast === undefined) throw new Error('a member is missing')
    await publishAcknowledged(publisher, 't/a', 'first')
    await publishAcknowledged(publisher, 't/a', 'second')
    expect(await takePayloads(slow)).toHaveLength(1)
    await fast.finish(await fast.next('PUBLISH'))
    await fast.restBeforePingresp()
    for (const payload of TEN) {
      await publishAcknowledged(publisher, 't/a', payload)
      const message = await fast.next('PUBLISH')
      expect(message.payload.toString()).toBe(payload)
      await fast.finish(message)
      await fast.restBeforePingresp()
    }
    expect(await takePayloads(slow)).toEqual([])
    await until(
      () => testHub.hub.pendingMessages === 1,
      () => 'all but one to be done',
    )
  })
})
