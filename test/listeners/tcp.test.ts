import { expect, onTestFinished, test, vi } from 'vitest'
import { canChooseMemory } from '../../src/listeners/read-memory.ts'
import { ReadTurn } from '../../src/listeners/read-turn.ts'
import { TcpListener } from '../../src/listeners/tcp.ts'
import { CollectingWarnings, connectTcpPeer, pair, RecordingOwner, startTcpListener } from '../support/listening.ts'

test('TcpListener hands out TCP transports', async () => {
  const { transport } = await pair(await startTcpListener(), connectTcpPeer)
  expect(transport.kind).toBe('tcp')
})

test('TcpListener reads all its connections into one memory, where Node lets us choose it, as this one does', async () => {
  expect(canChooseMemory).toBe(true)
  const listening = await startTcpListener()
  const memories = new Set<ArrayBufferLike>()
  for (let i = 0; i < 3; i++) {
    const { owner, peer } = await pair(listening, connectTcpPeer)
    const received = owner.received.bind(owner)
    vi.spyOn(owner, 'received').mockImplementation((chunk) => {
      memories.add(chunk.buffer)
      received(chunk)
    })
    peer.send(Buffer.alloc(100_000, 'x'))
    await owner.untilReceived(100_000)
  }
  expect(memories.size).toBe(1)
})

test('TcpListener names the port that it got, and has none before it starts', async () => {
  const log = new CollectingWarnings()
  const listener = new TcpListener(
    { host: '127.0.0.1', port: 0, portOption: '--port', log, readTurn: new ReadTurn() },
    () => undefined,
  )
  expect(() => listener.address).toThrow('Cannot tell the address of listener "mqtt": it does not listen')
  await listener.start()
  onTestFinished(async () => listener.stop())
  expect(listener.address.host).toBe('127.0.0.1')
  expect(listener.address.port).toBeGreaterThan(0)
})

test('TcpListener rejects a port that another listener has', async () => {
  const { port, log } = await startTcpListener()
  const second = new TcpListener(
    { host: '127.0.0.1', port, portOption: '--port', log, readTurn: new ReadTurn() },
    () => undefined,
  )
  await expect(second.start()).rejects.toMatchObject({
    code: 'LISTENER_PORT_IN_USE',
    message: `Cannot listen on 127.0.0.1:${port}: another program has the port; stop it or choose --port`,
  })
})

test('TcpListener leaves open connections alone when it stops, frees the port and accepts no more', async () => {
  const listening = await startTcpListener()
  const { transport, owner, peer } = await pair(listening, connectTcpPeer)
  await listening.listener.stop()
  const next = new TcpListener(
    { host: '127.0.0.1', port: listening.port, portOption: '--port', log: listening.log, readTurn: new ReadTurn() },
    () => undefined,
  )
  await next.start()
  await next.stop()
  peer.send(Buffer.from('still'))
  expect(await owner.untilReceived(5)).toEqual(Buffer.from('still'))
  transport.write([Buffer.from('here')])
  await peer.chunks.atLeast(1)
  expect(peer.chunks.items).toEqual([Buffer.from('here')])
  expect(owner.closings.items).toEqual([])
})

test('TcpTransport ends when the peer ends its side, after what is due to it is sent', async () => {
  const { transport, owner, peer } = await pair(await startTcpListener(), connectTcpPeer)
  peer.pause()
  transport.write([Buffer.alloc(16 * 1024 * 1024)])
  peer.end()
  peer.resume()
  expect(await owner.untilClosed()).toBe(undefined)
  await peer.closed
  expect(Buffer.concat(peer.chunks.items).length).toBe(16 * 1024 * 1024)
})

test('TcpTransport cuts off a peer that ended its side and does not read what is due to it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { transport, owner, peer } = await pair(await startTcpListener(), connectTcpPeer)
  peer.pause()
  transport.write([Buffer.alloc(16 * 1024 * 1024)])
  peer.send(Buffer.from('last'))
  await owner.untilReceived(4)
  peer.end()
  await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1))
  vi.advanceTimersByTime(2000)
  await owner.untilClosed()
  expect(owner.takenWrites).toBe(0)
})

test('TcpTransport cuts off a peer that reads everything and does not close', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { transport, owner, peer } = await pair(await startTcpListener(), connectTcpPeer)
  transport.end()
  // The peer's socket allows a half-open connection, and sees the end.
  await peer.closed
  expect(owner.closings.items).toEqual([])
  vi.advanceTimersByTime(2000)
  expect(await owner.untilClosed()).toBe(undefined)
})

test('TcpTransport does not wait for a peer that goes and to which nothing is due', async () => {
  const { transport, owner, peer } = await pair(await startTcpListener(), connectTcpPeer)
  transport.leave()
  // The peer's socket allows a half-open connection, and has not closed its side.
  expect(await owner.untilClosed()).toBe(undefined)
  await peer.closed
})

test('TcpTransport survives a reset before it has an owner', async () => {
  const listening = await startTcpListener()
  const peer = await connectTcpPeer(listening.port)
  const [transport] = await listening.transports.atLeast(1)
  peer.reset()
  const owner = new RecordingOwner()
  transport?.attach(owner)
  await owner.untilClosed()
  expect(owner.events.items).toEqual(['closed'])
})
