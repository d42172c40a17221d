/** Rows "de-duplication" and "PUBACK is written before anything is stored" of design.md, section 1, with bare Aedes as the control. */
import { EventEmitter, once } from 'node:events'
import { expect, test } from 'vitest'
import { startBareAedes } from '../support/aedes-bare.ts'
import { countQueued, persistenceOf } from '../support/aedes-persistence.ts'
import { GatedStore } from '../support/gated-store.ts'
import { DISCONNECT, publishPacket } from '../support/packets.ts'
import { connectRawClient } from '../support/raw-client.ts'
import { startHub } from '../support/start-hub.ts'

const PAIRS = 50
const MESSAGES = 300

/** Sends pairs of a retained and a plain message, each pair in a chunk of its own, and gives the topics that arrived. */
async function deliverPairs(port: number): Promise<string[]> {
  const subscriber = await connectRawClient(port, { clientId: 'subscriber' })
  await subscriber.subscribe(['#', 0])
  const publisher = await connectRawClient(port, { clientId: 'publisher' })
  for (let i = 0; i < PAIRS; i++) {
    publisher.send(
      publishPacket({ topic: `retained/${i}`, payload: 'r', retain: true }),
      publishPacket({ topic: `plain/${i}`, payload: 'p' }),
    )
  }
  publisher.send(publishPacket({ topic: 'probe', qos: 1, packetId: 1 }))
  await publisher.next('PUBACK')
  // Comes from another client after all that is due, so it is last wherever nothing is lost by overtaking.
  const latecomer = await connectRawClient(port, { clientId: 'latecomer' })
  latecomer.send(publishPacket({ topic: 'end' }))
  const topics: string[] = []
  for (;;) {
    const { topic } = await subscriber.next('PUBLISH')
    if (topic === 'end') return topics
    if (topic !== 'probe') topics.push(topic)
  }
}

test('Hub delivers every retained and every plain message of one chunk, in order, where bare Aedes takes half for duplicates', async () => {
  const sent = Array.from({ length: PAIRS }, (_, i) => [`retained/${i}`, `plain/${i}`]).flat()
  const { hub, port } = await startHub()
  expect(await deliverPairs(port)).toEqual(sent)
  expect(hub.ledger.droppedTotal).toBe(0)

  const aedes = await startBareAedes()
  const lostOnBareAedes = sent.length - (await deliverPairs(aedes.port)).length
  expect(lostOnBareAedes).toBeGreaterThan(0)
})

/** Leaves a kept session behind that is subscribed at QoS 1 and not connected. */
async function leaveKeptSession(port: number): Promise<void> {
  const away = await connectRawClient(port, { clientId: 'away', isClean: false })
  await away.subscribe(['t', 1])
  away.send(DISCONNECT)
  await away.untilClosed()
}

function burst(): Buffer {
  return Buffer.concat(
    Array.from({ length: MESSAGES }, (_, i) => publishPacket({ topic: 't', payload: `${i}`, qos: 1, packetId: i + 1 })),
  )
}

test('Bare Aedes acknowledges QoS 1 messages of which nothing is stored yet', async () => {
  const { port, broker } = await startBareAedes()
  await leaveKeptSession(port)
  const persistence = persistenceOf(broker)
  const store = persistence.outgoingEnqueueCombi.bind(persistence)
  const gate = new EventEmitter()
  const opened = once(gate, 'open')
  persistence.outgoingEnqueueCombi = async (...parameters) => {
    await opened
    await store(...parameters)
  }
  const publisher = await connectRawClient(port, { clientId: 'publisher' })
  publisher.send(burst())
  for (let packetId = 1; packetId <= MESSAGES; packetId++)
    expect(await publisher.next('PUBACK')).toMatchObject({ packetId })
  expect(await countQueued(broker, 'away')).toBe(0)
  gate.emit('open')
})

test('Hub acknowledges QoS 1 messages when they are stored and not before, in the order received', async () => {
  const store = new GatedStore()
  const { hub, port } = await startHub({ store })
  await leaveKeptSession(port)
  store.closeGate()
  const publisher = await connectRawClient(port, { clientId: 'publisher' })
  publisher.send(burst())
  expect(await publisher.restBeforePingresp()).toEqual([])
  expect(hub.ledger.received[1]).toBe(MESSAGES)
  store.openGate()
  const packetIds: number[] = []
  for (let i = 0; i < MESSAGES; i++) packetIds.push((await publisher.next('PUBACK')).packetId)
  expect(packetIds).toEqual(Array.from({ length: MESSAGES }, (_, i) => i + 1))
})

test('Hub acknowledges QoS 2 messages and retained ones when they are stored and not before', async () => {
  const store = new GatedStore()
  const { port } = await startHub({ store })
  await leaveKeptSession(port)
  store.closeGate()
  const publisher = await connectRawClient(port, { clientId: 'publisher' })
  publisher.send(
    publishPacket({ topic: 't', payload: 'x', qos: 2, packetId: 1 }),
    publishPacket({ topic: 'nobody', payload: 'x', qos: 1, packetId: 2, retain: true }),
  )
  expect(await publisher.restBeforePingresp()).toEqual([])
  store.openGate()
  expect(await publisher.next('PUBREC')).toMatchObject({ packetId: 1 })
  expect(await publisher.next('PUBACK')).toMatchObject({ packetId: 2 })
})

test('Bare Aedes acknowledges a QoS 1 message that its store fails to take', async () => {
  const { port, broker } = await startBareAedes()
  await leaveKeptSession(port)
  persistenceOf(broker).outgoingEnqueueCombi = async () => Promise.reject(new Error('the disk is full'))
  const publisher = await connectRawClient(port, { clientId: 'publisher' })
  publisher.send(publishPacket({ topic: 't', payload: 'x', qos: 1, packetId: 1 }))
  expect(await publisher.next('PUBACK')).toMatchObject({ packetId: 1 })
  await publisher.untilClosed()
  expect(await countQueued(broker, 'away')).toBe(0)
})

test('Hub never acknowledges what its store fails to take: it ends the connection, so that the client sends again', async () => {
  const store = new GatedStore()
  const { log, port } = await startHub({ store })
  await leaveKeptSession(port)
  store.breakGate()
  const publisher = await connectRawClient(port, { clientId: 'publisher' })
  publisher.send(burst())
  await publisher.untilClosed()
  expect(publisher.received.map(({ type }) => type)).toEqual(['CONNACK'])
  const closing = log.lines.items.find(({ fields }) => fields['reason'] === 'the store failed: the disk is full')
  expect(closing?.fields['clientId']).toBe('publisher')
})
