import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  acknowledgePacket,
  connectPacket,
  DISCONNECT,
  packet,
  PINGREQ,
  publishPacket,
  subscribePacket,
  unsubscribePacket,
} from '../support/packets.ts'
import { openRawClient, type RawClient } from '../support/raw-client.ts'
import { Bystander, expectLedgerBalanced, join } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'
import { runs } from '../support/runs.ts'

/** One hub serves many runs, so each run opens many sockets; none may be left open at its end. */
const RUNS = 200
const TEST_MS = 60_000

const topic = fc.constantFrom('a', 'a/b', 'b', 'c/d/e', 'r')
const filter = fc.constantFrom('a', 'a/+', '#', '+/b', 'c/#', 'r')
const qos = fc.constantFrom(0, 1, 2)
const packetId = fc.integer({ min: 1, max: 5 })
const payload = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('x'.repeat(200), 'y'.repeat(20_000)))

/** Any packet that a client may send after its CONNECT. */
const validPacket = fc.oneof(
  { weight: 4, arbitrary: fc.record({ topic, payload, qos, packetId, retain: fc.boolean() }).map(publishPacket) },
  fc
    .tuple(packetId, fc.array(fc.tuple(filter, qos), { minLength: 1, maxLength: 3 }))
    .map((at) => subscribePacket(...at)),
  fc.tuple(packetId, fc.array(filter, { minLength: 1, maxLength: 3 })).map((at) => unsubscribePacket(...at)),
  fc
    .tuple(fc.constantFrom('PUBACK' as const, 'PUBREC' as const, 'PUBREL' as const, 'PUBCOMP' as const), packetId)
    .map((at) => acknowledgePacket(...at)),
  fc.constant(PINGREQ),
)
const validStream = fc.array(validPacket, { minLength: 3, maxLength: 25 }).map((packets) => Buffer.concat(packets))

/** Packets of any type, flags and body, with true and false lengths. */
const loosePacket = fc
  .tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 15 }), fc.uint8Array({ maxLength: 40 }), fc.nat(3))
  .map(([type, flags, body, lie]) => packet(type, flags, Buffer.from(body), lie === 0 ? body.length + 1 : body.length))
const randomBytes = fc.uint8Array({ minLength: 1, maxLength: 400 }).map((bytes) => Buffer.from(bytes))
const garbage = fc.oneof(
  randomBytes,
  fc.array(loosePacket, { maxLength: 10 }).map((packets) => Buffer.concat(packets)),
)

/** Ways to spoil a stream: change, drop or add bytes at a place, given as a part of its length. */
const damage = fc.record({
  kind: fc.constantFrom('change', 'drop', 'insert'),
  place: fc.double({ min: 0, max: 1, noNaN: true }),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }),
})

interface Damage {
  readonly kind: string
  readonly place: number
  readonly bytes: Uint8Array
}

function spoil(stream: Buffer, { kind, place, bytes }: Damage): Buffer {
  const at = Math.floor(place * stream.length)
  const cut = kind === 'insert' ? at : at + bytes.length
  const between = kind === 'drop' ? [] : [Buffer.from(bytes)]
  return Buffer.concat([stream.subarray(0, at), ...between, stream.subarray(cut)])
}

/** Sends bytes and closes; waits until the hub has closed too, and so has handled all of them. */
async function throwAt(port: number, chunks: readonly Buffer[]): Promise<RawClient> {
  const client = await openRawClient(port)
  for (const chunk of chunks) client.send(chunk)
  client.end()
  await client.untilClosed()
  return client
}

const FUZZER = { clientId: 'fuzzer', will: { topic: 'a', payload: 'will', qos: 2 } }

