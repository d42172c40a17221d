import { describe, expect, test } from 'vitest'
import { until } from '../support/guard.ts'
import { accessOf, gateOf, rule, SteppedUsers } from '../support/gate.ts'
import { anonymous, type Gate } from '../../src/auth/gate.ts'
import { acknowledgePacket, type ConnectFields, connectPacket, publishPacket } from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import { openRawClient, type RawClient } from '../support/raw-client.ts'
import type { Version } from '../support/received-packet.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import {
  expectLedgerBalanced,
  lose,
  message,
  payloadsOf,
  publish,
  takeMessages,
  takePayloads,
} from '../support/steps.ts'

type Rules = Parameters<typeof gateOf>[1]

const ALL = rule('allow both', '#')
const KEPT: ConnectFields = { isClean: false }

async function enter(
  { port }: TestHub,
  user: string,
  fields: ConnectFields = {},
  version: Version = 4,
): Promise<RawClient> {
  const client = await openRawClient(port, version)
  const who: ConnectFields = { userName: user, password: 'pw', clientId: user, ...fields }
  const properties = version === 5 && fields.isClean === false ? [[Id.SESSION_EXPIRY, 1000] as const] : undefined
  const { reasonCode } = await client.connect(properties === undefined ? who : { ...who, properties })
  expect(reasonCode).toBe(0)
  return client
}

/** A hub with Anna, whom the rules concern, and the plant, which may do everything. */
async function start(rules: Rules, isFiltering = false): Promise<TestHub & { gate: Gate; users: SteppedUsers }> {
  const users = new SteppedUsers('anna', 'otto', 'plant')
  const gate = gateOf(users, [rule('allow both', '#', 'plant'), ...rules], isFiltering)
  return { ...(await startHub({ gate })), gate, users }
}

function warnings({ log }: TestHub): unknown[] {
  return log.lines.items.flatMap(({ text, fields }) =>
    text === 'the access rules kept something from a client'
      ? [`${String(fields['action'])} ${String(fields['topic'])}`]
      : [],
  )
}

describe('A replay that is on its way when the rules change', () => {
  test('ends with what its client may have now', async () => {
    const plantMay = rule('allow both', '#', 'plant')
    const hub = await start([rule('allow receive', 'home/#')])
    const plant = await enter(hub, 'plant')
    const sent = Array.from({ length: 60 }, (_, i) => {
      const topic = `home/${i % 2 === 0 ? 'open' : 'secret'}/${i}`
      return publishPacket({ topic, payload: 'x', qos: 1, packetId: i + 1, retain: true })
    })
    await publish(plant, ...sent)
    // The window of 10 is full: the rest waits for acknowledgements.
    const anna = await enter(hub, 'anna', { properties: [[Id.RECEIVE_MAXIMUM, 10]] }, 5)
    await anna.subscribe(['home/#', 1], ['home/open/#', 1])
    let left = await takeMessages(anna)
    expect(left).toHaveLength(10)
    hub.gate.change(hub.users, accessOf([plantMay, rule('allow receive', 'home/open/#')]))
    await until(
      () => warnings(hub).includes('subscribe home/#'),
      () => 'the subscription to be taken',
    )
    const topics: string[] = []
    while (left.length > 0) {
      anna.send(...left.map(({ packetId }) => acknowledgePacket('PUBACK', packetId)))
      left = await takeMessages(anna)
      topics.push(...left.map(({ topic }) => topic))
    }
    expect(topics.filter((topic) => topic.startsWith('home/secret'))).toEqual([])
    expect(topics.length).toBeGreaterThan(30)
  })
})

