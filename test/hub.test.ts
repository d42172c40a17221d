import type { ReceivedMessage } from '../src/admin/messages.ts'
import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createHub, type Hub } from '../src/hub.ts'
import { MemoryStore } from '../src/store/memory/memory-store.ts'
import { join5 } from './conformance/steps5.ts'
import { acknowledgePacket, connectPacket, DISCONNECT, publishPacket } from './support/packets.ts'
import { Id, type Property } from './support/properties.ts'
import { connectRawClient, openRawClient } from './support/raw-client.ts'
import { errorOf, rejectionOf } from './support/errors.ts'
import { watchLeftovers } from './support/leftovers.ts'
import { CollectingLog, startHub, startHubWithHttp } from './support/start-hub.ts'

/** A subscription in process that writes down what it gets. */
function collect(hub: Hub, filter: string, options?: { qos?: 0 | 1 | 2 }): ReceivedMessage[] {
  const messages: ReceivedMessage[] = []
  hub.subscribe(filter, (message) => void messages.push(message), options)
  return messages
}

describe('createHub', () => {
  test('resolves when both listeners can be reached, at ports of their own where 0 was asked for', async () => {
    const { hub } = await startHubWithHttp()
    const { mqtt, http } = hub.addresses
    expect(mqtt.host).toBe('127.0.0.1')
    expect(http?.host).toBe('127.0.0.1')
    expect(mqtt.port).toBeGreaterThan(0)
    expect(http?.port).not.toBe(mqtt.port)
    const client = await openRawClient(mqtt.port)
    expect(await client.connect()).toMatchObject({ reasonCode: 0 })
    expect((await fetch(`http://127.0.0.1:${http?.port}/nothing-is-here`)).status).toBe(404)
  })

  test.each(['port', 'httpPort'] as const)(
    'rejects with LISTENER_PORT_IN_USE when %s is taken, names it, and leaves nothing open',
    async (option) => {
      const holder = await startHubWithHttp()
      const taken = option === 'port' ? holder.port : holder.httpPort
      const store = new MemoryStore()
      const config = { host: '127.0.0.1', port: 0, httpPort: 0, [option]: taken }
      const error = await rejectionOf(createHub({ config, store, log: new CollectingLog() }))
      expect(error.code).toBe('LISTENER_PORT_IN_USE')
      expect(error.message).toContain(`127.0.0.1:${taken}`)
      expect(error.exitCode).toBe(1)
      // The same store serves the next try; `startHub` fails the test if the first one left a socket or a timer.
      const { port } = await startHub({ store })
      await connectRawClient(port)
    },
  )

  test('leaves the first port free again when the second is taken', async () => {
    const holder = await startHubWithHttp()
    const port = await freePort()
    const config = { host: '127.0.0.1', port, httpPort: holder.httpPort }
    expect((await rejectionOf(createHub({ config, log: new CollectingLog() }))).code).toBe('LISTENER_PORT_IN_USE')
    const { hub } = await startHub({ config: { port } })
    expect(hub.addresses.mqtt.port).toBe(port)
  })

  test('rejects with CONFIG_INVALID and names the option when a value is out of range', async () => {
    const error = await rejectionOf(createHub({ config: { limits: { maxPacketBytes: -1 } }, log: new CollectingLog() }))
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.message).toContain('limits.maxPacketBytes')
  })

  test.each([
    ['ARGUMENT_INVALID', 'the options must be an object, they are null', null],
    ['ARGUMENT_INVALID', 'the options must be an object, they are 1883', 1883],
    ['ARGUMENT_INVALID', 'there is no option "port"; there are config, log, store', { port: 1883 }],
    ['ARGUMENT_INVALID', 'log must be an object, it is null', { log: null }],
    ['ARGUMENT_INVALID', 'log must have the methods debug, info, warn, error', { log: {} }],
    ['ARGUMENT_INVALID', 'store must be an object, it is "memory"', { store: 'memory' }],
    ['ARGUMENT_INVALID', 'store must have the methods start, stop, sessions', { store: {} }],
    ['ARGUMENT_INVALID', 'config must be an object, it is null', { config: null }],
    ['CONFIG_INVALID', 'there is no option "prot"; did you mean "port"?', { config: { prot: 1883 } }],
    [
      'CONFIG_INVALID',
      'access.rules[0].for must say whom',
      { config: { access: { rules: [{ allow: 'publish', topics: 'a' }] } } },
    ],
    ['CONFIG_INVALID', 'port must be a whole number from 0 to 65535, it is "x"', { config: { port: 'x' } }],
  ])('rejects with %s: %s', async (code, what, options: unknown) => {
    const leftovers = watchLeftovers()
    // As a program without types calls it.
    const started: unknown = Reflect.apply(createHub, undefined, [options])
    const error = await rejectionOf(Promise.resolve(started))
    expect(error).toMatchObject({ code, exitCode: 2, message: expect.stringContaining(what) })
    await leftovers.untilGone()
  })

  test('starts several hubs in one process that share nothing', async () => {
    const first = await startHub()
    const second = await startHub()
    const client = await connectRawClient(first.port, { clientId: 'same' })
    const other = await connectRawClient(second.port, { clientId: 'same' })
    await client.subscribe(['#', 0])
    await other.subscribe(['#', 0])
    const inProcess = collect(second.hub, '#')
    expect(await first.hub.publish('t', 'first', { retain: true })).toEqual({ matched: 1 })
    expect((await client.next('PUBLISH')).payload.toString()).toBe('first')
    expect(await other.restBeforePingresp()).toEqual([])
    expect(inProcess).toEqual([])
    expect(second.hub.ledger.matched).toBe(0)
  })
})

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  await new Promise((resolve) => {
    server.close(resolve)
  })
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

