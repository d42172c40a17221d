import { connect, type Socket } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { ApiClient } from '../support/api.ts'
import { publishPacket, subscribePacket } from '../support/packets.ts'
import { openRawClient, openRawWebSocketClient, type RawClient } from '../support/raw-client.ts'
import { byLabel, scrapeSamples } from '../support/scrape.ts'
import { startHub, startHubWithHttp, type TestHub } from '../support/start-hub.ts'
import { join, leave, lose } from '../support/steps.ts'

// What happens when there is no memory for more: the least that can be configured is soon used up.
const MIB = 1024 ** 2
const LIMIT = { memory: 16 * MIB, maxSubscriptionsPerClient: null }
const QUOTA_EXCEEDED = 0x97
/** What one of the eight parts can have at the most: all but what the other seven are sure of, a sixteenth each. */
const MOST_OF_PART = 9 * MIB

const data = mkdtempSync(joinPath(tmpdir(), 'hubbub-memory-'))
afterAll(() => rmSync(data, { recursive: true }))

async function start(limits: object = {}): Promise<TestHub> {
  return startHub({ config: { data: 'memory', limits: { ...LIMIT, ...limits } } })
}

async function join5(port: number, clientId: string, isClean = true): Promise<RawClient> {
  const client = await openRawClient(port, 5)
  const properties = isClean ? [] : ([[0x11, 1000]] as const)
  expect(await client.connect({ clientId, isClean, properties })).toMatchObject({ reasonCode: 0 })
  return client
}

/** What a part of the hub holds, in bytes. */
async function held({ hub }: TestHub, part: string): Promise<number> {
  return byLabel(await scrapeSamples(hub.metrics), 'hubbub_memory_bytes')[part] ?? NaN
}

async function refusals({ hub }: TestHub, part: string): Promise<number> {
  return byLabel(await scrapeSamples(hub.metrics), 'hubbub_memory_refusals_total')[part] ?? NaN
}

/** Has a client subscribe, a thousand filters at a time, until some are refused; gives the codes of those. */
async function fillWithSubscriptions(client: RawClient): Promise<readonly number[]> {
  for (let round = 0; round < 100; round++) {
    const filters = Array.from({ length: 1000 }, (_, i) => [`filter/${round}/${i}`, 0] as const)
    const { codes } = await client.subscribe(...filters)
    const refused = codes.filter((code) => code !== 0)
    if (refused.length > 0) return refused
  }
  return []
}

test('A subscription that there is no memory for is refused, and so is a connection, with the reason; what goes makes room', async () => {
  const started = await start()
  const { port, hub, log } = started
  const hog = await join5(port, 'hog')
  const refused = await fillWithSubscriptions(hog)
  expect(new Set(refused)).toEqual(new Set([QUOTA_EXCEEDED]))
  expect(hub.ledger.limitHits.memory).toBe(refused.length)
  const bytes = await held(started, 'sessions')
  expect(bytes).toBeGreaterThan(7 * MIB)
  expect(bytes).toBeLessThanOrEqual(MOST_OF_PART)

  // Some room is left for those who come later.
  const others: RawClient[] = []
  let reasonCode = 0
  while (reasonCode === 0 && others.length < 300) {
    const other = await openRawClient(port, 5)
    others.push(other)
    ;({ reasonCode } = await other.connect({ clientId: `other-${others.length}`, properties: [] }))
  }
  expect(reasonCode).toBe(QUOTA_EXCEEDED)
  const late = await openRawClient(port)
  expect(await late.connect({ clientId: 'late' })).toMatchObject({ reasonCode: 3 })
  const told = log.lines.items.filter(({ fields }) => fields['limit'] === 'limits.memory')
  expect(told.map(({ fields }) => fields['part'])).toEqual(['sessions', 'connections'])

  await leave(hog)
  for (const other of others) other.destroy()
  await expect.poll(() => held(started, 'sessions')).toBe(0)
  await join(port, 'late')
})

