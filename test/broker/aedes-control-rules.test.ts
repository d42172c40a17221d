/** Rows about the rules of MQTT and about strangers of design.md, section 1, with bare Aedes as the control. */
import { expect, test } from 'vitest'
import { startBareAedes } from '../support/aedes-bare.ts'
import { connectPacket, type FilterFields, publishPacket, subscribePacket } from '../support/packets.ts'
import { connectRawClient, openRawClient } from '../support/raw-client.ts'
import { startHub } from '../support/start-hub.ts'

/** Subscribes, has one message published at QoS 2 to `a/b`, and gives the QoS of each delivery. */
async function deliveriesOf(port: number, filters: readonly FilterFields[]): Promise<number[]> {
  const subscriber = await connectRawClient(port, { clientId: 'subscriber' })
  await subscriber.subscribe(...filters, ['end', 0])
  const publisher = await connectRawClient(port, { clientId: 'publisher' })
  publisher.send(publishPacket({ topic: 'a/b', payload: 'x', qos: 2, packetId: 1 }))
  await publisher.next('PUBREC')
  publisher.send(publishPacket({ topic: 'end' }))
  const deliveries: number[] = []
  for (;;) {
    const { topic, qos } = await subscriber.next('PUBLISH')
    if (topic === 'end') return deliveries
    deliveries.push(qos)
  }
}

test('Hub lowers a message to the QoS of a subscription with wildcards, which bare Aedes does not [MQTT-3.8.4-6]', async () => {
  const filters: FilterFields[] = [['a/+', 1]]
  expect(await deliveriesOf((await startHub()).port, filters)).toEqual([1])
  expect(await deliveriesOf((await startBareAedes()).port, filters)).toEqual([2])
})

test('Hub delivers once, at the highest QoS of overlapping subscriptions, which bare Aedes does not [MQTT-3.3.5-1]', async () => {
  const filters: FilterFields[] = [
    ['a/b', 0],
    ['a/+', 2],
    ['#', 1],
  ]
  expect(await deliveriesOf((await startHub()).port, filters)).toEqual([2])
  expect(await deliveriesOf((await startBareAedes()).port, filters)).toEqual([0])
})

interface Redelivery {
  readonly first: number
  readonly second: number
  readonly dup: boolean
  readonly payload: string
}

/** Lets a client of a kept session go before it acknowledges, and gives both deliveries. */
async function redeliver(port: number, qos: number): Promise<Redelivery> {
  const fields = { clientId: 'subscriber', isClean: false }
  const before = await connectRawClient(port, fields)
  await before.subscribe(['t', qos])
  const publisher = await connectRawClient(port, { clientId: 'publisher' })
  publisher.send(publishPacket({ topic: 't', payload: 'x', qos, packetId: 1 }))
  const first = await before.next('PUBLISH')
  before.end()
  await before.untilClosed()
  const after = await connectRawClient(port, fields)
  const second = await after.next('PUBLISH')
  return { first: first.packetId, second: second.packetId, dup: second.dup, payload: second.payload.toString() }
}

test.each([1, 2])(
  'Hub sends a QoS %i message again with DUP, which bare Aedes does not, and the same packet identifier [MQTT-4.4.0-1]',
  async (qos) => {
    const onHub = await redeliver((await startHub()).port, qos)
    expect(onHub).toEqual({ first: onHub.first, second: onHub.first, dup: true, payload: 'x' })
    // A lone message keeps its packet identifier on bare Aedes, so only DUP tells.
    expect((await redeliver((await startBareAedes()).port, qos)).dup).toBe(false)
  },
)

/** Gives the SUBACK codes, or 'closed'. */
async function answerToSubscribe(port: number, filter: string): Promise<readonly number[] | 'closed'> {
  const client = await connectRawClient(port, { clientId: 'client' })
  client.send(subscribePacket(1, [[filter, 1]]))
  return Promise.race([client.next('SUBACK').then(({ codes }) => codes), client.closed.then(() => 'closed' as const)])
}

test.each(['a+', '+a', 'a#'])(
  'Hub ends a connection that subscribes to "%s", which bare Aedes grants [MQTT-4.7.1-2] [MQTT-4.7.1-3]',
  async (filter) => {
    const { log, port } = await startHub()
    const client = await connectRawClient(port, { clientId: 'client' })
    client.send(subscribePacket(1, [[filter, 1]]))
    await client.untilClosed()
    expect(client.received.map(({ type }) => type)).toEqual(['CONNACK'])
    const closing = log.lines.items.find(({ text }) => text === 'connection closed')
    expect(closing?.fields['reason']).toContain(JSON.stringify(filter))
    expect(await answerToSubscribe((await startBareAedes()).port, filter)).toEqual([1])
  },
)

test('Hub refuses an empty client identifier with a kept session with return code 2, which bare Aedes accepts [MQTT-3.1.3-8]', async () => {
  const fields = { clientId: '', isClean: false }
  const onHub = await openRawClient((await startHub()).port)
  expect(await onHub.connect(fields)).toMatchObject({ reasonCode: 2, isSessionPresent: false })
  await onHub.untilClosed()
  const onBareAedes = await openRawClient((await startBareAedes()).port)
  expect(await onBareAedes.connect(fields)).toMatchObject({ reasonCode: 0 })
})

test('Hub accepts MQTT 5, which bare Aedes refuses', async () => {
  const fields = { clientId: 'five', properties: [] }
  const onHub = await openRawClient((await startHub()).port, 5)
  expect(await onHub.connect(fields)).toMatchObject({ reasonCode: 0, isSessionPresent: false })
  // It answers in the form of 3.1.1.
  const onBareAedes = await openRawClient((await startBareAedes()).port)
  expect((await onBareAedes.connect(fields)).reasonCode).not.toBe(0)
})

test('Hub ends a stranger whose CONNECT is over 64 KiB when its length is known, where bare Aedes reads it all', async () => {
  const long = 'x'.repeat(65_535)
  const connect = connectPacket({
    clientId: 'big',
    will: { topic: 't', payload: long },
    userName: long,
    password: long,
  })
  const { log, port } = await startHub()
  const onHub = await openRawClient(port)
  onHub.send(connect.subarray(0, 10))
  await onHub.untilClosed()
  expect(onHub.received).toEqual([])
  const closing = log.lines.items.find(({ text }) => text === 'connection closed')
  expect(closing?.fields['reason']).toBe(
    `packet of ${connect.length} bytes is over the limit of 65536 bytes (limits.maxConnectPacketBytes)`,
  )

  const onBareAedes = await openRawClient((await startBareAedes()).port)
  onBareAedes.send(connect)
  expect(await onBareAedes.next('CONNACK')).toMatchObject({ reasonCode: 0 })
})