describe('Hub', () => {
  test(
    'survives any bytes from a stranger, and nobody else notices',
    async () => {
      const { port } = await startHub()
      const bystander = await Bystander.join(port)
      await fc.assert(
        fc.asyncProperty(garbage, async (bytes) => {
          await throwAt(port, [bytes])
          await bystander.expectUntouched()
        }),
        { numRuns: runs(RUNS) },
      )
    },
    TEST_MS,
  )

  test(
    'survives a CONNECT with damaged bytes, and nobody else notices',
    async () => {
      const { port } = await startHub()
      const bystander = await Bystander.join(port)
      const connect = connectPacket({ ...FUZZER, isClean: false, userName: 'u', password: 'p', keepAliveSeconds: 9 })
      await fc.assert(
        fc.asyncProperty(damage, async (one) => {
          await throwAt(port, [spoil(connect, one), PINGREQ])
          await bystander.expectUntouched()
        }),
        { numRuns: runs(RUNS) },
      )
    },
    TEST_MS,
  )

  test(
    'survives any bytes from a client, and nobody else notices',
    async () => {
      const testHub = await startHub()
      const { port } = testHub
      const bystander = await Bystander.join(port)
      await fc.assert(
        fc.asyncProperty(garbage, fc.boolean(), async (bytes, isClean) => {
          await throwAt(port, [connectPacket({ ...FUZZER, isClean }), bytes])
          await bystander.expectUntouched()
          expectLedgerBalanced(testHub)
        }),
        { numRuns: runs(RUNS) },
      )
    },
    TEST_MS,
  )

  test(
    'survives streams of valid packets that are damaged in places, and accounts for all of their messages',
    async () => {
      const testHub = await startHub({ config: { limits: { maxInflightMessages: 3, maxQueuedMessages: 20 } } })
      const { port } = testHub
      const bystander = await Bystander.join(port)
      const everything = await join(port, 'everything', { isClean: false })
      await everything.subscribe(['+/#', 2])
      everything.end()
      await everything.untilClosed()
      const stream = fc.tuple(validStream, fc.array(damage, { maxLength: 3 }), fc.boolean())
      await fc.assert(
        fc.asyncProperty(stream, async ([valid, damages, isClean]) => {
          const spoilt = damages.reduce(spoil, valid)
          await throwAt(port, [connectPacket({ ...FUZZER, isClean }), spoilt])
          await bystander.expectUntouched()
          expectLedgerBalanced(testHub)
        }),
        { numRuns: runs(RUNS) },
      )
    },
    TEST_MS,
  )

  test(
    'answers a valid stream with the same packets, in the same order, wherever it is cut',
    async () => {
      const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 })
      await fc.assert(
        fc.asyncProperty(validStream, cuts, async (stream, places) => {
          const whole = Buffer.concat([connectPacket({ clientId: 'c' }), stream, PINGREQ, DISCONNECT])
          const ends = [...places.map((place) => Math.floor(place * whole.length)), whole.length].toSorted(
            (a, b) => a - b,
          )
          const chunks = ends.map((end, i) => whole.subarray(ends[i - 1] ?? 0, end))
          expect(await talk(chunks)).toEqual(await talk([whole]))
        }),
        { numRuns: runs(40) },
      )
    },
    TEST_MS,
  )
})

/**
 * What a new hub answers to these chunks. Each is sent in a turn of its own, after the hub had turns to read the one before:
 * messages and answers may mix differently then, so each kind is compared by itself.
 */
async function talk(chunks: readonly Buffer[]): Promise<Record<string, string[]>> {
  const { hub, port } = await startHub()
  const client = await openRawClient(port)
  for (const chunk of chunks) {
    client.send(chunk)
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
  }
  await client.untilClosed()
  await hub.stop()
  const byKind: Record<string, string[]> = { ledger: [`${hub.ledger.matched} ${hub.ledger.received.join(' ')}`] }
  for (const { type, bytes } of client.received) {
    const kind = type === 'PUBLISH' ? 'PUBLISH' : 'answers'
    ;(byKind[kind] ??= []).push(`${type} ${bytes.toString('base64')}`)
  }
  return byKind
}