test('A hub that has more sessions on disk than there is memory for lets in whoever has one, and nobody new', async () => {
  const first = await startHub({ config: { data, limits: { maxSubscriptionsPerClient: null } } })
  for (let i = 0; i < 20; i++) {
    const client = await join(first.port, `kept-${i}`, { isClean: false })
    await client.subscribe(...Array.from({ length: 2200 }, (_, k) => [`filter/${i}/${k}`, 1] as const))
    await leave(client)
  }
  await first.hub.stop()

  const second = await startHub({ config: { data, limits: LIMIT } })
  const { port } = second
  expect(await held(second, 'sessions')).toBeGreaterThan(16 * MIB)
  const old = await openRawClient(port)
  const will = { topic: 'will', payload: 'gone' }
  expect(await old.connect({ clientId: 'kept-1', isClean: false, will })).toMatchObject({
    reasonCode: 0,
    isSessionPresent: true,
  })
  expect((await old.subscribe(['filter/1/7', 0])).codes).toEqual([0])
  const unknown = await openRawClient(port)
  expect(await unknown.connect({ clientId: 'unknown' })).toMatchObject({ reasonCode: 3 })
  // Whoever ends what is kept makes room.
  for (let i = 0; i < 20; i++) await leave(await join(port, `kept-${i}`))
  await expect.poll(() => held(second, 'sessions')).toBe(0)
  await join(port, 'unknown')
})

test('Who keeps sessions until there is no memory for more keeps out nobody who has one', async () => {
  const started = await start()
  const { port, hub } = started
  const device = await join(port, 'device', { isClean: false })
  await device.subscribe(['to/device', 1])
  await leave(device)
  // Long identifiers count too, and fill it with fewer of them.
  const name = 'x'.repeat(30_000)
  let refused = 0
  for (let i = 0; i < 1000 && refused === 0; i++) {
    const hog = await openRawClient(port)
    if ((await hog.connect({ clientId: `${name}${i}`, isClean: false })).reasonCode === 0) await leave(hog)
    else refused++
  }
  expect(refused).toBe(1)
  expect(hub.ledger.limitHits.memory).toBe(1)
  expect(await refusals(started, 'sessions')).toBe(1)
  const aliasing = await openRawClient(port, 5)
  expect(await aliasing.connect({ clientId: 'device', isClean: false, properties: [[0x11, 1000]] })).toMatchObject({
    reasonCode: 0,
  })
  const aliased = publishPacket({ topic: 'a', qos: 1, packetId: 1, properties: [[0x23, 1]] })
  aliasing.send(aliased)
  expect(await aliasing.next('PUBACK')).toMatchObject({ packetId: 1 })
  const late = await openRawClient(port, 5)
  expect(await late.connect({ clientId: `${name}late`, properties: [] })).toMatchObject({ reasonCode: QUOTA_EXCEEDED })
  const back = await openRawClient(port)
  const will = { topic: 'will', payload: 'gone' }
  expect(await back.connect({ clientId: 'device', isClean: false, will })).toMatchObject({
    reasonCode: 0,
    isSessionPresent: true,
  })
  await expect.poll(() => held(started, 'connections')).toBe(4000)
})

test('Bodies of HTTP requests that do not come whole take no more than there is memory for, and others are answered', async () => {
  const started = await startHubWithHttp({ config: { data: 'memory', limits: { memory: 128 * MIB } } })
  const { httpPort } = started
  const head = `POST /api/v1/publish HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${MIB}\r\n\r\n`
  let refused = 0
  let most = 0
  const hogs: Socket[] = []
  onTestFinished(() => {
    for (const hog of hogs) hog.destroy()
  })
  for (let i = 0; i < 150; i++) {
    const hog = connect(httpPort, '127.0.0.1')
    hog
      .on('error', () => undefined)
      .on('data', (answer) => {
        if (answer.toString().startsWith('HTTP/1.1 503')) refused++
      })
    hog.write(Buffer.concat([Buffer.from(head), Buffer.alloc(MIB - 100, ' ')]))
    hogs.push(hog)
    most = Math.max(most, await held(started, 'unfinished'))
  }
  await expect.poll(() => refused).toBeGreaterThan(30)
  most = Math.max(most, await held(started, 'unfinished'))
  expect(most).toBeGreaterThan(8 * MIB)
  // All but what the other seven parts are sure of.
  expect(most).toBeLessThanOrEqual(72 * MIB)
  const api = new ApiClient(httpPort)
  expect((await api.post('/publish', { topic: 'a', payload: 'x'.repeat(100_000) })).status).toBe(200)
  for (const hog of hogs) hog.destroy()
  await expect.poll(() => held(started, 'unfinished')).toBe(0)
})

