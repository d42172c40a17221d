import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startBareAedes } from './aedes-bare.ts'
import { watchLeftovers } from './leftovers.ts'
import { acknowledgePacket, packet, publishPacket } from './packets.ts'
import { connectRawClient, openRawWebSocketClient, type RawClient } from './raw-client.ts'
import { startHub, startHubWithHttp } from './start-hub.ts'

describe('RawClient', () => {
  const servers = [
    ['a hub over TCP', async (): Promise<RawClient> => connectRawClient((await startHub()).port)],
    ['bare Aedes over TCP', async (): Promise<RawClient> => connectRawClient((await startBareAedes()).port)],
    [
      'a hub over WebSocket',
      async (): Promise<RawClient> => {
        const client = await openRawWebSocketClient((await startHubWithHttp()).httpPort)
        await client.connect()
        return client
      },
    ],
  ] as const

  test.each(servers)('talks MQTT to %s', async (_name, start) => {
    const client = await start()
    expect((await client.subscribe(['a/#', 1])).codes).toEqual([1])
    client.send(publishPacket({ topic: 'a/b', payload: 'hello', qos: 1, packetId: 7 }))
    const [first, second] = [await client.next(), await client.next()]
    const publish = first.type === 'PUBLISH' ? first : second
    expect([first.type, second.type].toSorted()).toEqual(['PUBACK', 'PUBLISH'])
    expect(publish).toMatchObject({ topic: 'a/b', payload: Buffer.from('hello'), qos: 1, retain: false, dup: false })
    client.send(acknowledgePacket('PUBACK', publish.type === 'PUBLISH' ? publish.packetId : 0))
    expect(await client.restBeforePingresp()).toEqual([])
    client.send(packet(0, 0, Buffer.alloc(0)))
    await client.untilClosed()
  })

  test('says what it waited for when the connection closes', async () => {
    const client = await connectRawClient((await startHub()).port)
    client.send(packet(0, 0, Buffer.alloc(0)))
    await expect(client.next('PUBLISH')).rejects.toThrow(
      'the connection closed while waiting for PUBLISH; the last packets were [CONNACK] of 1, the connection is closed',
    )
  })
})

test('RawClient does not take its own end, for a packet that breaks the standard, for one by the hub', async () => {
  const connack = packet(2, 0, Buffer.from([0, 0]))
  const disconnect = packet(14, 0, Buffer.alloc(0)) // no server of 3.1.1 sends one
  const answers = [connack, disconnect]
  const server = createServer((socket) => socket.on('data', () => void socket.write(answers.shift() ?? connack)))
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const client = await connectRawClient(typeof address === 'object' && address !== null ? address.port : 0)
  client.send(packet(12, 0, Buffer.alloc(0)))
  await expect(client.untilClosed()).rejects.toThrow(/DISCONNECT/)
})

test('watchLeftovers waits for what is closing, and fails over a timer or a socket that stays', async () => {
  const closing = watchLeftovers()
  setTimeout(() => undefined, 20)
  await closing.untilGone()

  const staying = watchLeftovers()
  const timer = setTimeout(() => undefined, 60_000)
  const server = createServer()
  onTestFinished(() => {
    clearTimeout(timer)
    server.close()
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  await expect(staying.untilGone(50)).rejects.toThrow(/closed, but there is left: (.*, )?1 TCPServerWrap/)
  await expect(staying.untilGone(50)).rejects.toThrow(/\b[12] Timeout\b/)
})
