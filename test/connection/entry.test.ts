import { describe, expect, test } from 'vitest'
import type { Hub } from '../../src/hub.ts'
import { until } from '../support/guard.ts'
import { gateOf, rule, SteppedUsers } from '../support/gate.ts'
import { type ConnectFields, connectPacket, publishPacket, subscribePacket } from '../support/packets.ts'
import { openRawClient } from '../support/raw-client.ts'
import type { Version } from '../support/received-packet.ts'
import { byLabel, scrapeSamples } from '../support/scrape.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { lose, payloadsOf, publish, untilReason } from '../support/steps.ts'
import { Id } from '../support/properties.ts'

const ALL = rule('allow both', '#')

function as(userName: string, fields: ConnectFields = {}): ConnectFields {
  return { userName, password: 'pw', clientId: userName, ...fields }
}

async function start(users: SteppedUsers, ...rules: Parameters<typeof gateOf>[1]): Promise<TestHub> {
  return startHub({ gate: gateOf(users, rules) })
}

async function refusedWith(port: number, version: Version, fields: ConnectFields): Promise<number> {
  const client = await openRawClient(port, version)
  const { reasonCode } = await client.connect(fields)
  await client.untilClosed()
  return reasonCode
}

async function sessionsOf({ metrics }: Hub): Promise<number> {
  return Object.values(byLabel(await scrapeSamples(metrics), 'hubbub_sessions')).reduce((sum, count) => sum + count, 0)
}

async function untilHeld(users: SteppedUsers, count = 1): Promise<void> {
  await until(
    () => users.held.length === count,
    () => `${count} clients that wait to be known`,
  )
}

describe('A client is refused', () => {
  const CODES = [
    ['wrong', 4, 0x86],
    ['not-authorized', 5, 0x87],
    ['busy', 3, 0x97],
    ['banned', 5, 0x9f],
  ] as const

  test.each(CODES)('that is %s, with %i in 3.1.1 and %i in 5, and opens no session', async (kind, code3, code5) => {
    const users = new SteppedUsers('anna')
    users.refusals.set('anna', { kind, reason: `it is ${kind}` })
    const { hub, log, port } = await start(users, ALL)
    expect(await refusedWith(port, 4, as('anna'))).toBe(code3)
    expect(await refusedWith(port, 5, as('anna'))).toBe(code5)
    await untilReason(log, new RegExp(`it is ${kind}`))
    expect(await sessionsOf(hub)).toBe(0)
  })

  test('when who it is cannot be found out, and the log has the reason', async () => {
    const users = new SteppedUsers('anna')
    users.authenticate = () => Promise.reject(new Error('the thread has died'))
    const { log, port } = await start(users, ALL)
    expect(await refusedWith(port, 4, as('anna'))).toBe(3)
    expect(await refusedWith(port, 5, as('anna'))).toBe(0x88)
    expect(log.lines.items.some(({ text }) => text === 'it could not be found out who a client is')).toBe(true)
  })

  test('for a will that it may not publish, in either version; with one that it may it is let in', async () => {
    const users = new SteppedUsers('anna')
    const { port } = await start(users, rule('allow publish', 'gone/#', undefined, { maxQos: 1, mayRetain: false }))
    for (const will of [{ topic: 'other' }, { topic: 'gone/a', qos: 2 }, { topic: 'gone/a', retain: true }]) {
      expect(await refusedWith(port, 4, as('anna', { will }))).toBe(5)
      expect(await refusedWith(port, 5, as('anna', { will }))).toBe(0x87)
    }
    const client = await openRawClient(port)
    expect(await client.connect(as('anna', { will: { topic: 'gone/a', qos: 1 } }))).toMatchObject({ reasonCode: 0 })
  })

  test('where the session of its identifier is that of another user, who keeps session, connection and messages', async () => {
    const users = new SteppedUsers('alice', 'carol')
    const { log, port } = await start(users, ALL)
    const device: ConnectFields = { clientId: 'device', isClean: false }
    const alice = await openRawClient(port)
    await alice.connect(as('alice', device))
    await alice.subscribe(['to/device', 1])
    expect(await refusedWith(port, 4, as('carol', device))).toBe(5)
    expect(await refusedWith(port, 5, as('carol', { ...device, isClean: true }))).toBe(0x87)
    const other = await openRawClient(port)
    await other.connect(as('carol', { clientId: 'other' }))
    await publish(other, publishPacket({ topic: 'to/device', payload: '1' }))
    expect(payloadsOf(await alice.restBeforePingresp())).toEqual(['1'])
    await lose(log, alice)
    expect(await refusedWith(port, 4, as('carol', device))).toBe(5)
    await publish(other, publishPacket({ topic: 'to/device', payload: '2', qos: 1 }))
    const again = await openRawClient(port)
    expect(await again.connect(as('alice', device))).toMatchObject({ isSessionPresent: true })
    expect((await again.next('PUBLISH')).payload.toString()).toBe('2')
  })
})

