import { MemoryBudget } from '../../src/base/memory-budget.ts'
import { createConnection } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { WebSocket } from 'ws'
import { Collected, guarded, until } from '../support/guard.ts'
import { askUpgrade, exchange, UPGRADE_HEADERS } from '../support/http-request.ts'
import { connectTcpPeer, connectWebSocketPeer, pair, startWebSocketListener } from '../support/listening.ts'

test('WebSocketListener picks the first subprotocol that it knows [MQTT-6.0.0-4]', async () => {
  const { port } = await startWebSocketListener()
  const cases = [
    [['mqtt'], 'mqtt'],
    [['mqttv3.1'], 'mqttv3.1'],
    [['mqttv3.1', 'mqtt'], 'mqttv3.1'],
    [['chat', 'mqtt', 'mqttv3.1'], 'mqtt'],
  ] as const
  for (const [offered, picked] of cases) {
    const { headers } = await askUpgrade(port, '/mqtt', { 'Sec-WebSocket-Protocol': offered.join(', ') })
    expect(headers['sec-websocket-protocol']).toBe(picked)
  }
})

test('WebSocketListener refuses with 400 a client that offers only subprotocols that it does not know', async () => {
  const { port, transports } = await startWebSocketListener()
  const { status, text } = await askUpgrade(port, '/mqtt', { 'Sec-WebSocket-Protocol': 'chat, MQTT' })
  expect(status).toBe(400)
  expect(text).toBe('None of the subprotocols is known here; MQTT clients offer mqtt or mqttv3.1.\n')
  expect(transports.items).toEqual([])
})

test('WebSocketListener takes a client without a subprotocol at /mqtt', async () => {
  const { port } = await startWebSocketListener()
  const { status, headers } = await askUpgrade(port, '/mqtt')
  expect(status).toBe(101)
  expect(headers['sec-websocket-protocol']).toBe(undefined)
})

test('WebSocketListener takes /mqtt with a query, /ws and / with an MQTT subprotocol, with a slash at the end or not', async () => {
  const { port } = await startWebSocketListener()
  const mqtt = { 'Sec-WebSocket-Protocol': 'mqtt' }
  expect((await askUpgrade(port, '/mqtt?token=1', mqtt)).status).toBe(101)
  for (const path of ['/mqtt/', '/ws', '/ws/', '/']) expect((await askUpgrade(port, path, mqtt)).status).toBe(101)
  expect((await askUpgrade(port, '/?a=/mqtt', mqtt)).status).toBe(101)
})

test('WebSocketListener answers 404 at any other path, and at / without an MQTT subprotocol', async () => {
  const { port, transports } = await startWebSocketListener()
  const mqtt = { 'Sec-WebSocket-Protocol': 'mqtt' }
  for (const path of ['/mqtt//', '/MQTT', '/mqtt2', '/a/mqtt', '/a?/mqtt', '//mqtt']) {
    expect(await askUpgrade(port, path, mqtt)).toMatchObject({
      status: 404,
      text: 'MQTT over WebSocket is at /mqtt.\n',
    })
  }
  expect((await askUpgrade(port, '/')).status).toBe(404)
  expect((await askUpgrade(port, '/ws')).status).toBe(404)
  expect((await askUpgrade(port, '/', { 'Sec-WebSocket-Protocol': 'chat' })).status).toBe(404)
  expect(transports.items).toEqual([])
})

test('WebSocketListener refuses a page of another origin with 403 and a log line', async () => {
  const { port, transports, log } = await startWebSocketListener()
  const { status, text } = await askUpgrade(port, '/mqtt', { Origin: 'http://evil.example' })
  expect(status).toBe(403)
  expect(text).toBe('Pages of this origin may not connect; the hub has a list of those that may.\n')
  expect(transports.items).toEqual([])
  const [line] = log.lines.items
  expect(line?.text).toBe('WebSocket refused: websocket.origins does not list the origin of its page')
  expect(line?.fields).toMatchObject({ origin: 'http://evil.example', host: `127.0.0.1:${port}` })
})

test('WebSocketListener takes pages of listed origins and of its own address', async () => {
  const { port, log } = await startWebSocketListener({ origins: ['https://panel.example'] })
  expect((await askUpgrade(port, '/mqtt', { Origin: 'https://panel.example' })).status).toBe(101)
  expect((await askUpgrade(port, '/mqtt', { Origin: `http://127.0.0.1:${port}` })).status).toBe(101)
  expect((await askUpgrade(port, '/mqtt', { Origin: 'https://other.example' })).status).toBe(403)
  expect(log.lines.items.length).toBe(1)
})