describe('PUBLISH', () => {
  const RULES: Rules = [
    rule('allow publish', 'home/low/#', undefined, { maxQos: 1, mayRetain: false }),
    rule('deny publish', 'home/alarm'),
    rule('allow publish', 'home/#'),
  ]
  /** Topic, QoS, RETAIN, and whether it may be published. */
  const CASES = [
    ['home/x', 0, false, true],
    ['home/x', 2, true, true],
    ['home/alarm', 0, false, false],
    ['home/alarm', 1, false, false],
    ['home/alarm', 2, true, false],
    ['elsewhere', 1, false, false],
    ['home/low/a', 1, false, true],
    ['home/low/a', 2, false, false],
    ['home/low/a', 1, true, false],
    ['home/low/a', 0, true, false],
  ] as const

  test.each(CASES)(
    'to %s at QoS %i, retained %s: allowed %s, in both versions',
    async (topic, qos, retain, isAllowed) => {
      const hub = await start(RULES)
      const plant = await enter(hub, 'plant')
      await plant.subscribe(['#', 0])
      for (const version of [4, 5] as const) {
        const anna = await enter(hub, 'anna', {}, version)
        const properties = version === 5 ? [] : undefined
        const packets = await publish(
          anna,
          publishPacket({ topic, payload: 'x', qos, retain, packetId: 5, properties }),
        )
        const code = version === 4 || isAllowed ? 0 : 0x87
        const answers = qos === 0 ? [] : [{ type: qos === 1 ? 'PUBACK' : 'PUBREC', packetId: 5, reasonCode: code }]
        expect(packets).toMatchObject(answers)
        expect(packets).toHaveLength(answers.length)
        expect(await takePayloads(plant)).toEqual(isAllowed ? ['x'] : [])
        // What was refused with a reason is over: its identifier is free.
        if (qos === 2 && (isAllowed || version === 4)) anna.send(acknowledgePacket('PUBREL', 5))
        anna.destroy()
        await anna.closed
      }
      expect(hub.hub.ledger.refused).toBe(isAllowed ? 0 : 2)
      expectLedgerBalanced(hub)
    },
  )

  test('in one chunk, to topics that are allowed and others, at QoS 0: only the allowed arrive, each and in order', async () => {
    const hub = await start([rule('allow publish', 'ok/+')])
    const plant = await enter(hub, 'plant')
    await plant.subscribe(['#', 0])
    const anna = await enter(hub, 'anna')
    const sent: Buffer[] = []
    const expected: string[] = []
    for (let i = 0; i < 500; i++) {
      const isAllowed = i % 3 !== 0
      const topic = `${isAllowed ? 'ok' : 'no'}/${(i >> 2) % 7}`
      sent.push(message(topic, `${i}`))
      if (isAllowed) expected.push(`${i}`)
    }
    for (let round = 0; round < 3; round++) {
      await publish(anna, ...sent)
      expect(await takePayloads(plant)).toEqual(expected)
    }
    expect(hub.hub.ledger.refused).toBe(3 * (500 - expected.length))
    expectLedgerBalanced(hub)
  })

  test('that is denied is answered so where no more can be retained too: the limit is nobody else’s to know', async () => {
    const users = new SteppedUsers('anna', 'plant')
    const gate = gateOf(users, [rule('allow both', '#', 'plant'), rule('allow publish', 'ok')])
    const hub = await startHub({ gate, config: { limits: { maxRetainedMessages: 1 } } })
    await publish(await enter(hub, 'plant'), message('one', 'x', true))
    const anna = await enter(hub, 'anna', {}, 5)
    const codes: unknown[] = []
    for (const topic of ['one', 'other', 'ok']) {
      anna.send(publishPacket({ topic, payload: 'x', qos: 1, retain: true, properties: [] }))
      codes.push((await anna.next('PUBACK')).reasonCode)
    }
    expect(codes).toEqual([0x87, 0x87, 0x97])
  })

  test('is told once of each rule', async () => {
    const users = new SteppedUsers('anna')
    const gate = gateOf(users, [rule('deny publish', 'a/#'), rule('allow publish', '#')])
    const hub = await startHub({ gate })
    const anna = await enter(hub, 'anna')
    for (let i = 0; i < 50; i++) await publish(anna, message(`a/${i}`))
    expect(warnings(hub)).toEqual(['publish a/0'])
  })

  test('of a topic that has taken the number of a forgotten one is asked about anew', async () => {
    const users = new SteppedUsers('anna', 'plant')
    const gate = gateOf(users, [rule('allow both', '#', 'plant'), rule('allow publish', 'ok/#')])
    const hub = await startHub({ gate, config: { limits: { maxTopics: 4 } } })
    const plant = await enter(hub, 'plant')
    const watcher = await enter(hub, 'plant', { clientId: 'watcher' })
    await watcher.subscribe(['#', 0])
    const anna = await enter(hub, 'anna')
    for (let round = 0; round < 40; round++) {
      await publish(anna, message(`ok/${round % 5}`, 'good'), message(`no/${round % 3}`, 'bad'))
      await publish(plant, message(`fill/${round % 6}`, 'fill'))
    }
    const got = await takePayloads(watcher)
    expect(got.filter((payload) => payload === 'good')).toHaveLength(40)
    expect(got).not.toContain('bad')
  })
})

