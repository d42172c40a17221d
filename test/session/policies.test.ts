import { describe, expect, test } from 'vitest'
import { join5 } from '../conformance/steps5.ts'
import { acknowledgePacket, publishPacket } from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import type { RawClient } from '../support/raw-client.ts'
import {
  Bystander,
  expectLedgerBalanced,
  join,
  leave,
  message,
  payloadsOf,
  publish,
  takePayloads,
  untilReason,
} from '../support/steps.ts'
import { until } from '../support/guard.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

/** Publishes one message to `t` for each payload, at QoS 1, and takes the acknowledgements. */
async function publishAll(publisher: RawClient, payloads: readonly string[]): Promise<void> {
  for (const [i, payload] of payloads.entries()) {
    publisher.send(publishPacket({ topic: 't', payload, qos: 1, packetId: i + 1 }))
    await publisher.next('PUBACK')
  }
}

/** A hub with a kept session, subscribed to `t`, whose client is away. */
async function hubWithAway(limits: object): Promise<TestHub & { publisher: RawClient }> {
  const testHub = await startHub({ config: { limits } })
  const away = await join(testHub.port, 'away', { isClean: false })
  await away.subscribe(['t', 1])
  await leave(away)
  return { ...testHub, publisher: await join(testHub.port, 'publisher') }
}

describe('A full queue', () => {
  test.each([
    ['drop-oldest', ['3', '4']],
    ['drop-newest', ['1', '2']],
    ['disconnect', ['1', '2']],
  ] as const)('of a client that is away holds by "%s" %j', async (queuePolicy, kept) => {
    const testHub = await hubWithAway({ maxQueuedMessages: 2, queuePolicy })
    await publishAll(testHub.publisher, ['1', '2', '3', '4'])
    expect(testHub.hub.ledger.dropped['queue-full']).toBe(2)
    expectLedgerBalanced(testHub)
    const back = await join(testHub.port, 'away', { isClean: false })
    expect(await takePayloads(back)).toEqual(kept)
  })

  test('is counted in bytes too, and a message that is larger than all of it is dropped alone', async () => {
    const testHub = await hubWithAway({ maxQueuedBytes: 1024 })
    await publishAll(testHub.publisher, ['small', 'x'.repeat(2000)])
    expect(testHub.hub.ledger.dropped['queue-full']).toBe(2)
    await publishAll(testHub.publisher, ['a', 'b'])
    expectLedgerBalanced(testHub)
    const back = await join(testHub.port, 'away', { isClean: false })
    expect(await takePayloads(back)).toEqual(['a', 'b'])
  })

  test('ends by "disconnect" the connection of the slow client, and no other', async () => {
    const limits = { maxInflightMessages: 1, maxQueuedMessages: 1, queuePolicy: 'disconnect' } as const
    const testHub = await startHub({ config: { limits } })
    const bystander = await Bystander.join(testHub.port)
    const slow = await join(testHub.port, 'slow', { isClean: false })
    await slow.subscribe(['t', 1])
    const publisher = await join(testHub.port, 'publisher')
    await publishAll(publisher, ['1', '2', '3'])
    await slow.untilClosed()
    await untilReason(testHub.log, /queue fill up/)
    await bystander.expectUntouched()
    expect(testHub.hub.ledger.dropped['queue-full']).toBe(1)
    expectLedgerBalanced(testHub)
    const back = await join(testHub.port, 'slow', { isClean: false })
    expect(await takePayloads(back)).toEqual(['1'])
    back.send(acknowledgePacket('PUBACK', 1))
    expect(await takePayloads(back)).toEqual(['2'])
  })
})

