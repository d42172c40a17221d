import { describe, expect, test } from 'vitest'
import { join5, KEPT } from '../conformance/steps5.ts'
import { acknowledgePacket, type PublishFields, publishPacket } from '../support/packets.ts'
import { Id, type Property } from '../support/properties.ts'
import type { RawClient } from '../support/raw-client.ts'
import { leave, publish } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

const RECEIPT: Property = [Id.USER_PROPERTY, ['receipt', 'r1']]

/** A client that reads its receipts. */
async function joinPublisher(port: number, clientId = 'p'): Promise<RawClient> {
  const publisher = await join5(port, clientId)
  await publisher.subscribe([`$hub/receipts/${clientId}`, 1])
  return publisher
}

/** Publishes at QoS 1 and returns the reason code of its PUBACK. */
async function publishOne(publisher: RawClient, fields: Partial<PublishFields> = {}): Promise<void> {
  publisher.send(publishPacket({ topic: 'a/b', payload: 'x', properties: [RECEIPT], ...fields }))
  if ((fields.qos ?? 0) === 1) await publisher.next('PUBACK')
}

/** Reads receipts up to one that matches. */
async function untilReceipt(publisher: RawClient, wanted: object): Promise<unknown> {
  for (;;) {
    const receipt = await publisher.next('PUBLISH')
    await publisher.finish(receipt)
    const said: unknown = JSON.parse(receipt.payload.toString())
    try {
      expect(said).toMatchObject(wanted)
      return said
    } catch {
      expect(said).toMatchObject({ isFinal: false })
    }
  }
}

