import { expect, onTestFinished, test } from 'vitest'
import websocketStream from 'websocket-stream'
import { Collected, guarded } from '../support/guard.ts'
import { pair, type Peer, startWebSocketListener } from '../support/listening.ts'

/** A client of the package websocket-stream, as older devices have it. */
async function connectStreamPeer(port: number): Promise<Peer> {
  const stream = websocketStream(`ws://127.0.0.1:${port}/mqtt`, ['mqttv3.1'], { perMessageDeflate: false })
  onTestFinished(() => void stream.destroy())
  const chunks = new Collected<Buffer>('chunks at the stream')
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const closed = new Promise<void>((resolve) => {
    stream.on('close', resolve)
  })
  const connected = new Promise<void>((resolve, reject) => {
    stream.on('connect', resolve)
    stream.on('error', reject)
  })
  await guarded(connected, () => 'websocket-stream to connect')
  return {
    chunks,
    closed,
    send: (bytes) => void stream.write(bytes),
    end: () => void stream.end(),
    reset: () => void stream.destroy(),
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
  }
}

test('WebSocketTransport carries bytes both ways with a client of websocket-stream', async () => {
  const { transport, owner, peer } = await pair(await startWebSocketListener(), connectStreamPeer)
  const sent = Buffer.from(Array.from({ length: 50_000 }, (_, i) => (i * 3) % 256))
  for (let at = 0; at < sent.length; at += 7000) peer.send(sent.subarray(at, at + 7000))
  expect((await owner.untilReceived(sent.length)).equals(sent)).toBe(true)
  transport.write([sent.subarray(0, 10), sent.subarray(10)])
  await guarded(
    peer.chunks.firstThat(() => (Buffer.concat(peer.chunks.items).length >= sent.length ? true : undefined)),
    () => 'all bytes at the stream',
  )
  expect(Buffer.concat(peer.chunks.items).equals(sent)).toBe(true)
})

test('WebSocketTransport and a client of websocket-stream close in order, whoever begins', async () => {
  const listening = await startWebSocketListener()
  const first = await pair(listening, connectStreamPeer)
  first.peer.end()
  expect(await first.owner.untilClosed()).toBe(undefined)
  const second = await pair(listening, connectStreamPeer)
  second.transport.end()
  await guarded(second.peer.closed, () => 'websocket-stream to close')
  expect(await second.owner.untilClosed()).toBe(undefined)
})
