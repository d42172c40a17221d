import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  anyProperties,
  badProperties,
  connect5,
  encode,
  encodeProperty,
  isValidSet,
  numberProperty,
  type PacketModel,
  plain5,
  type Property,
  PROPERTY_PACKETS,
  type PropertyPacket,
  publish5,
  subscribe5,
  validProperties,
} from '../support/fuzz-packets5.ts'
import { Id, propertyBytes } from '../support/properties.ts'
import { valueOf } from '../support/received-packet.ts'
import { Bystander, expectLedgerBalanced, join, takeMessages } from '../support/steps.ts'
import { CARRIERS5, endCode, limitsOf, readAnswers, sendWhole } from './fuzzing5.ts'
import { runs } from '../support/runs.ts'

/** One hub serves many runs, so each run opens many sockets; none may be left open at its end. */
const RUNS = 200
const TEST_MS = 60_000

/** What a bad set of properties may be answered with. */
function isCodeOfBadProperties(code: number, properties: readonly Property[]): boolean {
  const has = (id: number): boolean => properties.some((one) => one.id === id)
  // Malformed Packet or Protocol Error, as §4.13 leaves it to servers to be more specific.
  return (
    [0x81, 0x82].includes(code) || (code === 0x94 && has(Id.TOPIC_ALIAS)) || (code === 0x90 && has(Id.RESPONSE_TOPIC))
  )
}

/** A packet of each kind that is right but for what its properties are. */
function modelWith(name: PropertyPacket, properties: readonly Property[]): PacketModel {
  switch (name) {
    case 'CONNECT':
      return connect5({ clientId: 'fuzzer', properties })
    case 'PUBLISH':
      return publish5({ topic: 'a', payload: 'x', qos: 1, packetId: 1, retain: false, properties })
    case 'SUBSCRIBE':
      return subscribe5(1, [['a', 1]], properties)
    case 'UNSUBSCRIBE':
      return plain5(name, [0, 1], properties, ['a'])
    case 'DISCONNECT':
      return plain5(name, [0], properties)
    case 'AUTH':
      return plain5(name, [0x18], properties)
    default:
      return plain5(name, [0, 1, 0], properties)
  }
}

/** Which packet says that the hub has taken a packet; undefined where it says nothing. */
const TAKEN_BY: Readonly<Partial<Record<PropertyPacket, string>>> = {
  CONNECT: 'CONNACK',
  PUBLISH: 'PUBACK',
  SUBSCRIBE: 'SUBACK',
  UNSUBSCRIBE: 'UNSUBACK',
  PUBREC: 'PUBREL',
  PUBREL: 'PUBCOMP',
}

