import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  connect5,
  encode,
  numberProperty,
  plain5,
  publish5,
  subscribe5,
  validProperties,
} from '../support/fuzz-packets5.ts'
import type { RawClient } from '../support/raw-client.ts'
import { Bystander, expectLedgerBalanced, join } from '../support/steps.ts'
import {
  byKind,
  type CarriedHub,
  CARRIERS5,
  damage,
  damagedStream,
  FUZZER5,
  garbage,
  limitsOf,
  readAnswers,
  sendSlowly,
  spoil,
  throwAt,
  validStream,
  Witness5,
} from './fuzzing5.ts'
import { runs } from '../support/runs.ts'

/** One hub serves many runs, so each run opens many sockets; none may be left open at its end. */
const RUNS = 200
const TEST_MS = 60_000

/** Two clients that talk to themselves; what is returned has each get its own next message, and nothing else. */
async function joinOthers(port: number, client: RawClient): Promise<() => Promise<void>> {
  const [bystander, witness] = [await Bystander.join(port), await Witness5.join(client)]
  return async () => {
    await bystander.expectUntouched()
    await witness.expectUntouched()
  }
}

const TALKER5 = { clientId: 'talker', properties: [numberProperty(34, 3, 2)] } as const

/** A shared subscription that is ended while one of its messages is in flight; then the session ends. */
const UNSUBSCRIBED_SHARE = Buffer.concat([
  encode(subscribe5(1, [['$share/g/a', 1]])),
  encode(publish5({ topic: 'a', payload: 'x', qos: 1, packetId: 1, retain: false, properties: [] })),
  encode(plain5('UNSUBSCRIBE', [0, 1], [], ['$share/g/a'])),
])

/** What a new hub answers to these chunks. */
async function talk(start: () => Promise<CarriedHub>, chunks: readonly Buffer[]): Promise<unknown> {
  const testHub = await start()
  const client = await sendSlowly(await testHub.open(), chunks)
  await testHub.hub.stop()
  expectLedgerBalanced(testHub)
  const { matched, received: counts } = testHub.hub.ledger
  return { matched, counts, ...byKind(readAnswers(client, { topicAliasMaximum: 3 })) }
}

describe.each(CARRIERS5)('Hub over $name', ({ start }) => {
  test(
    'survives a CONNECT that is damaged, and nobody else notices',
    async () => {
      const testHub = await start()
      const serveOthers = await joinOthers(testHub.port, await testHub.open())
      await fc.assert(
        fc.asyncProperty(damage, fc.boolean(), async (one, isClean) => {
          const connect = encode(connect5({ ...FUZZER5, isClean: isClean, userName: 'u', password: 'p' }))
          const spoilt = spoil(connect, one)
          // What is no MQTT 5 any more is answered as what it is; the length of the protocol's name does not matter.
          const version = spoilt.subarray(4, 9).equals(connect.subarray(4, 9)) ? 5 : 4
          const client = await throwAt(await testHub.open(version), [spoilt], serveOthers)
          if (version === 5) readAnswers(client)
        }),
        { numRuns: runs(RUNS) },
      )
    },
    TEST_MS,
  )

  test(
    'survives any bytes from a client, says with a reason code of the standard what is wrong, and nobody else notices',
    async () => {
      const testHub = await start()
      const serveOthers = await joinOthers(testHub.port, await testHub.open())
      await fc.assert(
        fc.asyncProperty(garbage, fc.boolean(), async (bytes, isClean) => {
          const connect = encode(connect5({ ...FUZZER5, isClean: isClean }))
          const client = await throwAt(await testHub.open(), [connect, bytes], serveOthers)
          readAnswers(client)
          expectLedgerBalanced(testHub)
        }),
        { numRuns: runs(RUNS), endOnFailure: true },
      )
    },
    TEST_MS,
  )

  test(
    'survives streams of packets that are damaged in places, answers as the standard says, and accounts for all messages',
    async () => {
      const testHub = await start({ config: { limits: { maxInflightMessages: 3, maxQueuedMessages: 20 } } })
      const { port } = testHub
      const serveOthers = await joinOthers(port, await testHub.open())
      const everything = await join(port, 'everything', { isClean: false })
      await everything.subscribe(['+/#', 2], ['$share/g/+/#', 1])
      everything.end()
      await everything.untilClosed()
      const properties = validProperties('CONNECT', [21, 22])
      await fc.assert(
        fc.asyncProperty(damagedStream, properties, fc.boolean(), async (stream, connectProperties, isClean) => {
          const connect = connect5({ ...FUZZER5, isClean: isClean, properties: connectProperties })
          const client = await throwAt(await testHub.open(), [encode(connect), stream], serveOthers)
          readAnswers(client, limitsOf(connectProperties))
          expectLedgerBalanced(testHub)
        }),
        // What is lost stays lost: no later run on this hub would be a smaller case.
        { numRuns: runs(RUNS), endOnFailure: true },
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
          const whole = Buffer.concat([encode(connect5(TALKER5)), stream])
          const ends = [...places.map((place) => Math.floor(place * whole.length)), whole.length].toSorted(
            (a, b) => a - b,
          )
          const chunks = ends.map((end, i) => whole.subarray(ends[i - 1] ?? 0, end))
          expect(await talk(start, chunks)).toEqual(await talk(start, [whole]))
        }),
        // Cases that were found are kept. To look for a smaller one may take longer than the test has, and then none is told.
        { numRuns: runs(40), examples: [[UNSUBSCRIBED_SHARE, []]], endOnFailure: true },
      )
    },
    TEST_MS,
  )
})