describe('SUBSCRIBE', () => {
  test('to what the rules do not allow is refused with 0x80 or 0x87, and what is allowed in one packet is granted', async () => {
    const hub = await start([
      rule('deny receive', 'home/secret'),
      rule('allow receive', 'home/#', undefined, { maxQos: 1 }),
    ])
    const filters = [
      ['home/a', 2],
      ['home/secret', 0],
      ['home/+', 0],
      ['other', 1],
      ['#', 0],
      ['$share/g/home/secret', 0],
      ['$share/g/home/b/#', 2],
      ['$SYS/#', 0],
    ] as const
    for (const [version, no] of [
      [4, 0x80],
      [5, 0x87],
    ] as const) {
      const anna = await enter(hub, 'anna', {}, version)
      const { codes } = await anna.subscribe(...filters)
      expect(codes).toEqual([1, no, no, no, no, no, 1, no])
      await anna.restBeforePingresp()
      anna.destroy()
      await anna.closed
    }
    expect(hub.hub.ledger.deniedSubscriptions).toBe(12)
  })

  test('that is refused leaves the client connected, and its next one is granted', async () => {
    const hub = await start([rule('allow receive', 'a')])
    const anna = await enter(hub, 'anna')
    expect(await anna.subscribe(['b', 0])).toMatchObject({ codes: [0x80] })
    expect(await anna.subscribe(['a', 0])).toMatchObject({ codes: [0] })
    const plant = await enter(hub, 'plant')
    await publish(plant, message('a', '1'), message('b', '2'))
    expect(await takePayloads(anna)).toEqual(['1'])
  })

  test('wider than what is allowed, where rules filter, is granted: what is not allowed never comes, in runs and alone, at any QoS', async () => {
    const hub = await start([rule('deny receive', '+/secret/#'), rule('allow receive', 'a/#')], true)
    const anna = await enter(hub, 'anna')
    expect(await anna.subscribe(['#', 2])).toMatchObject({ codes: [2] })
    const plant = await enter(hub, 'plant')
    const run: Buffer[] = []
    for (let i = 0; i < 60; i++) run.push(message(['a/x', 'a/secret/y', 'b/x', 'a'][i % 4] ?? '', `${i % 4}`))
    await publish(plant, ...run)
    const got = await takePayloads(anna)
    expect(got).toHaveLength(30)
    expect(new Set(got)).toEqual(new Set(['0', '3']))
    await publish(plant, publishPacket({ topic: 'a/secret', payload: 'no', qos: 1 }))
    await publish(plant, publishPacket({ topic: 'a/x', payload: 'yes', qos: 1 }))
    expect(await takePayloads(anna)).toEqual(['yes'])
    expect(hub.hub.ledger.dropped['not-allowed']).toBe(31)
  })

  test('gets of retained messages only what is allowed', async () => {
    const hub = await start([rule('deny receive', '+/secret'), rule('allow receive', 'a/#')], true)
    const plant = await enter(hub, 'plant')
    const topics = Array.from({ length: 300 }, (_, i) => `a/${i}`)
    for (const topic of [...topics, 'a/secret', 'b/1']) await publish(plant, message(topic, topic, true))
    const anna = await enter(hub, 'anna')
    await anna.subscribe(['#', 0])
    const got: string[] = []
    while (got.length < topics.length) got.push((await anna.next('PUBLISH')).topic)
    expect(got.toSorted()).toEqual(topics.toSorted())
    expect(await takeMessages(anna)).toEqual([])
  })

  test('to the past needs that the rule includes it', async () => {
    const hub = await start([
      rule('allow receive', 'now/#', undefined, { includesPast: false }),
      rule('allow receive', 'both/#'),
    ])
    const plant = await enter(hub, 'plant')
    await publish(plant, message('both/a', 'past'), message('now/a', 'past'))
    const anna = await enter(hub, 'anna')
    expect(await anna.subscribe(['$history/5/now/#', 0], ['$history/5/both/#', 0], ['now/#', 0])).toMatchObject({
      codes: [0x80, 0, 0],
    })
    expect((await anna.next('PUBLISH')).topic).toBe('both/a')
    await publish(plant, message('now/a', 'new'))
    expect(await takePayloads(anna)).toEqual(['new'])
  })
})