test('WebSocketListener looks also at the origin as drafts of WebSocket name it', async () => {
  const { port } = await startWebSocketListener()
  const headers = { 'Sec-WebSocket-Version': '8', 'Sec-WebSocket-Origin': 'http://evil.example' }
  expect((await askUpgrade(port, '/mqtt', headers)).status).toBe(403)
})

test('WebSocketListener refuses malformed upgrades and lives on', async () => {
  const { port, transports } = await startWebSocketListener()
  const start = 'GET /mqtt HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: '
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
  expect(await exchange(port, `${start}websocket\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /)
  expect(await exchange(port, `${start}h2c\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /)
  expect(await exchange(port, `${start}websocket\r\n${key}Sec-WebSocket-Version: 99\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 400 /,
  )
  expect(
    await exchange(
      port,
      `${start}websocket\r\n${key}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt,,\r\n\r\n`,
    ),
  ).toMatch(/^HTTP\/1\.1 400 /)
  expect(await exchange(port, start.replace('GET', 'POST').concat('websocket\r\n\r\n'))).toMatch(/^HTTP\/1\.1 405 /)
  expect(transports.items).toEqual([])
  expect((await askUpgrade(port, '/mqtt')).status).toBe(101)
})

test('WebSocketListener survives clients that reset while they are being refused or upgraded', async () => {
  const { port } = await startWebSocketListener()
  const headers = Object.entries(UPGRADE_HEADERS).map(([name, value]) => `${name}: ${value}\r\n`)
  const resets = ['/nowhere', '/mqtt'].flatMap((path) =>
    Array.from({ length: 20 }, async () => {
      const peer = await connectTcpPeer(port)
      peer.send(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: a\r\n${headers.join('')}\r\n`))
      peer.reset()
    }),
  )
  await Promise.all(resets)
  expect((await askUpgrade(port, '/mqtt')).status).toBe(101)
})

test('WebSocketListener leaves open connections alone when it stops, and upgrades no more', async () => {
  const listening = await startWebSocketListener()
  const { transport, owner, peer } = await pair(listening, connectWebSocketPeer)
  await listening.listener.stop()
  expect((await askUpgrade(listening.port, '/mqtt')).status).toBe(404)
  peer.send(Buffer.from('still'))
  expect(await owner.untilReceived(5)).toEqual(Buffer.from('still'))
  transport.write([Buffer.from('here')])
  await peer.chunks.atLeast(1)
  expect(peer.chunks.items).toEqual([Buffer.from('here')])
})

test('WebSocketTransport closes a connection that sends a text frame with 1003 [MQTT-6.0.0-1]', async () => {
  const { owner, peer } = await pair(await startWebSocketListener(), connectWebSocketPeer)
  peer.webSocket.send('text')
  peer.send(Buffer.from('binary'))
  expect(await peer.closeCode).toBe(1003)
  expect(await owner.untilClosed()).toEqual(new Error('a text frame, where MQTT needs binary ones'))
  expect(owner.events.items).toEqual(['closed'])
})

test('WebSocketTransport closes with 1003 also for a text frame that is not UTF-8', async () => {
  const { peer } = await pair(await startWebSocketListener(), connectWebSocketPeer)
  peer.webSocket.send(Buffer.from([0xff, 0xfe]), { binary: false })
  expect(await peer.closeCode).toBe(1003)
})

test('WebSocketTransport closes with 1000 when the hub ends it', async () => {
  const { transport, peer } = await pair(await startWebSocketListener(), connectWebSocketPeer)
  transport.write([Buffer.from('last')])
  transport.end()
  expect(await peer.closeCode).toBe(1000)
  expect(peer.chunks.items).toEqual([Buffer.from('last')])
})

test('WebSocketTransport delivers fragmented messages as the bytes that they are', async () => {
  const { owner, peer } = await pair(await startWebSocketListener(), connectWebSocketPeer)
  peer.webSocket.send(Buffer.from('one '), { fin: false })
  peer.webSocket.send(Buffer.from('two '), { fin: false })
  peer.webSocket.send(Buffer.from(''), { fin: true })
  peer.send(Buffer.from('three'))
  expect((await owner.untilReceived(13)).toString()).toBe('one two three')
})

test('WebSocketTransport sends each write as one message', async () => {
  const { transport, peer } = await pair(await startWebSocketListener(), connectWebSocketPeer)
  transport.write([Buffer.from('a'), Buffer.from('b'), Buffer.from('c')])
  transport.write([Buffer.from('d')])
  await peer.chunks.atLeast(2)
  expect(peer.chunks.items.map(String)).toEqual(['abc', 'd'])
})

