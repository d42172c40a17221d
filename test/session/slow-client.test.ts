import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Hub } from '../../src/hub.ts'
import { until } from '../support/guard.ts'
import { acknowledgePacket, connectPacket, PINGREQ, publishPacket } from '../support/packets.ts'
import { connectRawClient, type RawClient } from '../support/raw-client.ts'
import { startHub } from '../support/start-hub.ts'

const KIB = 1024
/** Larger than what the kernel holds for one connection (at most 10 MiB by Linux' defaults) and the hub together. */
const FLOOD_BYTES = 16 * KIB * KIB
const BODY_BYTES = 16 * KIB
const BODY = Buffer.alloc(BODY_BYTES, 'x')
const FLOOD_MESSAGES = FLOOD_BYTES / BODY_BYTES

/** The identity of the ledger, which has to hold between any two messages. */
function expectBalanced({ ledger, pendingMessages }: Hub): void {
  expect(ledger.delivered + ledger.droppedTotal + pendingMessages).toBe(ledger.matched)
}

function numbered(i: number): Buffer {
  return Buffer.concat([BODY, Buffer.from(`${i}`)])
}

function numberOf(payload: Buffer): number {
  return Number(payload.subarray(BODY_BYTES).toString())
}

/** Opens a subscriber that reads nothing from now on. */
async function freeze(port: number, qos: number, isClean = true): Promise<RawClient> {
  const frozen = await connectRawClient(port, { clientId: 'frozen', isClean })
  await frozen.subscribe(['t', qos])
  frozen.pause()
  return frozen
}

/**
 * Publishes numbered messages to `t`, each after the one before has come to `bystander`, which acknowledges; `afterEach` looks
 * at the hub meanwhile. Gives the numbers that the bystander got.
 */
async function flood(
  port: number,
  bystander: RawClient,
  { qos, count, afterEach }: { qos: number; count: number; afterEach: () => void },
): Promise<number[]> {
  const publisher = await connectRawClient(port, { clientId: 'publisher' })
  const got: number[] = []
  for (let i = 0; i < count; i++) {
    publisher.send(publishPacket({ topic: 't', payload: numbered(i), qos, packetId: 1 + (i % 60_000) }))
    const { payload, packetId } = await bystander.next('PUBLISH')
    got.push(numberOf(payload))
    if (qos > 0) {
      bystander.send(acknowledgePacket('PUBACK', packetId))
      await publisher.next('PUBACK')
    }
    afterEach()
  }
  return got
}

function numbersTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