describe.each(CARRIERS5)('Hub over $name', ({ start }) => {
  test.each(PROPERTY_PACKETS)(
    'takes %s with any properties that the standard allows, and refuses it with any others',
    async (name) => {
      const testHub = await start()
      const bystander = await Bystander.join(testHub.port)
      // There must be an expiry that DISCONNECT may change.
      const connect = encode(connect5({ clientId: 'fuzzer', properties: [numberProperty(17, 1000, 4)] }))
      // No user of the hub has an Authentication Method.
      const usable = anyProperties(name).filter((all) => all.every(({ id }) => id !== 21 && id !== 22))
      await fc.assert(
        fc.asyncProperty(usable, async (properties) => {
          const packet = encode(modelWith(name, properties))
          const packets = name === 'CONNECT' ? [packet] : [connect, packet]
          const client = await sendWhole(await testHub.open(), packets)
          const answers = readAnswers(client, limitsOf(name === 'CONNECT' ? properties : []))
          const code = endCode(answers)
          const types = answers.map(({ type }) => type)
          // A client may send AUTH only when its CONNECT had an Authentication Method [MQTT5-4.12.0-6].
          if (name !== 'AUTH' && isValidSet(name, properties)) {
            expect(code).toBe(undefined)
            if (name !== 'DISCONNECT') expect(types).toContain('PINGRESP')
            const answer = TAKEN_BY[name]
            if (answer !== undefined) expect(types).toContain(answer)
          } else {
            expect(types).not.toContain('PINGRESP')
            if (code !== undefined) expect(code).toSatisfy((is: number) => isCodeOfBadProperties(is, properties))
          }
          await bystander.expectUntouched()
        }),
        // Each forbidden value by itself, then any.
        { numRuns: runs(RUNS), examples: badProperties(name).map((one): [Property[]] => [[one]]) },
      )
      expectLedgerBalanced(testHub)
    },
    TEST_MS,
  )

  test.each(PROPERTY_PACKETS)(
    'refuses %s whose properties are said to be longer than the packet',
    async (name) => {
      const testHub = await start()
      const connect = encode(connect5({ clientId: 'fuzzer' }))
      await fc.assert(
        fc.asyncProperty(
          validProperties(name, [21, 22]),
          fc.integer({ min: 1, max: 300 }),
          async (properties, more) => {
            const model = modelWith(name, properties)
            const packet = encode(model, { properties: model.tail.length + more })
            // What follows must not be taken for the rest of them.
            const rest = encode(
              modelWith(
                'PUBLISH',
                Array.from({ length: 40 }, () => numberProperty(1, 1, 1)),
              ),
            )
            const packets = name === 'CONNECT' ? [packet, rest] : [connect, packet, rest]
            const answers = readAnswers(await sendWhole(await testHub.open(), packets), limitsOf(properties))
            expect([0x81, 0x82, undefined]).toContain(endCode(answers))
            expect(answers.map(({ type }) => type)).not.toContain('PINGRESP')
            expect(answers.map(({ type }) => type)).not.toContain(
              TAKEN_BY[name] === 'CONNACK' ? 'PUBACK' : TAKEN_BY[name],
            )
          },
        ),
        { numRuns: runs(RUNS / 4) },
      )
    },
    TEST_MS,
  )

  test(
    'hands on any properties of a PUBLISH as they are, in their order, and none to a client of MQTT 3.1.1',
    async () => {
      const testHub = await start()
      const [publisher, reader] = [await testHub.open(), await testHub.open()]
      await publisher.connect({ clientId: 'publisher' })
      await reader.connect({ clientId: 'reader' })
      await reader.subscribe(['#', 0])
      const older = await join(testHub.port, 'older')
      await older.subscribe(['#', 0])
      const message = fc.tuple(fc.constantFrom(0, 1), fc.string({ unit: 'grapheme', maxLength: 50 }), fc.boolean())
      await fc.assert(
        fc.asyncProperty(validProperties('PUBLISH'), message, async (properties, [qos, payload, retain]) => {
          publisher.send(encode(publish5({ topic: 'a/b', payload, qos, packetId: 1, retain, properties })))
          await publisher.restBeforePingresp()
          const messages = await takeMessages(reader)
          expect(messages).toMatchObject([{ topic: 'a/b', payload: Buffer.from(payload) }])
          const got = messages[0]?.properties ?? []
          expect(
            got.filter(([id]) => id !== Id.MESSAGE_EXPIRY).map((one) => propertyBytes(one).toString('hex')),
          ).toEqual(
            properties
              .filter(({ id }) => id !== Id.MESSAGE_EXPIRY && id !== Id.TOPIC_ALIAS)
              .map((one) => encodeProperty(one).toString('hex')),
          )
          const expiry = properties.find(({ id }) => id === Id.MESSAGE_EXPIRY)?.value.readUInt32BE()
          const left = valueOf({ properties: got }, Id.MESSAGE_EXPIRY)
          if (expiry === undefined) expect(left).toBe(undefined)
          else expect(left).toSatisfy((is: number) => is <= expiry && is > expiry - 60)
          expect(await takeMessages(older)).toMatchObject([{ topic: 'a/b', payload: Buffer.from(payload) }])
        }),
        { numRuns: runs(RUNS) },
      )
      expectLedgerBalanced(testHub)
    },
    TEST_MS,
  )
})
