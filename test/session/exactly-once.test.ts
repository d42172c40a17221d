import { expect, test } from 'vitest'
import { GatedStore } from '../support/gated-store.ts'
import { acknowledgePacket, publishPacket, subscribePacket } from '../support/packets.ts'
import type { RawClient } from '../support/raw-client.ts'
import { join } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

interface Stage {
  readonly store: GatedStore
  readonly subscriber: RawClient
  readonly publisher: RawClient
}

/** A kept session that is subscribed to `t` at QoS 2 and there; from now on nothing is reported as stored. */
async function setStage(isKept = true): Promise<Stage> {
  const store = new GatedStore()
  const { port } = await startHub({ store })
  const subscriber = await join(port, 'subscriber', { isClean: !isKept })
  await subscriber.subscribe(['t', 2])
  const publisher = await join(port, 'publisher')
  store.closeGate()
  return { store, subscriber, publisher }
}

async function typesFor(client: RawClient): Promise<string[]> {
  return (await client.restBeforePingresp()).map(({ type }) => type)
}

function toT(payload: string, qos: number, packetId: number): Buffer {
  return publishPacket({ topic: 't', payload, qos, packetId })
}

test('A PUBLISH at QoS 2 to a kept session leaves when its packet identifier is stored, and what is behind it keeps its place', async () => {
  const { store, subscriber, publisher } = await setStage()
  publisher.send(toT('1', 1, 1), toT('2', 2, 2), toT('3', 1, 3))
  await publisher.restBeforePingresp()
  expect((await subscriber.next('PUBLISH')).payload.toString()).toBe('1')
  expect(await typesFor(subscriber)).toEqual([])
  store.openGate()
  expect((await subscriber.next('PUBLISH')).payload.toString()).toBe('2')
  expect((await subscriber.next('PUBLISH')).payload.toString()).toBe('3')
})

test('A PUBREL to a kept session leaves when the PUBREC is stored [MQTT-4.3.3-1]', async () => {
  const { store, subscriber, publisher } = await setStage()
  store.openGate()
  publisher.send(toT('x', 2, 1))
  const { packetId } = await subscriber.next('PUBLISH')
  store.closeGate()
  subscriber.send(acknowledgePacket('PUBREC', packetId))
  expect(await typesFor(subscriber)).toEqual([])
  store.openGate()
  await subscriber.next('PUBREL')
})

test('A session that ends with its connection waits for no store', async () => {
  const { subscriber, publisher } = await setStage(false)
  publisher.send(toT('x', 2, 1))
  await publisher.next('PUBREC')
  const { packetId } = await subscriber.next('PUBLISH')
  subscriber.send(acknowledgePacket('PUBREC', packetId))
  await subscriber.next('PUBREL')
})

test('A SUBACK to a kept session waits for the store, one to another does not', async () => {
  const { store, subscriber, publisher } = await setStage()
  await publisher.subscribe(['u', 1])
  subscriber.send(subscribePacket(7, [['u', 1]]))
  for (let i = 0; i < 5; i++) await publisher.restBeforePingresp()
  expect(subscriber.received.filter(({ type }) => type === 'SUBACK')).toHaveLength(1)
  store.openGate()
  expect((await subscriber.next('SUBACK')).packetId).toBe(7)
})

test('A message for which nothing has to be stored is acknowledged while others wait for the store', async () => {
  const { subscriber, publisher, store } = await setStage()
  subscriber.send(subscribePacket(7, [['u', 1]]))
  publisher.send(publishPacket({ topic: 'nobody', qos: 1, packetId: 5 }))
  expect((await publisher.next('PUBACK')).packetId).toBe(5)
  store.openGate()
  await subscriber.next('SUBACK')
})