test('WebSocketTransport ends a frame that grows beyond a CONNECT before it is answered', async () => {
  const { owner, peer } = await pair(
    await startWebSocketListener({ maxConnectPacketBytes: 1000 }),
    connectWebSocketPeer,
  )
  peer.send(Buffer.alloc(900_000))
  const error = await owner.untilClosed()
  expect(error?.message).toBe(
    'more than 2024 bytes in one frame before CONNECT was answered (limits.maxConnectPacketBytes)',
  )
  expect(owner.events.items).toEqual(['closed'])
})

test('WebSocketTransport takes more than a CONNECT before it is answered, in frames that are complete', async () => {
  const { owner, peer } = await pair(
    await startWebSocketListener({ maxConnectPacketBytes: 1000 }),
    connectWebSocketPeer,
  )
  for (let i = 0; i < 100; i++) peer.send(Buffer.alloc(500))
  await owner.untilReceived(50_000)
  expect(owner.closings.items).toEqual([])
})

test('WebSocketTransport takes large frames once the client was answered', async () => {
  const { transport, owner, peer } = await pair(
    await startWebSocketListener({ maxConnectPacketBytes: 1000 }),
    connectWebSocketPeer,
  )
  peer.send(Buffer.alloc(1000))
  await owner.untilReceived(1000)
  transport.write([Buffer.from('CONNACK')])
  await peer.chunks.atLeast(1)
  peer.send(Buffer.alloc(1_000_000))
  await owner.untilReceived(1_001_000)
  expect(owner.closings.items).toEqual([])
})

test('WebSocketTransport closes with 1009 a frame beyond what any packets may take', async () => {
  const { transport, owner, peer } = await pair(
    await startWebSocketListener({ maxPacketBytes: 1000 }),
    connectWebSocketPeer,
  )
  transport.write([Buffer.from('CONNACK')])
  await peer.chunks.atLeast(1)
  peer.send(Buffer.alloc(1000 + 1_048_576 + 1))
  expect(await peer.closeCode).toBe(1009)
  expect((await owner.untilClosed())?.message).toBe('Max payload size exceeded (limits.maxPacketBytes)')
})

test('WebSocketTransport counts what has come of a message, and ends the one that there is no memory for', async () => {
  const { unfinished } = new MemoryBudget({ bytes: 16 * 1024 ** 2, heapBytes: 16 * 1024 ** 2 })
  const listening = await startWebSocketListener({ maxPacketBytes: 16 * 1024 ** 2, unfinished })
  const first = await pair(listening, connectWebSocketPeer)
  first.transport.write([Buffer.from('CONNACK')])
  await first.peer.chunks.atLeast(1)
  const fragment = Buffer.alloc(1_000_000)
  first.peer.webSocket.send(fragment, { fin: false })
  await expect.poll(() => unfinished.bytes).toBeGreaterThanOrEqual(1_000_000)
  first.peer.webSocket.send(Buffer.alloc(1), { fin: true })
  await first.owner.untilReceived(1_000_001)
  await expect.poll(() => unfinished.bytes).toBe(0)
  for (let i = 0; i < 4; i++) first.peer.webSocket.send(fragment, { fin: false })
  expect((await first.owner.untilClosed())?.message).toMatch(/no memory .*limits\.memory/)
  expect(unfinished.refused).toBe(1)
  expect(unfinished.bytes).toBe(0)
})

test('WebSocketTransport ends a connection whose frames break the protocol', async () => {
  const { port, transports } = await startWebSocketListener()
  const socket = createConnection(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  const headers = Object.entries(UPGRADE_HEADERS).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`GET /mqtt HTTP/1.1\r\nHost: a\r\n${headers.join('')}\r\n`)
  const [transport] = await transports.atLeast(1)
  const closed = new Promise<Error | undefined>((resolve) => {
    transport?.attach({ received: () => undefined, takeTurn: () => false, taken: () => undefined, closed: resolve })
  })
  // A frame from a client must be masked [RFC 6455, section 5.1].
  socket.write(Buffer.from([0x82, 0x01, 0x00]))
  const error = await guarded(closed, () => 'the transport to close')
  expect(error?.message).toBe('Invalid WebSocket frame: MASK must be set')
})

test('WebSocketTransport answers pings', async () => {
  const { peer } = await pair(await startWebSocketListener(), connectWebSocketPeer)
  const answered = new Promise<Buffer>((resolve) => {
    peer.webSocket.on('pong', resolve)
  })
  peer.webSocket.ping('hello')
  expect(await answered).toEqual(Buffer.from('hello'))
})