describe('Hub.publish', () => {
  test('sends to clients and to subscriptions in process, at the lower QoS of both sides, and returns how many they are', async () => {
    const { hub, port } = await startHub()
    const client = await connectRawClient(port)
    await client.subscribe(['sensor/+', 1])
    const atQos2 = collect(hub, 'sensor/#')
    const atQos0 = collect(hub, 'sensor/a', { qos: 0 })
    expect(await hub.publish('sensor/a', 'warm', { qos: 2 })).toEqual({ matched: 3 })
    expect(await client.next('PUBLISH')).toMatchObject({ topic: 'sensor/a', payload: Buffer.from('warm'), qos: 1 })
    expect(atQos2).toEqual([{ topic: 'sensor/a', payload: Buffer.from('warm'), qos: 2, retain: false, properties: {} }])
    expect(atQos0.map(({ qos }) => qos)).toEqual([0])
    expect(await hub.publish('nobody/listens', 'x')).toEqual({ matched: 0 })
    // Those in process have it at once, the client when it acknowledges.
    expect(hub.ledger).toMatchObject({ matched: 3, delivered: 2, droppedTotal: 0 })
    expect(hub.pendingMessages).toBe(1)
  })

  test('takes any bytes as payload and keeps a copy', async () => {
    const { hub } = await startHub()
    const got = collect(hub, 't')
    const payload = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    await hub.publish('t', payload, { retain: true })
    const late = payload.toString('hex')
    payload.fill(0)
    const after = collect(hub, 't')
    expect(got.map((message) => message.payload.toString('hex'))).toEqual([late])
    expect(after.map((message) => message.payload.toString('hex'))).toEqual([late])
    await hub.publish('t', '')
    expect(got[1]?.payload).toEqual(Buffer.alloc(0))
  })

  test('retains for clients and for subscriptions in process, until an empty message removes it', async () => {
    const { hub, port } = await startHub()
    await hub.publish('lamp', 'on', { qos: 1, retain: true })
    await hub.publish('lamp', 'not retained')
    const client = await connectRawClient(port)
    await client.subscribe(['lamp', 1])
    expect(await client.next('PUBLISH')).toMatchObject({ payload: Buffer.from('on'), qos: 1, retain: true })
    expect(collect(hub, 'lamp')).toEqual([
      { topic: 'lamp', payload: Buffer.from('on'), qos: 1, retain: true, properties: {} },
    ])
    await hub.publish('lamp', '', { retain: true })
    expect(collect(hub, '#')).toEqual([])
  })

  test.each(['', 'a/#', '+/b', 'nul\0', '\ud800'])('refuses topic %j by name', async (topic) => {
    const { hub } = await startHub()
    const error = await rejectionOf(hub.publish(topic, 'x'))
    expect(error.code).toBe('TOPIC_NAME_INVALID')
    expect(error.message).toContain(`Cannot publish to ${JSON.stringify(topic)}: `)
  })

  test('refuses when the hub was stopped', async () => {
    const { hub } = await startHub()
    await hub.stop()
    expect((await rejectionOf(hub.publish('t', 'x'))).code).toBe('HUB_NOT_RUNNING')
    expect(errorOf(() => hub.subscribe('t', () => undefined)).code).toBe('HUB_NOT_RUNNING')
  })
})