describe('A publisher that sets the User Property "receipt"', () => {
  test('is told that nobody subscribes', async () => {
    const { port } = await startHub()
    const publisher = await joinPublisher(port)
    await publishOne(publisher)
    expect(await untilReceipt(publisher, { isFinal: true })).toMatchObject({
      receipt: 'r1',
      topic: 'a/b',
      matched: 0,
      receivers: [],
      omittedReceivers: 0,
    })
  })

  test('is told of QoS 0 that the system has taken it', async () => {
    const { port } = await startHub()
    const publisher = await joinPublisher(port)
    const subscriber = await join5(port, 's')
    await subscriber.subscribe(['a/+', 1])
    await publishOne(publisher)
    await subscriber.next('PUBLISH')
    expect(await untilReceipt(publisher, { isFinal: true })).toMatchObject({
      matched: 1,
      counts: { delivered: 1 },
      receivers: [{ clientId: 's', outcome: 'delivered', qos: 0 }],
    })
  })

  test('is told of QoS 1 first that it was sent, then that the client acknowledged it', async () => {
    const { port } = await startHub()
    const publisher = await joinPublisher(port)
    const subscriber = await join5(port, 's')
    await subscriber.subscribe(['a/b', 1])
    await publishOne(publisher, { qos: 1 })
    const packet = await subscriber.next('PUBLISH')
    await untilReceipt(publisher, { matched: 1, receivers: [{ clientId: 's', outcome: 'sent', qos: 1 }] })
    await subscriber.finish(packet)
    await untilReceipt(publisher, { isFinal: true, receivers: [{ clientId: 's', outcome: 'acknowledged' }] })
  })

  test('is told of each step of QoS 2', async () => {
    const { port } = await startHub()
    const publisher = await joinPublisher(port)
    const subscriber = await join5(port, 's')
    await subscriber.subscribe(['a/b', 2])
    publisher.send(publishPacket({ topic: 'a/b', payload: 'x', qos: 2, packetId: 9, properties: [RECEIPT] }))
    await publisher.next('PUBREC')
    const { packetId } = await subscriber.next('PUBLISH')
    await untilReceipt(publisher, { receivers: [{ outcome: 'sent', qos: 2 }] })
    subscriber.send(acknowledgePacket('PUBREC', packetId))
    await subscriber.next('PUBREL')
    await untilReceipt(publisher, { isFinal: false, receivers: [{ outcome: 'received' }] })
    subscriber.send(acknowledgePacket('PUBCOMP', packetId))
    await untilReceipt(publisher, { isFinal: true, receivers: [{ outcome: 'acknowledged' }] })
  })

  test('is told that it waits for a client that is away, and that it got it when it came back', async () => {
    const { port } = await startHub()
    const publisher = await joinPublisher(port)
    const before = await join5(port, 's', KEPT)
    await before.subscribe(['a/b', 1])
    await leave(before)
    await publishOne(publisher, { qos: 1 })
    await untilReceipt(publisher, { matched: 1, isFinal: false, receivers: [{ clientId: 's', outcome: 'queued' }] })
    const again = await join5(port, 's', KEPT)
    await again.finish(await again.next('PUBLISH'))
    await untilReceipt(publisher, { isFinal: true, receivers: [{ clientId: 's', outcome: 'acknowledged' }] })
  })

  test('is told that a client that is away does not get QoS 0', async () => {
    const { port } = await startHub()
    const publisher = await joinPublisher(port)
    const subscriber = await join5(port, 's', KEPT)
    await subscriber.subscribe(['a/b', 1])
    await leave(subscriber)
    await publishOne(publisher)
    await untilReceipt(publisher, { isFinal: true, receivers: [{ outcome: 'dropped', reason: 'offline' }] })
  })

  test('is told that it gave way in a full queue', async () => {
    const { port } = await startHub({ config: { limits: { maxQueuedMessages: 1 } } })
    const publisher = await joinPublisher(port)
    const subscriber = await join5(port, 's', KEPT)
    await subscriber.subscribe(['a/b', 1])
    await leave(subscriber)
    await publishOne(publisher, { qos: 1 })
    await untilReceipt(publisher, { receivers: [{ outcome: 'queued' }] })
    await publishOne(publisher, { qos: 1, properties: [] })
    await untilReceipt(publisher, { isFinal: true, receivers: [{ outcome: 'dropped', reason: 'queue-full' }] })
  })

  test('is told that it expired before the client came back', async () => {
    const { port } = await startHub()
    const publisher = await joinPublisher(port)
    const before = await join5(port, 's', KEPT)
    await before.subscribe(['a/b', 1])
    await leave(before)
    await publishOne(publisher, { qos: 1, properties: [RECEIPT, [Id.MESSAGE_EXPIRY, 0]] })
    await untilReceipt(publisher, { receivers: [{ outcome: 'queued' }] })
    await join5(port, 's', KEPT)
    await untilReceipt(publisher, { isFinal: true, receivers: [{ outcome: 'dropped', reason: 'expired' }] })
  })

  test('is told that it was larger than the client takes', async () => {
    const { port } = await startHub()
    const publisher = await joinPublisher(port)
    const subscriber = await join5(port, 's', { properties: [[Id.MAXIMUM_PACKET_SIZE, 100]] })
    await subscriber.subscribe(['a/b', 1])
    await publishOne(publisher, { qos: 1, payload: 'x'.repeat(200) })
    await untilReceipt(publisher, { isFinal: true, receivers: [{ outcome: 'dropped', reason: 'too-large' }] })
  })

  test('is told that the session ended before it was delivered', async () => {
    const { hub, port } = await startHub()
    const publisher = await joinPublisher(port)
    const subscriber = await join5(port, 's')
    await subscriber.subscribe(['a/b', 1])
    await publishOne(publisher, { qos: 1 })
    await untilReceipt(publisher, { receivers: [{ outcome: 'sent' }] })
    hub.disconnect('s')
    await untilReceipt(publisher, { isFinal: true, receivers: [{ outcome: 'dropped', reason: 'session-ended' }] })
  })

  test('is told which member of a shared subscription got it, and that another did when that one left', async () => {
    const { hub, port } = await startHub()
    const publisher = await joinPublisher(port)
    const [first, second] = [await join5(port, 's1'), await join5(port, 's2')]
    await first.subscribe(['$share/g/a/b', 1])
    await second.subscribe(['$share/g/a/b', 1])
    await publishOne(publisher, { qos: 1 })
    await untilReceipt(publisher, {
      matched: 1,
      receivers: [{ clientId: 's1', group: '$share/g/a/b', outcome: 'sent' }],
    })
    hub.disconnect('s1')
    await second.finish(await second.next('PUBLISH'))
    await untilReceipt(publisher, {
      matched: 1,
      isFinal: true,
      receivers: [
        { clientId: 's1', outcome: 'handed-on' },
        { clientId: 's2', group: '$share/g/a/b', outcome: 'acknowledged' },
      ],
    })
  })

  test('is told that it waits for a shared subscription whose members are all away', async () => {
    const { port } = await startHub()
    const publisher = await joinPublisher(port)
    const member = await join5(port, 's', KEPT)
    await member.subscribe(['$share/g/a/b', 1])
    await leave(member)
    await publishOne(publisher, { qos: 1 })
    await untilReceipt(publisher, { receivers: [{ clientId: null, group: '$share/g/a/b', outcome: 'queued' }] })
    const again = await join5(port, 's', KEPT)
    await again.finish(await again.next('PUBLISH'))
    await untilReceipt(publisher, { isFinal: true, receivers: [{ clientId: 's', outcome: 'acknowledged' }] })
  })

  test('is told that it may not publish there', async () => {
    const { port } = await startHub()
    const publisher = await joinPublisher(port)
    await publishOne(publisher, { topic: '$SYS/a', qos: 1 })
    expect(await untilReceipt(publisher, { isFinal: true })).toMatchObject({
      topic: '$SYS/a',
      matched: 0,
      refused: 'only the hub publishes to $SYS, $hub and $history',
    })
  })

  test('is told of 100 receivers and how many more there are', async () => {
    const { port } = await startHub()
    const publisher = await joinPublisher(port)
    const subscribers = await Promise.all(Array.from({ length: 103 }, (_, i) => join5(port, `s${i}`)))
    await Promise.all(subscribers.map((subscriber) => subscriber.subscribe(['a/b', 0])))
    await publishOne(publisher)
    const receipt = await untilReceipt(publisher, { isFinal: true, matched: 103 })
    expect(receipt).toMatchObject({ counts: { delivered: 100 }, omittedReceivers: 3 })
  })

  test('has the property handed on to receivers as any other', async () => {
    const { port } = await startHub()
    const publisher = await joinPublisher(port)
    const subscriber = await join5(port, 's')
    await subscriber.subscribe(['a/b', 0])
    await publishOne(publisher)
    expect(await subscriber.next('PUBLISH')).toMatchObject({ properties: [RECEIPT] })
  })

  test('is told nothing when it does not listen, nor when the id is empty or longer than 128 bytes', async () => {
    const { hub, port } = await startHub()
    const deaf = await join5(port, 'deaf')
    await publish(deaf, publishPacket({ topic: 'a/b', payload: 'x', properties: [RECEIPT] }))
    const publisher = await joinPublisher(port)
    for (const id of ['', 'x'.repeat(129)]) {
      await publishOne(publisher, { properties: [[Id.USER_PROPERTY, ['receipt', id]]] })
    }
    await publishOne(publisher, { properties: [[Id.USER_PROPERTY, ['receipt', 'x'.repeat(128)]]] })
    await untilReceipt(publisher, { receipt: 'x'.repeat(128), isFinal: true })
    publisher.expectNothingLeft()
    expect(hub.ledger.received[0]).toBe(4)
  })
})
