import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { until } from '../support/guard.ts'
import { connectPacket, disconnectPacket, subscribePacket, unsubscribePacket } from '../support/packets.ts'
import { openRawClient } from '../support/raw-client.ts'
import { startBroker } from '../support/start-broker.ts'
import { isPublish, join, leave, lose, reasonsOf, untilReason } from '../support/steps.ts'

const WILL = { topic: 'will/c', payload: 'gone' } as const

interface Told {
  readonly event: string
  readonly client: { readonly id: string }
}

/** Collects what the broker tells of its clients from now on. */
function listenTo(broker: Broker): Told[] {
  const told: Told[] = []
  for (const event of ['client', 'clientReady', 'clientDisconnect'] as const)
    broker.on(event, (client) => told.push({ event, client }))
  broker.on('subscribe', (_subscriptions, client) => told.push({ event: 'subscribe', client }))
  broker.on('unsubscribe', (_filters, client) => told.push({ event: 'unsubscribe', client }))
  return told
}

function eventsOf(told: readonly Told[], clientId: string): string[] {
  return told.filter(({ client }) => client.id === clientId).map(({ event }) => event)
}

describe('Broker', () => {
  test.each([4, 5] as const)(
    'tells of a client of MQTT level %i by its events, always of the same',
    async (version) => {
      const { broker, port } = await startBroker()
      const told = listenTo(broker)
      const properties = version === 5 ? [] : undefined
      const client = await openRawClient(port, version)
      await client.connect({ clientId: 'c', properties })
      client.send(subscribePacket(1, [['a/+', 1]], properties))
      await client.next('SUBACK')
      client.send(unsubscribePacket(2, ['a/+'], properties))
      await client.next('UNSUBACK')
      client.send(disconnectPacket())
      await client.untilClosed()
      expect(eventsOf(told, 'c')).toEqual(['client', 'clientReady', 'subscribe', 'unsubscribe', 'clientDisconnect'])
      expect(new Set(told.map((one) => one.client)).size).toBe(1)
      expect(broker.connectedClients).toBe(0)
    },
  )

  test('ends an older client before it enters another of the same identifier [MQTT-3.1.4-2]', async () => {
    const { broker, port } = await startBroker()
    const told = listenTo(broker)
    const older = await join(port, 'c')
    const newer = await join(port, 'c')
    await older.untilClosed()
    expect(eventsOf(told, 'c')).toEqual(['client', 'clientReady', 'clientDisconnect', 'client', 'clientReady'])
    const [first, , second, third] = told.map((one) => one.client)
    expect(second).toBe(first)
    expect(third).not.toBe(first)
    expect(broker.connectedClients).toBe(1)
    expect(await newer.restBeforePingresp()).toEqual([])
  })

  test('stores the will of a client while it is here, and after a takeover that of the newer', async () => {
    const { port, store } = await startBroker()
    const stored = (): string[] => [...store.wills()].map(({ message }) => message.payload.toString())
    const watcher = await join(port, 'watcher')
    await watcher.subscribe(['will/#', 0])
    await join(port, 'c', { will: WILL })
    expect(stored()).toEqual(['gone'])
    const newer = await join(port, 'c', { will: { ...WILL, payload: 'newer' } })
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('gone')
    expect(stored()).toEqual(['newer'])
    await leave(newer)
    expect(stored()).toEqual([])
    expect(await watcher.restBeforePingresp()).toEqual([])
  })

  test('asks before it publishes the will of a client that was lost, and does not publish what it may not', async () => {
    const { broker, log, port, store } = await startBroker()
    const asked: unknown[] = []
    const may = broker.authorizePublish
    Object.assign(broker, {
      authorizePublish: ((client, packet, done) => {
        asked.push([client?.id, packet.topic, packet.payload.toString(), packet.qos, packet.retain])
        if (client?.id === 'c') done(new Error('not allowed'))
        else may(client, packet, done)
      }) satisfies Broker['authorizePublish'],
    })
    const watcher = await join(port, 'watcher')
    await watcher.subscribe(['will/#', 0])
    await lose(log, await join(port, 'c', { will: { ...WILL, qos: 1, retain: true } }))
    await lose(log, await join(port, 'd', { will: { topic: 'will/d', payload: 'may' } }))
    expect((await watcher.next('PUBLISH')).topic).toBe('will/d')
    expect((await watcher.restBeforePingresp()).filter(isPublish)).toEqual([])
    expect(asked).toEqual([
      ['c', 'will/c', 'gone', 1, true],
      ['d', 'will/d', 'may', 0, false],
    ])
    expect([...store.wills()]).toEqual([])
  })

  test('ends every client when it stops, and tells of each', async () => {
    const { broker, log, port } = await startBroker()
    const told = listenTo(broker)
    const clients = await Promise.all(['a', 'b', 'c'].map((clientId) => join(port, clientId)))
    const closed = once(broker, 'closed')
    await broker.stop()
    await closed
    await Promise.all(clients.map((client) => client.untilClosed()))
    expect(reasonsOf(log)).toEqual(Array.from({ length: 3 }, () => 'the broker ended the client'))
    for (const clientId of ['a', 'b', 'c'])
      expect(eventsOf(told, clientId)).toEqual(['client', 'clientReady', 'clientDisconnect'])
    expect(broker.connectedClients).toBe(0)
  })

  test('refuses a client with the return code that `authenticate` gives, and opens no session', async () => {
    const { broker, log, port } = await startBroker()
    const told = listenTo(broker)
    broker.authenticate = (_client, userName, password, done) => {
      expect([userName, password?.toString()]).toEqual([undefined, undefined])
      done(Object.assign(new Error('who is that'), { returnCode: 4 }), null)
    }
    const client = await openRawClient(port)
    expect(await client.connect({ clientId: 'c', userName: 'user', password: 'secret', will: WILL })).toMatchObject({
      reasonCode: 4,
    })
    await client.untilClosed()
    await untilReason(log, /CONNECT refused with return code 4/)
    expect(told).toEqual([])
    expect(broker.connectedClients).toBe(0)
  })

  test('does not admit a client whose connection was ended while its CONNECT was handled', async () => {
    const { broker, connections, log, port } = await startBroker()
    const told = listenTo(broker)
    const held: (() => void)[] = []
    const preConnect = broker.preConnect
    broker.preConnect = (client, packet, done) => {
      held.push(() => preConnect(client, packet, done))
    }
    const client = await openRawClient(port)
    client.send(connectPacket({ clientId: 'c', will: WILL }))
    await until(
      () => held.length === 1,
      () => 'a CONNECT',
    )
    const stopped = connections.stop()
    await untilReason(log, /the hub is stopping/)
    for (const proceed of held) proceed()
    await stopped
    await broker.stop()
    expect(told).toEqual([])
    expect(client.received).toEqual([])
  })

  test('has the same Aedes client handle the CONNECTs of those who come one after the other', async () => {
    const { broker, port } = await startBroker()
    const authenticate = broker.authenticate
    const handling: object[] = []
    broker.authenticate = (client, userName, password, done) => {
      handling.push(client)
      authenticate(client, userName, password, done)
    }
    for (const clientId of ['a', 'b', 'c']) await join(port, clientId)
    expect(handling.length).toBe(3)
    expect(new Set(handling).size).toBe(1)
  })

  test('has another Aedes client handle a CONNECT that comes while one is handled, and each its own', async () => {
    const { broker, port } = await startBroker()
    const authenticate = broker.authenticate
    const held: (() => void)[] = []
    broker.authenticate = (client, userName, password, done) => {
      held.push(() => authenticate(client, userName, password, done))
    }
    const joining = ['a', 'b', 'c'].map((clientId) => join(port, clientId))
    await until(
      () => held.length === 3,
      () => 'three CONNECTs',
    )
    for (const proceed of held.toReversed()) proceed()
    for (const client of await Promise.all(joining)) expect(await client.restBeforePingresp()).toEqual([])
    expect(Object.keys(Object(Reflect.get(broker, 'clients'))).toSorted()).toEqual(['a', 'b', 'c'])
  })

  test('lets go of what an Aedes client has had of a connection as soon as its own has taken over', async () => {
    setFlagsFromString('--expose-gc')
    const collect: unknown = runInNewContext('gc')
    const { broker, port } = await startBroker()
    const authenticate = broker.authenticate
    let handled: WeakRef<object> | undefined
    broker.authenticate = (client, userName, password, done) => {
      const admission: unknown = Reflect.get(client.conn, 'admission')
      if (typeof admission === 'object' && admission !== null) handled = new WeakRef(admission)
      authenticate(client, userName, password, done)
    }
    const client = await join(port, 'c')
    await until(
      () => {
        if (typeof collect === 'function') collect()
        return handled !== undefined && handled.deref() === undefined
      },
      () => 'the admission to be collected',
    )
    expect(await client.restBeforePingresp()).toEqual([])
  })
})