describe('Hub.subscribe', () => {
  test('gets what clients publish, each message with a payload of its own', async () => {
    const { hub, port } = await startHub()
    const got = collect(hub, 'from/#')
    const client = await connectRawClient(port)
    const packets = Array.from({ length: 100 }, (_, i) => publishPacket({ topic: 'from/client', payload: `${i}` }))
    client.send(...packets, publishPacket({ topic: 'from/client', payload: 'last', qos: 1, packetId: 1 }))
    await client.next('PUBACK')
    expect(got.map(({ payload }) => payload.toString())).toEqual([...Array(100).keys(), 'last'].map(String))
  })

  test('gets what a publisher of MQTT 5 says of its message', async () => {
    const { hub, port } = await startHub()
    const got = collect(hub, 't')
    const publisher = await join5(port, 'p')
    const properties: Property[] = [
      [Id.CONTENT_TYPE, 'text/plain'],
      [Id.MESSAGE_EXPIRY, 60],
      [Id.USER_PROPERTY, ['k', 'v']],
    ]
    publisher.send(publishPacket({ topic: 't', payload: 'x', qos: 1, properties }))
    await publisher.next('PUBACK')
    expect(got.map((message) => message.properties)).toEqual([
      { contentType: 'text/plain', messageExpirySeconds: 60, userProperties: [['k', 'v']] },
    ])
  })

  test('ends with the function that it returns, for that subscription alone', async () => {
    const { hub } = await startHub()
    const other = collect(hub, 't')
    const got: string[] = []
    const unsubscribe = hub.subscribe('t', ({ payload }) => void got.push(payload.toString()))
    await hub.publish('t', '1')
    unsubscribe()
    unsubscribe()
    await hub.publish('t', '2')
    expect(got).toEqual(['1'])
    expect(other.map(({ payload }) => payload.toString())).toEqual(['1', '2'])
  })

  test('keeps what a handler throws from everyone else, and logs it with the filter', async () => {
    const { hub, log, port } = await startHub()
    const fault = new Error('a bug of the program')
    hub.subscribe('#', () => {
      throw fault
    })
    const inProcess = collect(hub, 't')
    const subscriber = await connectRawClient(port)
    await subscriber.subscribe(['t', 0])
    const publisher = await connectRawClient(port, { clientId: 'publisher' })
    publisher.send(publishPacket({ topic: 't', payload: 'x', qos: 1, packetId: 1 }))
    expect(await publisher.next('PUBACK')).toMatchObject({ packetId: 1 })
    expect((await subscriber.next('PUBLISH')).payload.toString()).toBe('x')
    expect(inProcess.length).toBe(1)
    const errors = log.lines.items.filter(({ level }) => level === 'error')
    expect(errors.map(({ fields }) => fields)).toEqual([{ filter: '#', topic: 't', err: fault }])
  })

  test.each(['', 'a/#/b', 'a+', 'nul\0'])('refuses filter %j by name', async (filter) => {
    const { hub } = await startHub()
    const error = errorOf(() => hub.subscribe(filter, () => undefined))
    expect(error.code).toBe('TOPIC_FILTER_INVALID')
    expect(error.message).toContain(`Cannot subscribe to ${JSON.stringify(filter)}: `)
  })
})

describe('Hub.stop', () => {
  test('ends all connections, frees the ports, and may be called again', async () => {
    const { hub, port } = await startHub()
    const client = await connectRawClient(port)
    const silent = await openRawClient(port)
    const first = hub.stop()
    expect(hub.stop()).toBe(first)
    await first
    await client.untilClosed()
    await silent.untilClosed()
    await hub.stop()
    await expect(openRawClient(port)).rejects.toThrow('ECONNREFUSED')
    const { port: again } = await startHub({ config: { port } })
    expect(again).toBe(port)
  })

  test('sends what was published right before, at every QoS, to subscribers that read', async () => {
    const { hub, port } = await startHub()
    const subscriber = await connectRawClient(port)
    await subscriber.subscribe(['t', 2])
    const body = 'x'.repeat(10_000)
    for (const qos of [0, 1, 2] as const)
      for (let i = 0; i < 20; i++) await hub.publish('t', `${qos} ${i} ${body}`, { qos })
    await hub.stop()
    await subscriber.untilClosed()
    const got = subscriber.received.flatMap((received) =>
      received.type === 'PUBLISH' ? [received.payload.toString()] : [],
    )
    expect(got).toEqual([0, 1, 2].flatMap((qos) => Array.from({ length: 20 }, (_, i) => `${qos} ${i} ${body}`)))
    // What the client could not acknowledge any more is dropped, what the system took is delivered.
    expect(hub.ledger.delivered).toBe(20)
    expect(hub.ledger.dropped).toMatchObject({ 'connection-lost': 0, 'session-ended': 40 })
  })

  test('refuses a server reference that is no text, and can be called again', async () => {
    const { hub } = await startHub()
    const error = errorOf((): unknown => Reflect.apply(hub.stop.bind(hub), undefined, [{ movedTo: 1883 }]))
    expect(error).toMatchObject({ code: 'ARGUMENT_INVALID', message: expect.stringContaining('movedTo') })
    await hub.publish('t', 'it still runs')
  })

  test('waits no longer for a client that reads nothing than it takes to cut it off', async () => {
    const { hub, port } = await startHub()
    const frozen = await connectRawClient(port)
    await frozen.subscribe(['t', 0])
    frozen.pause()
    const body = Buffer.alloc(500_000)
    for (let i = 0; i < 60; i++) {
      await hub.publish('t', body)
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
    }
    expect(hub.ledger.dropped['output-full']).toBeGreaterThan(0)
    // `startHub` fails the test if the socket is left.
    await hub.stop()
    const { matched, delivered, droppedTotal } = hub.ledger
    expect(delivered + droppedTotal).toBe(matched)
  })

  test('has the wills of its clients published, so that those who stay in process and in the store have them', async () => {
    const { hub, port } = await startHub()
    const wills = collect(hub, 'will')
    const client = await openRawClient(port)
    await client.connect({ clientId: 'c', will: { topic: 'will', payload: 'gone', qos: 1 } })
    await hub.stop()
    expect(wills.map(({ payload }) => payload.toString())).toEqual(['gone'])
  })
})

