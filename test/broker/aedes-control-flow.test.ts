/** Rows "one frozen subscriber", "no outbound in-flight window" and "retained look-up" of design.md, section 1. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { startBareAedes } from '../support/aedes-bare.ts'
import { countQueued, persistenceOf } from '../support/aedes-persistence.ts'
import { acknowledgePacket, DISCONNECT, PINGREQ, publishPacket, subscribePacket } from '../support/packets.ts'
import { connectRawClient, type RawClient } from '../support/raw-client.ts'
import { startHub } from '../support/start-hub.ts'

const BODY = Buffer.alloc(65_536, 'x')
const FLOOD_MESSAGES = 600
/** Round trips to the broker after which a message that did not come is taken for stuck. */
const PATIENCE_PINGS = 200

/** The next PUBLISH, or undefined if the broker answers `PATIENCE_PINGS` pings without one. */
async function nextPublishOrStuck(client: RawClient): Promise<string | undefined> {
  let pings = 0
  client.send(PINGREQ)
  let found: string | undefined = undefined
  // Every ping sent is answered before the next message, so that nothing is left over for the next call.
  for (let open = 1; open > 0;) {
    const received = await client.next()
    if (received.type === 'PUBLISH') {
      found = received.payload.subarray(BODY.length).toString()
    } else if (received.type === 'PINGRESP') {
      open--
      if (found === undefined && ++pings < PATIENCE_PINGS) {
        client.send(PINGREQ)
        open++
      }
    }
  }
  return found
}

/** Publishes one message after the other past a subscriber that reads nothing; gives what the other subscriber got. */
async function floodPastFrozen(port: number): Promise<string[]> {
  const frozen = await connectRawClient(port, { clientId: 'frozen' })
  await frozen.subscribe(['t', 0])
  frozen.pause()
  const bystander = await connectRawClient(port, { clientId: 'bystander' })
  await bystander.subscribe(['t', 0])
  const publisher = await connectRawClient(port, { clientId: 'publisher' })
  const got: string[] = []
  for (let i = 0; i < FLOOD_MESSAGES; i++) {
    publisher.send(publishPacket({ topic: 't', payload: Buffer.concat([BODY, Buffer.from(`${i}`)]) }))
    const number = await nextPublishOrStuck(bystander)
    if (number === undefined) break
    got.push(number)
  }
  return got
}

test('Hub serves all others in order while one subscriber reads nothing, where bare Aedes comes to a stop', async () => {
  const { hub, port } = await startHub()
  expect(await floodPastFrozen(port)).toEqual(Array.from({ length: FLOOD_MESSAGES }, (_, i) => `${i}`))
  expect(hub.ledger.dropped['output-full']).toBeGreaterThan(0)

  const gotOnBareAedes = await floodPastFrozen((await startBareAedes()).port)
  expect(gotOnBareAedes.length).toBeLessThan(FLOOD_MESSAGES)
})

const BURST_MESSAGES = 3000

async function publishBurst(port: number, count: number): Promise<void> {
  const publisher = await connectRawClient(port, { clientId: 'publisher' })
  for (let i = 1; i <= count; i++) publisher.send(publishPacket({ topic: 't', payload: `${i}`, qos: 1, packetId: i }))
  for (let i = 1; i <= count; i++) await publisher.next('PUBACK')
}

test('Hub keeps to limits.maxInflightMessages before the first acknowledgement, where bare Aedes sends everything', async () => {
  const { hub, port } = await startHub()
  const subscriber = await connectRawClient(port, { clientId: 'subscriber' })
  await subscriber.subscribe(['t', 1])
  await publishBurst(port, BURST_MESSAGES)
  const inFlight = await subscriber.restBeforePingresp()
  expect(inFlight.map(({ type }) => type)).toEqual(Array.from({ length: 100 }, () => 'PUBLISH'))
  expect(hub.pendingMessages).toBe(BURST_MESSAGES)
  // Each acknowledgement makes room for one more.
  for (const packet of inFlight.slice(0, 2)) {
    if (packet.type === 'PUBLISH') subscriber.send(acknowledgePacket('PUBACK', packet.packetId))
  }
  expect((await subscriber.next('PUBLISH')).payload.toString()).toBe('101')
  expect((await subscriber.next('PUBLISH')).payload.toString()).toBe('102')
  expect(await subscriber.restBeforePingresp()).toEqual([])

  const aedes = await startBareAedes()
  const flooded = await connectRawClient(aedes.port, { clientId: 'subscriber' })
  await flooded.subscribe(['t', 1])
  await publishBurst(aedes.port, BURST_MESSAGES)
  for (let i = 0; i < BURST_MESSAGES; i++) await flooded.next('PUBLISH')
})

/** More than the default of `limits.maxQueuedMessages`. */
const QUEUE_MESSAGES = 10_500

async function leaveKeptSession(port: number): Promise<void> {
  const away = await connectRawClient(port, { clientId: 'away', isClean: false })
  await away.subscribe(['t', 1])
  away.send(DISCONNECT)
  await away.untilClosed()
}

test('Hub bounds the queue of a session that is away: it drops the oldest and counts them, where bare Aedes keeps all', async () => {
  const { hub, port } = await startHub()
  await leaveKeptSession(port)
  await publishBurst(port, QUEUE_MESSAGES)
  expect(hub.ledger.dropped['queue-full']).toBe(500)
  expect(hub.pendingMessages).toBe(10_000)
  const back = await connectRawClient(port, { clientId: 'away', isClean: false })
  expect((await back.next('PUBLISH')).payload.toString()).toBe('501')

  const aedes = await startBareAedes()
  await leaveKeptSession(aedes.port)
  await publishBurst(aedes.port, QUEUE_MESSAGES)
  expect(await countQueued(aedes.broker, 'away')).toBe(QUEUE_MESSAGES)
})

const RETAINED_MESSAGES = 5000

/** Subscribes to one topic that has a retained message, and gives how many entries of maps were visited for it. */
async function visitsOfExactSubscribe(port: number): Promise<number> {
  const subscriber = await connectRawClient(port, { clientId: 'subscriber' })
  // Whoever walks over a Map, in whatever way but `forEach`, steps through this prototype.
  const mapIterators: Iterator<unknown> = Object.getPrototypeOf(new Map().entries())
  const steps = vi.spyOn(mapIterators, 'next')
  onTestFinished(() => steps.mockRestore())
  subscriber.send(subscribePacket(1, [['site/4321/temperature', 0]]))
  await subscriber.next('SUBACK')
  expect(await subscriber.next('PUBLISH')).toMatchObject({ topic: 'site/4321/temperature', retain: true })
  const visits = steps.mock.calls.length
  steps.mockRestore()
  return visits
}

// How long it takes is measured by `npm run bench`, row "SUBSCRIBE to an exact topic with 100,000 retained messages".
test('Hub finds the retained message of an exact filter without a walk, where bare Aedes visits every one', async () => {
  const { hub, port } = await startHub()
  for (let i = 0; i < RETAINED_MESSAGES; i++) await hub.publish(`site/${i}/temperature`, '20', { retain: true })
  expect(await visitsOfExactSubscribe(port)).toBeLessThan(50)

  const { broker, port: aedesPort } = await startBareAedes()
  const persistence = persistenceOf(broker)
  for (let i = 0; i < RETAINED_MESSAGES; i++) {
    const topic = `site/${i}/temperature`
    await persistence.storeRetained({ cmd: 'publish', topic, payload: Buffer.from('20'), qos: 0, retain: true })
  }
  expect(await visitsOfExactSubscribe(aedesPort)).toBeGreaterThan(RETAINED_MESSAGES)
})