describe('While it is found out who a client is', () => {
  test('what it sent with its CONNECT waits, and is then answered in order', async () => {
    const users = new SteppedUsers('slow')
    const { port } = await start(users, ALL)
    const client = await openRawClient(port)
    client.send(
      connectPacket(as('slow')),
      subscribePacket(1, [['a', 1]]),
      publishPacket({ topic: 'a', payload: 'x', qos: 1, packetId: 7 }),
    )
    await untilHeld(users)
    expect(client.received).toEqual([])
    users.held[0]?.()
    await client.next('CONNACK')
    await client.next('SUBACK')
    const rest = [(await client.next()).type, (await client.next()).type]
    expect(rest.toSorted()).toEqual(['PUBACK', 'PUBLISH'])
  })

  test('a stranger cannot have the hub hold what it sends: it is not read', async () => {
    const users = new SteppedUsers('slow')
    const { hub, port } = await start(users, ALL)
    const client = await openRawClient(port)
    client.send(connectPacket(as('slow')))
    await untilHeld(users)
    const megabyte = publishPacket({ topic: 'a', payload: Buffer.alloc(1024 * 1024) })
    for (let i = 0; i < 32; i++) client.send(megabyte)
    // Another client comes and goes meanwhile, so that the hub had every turn to read.
    for (let i = 0; i < 20; i++) expect(await refusedWith(port, 4, { clientId: 'x' })).toBe(5)
    expect(hub.ledger.inputBytes).toBeLessThan(1024 * 1024)
    users.held[0]?.()
    await client.next('CONNACK')
  })

  test('a client that goes leaves no session, and its will is not published', async () => {
    const users = new SteppedUsers('slow', 'anna')
    const { hub, log, port } = await start(users, ALL)
    const watcher = await openRawClient(port)
    await watcher.connect(as('anna'))
    await watcher.subscribe(['#', 0])
    const client = await openRawClient(port)
    client.send(connectPacket(as('slow', { isClean: false, will: { topic: 'gone' } })))
    await untilHeld(users)
    client.destroy()
    await client.closed
    await untilReason(log, /without DISCONNECT/)
    users.held[0]?.()
    expect(payloadsOf(await watcher.restBeforePingresp())).toEqual([])
    expect(await sessionsOf(hub)).toBe(1)
  })

  test('an older connection of the same client stays until the new one is let in', async () => {
    const users = new SteppedUsers('slow')
    const { port } = await start(users, ALL)
    const first = await openRawClient(port, 5)
    first.send(connectPacket(as('slow', { properties: [] })))
    await untilHeld(users)
    users.held[0]?.()
    await first.next('CONNACK')
    const wrong = await openRawClient(port, 5)
    wrong.send(connectPacket(as('slow', { password: 'no', properties: [] })))
    const second = await openRawClient(port, 5)
    second.send(connectPacket(as('slow', { properties: [] })))
    await untilHeld(users, 3)
    users.held[1]?.()
    expect(await wrong.next('CONNACK')).toMatchObject({ reasonCode: 0x86 })
    expect(await first.restBeforePingresp()).toEqual([])
    users.held[2]?.()
    await second.next('CONNACK')
    expect(await first.untilDisconnected()).toBe(0x8e)
  })
})

test('The gate is told the address and listener of a client, and its user name and password as they were sent', async () => {
  const users = new SteppedUsers('anna')
  const { port } = await start(users, ALL)
  expect(await refusedWith(port, 4, { clientId: 'c', userName: 'x\u202e', password: Buffer.from([0, 255]) })).toBe(4)
  expect(users.asked).toEqual([
    { userName: 'x\u202e', peer: { host: '127.0.0.1', listener: 'mqtt', certificateName: undefined } },
  ])
})

test('A client that has no identifier of its own gets one before rules look at it', async () => {
  const users = new SteppedUsers('anna')
  const { port } = await start(users, rule('allow both', 'by/%c'))
  const client = await openRawClient(port, 5)
  const { properties } = await client.connect(as('anna', { clientId: '' }))
  const assigned = properties.find(([id]) => id === Id.ASSIGNED_CLIENT_IDENTIFIER)?.[1]
  expect(await client.subscribe([`by/${String(assigned)}`, 0], ['by/other', 0])).toMatchObject({ codes: [0, 0x87] })
})