describe('Hub on a store of the program', () => {
  test('goes on where the hub before it ended: subscriptions, queue, packet identifiers and retained messages', async () => {
    const store = new MemoryStore()
    const first = await startHub({ store })
    const fields = { clientId: 'kept', isClean: false }
    const before = await connectRawClient(first.port, fields)
    await before.subscribe(['t/#', 2])
    await first.hub.publish('t/retained', 'kept', { retain: true })
    await before.next('PUBLISH')
    await first.hub.publish('t/1', 'in flight', { qos: 1 })
    const inFlight = await before.next('PUBLISH')
    before.send(publishPacket({ topic: 'other', payload: 'once', qos: 2, packetId: 77 }))
    await before.next('PUBREC')
    before.destroy()
    await before.untilClosed()
    const probe = await connectRawClient(first.port)
    await probe.restBeforePingresp()
    await first.hub.publish('t/2', 'queued', { qos: 2 })
    await first.hub.stop()

    const second = await startHub({ store })
    const once = collect(second.hub, 'other')
    expect(collect(second.hub, 't/retained')).toEqual([
      { topic: 't/retained', payload: Buffer.from('kept'), qos: 0, retain: true, properties: {} },
    ])
    expect(second.hub.pendingMessages).toBe(2)
    const after = await openRawClient(second.port)
    expect(await after.connect(fields)).toMatchObject({ reasonCode: 0, isSessionPresent: true })
    const resent = { topic: 't/1', payload: Buffer.from('in flight'), dup: true, qos: 1, packetId: inFlight.packetId }
    expect(await after.next('PUBLISH')).toMatchObject(resent)
    const queued = await after.next('PUBLISH')
    expect(queued).toMatchObject({ topic: 't/2', payload: Buffer.from('queued'), dup: false, qos: 2 })
    // A QoS 2 message that the first hub took is not taken again [MQTT-4.3.3-2].
    after.send(publishPacket({ topic: 'other', payload: 'once', qos: 2, packetId: 77, dup: true }))
    expect(await after.next('PUBREC')).toMatchObject({ packetId: 77 })
    expect(once).toEqual([])
    after.send(acknowledgePacket('PUBREL', 77))
    expect(await after.next('PUBCOMP')).toMatchObject({ packetId: 77 })
    await second.hub.publish('t/3', 'new')
    expect(await after.next('PUBLISH')).toMatchObject({ topic: 't/3', payload: Buffer.from('new') })
  })

  test('leaves nothing of a clean session, and forgets a kept one when its client asks for a clean one', async () => {
    const store = new MemoryStore()
    const first = await startHub({ store })
    const clean = await connectRawClient(first.port, { clientId: 'clean' })
    await clean.subscribe(['t', 1])
    const kept = await connectRawClient(first.port, { clientId: 'kept', isClean: false })
    await kept.subscribe(['t', 1])
    kept.send(DISCONNECT)
    await kept.untilClosed()
    const cleaned = await connectRawClient(first.port, { clientId: 'kept', isClean: true })
    cleaned.send(DISCONNECT)
    await cleaned.untilClosed()
    await first.hub.stop()
    const second = await startHub({ store })
    expect(await second.hub.publish('t', 'x', { qos: 1 })).toEqual({ matched: 0 })
    const client = await openRawClient(second.port)
    client.send(connectPacket({ clientId: 'kept', isClean: false }))
    expect(await client.next('CONNACK')).toMatchObject({ isSessionPresent: false })
  })
})

test('HubbubError carries the exit code of its kind', async () => {
  const { hub } = await startHub()
  onTestFinished(() => hub.stop())
  expect((await rejectionOf(hub.publish('#', 'x'))).exitCode).toBe(2)
})