describe('What waits behind the past', () => {
  test.each([
    ['drop-oldest', ['3', '4']],
    ['drop-newest', ['1', '2']],
    ['disconnect', undefined],
  ] as const)('at QoS 0 is held to limits.maxQueuedMessages by "%s"', async (queuePolicy, kept) => {
    const testHub = await startHub({ config: { limits: { maxQueuedMessages: 2, queuePolicy } } })
    const publisher = await join(testHub.port, 'publisher')
    for (const payload of ['past 1', 'past 2']) {
      publisher.send(publishPacket({ topic: 'past', payload, qos: 1, packetId: 1 }))
      await publisher.next('PUBACK')
    }
    const properties = [[Id.RECEIVE_MAXIMUM, 1]] as const
    const client = await join5(testHub.port, 'client', { properties })
    await client.subscribe(['t', 0])
    await client.subscribe(['$history/2/past', 1])
    const past = await client.next('PUBLISH')
    const isEnded = kept === undefined
    await publish(publisher, ...['1', '2', '3', '4'].slice(0, isEnded ? 3 : 4).map((payload) => message('t', payload)))
    expect(testHub.hub.ledger.dropped['queue-full']).toBe(isEnded ? 1 : 2)
    if (isEnded) {
      expect(await client.untilDisconnected()).toBe(0x97)
    } else {
      await client.finish(past)
      await client.finish(await client.next('PUBLISH'))
      const live = [await client.next('PUBLISH'), await client.next('PUBLISH')]
      expect(payloadsOf(live)).toEqual(kept)
    }
    expectLedgerBalanced(testHub)
  })
})

describe('limits.outputPolicy "latest"', () => {
  test('keeps of QoS 0 the newest of each topic for a client that is behind, and counts the rest as replaced', async () => {
    const limits = { maxOutputBytes: 64 * 1024, outputPolicy: 'latest' } as const
    const testHub = await startHub({ config: { limits } })
    const frozen = await join(testHub.port, 'frozen')
    await frozen.subscribe(['t/#', 0])
    frozen.pause()
    const publisher = await join(testHub.port, 'publisher')
    const { ledger } = testHub.hub
    const padding = Buffer.alloc(16 * 1024, 'x')
    // A round for each topic until the system takes no more, then two rounds that nobody reads.
    let round = 0
    const sendRound = async (): Promise<void> => {
      round++
      for (const topic of ['t/a', 't/b']) {
        publisher.send(publishPacket({ topic, payload: Buffer.concat([padding, Buffer.from(`#${round}`)]) }))
      }
      await publisher.restBeforePingresp()
    }
    while (ledger.dropped.replaced === 0) await sendRound()
    await sendRound()
    await sendRound()
    expect(ledger.dropped['output-full']).toBe(0)
    expectLedgerBalanced(testHub)
    frozen.resume()
    await until(
      () => testHub.hub.pendingMessages === 0,
      () => `${testHub.hub.pendingMessages} messages to be taken`,
    )
    const numbers = (await takePayloads(frozen)).map((payload) => payload.slice(payload.indexOf('#')))
    expect(numbers.slice(-2)).toEqual([`#${round}`, `#${round}`])
    expect(numbers).toHaveLength(2 * round - ledger.dropped.replaced)
    expectLedgerBalanced(testHub)
  })
})

describe('What waits for too long', () => {
  test('in a queue is dropped as expired when its turn comes, and no younger message with it', async () => {
    const testHub = await hubWithAway({ maxMessageExpirySeconds: 1 })
    await publishAll(testHub.publisher, ['old'])
    const publishedAtMs = performance.now()
    await until(
      () => performance.now() - publishedAtMs > 1000,
      () => 'a second to pass',
    )
    await publishAll(testHub.publisher, ['young'])
    const back = await join(testHub.port, 'away', { isClean: false })
    expect(await takePayloads(back)).toEqual(['young'])
    expect(testHub.hub.ledger.dropped.expired).toBe(1)
    expectLedgerBalanced(testHub)
  })

  test('as a session whose client is away is ended, and what it held is counted as session-ended', async () => {
    const testHub = await hubWithAway({ maxSessionExpirySeconds: 1 })
    await publishAll(testHub.publisher, ['lost'])
    await until(
      () => testHub.log.lines.items.some(({ text }) => text === 'a session expired'),
      () => 'the session to expire',
    )
    expect(testHub.hub.ledger.dropped['session-ended']).toBe(1)
    expectLedgerBalanced(testHub)
    const back = await join(testHub.port, 'away', { isClean: false })
    expect(await takePayloads(back)).toEqual([])
  })
})
