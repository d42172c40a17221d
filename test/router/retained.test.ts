import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Message } from '../../src/protocol/message.ts'
import { encodePublish } from '../../src/protocol/publish-packet.ts'
import { RetainedMessages } from '../../src/router/retained.ts'
import { filters, naiveMatches, topics } from './naive-match.ts'
import { runs } from '../support/runs.ts'

const NO_LIMITS = { maxRetainedMessages: 1000, maxRetainedBytes: 1_000_000 }

function retainedMessage(topic: string, payload: string): Message {
  return Message.create(topic, Buffer.from(payload), 1, true, 'me')
}

function payloads(retained: RetainedMessages, filter: string): string[] {
  return [...retained.matching(filter)].map((message) => `${message?.topic} ${message?.payload.toString()}`).toSorted()
}

describe('RetainedMessages', () => {
  test('keeps the last message of each topic [MQTT-3.3.1-5]', () => {
    const retained = new RetainedMessages(NO_LIMITS)
    retained.put(retainedMessage('a', 'first'))
    retained.put(retainedMessage('b', 'other'))
    retained.put(retainedMessage('a', 'second'))
    expect(payloads(retained, '#')).toEqual(['a second', 'b other'])
    expect(retained.count).toBe(2)
    expect(retained.get('a')?.qos).toBe(1)
    expect(retained.get('c')).toBe(undefined)
  })

  test('keeps a copy with RETAIN set that outlives the chunk the message came in [MQTT-3.3.1-8]', () => {
    const retained = new RetainedMessages(NO_LIMITS)
    const chunk = encodePublish(Buffer.from('a'), undefined, Buffer.from('alive'), false)
    const live = new Message()
    live.set('a', 0, false, chunk, 0, chunk.length - 5, chunk.length)
    retained.put(live)
    chunk.fill(0)
    live.set('b', 0, false, chunk, 0, 0, 0)
    expect(retained.get('a')?.payload.toString()).toBe('alive')
    expect(retained.get('a')?.retain).toBe(true)
  })

  test('removes the message of a topic when one without payload comes [MQTT-3.3.1-10] [MQTT-3.3.1-11]', () => {
    const retained = new RetainedMessages(NO_LIMITS)
    retained.put(retainedMessage('a', 'x'))
    expect(retained.put(retainedMessage('a', ''))).toBe(undefined)
    expect(retained.put(retainedMessage('b', ''))).toBe(undefined)
    expect(retained.get('a')).toBe(undefined)
    expect(retained.count).toBe(0)
    expect(retained.bytes).toBe(0)
  })

  test('refuses a new topic over the number of messages, and replaces and removes as before', () => {
    const retained = new RetainedMessages({ ...NO_LIMITS, maxRetainedMessages: 2 })
    retained.put(retainedMessage('a', '1'))
    retained.put(retainedMessage('b', '1'))
    expect(retained.put(retainedMessage('c', '1'))).toBe('maxRetainedMessages')
    expect(retained.put(retainedMessage('a', 'longer than before'))).toBe(undefined)
    expect(payloads(retained, '#')).toEqual(['a longer than before', 'b 1'])
    retained.put(retainedMessage('b', ''))
    expect(retained.put(retainedMessage('c', '1'))).toBe(undefined)
  })

  test('refuses what would grow over the bytes and keeps what was there, and replaces without growth', () => {
    const size = retainedMessage('a', 'five!').packetBytes
    const retained = new RetainedMessages({ ...NO_LIMITS, maxRetainedBytes: 2 * size })
    expect(retained.put(retainedMessage('a', 'five!'))).toBe(undefined)
    expect(retained.put(retainedMessage('b', 'five!'))).toBe(undefined)
    expect(retained.bytes).toBe(2 * size)
    expect(retained.put(retainedMessage('c', 'x'))).toBe('maxRetainedBytes')
    expect(retained.put(retainedMessage('a', 'sixsix'))).toBe('maxRetainedBytes')
    expect(retained.put(retainedMessage('a', 'again'))).toBe(undefined)
    expect(payloads(retained, '#')).toEqual(['a again', 'b five!'])
    expect(retained.put(retainedMessage('a', '1'))).toBe(undefined)
    expect(retained.put(retainedMessage('b', 'nine nine'))).toBe(undefined)
    expect(retained.bytes).toBe(2 * size)
  })

  test('agrees with a Map and a naive matcher whatever was put', () => {
    const put = fc.record({ topic: topics, payload: fc.constantFrom('', '', 'x', 'long', 'longer still') })
    fc.assert(
      fc.property(fc.array(put, { maxLength: 40 }), fc.array(filters, { minLength: 5 }), (puts, asked) => {
        const retained = new RetainedMessages(NO_LIMITS)
        const model = new Map<string, Message>()
        for (const { topic, payload } of puts) {
          const message = retainedMessage(topic, payload)
          expect(retained.put(message)).toBe(undefined)
          if (payload === '') model.delete(topic)
          else model.set(topic, message)
        }
        expect(retained.count).toBe(model.size)
        expect(retained.bytes).toBe([...model.values()].reduce((sum, message) => sum + message.packetBytes, 0))
        for (const filter of asked) {
          const expected = [...model.values()].filter(({ topic }) => naiveMatches(filter, topic))
          const described = expected.map(({ topic, payload }) => `${topic} ${payload.toString()}`)
          expect(payloads(retained, filter)).toEqual(described.toSorted())
        }
      }),
      { numRuns: runs(200) },
    )
  })
})
