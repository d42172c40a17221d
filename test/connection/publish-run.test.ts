import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { join5 } from '../conformance/steps5.ts'
import { until } from '../support/guard.ts'
import { publishPacket } from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import { connectRawClient } from '../support/raw-client.ts'
import { startHub } from '../support/start-hub.ts'
import { runs } from '../support/runs.ts'

const step = fc.record({
  topic: fc.constantFrom('a', 'b', 'a/b', '$SYS/x'),
  qos: fc.constantFrom(0, 0, 0, 0, 1, 2),
  retain: fc.constantFrom(false, false, false, true),
  // Long enough that a run of them is sent from where it lies instead of being copied.
  payloadBytes: fc.constantFrom(0, 1, 60, 60, 3000),
})

describe('PublishRun', () => {
  test('changes neither order nor content of what a chunk holds, for sessions and for the program itself', async () => {
    const { hub, port } = await startHub()
    const subscriber = await connectRawClient(port, { clientId: 'subscriber' })
    await subscriber.subscribe(['#', 0])
    const inProcess: string[] = []
    hub.subscribe('#', ({ topic, payload }) => inProcess.push(`${topic} ${payload.toString()}`), { qos: 0 })
    const publisher = await connectRawClient(port, { clientId: 'publisher' })

    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
        inProcess.length = 0
        const expected: string[] = []
        const packets = steps.map(({ topic, qos, retain, payloadBytes }, index) => {
          const payload = `${index}`.padEnd(payloadBytes, '.')
          if (!topic.startsWith('$')) expected.push(`${topic} ${payload}`)
          return publishPacket({ topic, payload, qos, retain, packetId: index + 1 })
        })
        publisher.send(...packets)
        const answers = await publisher.restBeforePingresp()
        const acknowledged = steps.flatMap(({ qos }, index) => (qos === 0 ? [] : [index + 1]))
        expect(answers.map((answer) => ('packetId' in answer ? answer.packetId : undefined))).toEqual(acknowledged)
        const got = await subscriber.restBeforePingresp()
        expect(
          got.map((packet) =>
            packet.type === 'PUBLISH' ? `${packet.topic} ${packet.payload.toString()}` : packet.type,
          ),
        ).toEqual(expected)
        expect(inProcess).toEqual(expected)
        // Finishes the QoS 2 exchanges, so that the identifiers are free in the next round.
        publisher.send(...steps.map((_, index) => Buffer.from([0x62, 2, 0, index + 1])))
        await publisher.restBeforePingresp()
      }),
      { numRuns: runs(60) },
    )
    expect(hub.ledger.matched).toBe(hub.ledger.delivered + hub.ledger.droppedTotal + hub.pendingMessages)
    expect(hub.ledger.refused).toBeGreaterThan(0)
  })

  test('of MQTT 5 with several topics comes whole to receivers of either version, with properties of their own or none', async () => {
    const { hub, port } = await startHub({ config: { limits: { maxTopicAliasesSent: 10 } } })
    const receivers = [
      await join5(port, 'plain'),
      await join5(port, 'aliases', { properties: [[Id.TOPIC_ALIAS_MAXIMUM, 10]] }),
      await join5(port, 'short packets', { properties: [[Id.MAXIMUM_PACKET_SIZE, 80]] }),
      await connectRawClient(port, { clientId: 'old' }),
    ]
    for (const receiver of receivers) await receiver.subscribe(['#', 0])
    const identified = await join5(port, 'identified')
    await identified.subscribeWith([[Id.SUBSCRIPTION_IDENTIFIER, 7]], ['#', 0])
    const publisher = await join5(port, 'publisher')
    const expected: string[] = []
    // The first of each topic are followed, each by itself: those behind them are one run.
    const packets = Array.from({ length: 120 }, (_, i) => {
      const topic = i % 3 === 0 ? 'a/longer/name' : `t${i % 4}`
      const value = 'v'.repeat(i)
      expected.push(`${topic} ${i}`)
      return publishPacket({
        topic,
        payload: `${i}`,
        properties: i % 2 === 0 ? [[Id.USER_PROPERTY, ['k', value]]] : [],
      })
    })
    publisher.send(...packets)
    await publisher.restBeforePingresp()
    for (const receiver of [...receivers, identified]) {
      const aliases = new Map<unknown, string>()
      const got: string[] = []
      for (const packet of await receiver.restBeforePingresp()) {
        if (packet.type !== 'PUBLISH') throw new Error(`a ${packet.type} came`)
        const alias = packet.properties?.find(([id]) => id === Id.TOPIC_ALIAS)?.[1]
        if (alias !== undefined && packet.topic !== '') aliases.set(alias, packet.topic)
        got.push(`${packet.topic === '' ? aliases.get(alias) : packet.topic} ${packet.payload.toString()}`)
      }
      const isShort = receiver === receivers[2]
      expect(got).toEqual(expected.filter((_, i) => !isShort || (packets[i]?.length ?? 0) <= 80))
    }
    expect(hub.ledger.dropped['too-large']).toBeGreaterThan(0)
    expect(hub.ledger.matched).toBe(hub.ledger.delivered + hub.ledger.droppedTotal + hub.pendingMessages)
  })

  test('of several topics leaves the newest of each to a client that is behind, where the policy is "latest"', async () => {
    const limits = { maxOutputBytes: 64 * 1024, outputPolicy: 'latest' } as const
    const { hub, port } = await startHub({ config: { limits } })
    const behind = await connectRawClient(port, { clientId: 'behind' })
    await behind.subscribe(['t/#', 0])
    behind.pause()
    const publisher = await connectRawClient(port, { clientId: 'publisher' })
    const padding = 'x'.repeat(1000)
    let round = 0
    const sendRound = async (): Promise<void> => {
      round++
      const packets = Array.from({ length: 60 }, (_, i) =>
        publishPacket({ topic: `t/${i % 3}`, payload: `${padding}#${round} ${i}` }),
      )
      publisher.send(...packets)
      await publisher.restBeforePingresp()
    }
    while (hub.ledger.dropped.replaced === 0) await sendRound()
    await sendRound()
    behind.resume()
    await until(
      () => hub.pendingMessages === 0,
      () => `${hub.pendingMessages} messages to be taken`,
    )
    const got = (await behind.restBeforePingresp()).map((packet) => (packet.type === 'PUBLISH' ? packet.payload : ''))
    const ends = got.map((payload) => payload.toString().slice(padding.length))
    expect(ends.slice(-3)).toEqual([57, 58, 59].map((i) => `#${round} ${i}`))
    expect(got).toHaveLength(60 * round - hub.ledger.dropped.replaced)
  })
})
