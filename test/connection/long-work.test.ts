import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { TURN } from '../../src/base/turn.ts'
import { PINGREQ, publishPacket, subscribePacket, unsubscribePacket } from '../support/packets.ts'
import { connectRawClient, type RawClient } from '../support/raw-client.ts'
import { expectLedgerBalanced, join, lose, message, takePayloads } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

/** As many as fit into a SUBSCRIBE of 1 MiB: they take many turns of the event loop. */
const FILTERS = Array.from({ length: 60_000 }, (_, i) => `many/${i}/x`)
const UNLIMITED = { limits: { maxSubscriptionsPerClient: null } }
const GUARD_MS = 60_000

async function subscribeToMany(client: RawClient, filters: readonly string[]): Promise<readonly number[]> {
  client.send(
    subscribePacket(
      7,
      filters.map((filter) => [filter, 1]),
    ),
  )
  return (await client.next('SUBACK', GUARD_MS)).codes
}

/** Until the test ends, a turn is used up whenever it is asked for that the so-manieth time. */
function useUpTurns(every: number): void {
  let questions = 0
  const spy = vi.spyOn(TURN, 'isUsedUp', 'get').mockImplementation(() => ++questions % every === 0)
  onTestFinished(() => spy.mockRestore())
}

describe('Hub', { timeout: 3 * GUARD_MS }, () => {
  test('answers others amid a SUBSCRIBE and an UNSUBSCRIBE of very many filters', async () => {
    const { port } = await startHub({ config: UNLIMITED })
    const [many, other] = [await connectRawClient(port), await connectRawClient(port)]
    const order: string[] = []
    const note = async (name: string, answer: Promise<unknown>): Promise<void> => {
      await answer
      order.push(name)
    }

    many.send(
      subscribePacket(
        7,
        FILTERS.map((filter) => [filter, 1]),
      ),
    )
    other.send(PINGREQ)
    await Promise.all([note('SUBACK', many.next('SUBACK', GUARD_MS)), note('PINGRESP', other.next('PINGRESP'))])
    expect(order).toEqual(['PINGRESP', 'SUBACK'])
    expect(many.received.at(-1)).toMatchObject({ packetId: 7, codes: FILTERS.map(() => 1) })

    many.send(unsubscribePacket(8, FILTERS))
    other.send(PINGREQ)
    await Promise.all([note('UNSUBACK', many.next('UNSUBACK', GUARD_MS)), note('PINGRESP', other.next('PINGRESP'))])
    expect(order.slice(2)).toEqual(['PINGRESP', 'UNSUBACK'])
    other.send(message('many/59999/x', 'nobody'))
    await other.restBeforePingresp()
    expect(await takePayloads(many)).toEqual([])
  })

  test('grants none of very many filters when the last one is not valid', async () => {
    const hub = await startHub({ config: UNLIMITED })
    const many = await join(hub.port, 'many', { isClean: false })
    many.send(subscribePacket(7, [...FILTERS.map((filter) => [filter, 1] as const), ['not/#/valid', 1]]))
    await many.untilClosed()
    const again = await join(hub.port, 'many', { isClean: false })
    expect(await again.restBeforePingresp()).toEqual([])
    expect((await hub.hub.publish('many/0/x', 'x')).matched).toBe(0)
  })

  test('keeps to the order of packets behind a SUBSCRIBE of very many filters', async () => {
    const { port } = await startHub({ config: UNLIMITED })
    const client = await connectRawClient(port)
    client.send(
      subscribePacket(
        7,
        FILTERS.map((filter) => [filter, 0]),
      ),
      publishPacket({ topic: 'many/59999/x', payload: 'mine' }),
      unsubscribePacket(8, FILTERS),
      publishPacket({ topic: 'many/59999/x', payload: 'not mine' }),
      PINGREQ,
    )
    for (const type of ['SUBACK', 'PUBLISH', 'UNSUBACK', 'PINGRESP'] as const) await client.next(type, GUARD_MS)
  })

  test.each([2, 3, 7, 11, 13, 17])(
    'grants and takes away all filters of many packets behind each other when its turn is used up at every %i. question',
    async (every) => {
      const { port } = await startHub({ config: UNLIMITED })
      const client = await connectRawClient(port)
      useUpTurns(every)
      const packets = Array.from({ length: 50 }, (_, i) => ({
        packetId: i + 1,
        filters: [`few/${i}/a`, `few/${i}/b`],
      }))
      client.send(
        ...packets.map(({ packetId, filters }) =>
          subscribePacket(
            packetId,
            filters.map((filter) => [filter, 0]),
          ),
        ),
      )
      for (const { packetId, filters } of packets)
        expect(await client.next('SUBACK')).toMatchObject({ packetId, codes: filters.map(() => 0) })
      const topics = packets.flatMap(({ filters }) => filters)
      client.send(...topics.map((topic) => message(topic, topic)))
      expect(await takePayloads(client)).toEqual(topics)

      client.send(...packets.map(({ packetId, filters }) => unsubscribePacket(packetId, filters)))
      for (const { packetId } of packets) expect(await client.next('UNSUBACK')).toMatchObject({ packetId })
      client.send(...topics.map((topic) => message(topic, topic)))
      expect(await takePayloads(client)).toEqual([])
    },
  )

  test('reads a SUBSCRIBE as it was sent when others send amid it', async () => {
    const { port } = await startHub()
    const [client, other] = [await connectRawClient(port), await connectRawClient(port)]
    useUpTurns(2)
    const noise = message('noise', 'z'.repeat(4000))
    const topics = Array.from({ length: 3 }, (_, i) => `amid/${i}`)
    for (let packetId = 1; packetId <= 20; packetId++) {
      client.send(
        subscribePacket(
          packetId,
          topics.map((topic) => [`${topic}/${packetId}`, 0]),
        ),
      )
      other.send(noise)
      expect(await client.next('SUBACK')).toMatchObject({ packetId, codes: [0, 0, 0] })
    }
    client.send(...topics.map((topic) => message(`${topic}/20`, topic)))
    expect(await takePayloads(client)).toEqual(topics)
  })

  test('delivers nothing to a client that has gone, and all to the same client that comes at once, while its many subscriptions are taken away', async () => {
    const hub = await startHub({ config: UNLIMITED })
    const { port } = hub
    const client = await join(port, 'comes and goes')
    await subscribeToMany(client, FILTERS)
    await lose(hub.log, client)
    const again = await join(port, 'comes and goes')
    await again.subscribe(['many/59999/x', 1])
    expect((await hub.hub.publish('many/59999/x', 'once')).matched).toBe(1)
    expect((await hub.hub.publish('many/59998/x', 'to nobody')).matched).toBe(0)
    expect(await takePayloads(again)).toEqual(['once'])
    expectLedgerBalanced(hub)
  })
})
