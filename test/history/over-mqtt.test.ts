import { describe, expect, test } from 'vitest'
import { join5, KEPT } from '../conformance/steps5.ts'
import { publishPacket, subscribePacket, unsubscribePacket } from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import type { RawClient } from '../support/raw-client.ts'
import { expectLedgerBalanced, join, leave, message, publish, takePayloads } from '../support/steps.ts'
import { until } from '../support/guard.ts'
import { startHub } from '../support/start-hub.ts'

/** The payloads of the next messages that a client is sent, so many. */
async function takePast(client: RawClient, count: number): Promise<string[]> {
  const payloads: string[] = []
  while (payloads.length < count) {
    const packet = await client.next()
    if (packet.type !== 'PUBLISH') continue
    await client.finish(packet)
    payloads.push(packet.payload.toString())
  }
  return payloads
}

describe('SUBSCRIBE to $history', () => {
  test('sends the last messages under the filter in their order, then goes on live', async () => {
    const { port } = await startHub()
    const publisher = await join(port, 'p')
    await publish(publisher, message('a/1', '1'), message('b', 'x'), message('a/2', '2'), message('a/1', '3'))
    const client = await join5(port, 's')
    await client.subscribe(['$history/2/a/#', 0])
    expect(await takePast(client, 2)).toEqual(['2', '3'])
    await publish(publisher, message('a/1', '4'), message('b', 'y'))
    expect(await takePast(client, 1)).toEqual(['4'])
    expect(await client.restBeforePingresp()).toEqual([])
  })

  test('takes how much is wanted as a time, too', async () => {
    const { port } = await startHub()
    await publish(await join(port, 'p'), message('a', '1'), message('a', '2'))
    for (const amount of ['30s', '15m', '2h', '7d', '2w']) {
      const client = await join5(port, `s${amount}`)
      await client.subscribe([`$history/${amount}/a`, 0])
      expect(await takePast(client, 2)).toEqual(['1', '2'])
    }
    const client = await join5(port, 'none')
    await client.subscribe(['$history/0/a', 0])
    expect(await client.restBeforePingresp()).toEqual([])
  })

  test('marks what is past with when it came, and leaves the rest of it as it was', async () => {
    const { port } = await startHub()
    const publisher = await join5(port, 'p')
    const properties = [
      [Id.CONTENT_TYPE, 'text/plain'],
      [Id.USER_PROPERTY, ['k', 'v']],
    ] as const
    await publish(publisher, publishPacket({ topic: 'a', payload: 'x', retain: true, properties }))
    const client = await join5(port, 's')
    await client.subscribe(['$history/1/a', 1])
    const past = await client.next('PUBLISH')
    expect(past).toMatchObject({ topic: 'a', qos: 0, retain: false })
    expect(past.properties).toEqual([
      ...properties,
      [Id.USER_PROPERTY, ['hubbub-sequence', expect.stringMatching(/^\d+$/)]],
      [Id.USER_PROPERTY, ['hubbub-time', expect.stringMatching(/^20\d\d-.*Z$/)]],
    ])
    await publish(publisher, publishPacket({ topic: 'a', payload: 'y', properties }))
    expect((await client.next('PUBLISH')).properties).toEqual(properties)
  })

  test('serves clients of 3.1.1', async () => {
    const { port } = await startHub()
    await publish(await join(port, 'p'), message('a', '1'), message('a', '2'))
    const client = await join(port, 's')
    await client.subscribe(['$history/10/#', 0])
    await client.next('PUBLISH')
    await client.next('PUBLISH')
    expect(await takePayloads(client)).toEqual([])
  })

  test('leaves no gap and sends nothing twice while messages keep coming', async () => {
    const hub = await startHub()
    const publisher = await join5(hub.port, 'p')
    const send = async (from: number, to: number): Promise<void> => {
      for (let i = from; i < to; i++) {
        publisher.send(
          publishPacket({ topic: 'a', payload: String(i), qos: 1, packetId: (i % 60_000) + 1, properties: [] }),
        )
        if (i % 50 === 0) await publisher.restBeforePingresp()
      }
      await publisher.restBeforePingresp()
    }
    await send(0, 3000)
    const client = await join5(hub.port, 's')
    client.send(subscribePacket(1, [['$history/1000000/a', 1]], []))
    const [payloads] = await Promise.all([takePast(client, 6000), send(3000, 6000)])
    expect(payloads).toEqual(Array.from({ length: 6000 }, (_, i) => String(i)))
    expect(await client.restBeforePingresp()).toEqual([])
    expectLedgerBalanced(hub)
  })

  test('has QoS 0 wait behind the past in its order', async () => {
    const hub = await startHub()
    const publisher = await join(hub.port, 'p')
    const past = Array.from({ length: 500 }, (_, i) =>
      publishPacket({ topic: 'a', payload: `${i}`, qos: 1, packetId: i + 1 }),
    )
    await publish(publisher, ...past)
    const client = await join5(hub.port, 's')
    client.send(subscribePacket(1, [['$history/1h/a', 0]], []))
    await client.next('SUBACK')
    await publish(publisher, ...Array.from({ length: 15 }, (_, i) => message('a', String(500 + i))))
    expect(await takePast(client, 515)).toEqual(Array.from({ length: 515 }, (_, i) => String(i)))
    await until(
      () => hub.hub.pendingMessages === 0,
      () => 'nothing to be pending',
    )
    expectLedgerBalanced(hub)
  })

  test('keeps to the window of the client', async () => {
    const { port } = await startHub()
    const publisher = await join(port, 'p')
    const past = Array.from({ length: 20 }, (_, i) =>
      publishPacket({ topic: 'a', payload: `${i}`, qos: 1, packetId: i + 1 }),
    )
    await publish(publisher, ...past)
    const client = await join5(port, 's', { properties: [[Id.RECEIVE_MAXIMUM, 3]] })
    await client.subscribe(['$history/20/a', 1])
    const first = [await client.next('PUBLISH'), await client.next('PUBLISH'), await client.next('PUBLISH')]
    expect(await client.restBeforePingresp()).toEqual([])
    for (const packet of first) await client.finish(packet)
    expect(await takePast(client, 17)).toHaveLength(17)
  })

  test('sends the past at SUBSCRIBE only: a kept session goes on where it was', async () => {
    const { port } = await startHub()
    const publisher = await join5(port, 'p')
    await publish(publisher, publishPacket({ topic: 'a', payload: '1', qos: 1, packetId: 1, properties: [] }))
    const before = await join5(port, 's', KEPT)
    await before.subscribe(['$history/1h/a', 1])
    expect(await takePast(before, 1)).toEqual(['1'])
    await leave(before)
    await publish(publisher, publishPacket({ topic: 'a', payload: '2', qos: 1, packetId: 2, properties: [] }))
    const again = await join5(port, 's', KEPT)
    expect(await takePast(again, 1)).toEqual(['2'])
    expect(await again.restBeforePingresp()).toEqual([])
  })

  test('is one subscription with the same filter by itself: each message comes once, until both are ended', async () => {
    const { port } = await startHub()
    const publisher = await join(port, 'p')
    const client = await join5(port, 's')
    await client.subscribe(['a', 0], ['$history/5/a', 0])
    const live = async (payload: string): Promise<string[]> => {
      await publish(publisher, message('a', payload))
      return (await client.restBeforePingresp()).flatMap((packet) =>
        packet.type === 'PUBLISH' ? [packet.payload.toString()] : [],
      )
    }
    expect(await live('1')).toEqual(['1'])
    client.send(unsubscribePacket(7, ['$history/5/a'], []))
    await client.next('UNSUBACK')
    expect(await live('2')).toEqual(['2'])
    client.send(unsubscribePacket(8, ['a'], []))
    await client.next('UNSUBACK')
    expect(await live('3')).toEqual([])
  })

  test('is refused, with a line in the log, when it does not say what it wants', async () => {
    const { log, port } = await startHub()
    const client = await join5(port, 's')
    const filters = [
      '$history/x/a',
      '$history/5',
      '$history/5x/a',
      '$history/-1/a',
      '$history/5/$SYS/#',
      '$history/1.5/a',
    ]
    for (const filter of filters) {
      expect([filter, (await client.subscribe([filter, 0])).codes]).toEqual([filter, [0x8f]])
    }
    const old = await join(port, 'old')
    expect((await old.subscribe(['$history/x/a', 0])).codes).toEqual([0x80])
    expect(log.lines.items.filter(({ text }) => text === 'a subscription to the history was refused')).toHaveLength(7)
  })

  test('is an ordinary subscription where no history is kept', async () => {
    const { port } = await startHub({ config: { history: { enabled: false } } })
    const publisher = await join(port, 'p')
    await publish(publisher, message('a', '1'))
    const client = await join5(port, 's')
    await client.subscribe(['$history/5/a', 0])
    await publish(publisher, message('a', '2'))
    expect(await takePast(client, 1)).toEqual(['2'])
  })
})
