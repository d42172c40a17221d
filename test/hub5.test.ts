import { expect, test } from 'vitest'
import { join5 } from './conformance/steps5.ts'
import { publishPacket } from './support/packets.ts'
import { Id } from './support/properties.ts'
import { join, publish } from './support/steps.ts'
import { GatedStore } from './support/gated-store.ts'
import { startHub } from './support/start-hub.ts'

test('Hub.disconnect ends a client, which is told that it was the administrator (0x98)', async () => {
  const { hub, port } = await startHub()
  const client = await join5(port, 'client')
  expect(hub.disconnect('client')).toBe(true)
  expect(await client.next('DISCONNECT')).toMatchObject({ reasonCode: 0x98 })
  await client.untilClosed()
  expect(hub.disconnect('client')).toBe(false)
  const older = await join(port, 'older')
  expect(hub.disconnect('older')).toBe(true)
  await older.untilClosed()
})

test('Hub.stop tells clients of MQTT 5 where to go instead (0x9D), or that it shuts down (0x8B)', async () => {
  const moved = await startHub()
  const one = await join5(moved.port, 'client')
  const stopping = moved.hub.stop({ movedTo: 'mqtt.example.org:1883' })
  const packet = await one.next('DISCONNECT')
  expect(packet.reasonCode).toBe(0x9d)
  expect(packet.properties).toContainEqual([Id.SERVER_REFERENCE, 'mqtt.example.org:1883'])
  await stopping
  const ended = await startHub()
  const other = await join5(ended.port, 'client')
  const ending = ended.hub.stop()
  expect(await other.next('DISCONNECT')).toMatchObject({ reasonCode: 0x8b })
  await ending
})

test('A client of MQTT 5 is told 0x97 for what the store cannot keep, and goes on', async () => {
  const store = new GatedStore()
  const { port } = await startHub({ store })
  const kept = await join5(port, 'kept', { isClean: false, properties: [[Id.SESSION_EXPIRY, 100]] })
  await kept.subscribe(['t', 1])
  const publisher = await join5(port, 'publisher')
  store.breakGate()
  const other = await join5(port, 'other', { isClean: false, properties: [[Id.SESSION_EXPIRY, 100]] })
  void other
  publisher.send(publishPacket({ topic: 't', payload: 'x', qos: 1, packetId: 1, properties: [] }))
  expect(await publisher.next('PUBACK')).toMatchObject({ reasonCode: 0x97 })
  store.openGate()
  publisher.send(publishPacket({ topic: 't', payload: 'y', qos: 1, packetId: 2, properties: [] }))
  expect(await publisher.next('PUBACK')).toMatchObject({ reasonCode: 0 })
})

test('Hub.subscribe gives a program no retained message that has expired', async () => {
  const { hub, port } = await startHub()
  const publisher = await join5(port, 'publisher')
  const short = { topic: 't/short', payload: 'x', retain: true, properties: [[Id.MESSAGE_EXPIRY, 0]] } as const
  await publish(
    publisher,
    publishPacket(short),
    publishPacket({ topic: 't/long', payload: 'x', retain: true, properties: [] }),
  )
  const topics: string[] = []
  hub.subscribe('t/#', ({ topic }) => void topics.push(topic))
  expect(topics).toEqual(['t/long'])
})