describe('Session of a client that reads nothing', () => {
  test('at QoS 0 holds no more than limits.maxOutputBytes and one chunk, drops the rest as output-full, and others get all', async () => {
    const maxOutputBytes = 256 * KIB
    const { hub, log, port } = await startHub({ config: { limits: { maxOutputBytes } } })
    await freeze(port, 0)
    const bystander = await connectRawClient(port, { clientId: 'bystander' })
    await bystander.subscribe(['t', 0])
    let mostPending = 0
    const got = await flood(port, bystander, {
      qos: 0,
      count: FLOOD_MESSAGES,
      afterEach: () => {
        mostPending = Math.max(mostPending, hub.pendingMessages)
        expectBalanced(hub)
      },
    })
    expect(got).toEqual(numbersTo(FLOOD_MESSAGES))
    // One more than fits, since a message is taken while there is any room, and one that is on its way to the bystander.
    expect(mostPending).toBeLessThanOrEqual(maxOutputBytes / BODY_BYTES + 2)
    expect(mostPending).toBeGreaterThan(1)
    expect(hub.ledger.matched).toBe(2 * FLOOD_MESSAGES)
    expect(hub.ledger.dropped['output-full']).toBe(hub.ledger.droppedTotal)
    expect(hub.ledger.dropped['output-full']).toBeGreaterThan(FLOOD_MESSAGES / 4)
    const warnings = log.lines.items.filter(({ level }) => level === 'warn')
    const explanation = expect.stringContaining('limits.maxOutputBytes')
    expect(warnings.map(({ fields }) => fields)).toEqual([{ clientId: 'frozen', reason: 'output-full', explanation }])
  })

  test('at QoS 0 gets what was sent before the drops, in order, and all that is published once it reads again', async () => {
    const { hub, port } = await startHub({ config: { limits: { maxOutputBytes: 64 * KIB } } })
    const frozen = await freeze(port, 0)
    const bystander = await connectRawClient(port, { clientId: 'bystander' })
    await bystander.subscribe(['t', 0])
    await flood(port, bystander, { qos: 0, count: FLOOD_MESSAGES, afterEach: () => undefined })
    const dropped = hub.ledger.dropped['output-full']
    frozen.resume()
    const before: number[] = []
    for (let i = 0; i < FLOOD_MESSAGES - dropped; i++) before.push(numberOf((await frozen.next('PUBLISH')).payload))
    expect(before).toEqual(before.toSorted((a, b) => a - b))
    expect(before[0]).toBe(0)
    expect(await frozen.restBeforePingresp()).toEqual([])
    await flood(port, bystander, { qos: 0, count: 3, afterEach: () => undefined })
    const after: number[] = []
    for (let i = 0; i < 3; i++) after.push(numberOf((await frozen.next('PUBLISH')).payload))
    expect(after).toEqual([0, 1, 2])
    expect(hub.ledger.dropped['output-full']).toBe(dropped)
    expectBalanced(hub)
  })

  test.each([true, false])(
    'at QoS 1 (clean session: %s) holds its window and limits.maxQueuedMessages, drops the oldest, and others get all',
    async (isClean) => {
      const limits = { maxInflightMessages: 20, maxQueuedMessages: 50 }
      const { hub, port } = await startHub({ config: { limits } })
      const frozen = await freeze(port, 1, isClean)
      const bystander = await connectRawClient(port, { clientId: 'bystander' })
      await bystander.subscribe(['t', 1])
      const count = 500
      let mostPending = 0
      const got = await flood(port, bystander, {
        qos: 1,
        count,
        afterEach: () => {
          mostPending = Math.max(mostPending, hub.pendingMessages)
          expectBalanced(hub)
        },
      })
      expect(got).toEqual(numbersTo(count))
      // All that the limits allow, and the message that the bystander has not acknowledged yet.
      expect(mostPending).toBeLessThanOrEqual(71)
      expect(hub.ledger.dropped['queue-full']).toBe(count - 70)
      frozen.resume()
      const late: number[] = []
      for (let i = 0; i < 70; i++) {
        const { payload, packetId } = await frozen.next('PUBLISH')
        late.push(numberOf(payload))
        frozen.send(acknowledgePacket('PUBACK', packetId))
      }
      expect(late).toEqual([...numbersTo(20), ...numbersTo(count).slice(count - 50)])
      expect(await frozen.restBeforePingresp()).toEqual([])
      expect(hub.pendingMessages).toBe(0)
      expect(hub.ledger.droppedTotal).toBe(count - 70)
      expectBalanced(hub)
    },
  )

  test('at QoS 1 holds no more than limits.maxQueuedBytes', async () => {
    const limits = { maxInflightMessages: 1, maxQueuedBytes: 10 * (BODY_BYTES + 20) }
    const { hub, port } = await startHub({ config: { limits } })
    await freeze(port, 1)
    const bystander = await connectRawClient(port, { clientId: 'bystander' })
    await bystander.subscribe(['t', 1])
    const got = await flood(port, bystander, { qos: 1, count: 100, afterEach: () => expectBalanced(hub) })
    expect(got).toEqual(numbersTo(100))
    // One in flight and ten queued.
    await bystander.restBeforePingresp()
    expect(hub.pendingMessages).toBe(11)
    expect(hub.ledger.dropped['queue-full']).toBe(89)
  })

  test('is counted as connection-lost with all that it held when it goes', async () => {
    const { hub, port } = await startHub({ config: { limits: { maxOutputBytes: 64 * KIB } } })
    const frozen = await freeze(port, 0)
    const bystander = await connectRawClient(port, { clientId: 'bystander' })
    await bystander.subscribe(['t', 0])
    await flood(port, bystander, { qos: 0, count: FLOOD_MESSAGES, afterEach: () => undefined })
    await bystander.restBeforePingresp()
    const held = hub.pendingMessages
    expect(held).toBeGreaterThan(0)
    frozen.destroy()
    // The takeover ends what is left of the old connection, whether its end has come or not.
    await connectRawClient(port, { clientId: 'frozen' })
    await bystander.restBeforePingresp()
    expect(hub.ledger.dropped['connection-lost']).toBe(held)
    expect(hub.pendingMessages).toBe(0)
    expectBalanced(hub)
  })
})

