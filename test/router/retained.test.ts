import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Message } from '../../src/protocol/message.ts'
import { encodePublish } from '../../src/protocol/publish-packet.ts'
import { RetainedMessages } from '../../src/router/retained.ts'
import { filters, naiveMatches, topics } from './naive-match.ts'
import { hostileTopics } from '../topics/hostile-topics.ts'
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

  test('keeps what bridges say of themselves, of a thousand of them and in a kilobyte each, and all that the hub says', () => {
    const retained = new RetainedMessages({ maxRetainedMessages: 0, maxRetainedBytes: 0 })
    const state = (i: number, payload: string): boolean => retained.putOwn(retainedMessage(`$SYS/b/${i}`, payload))
    for (let i = 0; i < 1000; i++) expect(state(i, '1')).toBe(true)
    expect(state(1000, '1')).toBe(false)
    expect(state(7, 'x'.repeat(1024))).toBe(false)
    expect(state(7, '0')).toBe(true)
    expect(retained.get('$SYS/b/7')?.payload.toString()).toBe('0')
    expect(retained.putOwn(Message.create('$SYS/hub', Buffer.alloc(2000, 'x'), 0, true, undefined))).toBe(true)
    expect(state(7, '')).toBe(true)
    expect(retained.get('$SYS/b/7')).toBe(undefined)
    expect(state(1000, '1')).toBe(true)
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

  test('agrees with a Map over many topics, sizes, publishers, versions and expiries', () => {
    const names = fc.nat({ max: 3000 }).map((i) => `${i % 7}/${i % 211}/${i}`)
    const change = fc.record({
      topic: fc.oneof(names, names, topics),
      payloadBytes: fc.oneof(
        fc.nat({ max: 40 }),
        fc.nat({ max: 40 }),
        fc.nat({ max: 2000 }),
        fc.constantFrom(0, 0, 100_000),
      ),
      qos: fc.constantFrom(0, 1, 2),
      publisher: fc.constantFrom(undefined, '', 'anna', 'Küche/🙂'),
      isVersion5: fc.boolean(),
      expiresAtMs: fc.constantFrom(0, 0, 10, 20, 30),
    })
    const property = fc.property(
      fc.array(change, { minLength: 100, maxLength: 2000, size: 'max' }),
      fc.array(filters, { minLength: 3, maxLength: 10 }),
      (changes, asked) => {
        const retained = new RetainedMessages({ maxRetainedMessages: Infinity, maxRetainedBytes: Infinity })
        const model = new Map<string, string>()
        const expiries = new Map<string, number>()
        for (const [i, { topic, payloadBytes, qos, publisher, isVersion5, expiresAtMs }] of changes.entries()) {
          const payload = Buffer.alloc(payloadBytes, i)
          const properties = isVersion5 ? Buffer.from([0x01, 0x01]) : undefined
          const message = Message.create(topic, payload, qos, false, publisher, properties)
          message.expiresAtMs = expiresAtMs
          message.isExpiryForwarded = expiresAtMs !== 0
          retained.put(message)
          if (payloadBytes === 0) model.delete(topic)
          else
            model.set(
              topic,
              `${topic} ${payloadBytes}×${i % 256} true ${qos} ${publisher} ${isVersion5} ${expiresAtMs} true`,
            )
          expiries.set(topic, expiresAtMs)
        }
        for (let nowMs = 5; nowMs <= 25; nowMs += 5) {
          const expired = [...model.keys()].filter((topic) => isOver(expiries.get(topic), nowMs))
          const removed: string[] = []
          for (let topic = retained.removeExpired(nowMs); topic !== undefined; topic = retained.removeExpired(nowMs))
            removed.push(topic)
          expect(removed.toSorted()).toEqual(expired.toSorted())
          for (const topic of expired) model.delete(topic)
        }
        expect(retained.count).toBe(model.size)
        const wrong = changes.filter(
          ({ topic }) => describeRetained(retained.get(topic)) !== (model.get(topic) ?? 'none'),
        )
        expect(wrong).toEqual([])
        for (const filter of asked) {
          const found = [...retained.matching(filter)].filter((message) => message !== undefined)
          const expected = [...model].flatMap(([topic, whole]) => (naiveMatches(filter, topic) ? whole : []))
          expect(found.map((message) => describeRetained(message)).toSorted()).toEqual(expected.toSorted())
        }
      },
    )
    fc.assert(property, { numRuns: runs(20) })
  })

  test('hands out copies that stay what they are, whatever becomes of their topics', () => {
    const retained = new RetainedMessages(NO_LIMITS)
    for (let i = 0; i < 100; i++) retained.put(retainedMessage(`t/${i}`, `first of ${i}`))
    const before = [...retained.matching('#')]
    for (let i = 0; i < 100; i++) retained.put(retainedMessage(`t/${i}`, `other of ${i}`))
    for (let i = 0; i < 100; i++) retained.put(retainedMessage(`t/${i}`, ''))
    for (const message of before) expect(message?.payload.toString()).toBe(`first of ${message?.topic.slice(2)}`)
  })

  test('walks on through messages that come and go, each at its latest', () => {
    const retained = new RetainedMessages({ ...NO_LIMITS, maxRetainedMessages: 5000 })
    for (let i = 0; i < 2000; i++) retained.put(retainedMessage(`t/${i}`, 'old'))
    const seen = new Map<string, string>()
    for (const message of retained.matching('t/#')) {
      if (message !== undefined) {
        seen.set(message.topic, message.payload.toString())
        continue
      }
      for (let i = 0; i < 2000; i += 2) retained.put(retainedMessage(`t/${i}`, i % 4 === 0 ? '' : 'new'))
    }
    expect([...seen.keys()].filter((topic) => retained.has(topic)).length).toBe(retained.count)
    expect(seen.get('t/998')).toBe('new')
    expect(seen.has('t/996')).toBe(false)
  })

  test('lists those behind a topic, in an order that is that of levels', () => {
    const retained = new RetainedMessages(NO_LIMITS)
    for (const topic of ['b', 'a b', 'a/c', 'a/b', 'a']) retained.put(retainedMessage(topic, 'x'))
    const behind = (filter: string, after: string) => [...retained.matching(filter, after)].map((one) => one?.topic)
    expect(behind('#', '')).toEqual(['a', 'a/b', 'a/c', 'a b', 'b'])
    expect(behind('#', 'a/b')).toEqual(['a/c', 'a b', 'b'])
    expect(behind('a/#', 'a/a')).toEqual(['a/b', 'a/c'])
    expect(behind('a/b', 'a')).toEqual(['a/b'])
    expect(behind('a/b', 'a/b')).toEqual([])
  })

  test('keeps all topics whose hashes an attacker made equal, and everybody else’s', () => {
    const retained = new RetainedMessages({ maxRetainedMessages: 100_000, maxRetainedBytes: 10 ** 8 })
    const all = [...Array.from({ length: 300 }, (_, i) => `other/${i}`), ...hostileTopics(12)]
    for (const payload of ['first', 'second']) for (const topic of all) retained.put(retainedMessage(topic, payload))
    expect(retained.count).toBe(all.length)
    expect(all.filter((topic) => retained.get(topic)?.payload.toString() !== 'second')).toEqual([])
    for (const topic of all.slice(0, -10)) retained.put(retainedMessage(topic, ''))
    expect([...retained.matching('#')].map((message) => message?.topic ?? 'none').toSorted()).toEqual(
      all.slice(-10).toSorted(),
    )
    for (const topic of all) retained.put(retainedMessage(topic, ''))
    expect([retained.count, retained.bytes, retained.has(all.at(-1) ?? '')]).toEqual([0, 0, false])
  })

  test('says what memory it takes: next to none when empty, and under 200 bytes for each of many small messages', () => {
    const retained = new RetainedMessages({ maxRetainedMessages: 1_000_000, maxRetainedBytes: 10 ** 9 })
    expect(retained.heldBytes).toBeLessThan(4096)
    const payload = 'x'.repeat(64)
    for (let i = 0; i < 50_000; i++) retained.put(retainedMessage(`retained/${i >> 7}/${i & 127}`, payload))
    expect(retained.heldBytes / 50_000).toBeLessThan(200)
    expect(retained.heldBytes).toBeGreaterThan(retained.bytes)
    for (let i = 0; i < 50_000; i++) retained.put(retainedMessage(`retained/${i >> 7}/${i & 127}`, `${payload}${i}`))
    expect(retained.heldBytes / 50_000).toBeLessThan(250)
  })

  test('has no message of a topic that is longer than one may be', () => {
    const retained = new RetainedMessages({ maxRetainedMessages: 10, maxRetainedBytes: 10 ** 6 })
    retained.put(retainedMessage('é'.repeat(32_767), 'x'))
    expect(retained.has('é'.repeat(32_767))).toBe(true)
    expect(retained.has('é'.repeat(40_000))).toBe(false)
    expect(retained.get('a'.repeat(100_000))).toBe(undefined)
  })
})

function isOver(expiresAtMs = 0, nowMs: number): boolean {
  return expiresAtMs !== 0 && expiresAtMs <= nowMs
}

/** In short: payloads of which all bytes are the same may be long. */
function describeRetained(message: Message | undefined): string {
  if (message === undefined) return 'none'
  const { topic, payload, qos, publisher, isVersion5, expiresAtMs, retain } = message
  const isEven = payload.equals(Buffer.alloc(payload.length, payload[0]))
  return `${topic} ${payload.length}×${payload[0]} ${isEven} ${qos} ${publisher} ${isVersion5} ${expiresAtMs} ${retain}`
}
