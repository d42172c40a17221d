import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { publishPacket } from '../support/packets.ts'
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
})