/** Whose acknowledgements would be more than twice what the kernel can hold. */
const MAX_PACKETS = 6_000_000
const PACKETS_A_CHUNK = 4000
/** Round trips of another client in which nothing more was read of a client before it is taken to be not read any more. */
const STILL_PINGS = 200

/** Waits until the hub has taken `count` QoS 1 messages, or takes no more of them while `observer` is served. */
async function untilTakenOrStill(hub: Hub, observer: RawClient, count: number): Promise<number> {
  let taken = hub.ledger.received[1]
  for (let still = 0; still < STILL_PINGS && taken < count; still++) {
    observer.send(PINGREQ)
    await observer.next('PINGRESP')
    if (hub.ledger.received[1] !== taken) still = 0
    taken = hub.ledger.received[1]
  }
  return taken
}

const CONNACK = Buffer.from([0x20, 2, 0, 0])
const PUBACK = acknowledgePacket('PUBACK', 1)

/** A client that reads nothing until it is to listen, and then looks at bytes alone, since they are those of very many packets. */
async function connectDeaf(port: number) {
  const socket = connect({ port, host: '127.0.0.1' })
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  socket.write(connectPacket({ clientId: 'deaf' }))
  return {
    socket,
    /** Bytes of acknowledgements that came. */
    heardBytes: -CONNACK.length,
    /** Those that are not of a CONNACK and then of PUBACKs alone. */
    strangeBytes: 0,
    listen() {
      socket.on('data', (chunk) => {
        for (const byte of chunk) {
          const at = this.heardBytes++
          if (byte !== (at < 0 ? CONNACK.at(at) : PUBACK[at % PUBACK.length])) this.strangeBytes++
        }
      })
    },
  }
}

describe('Connection', () => {
  test(
    'does not read on from a client that never reads its acknowledgements, until it does',
    { timeout: 60_000 },
    async () => {
      const { hub, port } = await startHub({ config: { limits: { maxOutputBytes: 64 * KIB } } })
      const observer = await connectRawClient(port, { clientId: 'observer' })
      const deaf = await connectDeaf(port)
      const chunk = Buffer.concat(
        Array.from({ length: PACKETS_A_CHUNK }, () => publishPacket({ topic: 't', qos: 1, packetId: 1 })),
      )
      let sent = 0
      // Both kernels' buffers hold acknowledgements first, so send on until the hub reads no more.
      let taken = 0
      while (taken === sent) {
        expect(sent, 'the hub reads on for ever').toBeLessThan(MAX_PACKETS)
        for (let i = 0; i < 25; i++) deaf.socket.write(chunk)
        sent += 25 * PACKETS_A_CHUNK
        taken = await untilTakenOrStill(hub, observer, sent)
      }
      expect(taken).toBeLessThan(sent)
      deaf.listen()
      const isAnswered = () => deaf.heardBytes >= PUBACK.length * sent
      await until(isAnswered, () => `${sent} acknowledgements, got ${deaf.heardBytes / PUBACK.length}`, 40_000)
      expect(deaf.heardBytes).toBe(PUBACK.length * sent)
      expect(deaf.strangeBytes).toBe(0)
      expect(hub.ledger.received[1]).toBe(sent)
      expectBalanced(hub)
    },
  )
})