test('A will that waits for its delay counts, before and after a restart, until its client is back', async () => {
  const folder = mkdtempSync(joinPath(data, 'wills-'))
  const will = { topic: 'will', payload: 'x'.repeat(60_000), properties: [[0x18, 1000]] } as const
  const first = await startHub({ config: { data: folder, limits: LIMIT } })
  const client = await openRawClient(first.port, 5)
  await client.connect({ clientId: 'device', isClean: false, properties: [[0x11, 1000]], will })
  const heldBefore = await held(first, 'sessions')
  expect(heldBefore).toBeGreaterThan(60_000)
  await lose(first.log, client)
  await expect.poll(() => held(first, 'sessions')).toBe(heldBefore)
  await first.hub.stop()

  const second = await startHub({ config: { data: folder, limits: LIMIT } })
  expect(await held(second, 'sessions')).toBe(heldBefore)
  const back = await openRawClient(second.port, 5)
  await back.connect({ clientId: 'device', isClean: false, properties: [[0x11, 1000]] })
  expect(await held(second, 'sessions')).toBeLessThan(5000)
})

test('Clients that leave large wills behind get no more than there is memory for', async () => {
  const started = await start()
  const { port, log } = started
  const will = { topic: 'will', payload: 'x'.repeat(60_000), properties: [[0x18, 1000]] } as const
  let accepted = 0
  for (; accepted < 300; accepted++) {
    const client = await openRawClient(port, 5)
    const { reasonCode } = await client.connect({ clientId: `hog-${accepted}`, properties: [[0x11, 1000]], will })
    if (reasonCode === QUOTA_EXCEEDED) break
    await lose(log, client)
  }
  expect(accepted).toBeGreaterThan(100)
  expect(accepted).toBeLessThan(160)
  expect(await held(started, 'sessions')).toBeLessThanOrEqual(MOST_OF_PART)
})

test('A client of MQTT 3.1.1 is told with 0x80 that there is no memory for its subscription', async () => {
  const { port } = await start()
  expect(new Set(await fillWithSubscriptions(await join(port, 'hog')))).toEqual(new Set([0x80]))
})

test('Packets that do not come whole take no more than there is memory for, and small ones are still taken', async () => {
  const started = await start()
  const { port, hub } = started
  const half = publishPacket({ topic: 'hog', payload: Buffer.alloc(MIB - 100), properties: [] }).subarray(0, -1)
  const hogs = await Promise.all(Array.from({ length: 20 }, (_, i) => join5(port, `hog-${i}`)))
  for (const hog of hogs) hog.send(half)
  const ended = (): readonly RawClient[] => hogs.filter(({ isClosed }) => isClosed)
  await expect.poll(() => ended().length).toBeGreaterThanOrEqual(8)
  expect(hub.ledger.limitHits.memory).toBeGreaterThanOrEqual(8)
  expect(await held(started, 'unfinished')).toBeLessThanOrEqual(MOST_OF_PART)
  for (const hog of ended()) expect(await hog.untilDisconnected()).toBe(QUOTA_EXCEEDED)

  const other = await join5(port, 'other')
  const whole = publishPacket({ topic: 'a', payload: Buffer.alloc(2000), qos: 1, packetId: 7, properties: [] })
  other.send(whole.subarray(0, 1000))
  other.send(whole.subarray(1000))
  expect(await other.next('PUBACK')).toMatchObject({ packetId: 7 })
  for (const hog of hogs) hog.destroy()
  await expect.poll(() => held(started, 'unfinished')).toBe(0)
})

