import { describe, expect, test } from 'vitest'
import { until } from '../support/guard.ts'
import { join5, KEPT, publishAcknowledged, retainedFor } from './steps5.ts'
import { acknowledgePacket, publishPacket } from '../support/packets.ts'
import { Id, type Property } from '../support/properties.ts'
import { valueOf } from '../support/received-packet.ts'
import { expectLedgerBalanced, leave, lose, publish, takePayloads } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

function expiry(seconds: number): Property[] {
  return [[Id.MESSAGE_EXPIRY, seconds]]
}

/** Waits until a retained message that expires after a second, published now, is no longer there. */
async function untilASecondHasExpired(port: number): Promise<void> {
  const publisher = await join5(port, 'clock')
  await publish(publisher, publishPacket({ topic: 'clock', payload: 'x', retain: true, properties: expiry(1) }))
  while ((await retainedFor(port, 'clock')) !== undefined);
  await leave(publisher)
}

describe('Message Expiry', () => {
  test('is passed on as it came where nothing waits [MQTT-3.3.2-6]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    await client.subscribe(['t', 0])
    client.send(publishPacket({ topic: 't', properties: expiry(0xffffffff) }))
    const seconds = valueOf(await client.next('PUBLISH'), Id.MESSAGE_EXPIRY)
    expect([0xffffffff, 0xfffffffe]).toContain(seconds)
  })

  test('is counted down while the message waits in a queue [MQTT-3.3.2-6]', async () => {
    const { port } = await startHub()
    const away = await join5(port, 'away', KEPT)
    await away.subscribe(['t', 1])
    await leave(away)
    await publishAcknowledged(await join5(port, 'publisher'), 't', 'x', expiry(100))
    await untilASecondHasExpired(port)
    const back = await join5(port, 'away', KEPT)
    const seconds = valueOf(await back.next('PUBLISH'), Id.MESSAGE_EXPIRY)
    expect(seconds).toBeLessThan(100)
    expect(seconds).toBeGreaterThan(90)
  })

  test('is counted down while the message is retained, and then the message is gone [MQTT-3.3.2-5] [MQTT-3.3.2-6]', async () => {
    const { port } = await startHub()
    const publisher = await join5(port, 'publisher')
    await publish(publisher, publishPacket({ topic: 't', payload: 'x', retain: true, properties: expiry(2) }))
    const seen = new Set<unknown>()
    for (;;) {
      const message = await retainedFor(port, 't')
      if (message === undefined) break
      seen.add(valueOf(message, Id.MESSAGE_EXPIRY))
    }
    expect(seen).toContain(1)
    for (const seconds of seen) expect([0, 1, 2]).toContain(seconds)
  })

  test('that is over while a message waits drops it for that subscriber, and none without [MQTT-3.3.2-5]', async () => {
    const testHub = await startHub()
    const { hub, port } = testHub
    const here = await join5(port, 'here')
    await here.subscribe(['t', 1])
    const away = await join5(port, 'away', KEPT)
    await away.subscribe(['t', 1])
    await leave(away)
    const publisher = await join5(port, 'publisher')
    await publishAcknowledged(publisher, 't', 'short', expiry(1))
    await publishAcknowledged(publisher, 't', 'long', expiry(1000))
    await publishAcknowledged(publisher, 't', 'for ever')
    expect(await takePayloads(here)).toEqual(['short', 'long', 'for ever'])
    await untilASecondHasExpired(port)
    expect(await takePayloads(await join5(port, 'away', KEPT))).toEqual(['long', 'for ever'])
    expect(hub.ledger.dropped.expired).toBe(1)
    expectLedgerBalanced(testHub)
  })

  test('does not touch a QoS 2 message that was sent once: it is sent again and finished [MQTT-4.3.3-7]', async () => {
    const { hub, log, port } = await startHub()
    const client = await join5(port, 'c', KEPT)
    await client.subscribe(['t', 2])
    const publisher = await join5(port, 'publisher')
    await publish(publisher, publishPacket({ topic: 't', payload: 'x', qos: 2, properties: expiry(1) }))
    const { packetId } = await client.next('PUBLISH')
    await lose(log, client)
    await untilASecondHasExpired(port)
    const back = await join5(port, 'c', KEPT)
    const again = await back.next('PUBLISH')
    expect(again).toMatchObject({ packetId, dup: true })
    await back.finish(again)
    expect(await back.restBeforePingresp()).toEqual([])
    await until(
      () => hub.pendingMessages === 0,
      () => 'the message to be done',
    )
    expect(hub.ledger.dropped.expired).toBe(0)
  })

  test('that is over does not end the exchange with the sender of a QoS 2 message [MQTT-4.3.3-13]', async () => {
    const { port } = await startHub()
    const away = await join5(port, 'away', KEPT)
    await away.subscribe(['t', 2])
    await leave(away)
    const publisher = await join5(port, 'publisher')
    publisher.send(publishPacket({ topic: 't', qos: 2, packetId: 5, properties: expiry(1) }))
    expect(await publisher.next('PUBREC')).toMatchObject({ packetId: 5, reasonCode: 0 })
    await untilASecondHasExpired(port)
    publisher.send(acknowledgePacket('PUBREL', 5))
    expect(await publisher.next('PUBCOMP')).toMatchObject({ packetId: 5, reasonCode: 0 })
    expect(await takePayloads(await join5(port, 'away', KEPT))).toEqual([])
  })
})