test('A member of a shared subscription who may not receive a message is no candidate for it, and none is lost', async () => {
  const hub = await start([rule('allow receive', 's/1', 'otto'), rule('allow receive', 's/#', 'anna')], true)
  const anna = await enter(hub, 'anna')
  const otto = await enter(hub, 'otto')
  for (const member of [anna, otto]) expect(await member.subscribe(['$share/g/s/#', 1])).toMatchObject({ codes: [1] })
  const plant = await enter(hub, 'plant')
  for (let i = 0; i < 20; i++) {
    await publish(plant, publishPacket({ topic: `s/${i % 2}`, payload: `${i % 2}`, qos: i % 4 < 2 ? 0 : 1 }))
  }
  const [ofAnna, ofOtto] = [await takePayloads(anna), await takePayloads(otto)]
  expect(ofAnna.length + ofOtto.length).toBe(20)
  expect(ofOtto.length).toBeGreaterThan(0)
  expect(new Set(ofOtto)).toEqual(new Set(['1']))
})

describe('When rules change', () => {
  test('a connected client loses at once what they take, and keeps the rest', async () => {
    const hub = await start([ALL])
    const anna = await enter(hub, 'anna')
    await anna.subscribe(['a', 0], ['b', 2], ['$share/g/c', 0])
    const plant = await enter(hub, 'plant')
    hub.gate.change(
      hub.users,
      accessOf([rule('allow both', '#', 'plant'), rule('allow receive', 'b', undefined, { maxQos: 1 })]),
    )
    await until(
      () => warnings(hub).length === 2,
      () => `two subscriptions to end: ${JSON.stringify(warnings(hub))}`,
    )
    await publish(plant, message('a'), message('c'), publishPacket({ topic: 'b', payload: 'b', qos: 2 }))
    expect(await takeMessages(anna)).toMatchObject([{ topic: 'b', qos: 1 }])
    await publish(anna, message('a', 'denied'))
    expect(hub.hub.ledger.refused).toBe(1)
    // Given again, it has to be asked for again.
    hub.gate.change(hub.users, accessOf([ALL]))
    expect(await anna.subscribe(['a', 0])).toMatchObject({ codes: [0] })
  })

  test('a client of MQTT 5 that has no subscription left is disconnected with 0x87, one of 3.1.1 stays', async () => {
    const hub = await start([ALL])
    const anna = await enter(hub, 'anna', {}, 5)
    const otto = await enter(hub, 'otto')
    for (const client of [anna, otto]) await client.subscribe(['a', 0])
    hub.gate.change(hub.users, accessOf([]))
    expect(await anna.untilDisconnected()).toBe(0x87)
    expect(await otto.restBeforePingresp()).toEqual([])
  })

  test('a user who is removed is disconnected, and the will is not published', async () => {
    const hub = await start([ALL])
    const plant = await enter(hub, 'plant')
    await plant.subscribe(['#', 0])
    const anna = await enter(hub, 'anna', { will: { topic: 'gone', payload: 'w' } }, 5)
    hub.users.names.delete('anna')
    hub.gate.change(hub.users, accessOf([ALL]))
    expect(await anna.untilDisconnected()).toBe(0x87)
    expect(await takePayloads(plant)).toEqual([])
  })

  test('a user who is removed while the CONNECT is on its way is disconnected too', async () => {
    const hub = await start([ALL])
    const authenticate = hub.users.authenticate.bind(hub.users)
    hub.users.authenticate = (credentials, peer) => {
      // After the gate has answered, before the session is there.
      queueMicrotask(() => {
        hub.users.names.delete('anna')
        hub.gate.change(hub.users, accessOf([ALL]))
      })
      return authenticate(credentials, peer)
    }
    const client = await openRawClient(hub.port, 5)
    client.send(connectPacket({ clientId: 'anna', userName: 'anna', password: 'pw', properties: [] }))
    await client.untilClosed()
    expect(client.received.map((packet) => ('reasonCode' in packet ? packet.reasonCode : undefined))).toContain(0x87)
  })

  test('whoever came while there were no users has to come again', async () => {
    const hub = await start([])
    hub.gate.change(undefined, undefined)
    const stranger = await openRawClient(hub.port, 5)
    await stranger.connect({ clientId: 'x' })
    hub.gate.change(hub.users, accessOf([ALL]))
    expect(await stranger.untilDisconnected()).toBe(0x87)
  })

  test('what waits for a client that is away is asked about when it comes, and its subscriptions too', async () => {
    const hub = await start([ALL])
    const anna = await enter(hub, 'anna', KEPT)
    await anna.subscribe(['a', 1], ['b', 1])
    await lose(hub.log, anna)
    const plant = await enter(hub, 'plant')
    for (const topic of ['a', 'b', 'a', 'b']) await publish(plant, publishPacket({ topic, payload: topic, qos: 1 }))
    hub.gate.change(hub.users, accessOf([rule('allow both', '#', 'plant'), rule('allow receive', 'b')]))
    const again = await enter(hub, 'anna', KEPT)
    expect(await takePayloads(again)).toEqual(['b', 'b'])
    await publish(plant, publishPacket({ topic: 'a', payload: 'late', qos: 1 }))
    expect(await takePayloads(again)).toEqual([])
    expect(hub.hub.ledger.dropped['not-allowed']).toBe(2)
  })

  test('a will that waits is published only if its client may do so when it is due', async () => {
    const hub = await start([ALL])
    const plant = await enter(hub, 'plant')
    await plant.subscribe(['#', 0])
    for (const [user, topic] of [
      ['anna', 'gone/anna'],
      ['otto', 'gone/otto'],
    ] as const) {
      const will = { topic, payload: 'w', properties: [[Id.WILL_DELAY, 1] as const] }
      await lose(hub.log, await enter(hub, user, { ...KEPT, will }, 5))
    }
    hub.gate.change(hub.users, accessOf([rule('allow both', '#', 'plant'), rule('allow publish', 'gone/otto')]))
    expect((await plant.next('PUBLISH')).topic).toBe('gone/otto')
    await until(
      () => hub.hub.ledger.refused === 1,
      () => 'the will of the other to be kept back',
    )
    expect(await takePayloads(plant)).toEqual([])
  })
})