test('A message that there is no memory to retain is refused where its publisher can be told, and else counted', async () => {
  const started = await start()
  const { port, hub } = started
  const publisher = await join5(port, 'hog')
  const payload = Buffer.alloc(100_000)
  let kept = 0
  for (let i = 0; i < 200; i++) {
    publisher.send(publishPacket({ topic: `r/${i}`, payload, qos: 1, packetId: i + 1, retain: true, properties: [] }))
    const { reasonCode } = await publisher.next('PUBACK')
    if (reasonCode === QUOTA_EXCEEDED) break
    kept++
  }
  expect(kept).toBeGreaterThan(10)
  expect(kept).toBeLessThan(120)
  expect(hub.ledger.notRetained).toBe(1)
  const silent = await join(port, 'silent')
  silent.send(publishPacket({ topic: 'r/more', payload, qos: 1, packetId: 9, retain: true }))
  await silent.next('PUBACK')
  expect(hub.ledger.notRetained).toBe(2)
  await expect(hub.publish('r/more', payload, { retain: true })).rejects.toThrow('limits.memory')
  // One that is there already may change.
  publisher.send(publishPacket({ topic: 'r/0', payload, qos: 1, packetId: 1000, retain: true, properties: [] }))
  expect((await publisher.next('PUBACK')).reasonCode).not.toBe(QUOTA_EXCEEDED)
  expect(await refusals(started, 'retained')).toBeGreaterThanOrEqual(2)
})

test('Queues in memory share what there is: the oldest message gives way, is counted, and nothing is held when the session ends', async () => {
  const started = await start()
  const { port, hub } = started
  const names = ['away-1', 'away-2']
  for (const name of names) {
    const client = await join5(port, name, false)
    await client.subscribe([`to/${name}`, 1])
    await leave(client)
  }
  const publisher = await join5(port, 'publisher')
  const payload = Buffer.alloc(100_000)
  for (let i = 0; i < 200; i++) {
    publisher.send(publishPacket({ topic: `to/${names[i % 2]}`, payload, qos: 1, packetId: i + 1, properties: [] }))
    await publisher.next('PUBACK')
  }
  const { dropped } = hub.ledger
  expect(dropped['no-memory']).toBeGreaterThan(80)
  expect(dropped['no-memory'] + hub.pendingMessages).toBe(200)
  const bytes = await held(started, 'queues')
  expect(bytes).toBeGreaterThan(7 * MIB)
  expect(bytes).toBeLessThanOrEqual(MOST_OF_PART)
  expect(await refusals(started, 'queues')).toBe(dropped['no-memory'])
  for (const name of names) await leave(await join5(port, name))
  await expect.poll(() => held(started, 'queues')).toBe(0)
})

test.each([
  ['as it came', 4, 0],
  ['in another version of MQTT', 5, 0],
  ['at QoS 1', 4, 1],
] as const)('A picture that many clients have not taken counts once, sent %s', async (_, version, qos) => {
  const started = await start()
  const { port, hub } = started
  for (let i = 0; i < 20; i++) {
    const reader = await join(port, `reader-${i}`)
    await reader.subscribe(['picture', qos])
    reader.pause()
  }
  const publisher = await openRawClient(port, version)
  await publisher.connect({ clientId: 'publisher' })
  const properties = version === 5 ? { properties: [] } : {}
  // What the system takes of each, and one that is left.
  for (let i = 0; i < 12; i++) {
    const packetId = qos === 0 ? {} : { packetId: i + 1 }
    publisher.send(publishPacket({ topic: 'picture', payload: Buffer.alloc(900_000), qos, ...packetId, ...properties }))
    await publisher.restBeforePingresp()
  }
  expect(hub.ledger.dropped['no-memory']).toBe(0)
  const bytes = await held(started, 'outputs')
  expect(bytes).toBeGreaterThan(900_000)
  expect(bytes).toBeLessThan(12 * MIB)
  for (let i = 0; i < 20; i++) hub.disconnect(`reader-${i}`)
  await expect.poll(() => held(started, 'outputs')).toBe(0)
})

