import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { until } from '../support/guard.ts'
import {
  connectTcpPeer,
  connectWebSocketPeer,
  type Listening,
  pair,
  type Pair,
  type Peer,
  RecordingOwner,
  startTcpListener,
  startTcpListenerWithEvents,
  startWebSocketListener,
} from '../support/listening.ts'

interface Kind {
  readonly name: string
  readonly start: () => Promise<Listening>
  readonly connect: (port: number) => Promise<Peer>
}

const KINDS: readonly Kind[] = [
  { name: 'TcpTransport', start: async () => startTcpListener(), connect: connectTcpPeer },
  { name: 'TcpTransport with events', start: startTcpListenerWithEvents, connect: connectTcpPeer },
  {
    name: 'WebSocketTransport',
    start: async () => startWebSocketListener({ maxConnectPacketBytes: 1_048_576 }),
    connect: connectWebSocketPeer,
  },
]

/** What is read of one connection in a turn. */
const SHARE_BYTES = 65_536

/** More than the kernel takes for a peer that does not read. */
const MUCH = Buffer.alloc(16 * 1024 * 1024, 'much')

describe.each(KINDS)('$name', ({ start, connect }) => {
  async function startPair(): Promise<Pair<Peer>> {
    return pair(await start(), connect)
  }

  test('delivers nothing before it has an owner, and then everything', async () => {
    const listening = await start()
    const peer = await connect(listening.port)
    peer.send(Buffer.from('early'))
    const [transport] = await listening.transports.atLeast(1)
    const other = await pair(listening, connect)
    other.peer.send(Buffer.from('later'))
    await other.owner.untilReceived(5)
    const owner = new RecordingOwner()
    transport?.attach(owner)
    expect(owner.receivedBytes).toBe(0)
    expect(await owner.untilReceived(5)).toEqual(Buffer.from('early'))
  })

  test('delivers bytes as they are and in order [MQTT-7.1.1-1] [MQTT5-4.2.0-1]', async () => {
    const { owner, peer } = await startPair()
    const sent = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) % 256))
    peer.send(sent.subarray(0, 1))
    peer.send(sent.subarray(1, 50_000))
    peer.send(sent.subarray(50_000))
    const received = await owner.untilReceived(sent.length)
    expect(received.equals(sent)).toBe(true)
  })

  test('leaves a chunk as it is until received returns, whatever is done meanwhile', async () => {
    const { transport, owner, peer } = await startPair()
    const received = owner.received.bind(owner)
    let changedChunks = 0
    vi.spyOn(owner, 'received').mockImplementation((chunk) => {
      const before = Buffer.from(chunk)
      transport.write([Buffer.alloc(100_000, 'answer')])
      transport.pause()
      transport.resume()
      if (!chunk.equals(before)) changedChunks++
      received(chunk)
    })
    const sent = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 11) % 256))
    peer.send(sent)
    expect((await owner.untilReceived(sent.length)).equals(sent)).toBe(true)
    expect(changedChunks).toBe(0)
  })

  test('reads little of a connection in one turn of the loop, however much there is, and others meanwhile', async () => {
    const listening = await start()
    const busy = await pair(listening, connect)
    const quiet = await pair(listening, connect)
    const ticks = countTurns()
    const bytesByTurn = new Map<number, number>()
    let busyBytesBeforeQuiet: number | undefined = undefined
    const received = busy.owner.received.bind(busy.owner)
    vi.spyOn(busy.owner, 'received').mockImplementation((chunk) => {
      if (busy.owner.receivedBytes === 0) quiet.peer.send(Buffer.from('me too'))
      bytesByTurn.set(ticks.turn, (bytesByTurn.get(ticks.turn) ?? 0) + chunk.length)
      received(chunk)
    })
    vi.spyOn(quiet.owner, 'received').mockImplementation(() => {
      busyBytesBeforeQuiet ??= busy.owner.receivedBytes
    })
    busy.transport.pause()
    for (let i = 0; i < 256; i++) busy.peer.send(Buffer.alloc(8192, i))
    busy.transport.resume()
    await busy.owner.untilReceived(256 * 8192)
    // A transport without pieces sees that the share was passed when it was, and what was read by then still comes.
    expect(Math.max(...bytesByTurn.values())).toBeLessThanOrEqual(3 * SHARE_BYTES)
    expect(busyBytesBeforeQuiet).toBeLessThanOrEqual(6 * SHARE_BYTES)
  })

  test('is not read on in its next turn when its owner has paused it meanwhile, but when that resumes it', async () => {
    const { transport, owner, peer } = await startPair()
    const received = owner.received.bind(owner)
    vi.spyOn(owner, 'received').mockImplementation((chunk) => {
      if (owner.receivedBytes === 0) transport.pause()
      received(chunk)
    })
    for (let i = 0; i < 128; i++) peer.send(Buffer.alloc(8192, i))
    await owner.untilReceived(1)
    await turn()
    await turn()
    const before = owner.receivedBytes
    expect(before).toBeLessThanOrEqual(3 * SHARE_BYTES)
    await turn()
    await turn()
    expect(owner.receivedBytes).toBe(before)
    transport.resume()
    await owner.untilReceived(128 * 8192)
  })

  test('sends the buffers of a write one behind the other and reports it taken once', async () => {
    const { transport, owner, peer } = await startPair()
    transport.write([Buffer.from('a'), Buffer.alloc(100_000, 'b'), Buffer.from('c')])
    transport.write([Buffer.from('d')])
    await owner.untilTaken(2)
    await peer.chunks.firstThat(() => (Buffer.concat(peer.chunks.items).length >= 100_003 ? true : undefined))
    expect(Buffer.concat(peer.chunks.items).toString()).toBe(`a${'b'.repeat(100_000)}cd`)
    expect(owner.events.items).toEqual(['taken', 'taken'])
  })

  test('never reports a write taken inside the call', async () => {
    const { transport, owner } = await startPair()
    for (let writes = 1; writes <= 20; writes++) {
      const before = owner.takenWrites
      transport.write([Buffer.from('short')])
      expect(owner.takenWrites).toBe(before)
    }
    await owner.untilTaken(20)
    expect(owner.takenWrites).toBe(20)
  })

  test('reports a write taken only when the peer has read enough', async () => {
    const { transport, owner, peer } = await startPair()
    peer.pause()
    transport.write([MUCH])
    expect(owner.takenWrites).toBe(0)
    peer.resume()
    await owner.untilTaken(1)
  })

  test('does not read while it is paused', async () => {
    const listening = await start()
    const { transport, owner, peer } = await pair(listening, connect)
    const other = await pair(listening, connect)
    transport.pause()
    peer.send(Buffer.from('held'))
    other.peer.send(Buffer.from('passes'))
    await other.owner.untilReceived(6)
    expect(owner.receivedBytes).toBe(0)
    transport.resume()
    expect(await owner.untilReceived(4)).toEqual(Buffer.from('held'))
  })

  test('sends what is due before it ends, and reports the close once and last', async () => {
    const { transport, owner, peer } = await startPair()
    transport.write([MUCH])
    transport.end()
    transport.end()
    await peer.closed
    expect(Buffer.concat(peer.chunks.items).length).toBe(MUCH.length)
    peer.end()
    expect(await owner.untilClosed()).toBe(undefined)
    transport.destroy()
    transport.end()
    await turn()
    expect(owner.events.items).toEqual(['taken', 'closed'])
  })

  test('sends what is due before it leaves, and reports the close once and last', async () => {
    const { transport, owner, peer } = await startPair()
    transport.write([MUCH])
    transport.leave()
    transport.leave()
    await peer.closed
    expect(Buffer.concat(peer.chunks.items).length).toBe(MUCH.length)
    peer.end()
    expect(await owner.untilClosed()).toBe(undefined)
    transport.leave()
    await turn()
    expect(owner.events.items).toEqual(['taken', 'closed'])
  })

  test('sends what it was given in the call before it leaves', async () => {
    const { transport, owner, peer } = await startPair()
    transport.write([Buffer.from('last'), Buffer.from('words')])
    transport.leave()
    await peer.closed
    expect(Buffer.concat(peer.chunks.items).toString()).toBe('lastwords')
    peer.end()
    expect(await owner.untilClosed()).toBe(undefined)
  })

  test('receives nothing more after end', async () => {
    const { transport, owner, peer } = await startPair()
    peer.pause()
    transport.end()
    peer.send(Buffer.from('too late'))
    peer.resume()
    await peer.closed
    peer.end()
    await owner.untilClosed()
    expect(owner.receivedBytes).toBe(0)
  })

  test('ends without the cut-off although it is paused and has not read everything', async () => {
    useFakeTimers()
    const { transport, owner, peer } = await startPair()
    transport.pause()
    peer.send(Buffer.from('unread'))
    peer.end()
    await turn()
    transport.end()
    transport.pause()
    await peer.closed
    expect(await owner.untilClosed()).toBe(undefined)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('cuts off a peer that does not read what is due within two seconds of end', async () => {
    useFakeTimers()
    const { transport, owner, peer } = await startPair()
    peer.pause()
    transport.write([MUCH])
    transport.end()
    vi.advanceTimersByTime(1999)
    await turn()
    expect(owner.closings.items).toEqual([])
    vi.advanceTimersByTime(1)
    await owner.untilClosed()
    expect(owner.events.items).toEqual(['closed'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('reports a peer that closed in order without an error', async () => {
    const { owner, peer } = await startPair()
    peer.send(Buffer.from('bye'))
    peer.end()
    expect(await owner.untilClosed()).toBe(undefined)
    expect(owner.events.items).toEqual(['received', 'closed'])
  })

  test('reports a reset as the error that it is', async () => {
    const { owner, peer } = await startPair()
    peer.reset()
    expect(await owner.untilClosed()).toMatchObject({ code: 'ECONNRESET' })
    expect(owner.events.items).toEqual(['closed'])
  })

  test('does not report a write that was under way when the peer was gone', async () => {
    const { transport, owner, peer } = await startPair()
    peer.pause()
    transport.write([MUCH])
    peer.reset()
    await owner.untilClosed()
    transport.write([Buffer.from('nobody')])
    await turn()
    expect(owner.events.items).toEqual(['closed'])
  })

  test('reports destroy as a close, and not inside of the call', async () => {
    const { transport, owner, peer } = await startPair()
    transport.write([MUCH])
    transport.destroy()
    expect(owner.closings.items).toEqual([])
    expect(await owner.untilClosed()).toBe(undefined)
    await peer.closed
    expect(owner.events.items).toEqual(['closed'])
  })

  test('reports the close also to an owner that comes after it', async () => {
    const listening = await start()
    const peer = await connect(listening.port)
    const [transport] = await listening.transports.atLeast(1)
    if (transport === undefined) throw new Error('no transport')
    transport.destroy()
    await peer.closed
    const owner = new RecordingOwner()
    transport.attach(owner)
    expect(owner.closings.items).toEqual([])
    await owner.untilClosed()
    await turn()
    expect(owner.events.items).toEqual(['closed'])
  })

  test('names the peer by address and port', async () => {
    const { transport } = await startPair()
    expect(transport.remoteHost).toBe('127.0.0.1')
    expect(transport.remoteAddress).toMatch(/^127\.0\.0\.1:\d{4,5}$/)
  })

  test('keeps the name of a peer that is gone', async () => {
    const { transport, owner, peer } = await startPair()
    const before = transport.remoteAddress
    peer.reset()
    await owner.untilClosed()
    expect(transport.remoteAddress).toBe(before)
  })
})

/** Counts the turns of the event loop until the test ends. */
function countTurns(): { readonly turn: number } {
  const counted = { turn: 0 }
  let next = setImmediate(count)
  function count(): void {
    counted.turn++
    next = setImmediate(count)
  }
  onTestFinished(() => clearImmediate(next))
  return counted
}

/** Nothing that waits for a time-out goes on by itself. */
function useFakeTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
}

/** Two turns of the event loop: what was to come by itself has come. */
async function turn(): Promise<void> {
  let turns = 0
  await until(
    () => turns++ > 2,
    () => 'two turns',
  )
}
