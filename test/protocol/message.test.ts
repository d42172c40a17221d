import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Message } from '../../src/protocol/message.ts'
import { encodePublish } from '../../src/protocol/publish-packet.ts'
import { runs } from '../support/runs.ts'

const names = fc.string({ minLength: 1, maxLength: 50, unit: 'grapheme' })

/** As `toEqual`, which takes long over long buffers. */
function expectSame(bytes: Buffer, expected: Buffer): void {
  expect(bytes.toString('hex')).toBe(expected.toString('hex'))
}

describe('Message', () => {
  test('has the same topic and payload in both shapes', () => {
    fc.assert(
      fc.property(names, fc.uint8Array({ maxLength: 300 }), fc.constantFrom(0, 1, 2), (topic, payload, qos) => {
        const message = Message.create(topic, Buffer.from(payload), qos, false, 'me')
        const hasId = qos === 0
        const other = message.shape(false, hasId)
        expect(other).toEqual(encodePublish(Buffer.from(topic), undefined, Buffer.from(payload), hasId))
        expect(message.isWithoutPacketId).toBe(hasId)
        expect(other.subarray(other.length - payload.length)).toEqual(message.payload)
      }),
      { numRuns: runs(100) },
    )
  })

  test('keeps what it was when its object is used for the next packet', () => {
    const first = encodePublish(Buffer.from('a/b'), undefined, Buffer.from('first'), false)
    const second = encodePublish(Buffer.from('a/b'), undefined, Buffer.from('other'), false)
    const message = new Message()
    message.set('a/b', 0, false, first, 0, first.length - 5, first.length)
    const kept = message.keep()
    message.set('a/b', 0, false, second, 0, second.length - 5, second.length)
    first.fill(0)
    expect(kept.payload.toString()).toBe('first')
    expect(message.keep().payload.toString()).toBe('other')
  })

  test('is copied once for all who keep it', () => {
    const message = Message.create('t', Buffer.from('x'), 1, false, undefined)
    expect(message.keep()).toBe(message.keep())
    expect(message.keep().keep()).toBe(message.keep())
  })

  test('makes the other shape once, but for a retained one does not hold it', () => {
    const message = Message.create('t', Buffer.from('x'), 1, false, undefined)
    expect(message.shape(false, false)).toBe(message.shape(false, false))
    const retained = message.keepRetained()
    expect(retained.shape(false, false)).not.toBe(retained.shape(false, false))
    expect(retained.shape(false, false)).toEqual(message.shape(false, false))
  })

  test('is taken from a run packet by packet', () => {
    fc.assert(
      fc.property(
        names,
        fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 5 }),
        (topic, payloads) => {
          const packets = payloads.map((payload) =>
            encodePublish(Buffer.from(topic), undefined, Buffer.from(payload), false),
          )
          const bytes = Buffer.concat([Buffer.from([1, 2]), ...packets])
          const run = new Message()
          run.set(topic, 0, false, bytes, 2, 2 + (packets[0]?.length ?? 0) - (payloads[0]?.length ?? 0), bytes.length)
          const single = new Message()
          const taken: Buffer[] = []
          for (let at = run.start; at < run.end;) {
            at = single.takeFromRun(run, at)
            taken.push(Buffer.from(single.payload))
          }
          expect(taken).toEqual(payloads.map((payload) => Buffer.from(payload)))
          expect(single.topic).toBe(topic)
        },
      ),
      { numRuns: runs(100) },
    )
  })

  test('has the properties of MQTT 5 in shapes of that version only', () => {
    fc.assert(
      fc.property(
        names,
        fc.uint8Array({ maxLength: 300 }),
        // Lengths around those at which the length of the properties takes one byte more.
        fc
          .oneof(fc.nat({ max: 300 }), fc.integer({ min: 16_300, max: 16_500 }))
          .map((length) => Buffer.alloc(length, length)),
        (topic, payload, value) => {
          const properties = Buffer.concat([Buffer.from([9, value.length >>> 8, value.length & 0xff]), value])
          const message = Message.create(topic, Buffer.from(payload), 1, false, 'me', properties)
          const [topicBytes, payloadBytes] = [Buffer.from(topic), Buffer.from(payload)]
          expect(message.isVersion5).toBe(true)
          expectSame(message.payload, payloadBytes)
          expectSame(message.topicBytes, topicBytes)
          for (const hasId of [true, false]) {
            expectSame(message.shape(false, hasId), encodePublish(topicBytes, undefined, payloadBytes, hasId))
            expectSame(message.shape(true, hasId), encodePublish(topicBytes, properties, payloadBytes, hasId))
          }
          const restored = Message.restore(message.bytes, 0, message.end, 'me', true)
          expectSame(restored.bytes.subarray(restored.propertiesStart, restored.payloadStart), properties)
        },
      ),
      { numRuns: runs(100) },
    )
  })

  test.each([true, false])('turns a run into the other version of MQTT packet by packet (to 5: %s)', (toVersion5) => {
    const payloads = ['', 'x', 'y'.repeat(200)].map((text) => Buffer.from(text))
    const packetsOf = (isVersion5: boolean): Buffer[] =>
      payloads.map((payload) =>
        encodePublish(Buffer.from('t'), isVersion5 ? Buffer.alloc(0) : undefined, payload, false),
      )
    const bytes = Buffer.concat(packetsOf(!toVersion5))
    const headerBytes = toVersion5 ? 5 : 6
    const run = new Message()
    run.set('t', 0, false, bytes, 0, headerBytes, bytes.length)
    if (!toVersion5) run.setProperties(headerBytes)
    run.count = payloads.length
    expect(run.shape(toVersion5, false)).toEqual(Buffer.concat(packetsOf(toVersion5)))
  })

  test('is retained in a copy of its own with RETAIN set', () => {
    const message = Message.create('t', Buffer.from('x'), 1, false, 'me')
    const retained = message.keepRetained()
    expect(retained).not.toBe(message.keep())
    expect(retained.retain).toBe(true)
    expect(retained.publisher).toBe('me')
    expect(retained.payload).toEqual(Buffer.from('x'))
  })
})