test('Clients that read nothing get no more than there is memory for, and what is dropped is counted', async () => {
  const started = await start({ maxOutputBytes: 16 * MIB })
  const { port, hub } = started
  const readers = await Promise.all(Array.from({ length: 8 }, (_, i) => join5(port, `reader-${i}`)))
  for (const reader of readers) {
    reader.send(subscribePacket(1, [['all', 0]], []))
    await reader.next('SUBACK')
    reader.pause()
  }
  const publisher = await join5(port, 'publisher')
  for (let i = 0; i < 400; i++) {
    publisher.send(
      publishPacket({ topic: 'all', payload: Buffer.alloc(50_000), qos: 1, packetId: i + 1, properties: [] }),
    )
    await publisher.next('PUBACK')
    expect(hub.ledger.dropped['output-full']).toBe(0)
  }
  expect(hub.ledger.dropped['no-memory']).toBeGreaterThan(0)
  expect(await held(started, 'outputs')).toBeLessThanOrEqual(12 * MIB)
  for (const reader of readers) reader.destroy()
  await expect.poll(() => held(started, 'outputs')).toBe(0)
})

test('A client that asks for retained messages again and again, and reads none, is ended before they take all memory', async () => {
  const started = await start()
  const { port, hub } = started
  const publisher = await join5(port, 'publisher')
  const payload = Buffer.alloc(100_000)
  for (let i = 0; i < 20; i++) {
    publisher.send(publishPacket({ topic: `r/${i}`, payload, qos: 1, packetId: i + 1, retain: true, properties: [] }))
    await publisher.next('PUBACK')
  }
  const hog = await join5(port, 'hog')
  hog.pause()
  const subscribe = subscribePacket(1, [['#', 0]], [])
  hog.send(Buffer.concat(Array.from({ length: 60_000 }, () => subscribe)))
  await expect.poll(() => hub.ledger.limitHits.memory).toBe(1)
  expect(await held(started, 'sessions')).toBeLessThanOrEqual(12 * MIB)
  hog.destroy()
  await leave(publisher)
  await expect.poll(() => held(started, 'sessions')).toBe(0)
})

test.each([
  ['TCP', 60],
  ['WebSocket', 40],
] as const)(
  'Over %s, %i clients that send half of 16 MiB take no more than there is memory for, and others get through',
  async (way, clients) => {
    const limits = { memory: 128 * MIB }
    const started = await startHubWithHttp({ config: { data: 'memory', limits } })
    const { port, httpPort, hub } = started
    const open = async (): Promise<RawClient> =>
      way === 'TCP' ? openRawClient(port) : openRawWebSocketClient(httpPort)
    const half = publishPacket({ topic: 'hog', payload: Buffer.alloc(16 * MIB - 100) }).subarray(0, 8 * MIB)
    let most = 0
    const hogs: RawClient[] = []
    for (let i = 0; i < clients; i++) {
      const hog = await open()
      hogs.push(hog)
      await hog.connect({ clientId: `hog-${i}` })
      hog.send(half)
      most = Math.max(most, await held(started, 'unfinished'))
    }
    await expect.poll(() => hub.ledger.limitHits.memory).toBeGreaterThan(clients / 2)
    most = Math.max(most, await held(started, 'unfinished'))
    expect(most).toBeGreaterThan(8 * MIB)
    // All but what the other seven parts are sure of.
    expect(most).toBeLessThanOrEqual(72 * MIB)
    const device = await open()
    await device.connect({ clientId: 'device' })
    await device.subscribe(['picture', 0])
    const picture = Buffer.alloc(1.5 * MIB, 'p')
    device.send(publishPacket({ topic: 'picture', payload: picture }))
    expect((await device.next('PUBLISH')).payload.equals(picture)).toBe(true)
    for (const hog of hogs) hog.destroy()
    await expect.poll(() => held(started, 'unfinished')).toBe(0)
  },
)
