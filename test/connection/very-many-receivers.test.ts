import { describe, expect, test } from 'vitest'
import { acknowledgePacket, PINGREQ, publishPacket, unsubscribePacket } from '../support/packets.ts'
import { expectLedgerBalanced, join, leave, lose, payloadsOf, takePayloads } from '../support/steps.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

/** More than get a message in one turn. */
const MANY = 3000

/** What each of very many receivers in the program got, each of them taking a moment. */
function receiveMany({ hub }: TestHub, topic: string): string[][] {
  return Array.from({ length: MANY }, () => {
    const payloads: string[] = []
    hub.subscribe(topic, ({ payload }) => {
      payloads.push(payload.toString())
      const endMs = performance.now() + 0.02
      while (performance.now() < endMs);
    })
    return payloads
  })
}

function having(receivers: readonly string[][], payloads: readonly string[]): number {
  return receivers.filter((received) => received.join() === payloads.join()).length
}

describe('Hub with a message for very many', () => {
  test('acknowledges it when all have it, and serves others meanwhile', async () => {
    const hub = await startHub()
    const receivers = receiveMany(hub, 'news')
    const [publisher, other] = [await join(hub.port, 'p'), await join(hub.port, 'o')]
    publisher.send(publishPacket({ topic: 'news', payload: 'x', qos: 1, packetId: 9 }))
    other.send(PINGREQ)
    await other.next('PINGRESP')
    expect(having(receivers, ['x'])).toBeLessThan(MANY)
    expect(await publisher.next('PUBACK')).toMatchObject({ packetId: 9 })
    expect(having(receivers, ['x'])).toBe(MANY)
    expectLedgerBalanced(hub)
  })

  test('takes no more from its publisher before, and keeps the order of all it says', async () => {
    const hub = await startHub()
    const receivers = receiveMany(hub, 'news')
    const publisher = await join(hub.port, 'p')
    publisher.send(
      publishPacket({ topic: 'news', payload: '1' }),
      publishPacket({ topic: 'news', payload: '2' }),
      publishPacket({ topic: 'news', payload: '3', qos: 1, packetId: 3 }),
      publishPacket({ topic: 'news', payload: '4', qos: 2, packetId: 4 }),
      acknowledgePacket('PUBREL', 4),
      publishPacket({ topic: 'news', payload: '5' }),
      PINGREQ,
    )
    const answers = await publisher.restBeforePingresp()
    expect(answers.map(({ type }) => type)).toEqual(['PUBACK', 'PUBREC', 'PUBCOMP'])
    expect((await hub.hub.publish('news', '6')).matched).toBe(MANY)
    expect(having(receivers, ['1', '2', '3', '4', '5', '6'])).toBe(MANY)
    expectLedgerBalanced(hub)
  })

  test('delivers it before it answers an UNSUBSCRIBE, and nothing after [MQTT-3.10.4-2]', async () => {
    const hub = await startHub()
    receiveMany(hub, 'news')
    const [publisher, last] = [await join(hub.port, 'p'), await join(hub.port, 'last')]
    await last.subscribe(['news', 0])
    publisher.send(publishPacket({ topic: 'news', payload: 'x', qos: 1, packetId: 1 }))
    last.send(unsubscribePacket(5, ['news']))
    const first = await last.next()
    if (first.type === 'PUBLISH') expect((await last.next('UNSUBACK')).packetId).toBe(5)
    await publisher.next('PUBACK')
    expect(await last.restBeforePingresp()).toEqual([])
    expectLedgerBalanced(hub)
  })

  test('delivers it though its publisher goes at once, then what the publisher said after it, then its will', async () => {
    const hub = await startHub()
    const receivers = receiveMany(hub, 'news')
    const will = { topic: 'news', payload: 'will' }
    const publisher = await join(hub.port, 'p', { will })
    publisher.send(
      publishPacket({ topic: 'news', payload: 'x' }),
      publishPacket({ topic: 'news', payload: 'y', qos: 1, packetId: 1 }),
      publishPacket({ topic: 'news', payload: 'z' }),
    )
    await lose(hub.log, publisher)
    await hub.hub.publish('news', 'end')
    expect(having(receivers, ['x', 'y', 'z', 'will', 'end'])).toBe(MANY)
    expectLedgerBalanced(hub)
  })

  test('delivers one at QoS 2 once, though its publisher comes again amid it and repeats it [MQTT-4.3.3-2]', async () => {
    const hub = await startHub()
    const receivers = receiveMany(hub, 'news')
    const publisher = await join(hub.port, 'p', { isClean: false })
    publisher.send(publishPacket({ topic: 'news', payload: 'x', qos: 2, packetId: 7 }))
    const again = await join(hub.port, 'p', { isClean: false })
    again.send(publishPacket({ topic: 'news', payload: 'x', qos: 2, packetId: 7, dup: true }))
    expect(await again.next('PUBREC')).toMatchObject({ packetId: 7 })
    expect(having(receivers, ['x'])).toBe(MANY)
    again.send(acknowledgePacket('PUBREL', 7))
    await again.next('PUBCOMP')
    expect(await again.restBeforePingresp()).toEqual([])
    expectLedgerBalanced(hub)
  })

  test('delivers it to a client that comes back to its session meanwhile, and has all before it stops', async () => {
    const hub = await startHub()
    const receivers = receiveMany(hub, 'news')
    const away = await join(hub.port, 'away', { isClean: false })
    await away.subscribe(['news', 1])
    await leave(away)
    const publisher = await join(hub.port, 'p')
    publisher.send(publishPacket({ topic: 'news', payload: 'x', qos: 1, packetId: 1 }))
    const back = await join(hub.port, 'away', { isClean: false })
    await publisher.next('PUBACK')
    expect(payloadsOf(await back.restBeforePingresp())).toEqual(['x'])
    back.send(acknowledgePacket('PUBACK', 1))
    expect(await takePayloads(back)).toEqual([])
    const published = hub.hub.publish('news', 'y')
    expect(having(receivers, ['x', 'y'])).toBeLessThan(MANY)
    await hub.hub.stop()
    expect(await published).toEqual({ matched: MANY + 1 })
    expect(having(receivers, ['x', 'y'])).toBe(MANY)
  })
})