test('WebSocketListener ends a connection that does not answer its ping, and no other', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const listening = await startWebSocketListener({ pingSeconds: 30 })
  const answering = await pair(listening, connectWebSocketPeer)
  const silent = await pair(listening, async (port) => connectWebSocketPeer(port, { autoPong: false }))
  const pings = pingsOf(answering.peer.webSocket)
  const pingsOfSilent = pingsOf(silent.peer.webSocket)
  vi.advanceTimersByTime(30_000)
  await Promise.all([pings.atLeast(1), pingsOfSilent.atLeast(1)])
  // The answer went out before this message of another connection, and so is read before it.
  const other = await pair(listening, connectWebSocketPeer)
  other.peer.send(Buffer.from('x'))
  await other.owner.untilReceived(1)
  vi.advanceTimersByTime(30_000)
  expect(await silent.owner.untilClosed()).toEqual(new Error('no answer to the WebSocket ping'))
  await pings.atLeast(2)
  expect(answering.owner.closings.items).toEqual([])
  await listening.listener.stop()
  expect(vi.getTimerCount()).toBe(0)
})

test('WebSocketListener does not ping a connection that the hub does not read', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const { transport, owner, peer } = await pair(await startWebSocketListener({ pingSeconds: 30 }), connectWebSocketPeer)
  const pings = pingsOf(peer.webSocket)
  transport.pause()
  vi.advanceTimersByTime(90_000)
  transport.resume()
  peer.send(Buffer.from('here'))
  await owner.untilReceived(4)
  expect(owner.events.items).toEqual(['received'])
  vi.advanceTimersByTime(30_000)
  await pings.atLeast(1)
  expect(pings.items.length).toBe(1)
})

test('WebSocketListener sends no pings without an interval', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  await startWebSocketListener({ pingSeconds: null })
  expect(vi.getTimerCount()).toBe(0)
})

function pingsOf(webSocket: WebSocket): Collected<Buffer> {
  const pings = new Collected<Buffer>('pings')
  webSocket.on('ping', (data) => pings.push(data))
  return pings
}

/** Larger than any share of a turn. */
const LARGE = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * 13) % 256))
const SHARE_BYTES = 65_536

async function startLargePair() {
  return pair(await startWebSocketListener({ maxConnectPacketBytes: 1_048_576 }), connectWebSocketPeer)
}

test('WebSocketTransport hands over large messages in pieces of a turn each, and tells of the close after them', async () => {
  const { owner, peer } = await startLargePair()
  peer.send(LARGE.subarray(0, 600_000))
  peer.send(LARGE.subarray(600_000))
  peer.end()
  expect(await owner.untilClosed()).toBe(undefined)
  expect(owner.bytes.equals(LARGE)).toBe(true)
  expect(Math.max(...owner.chunks.items.map((chunk) => chunk.length))).toBeLessThanOrEqual(SHARE_BYTES)
  expect(owner.events.items.indexOf('closed')).toBe(owner.events.items.length - 1)
})

test('WebSocketTransport keeps the rest of a message while it is paused', async () => {
  const { transport, owner, peer } = await startLargePair()
  const received = owner.received.bind(owner)
  const spy = vi.spyOn(owner, 'received').mockImplementation((chunk) => {
    transport.pause()
    received(chunk)
  })
  peer.send(LARGE)
  await owner.untilReceived(1)
  const before = owner.receivedBytes
  expect(before).toBeLessThanOrEqual(SHARE_BYTES)
  await turns()
  expect(owner.receivedBytes).toBe(before)
  spy.mockImplementation(received)
  transport.resume()
  expect((await owner.untilReceived(LARGE.length)).equals(LARGE)).toBe(true)
})

test('WebSocketTransport hands over what is left when the peer is gone, though nobody resumes it', async () => {
  const { transport, owner, peer } = await startLargePair()
  transport.pause()
  peer.send(LARGE.subarray(0, 20_000))
  peer.send(LARGE.subarray(20_000, 40_000))
  peer.end()
  const received = owner.received.bind(owner)
  vi.spyOn(owner, 'received').mockImplementation((chunk) => {
    transport.pause()
    received(chunk)
  })
  await turns()
  transport.resume()
  expect(await owner.untilClosed()).toBe(undefined)
  expect(owner.bytes.equals(LARGE.subarray(0, 40_000))).toBe(true)
  expect(owner.events.items.at(-1)).toBe('closed')
})

test.each(['end', 'destroy'] as const)('WebSocketTransport drops the rest of a message on %s', async (ending) => {
  const { transport, owner, peer } = await startLargePair()
  const received = owner.received.bind(owner)
  vi.spyOn(owner, 'received').mockImplementation((chunk) => {
    received(chunk)
    transport[ending]()
  })
  peer.send(LARGE)
  peer.end()
  await owner.untilClosed()
  await turns()
  expect(owner.events.items).toEqual(['received', 'closed'])
  expect(owner.receivedBytes).toBeLessThanOrEqual(SHARE_BYTES)
})

/** A few turns of the event loop. */
async function turns(): Promise<void> {
  let left = 4
  await until(
    () => left-- === 0,
    () => 'four turns',
  )
}