test('A client whose token ends is disconnected with 0x87, and its will is published', async () => {
  const hub = await start([ALL])
  const plant = await enter(hub, 'plant')
  await plant.subscribe(['#', 0])
  hub.users.endings.set('anna', Date.now() + 1500)
  const anna = await enter(hub, 'anna', { will: { topic: 'gone', payload: 'w' } }, 5)
  expect(await anna.untilDisconnected()).toBe(0x87)
  expect((await plant.next('PUBLISH')).topic).toBe('gone')
})

test('Without users nothing is asked, whatever is shown', async () => {
  const { port, hub } = await startHub()
  const client = await openRawClient(port)
  expect(await client.connect({ userName: 'x', password: 'y', clientId: 'c' })).toMatchObject({ reasonCode: 0 })
  expect(await client.subscribe(['#', 0], ['$SYS/#', 0])).toMatchObject({ codes: [0, 0] })
  expect(payloadsOf(await publish(client, message('a', '1')))).toContain('1')
  expect(hub.ledger.refused).toBe(0)
})

test('The delayed will of a device that only its certificate names is published', async () => {
  const hub = await start([ALL])
  const plant = await enter(hub, 'plant')
  await plant.subscribe(['#', 0])
  const known = hub.users.renew.bind(hub.users)
  // Nobody has its name in a file: it is who it is by its certificate alone.
  hub.users.renew = (identity) => (identity.via === 'certificate' ? identity : known(identity))
  const authenticate = hub.users.authenticate.bind(hub.users)
  hub.users.authenticate = (credentials, peer) => ({
    ...anonymous(credentials, peer),
    user: 'dev',
    via: 'certificate',
  })
  const will = { topic: 'gone', payload: 'w', properties: [[Id.WILL_DELAY, 1] as const] }
  await lose(hub.log, await enter(hub, 'dev', { ...KEPT, will }, 5))
  hub.users.authenticate = authenticate
  expect((await plant.next('PUBLISH')).topic).toBe('gone')
})
