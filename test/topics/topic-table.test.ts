import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { topicNameFault } from '../../src/protocol/topic.ts'
import { hashName } from '../../src/topics/topic-hash.ts'
import { TopicTable } from '../../src/topics/topic-table.ts'
import { runs } from '../support/runs.ts'
import { hostileTopics } from './hostile-topics.ts'

const LIMITS = { maxTopicBytes: 1024, maxTopicLevels: 32, maxTopics: 1000, maxTopicMemoryBytes: 64 * 1024 }

/** A table beside the names that it must know, by number. */
class Fixture {
  readonly names = new Map<number, string>()
  readonly table: TopicTable

  constructor(limits: Partial<typeof LIMITS> = {}, seed?: number) {
    const owner = { forget: (number: number) => void this.names.delete(number) }
    this.table = new TopicTable({ ...LIMITS, ...limits }, owner, seed)
  }

  resolve(topic: string, payloadBytes = 0): number {
    const bytes = Buffer.from(`--${topic}--`)
    const number = this.table.resolve(bytes, 2, bytes.length - 2, payloadBytes)
    if (number === 0) throw new Error(`${topic} was refused`)
    this.names.set(number, topic)
    return number
  }

  check(): void {
    const { table } = this
    const found = Array.from(this.names.keys(), (number) => [number, table.log.name(number)])
    expect(found).toEqual([...this.names])
    expect(Array.from(this.names.values(), (name) => table.find(name))).toEqual([...this.names.keys()])
  }
}

const FACTOR = 0x9e3779b1

/** One step of the hash, as an attacker knows it. */
function mix(hash: number, word: string | number): number {
  const product = Math.imul(hash ^ (typeof word === 'string' ? Buffer.from(word).readInt32LE() : word), FACTOR)
  return product ^ (product >>> 15)
}

/** The word that takes the hash from `before` to `after`. */
function wordBetween(before: number, after: number): string {
  let inverse = FACTOR
  for (let i = 0; i < 5; i++) inverse = Math.imul(inverse, 2 - Math.imul(FACTOR, inverse))
  const word = Buffer.alloc(4)
  word.writeInt32LE(Math.imul(after ^ (after >>> 15) ^ (after >>> 30), inverse) ^ before)
  return word.toString('latin1')
}

/** The first topic that is all letters and digits of those that `make` calculates. */
function firstReadable(make: (prefix: string) => string): string {
  for (let i = 1000; i < 10_000; i++) {
    const topic = make(`${i}`)
    if (/^[A-Za-z0-9]+$/.test(topic)) return topic
  }
  throw new Error('no readable topic has the hash that is wanted')
}

function hashOf(topic: string, seed: number): number {
  const bytes = Buffer.from(topic)
  return hashName(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length, seed)
}

describe('TopicTable', () => {
  test('gives the same number for the same bytes wherever they lie', () => {
    const { table } = new Fixture()
    const chunk = Buffer.from('..дом/кухня--дом/кухня/')
    const { length } = Buffer.from('дом/кухня')
    const number = table.resolve(chunk, 2, 2 + length, 0)
    expect(table.log.name(number)).toBe('дом/кухня')
    expect(table.resolve(chunk, 4 + length, 4 + 2 * length, 0)).toBe(number)
    expect(table.log.name(table.resolve(chunk, 4 + length, 5 + 2 * length, 0))).toBe('дом/кухня/')
    chunk.fill(0)
    expect(table.resolve(Buffer.from('дом/кухня'), 0, length, 0)).toBe(number)
    expect(table.find('дом/кухня')).toBe(number)
    expect(table.find('дом')).toBe(0)
  })

  test('tells topics apart that differ in one byte at any place', () => {
    const fixture = new Fixture()
    const base = 'a/topic/of/23/bytes/long'
    const numbers = new Set([fixture.resolve(base)])
    for (let i = 0; i < base.length; i++) numbers.add(fixture.resolve(`${base.slice(0, i)}~${base.slice(i + 1)}`))
    for (let i = 1; i < base.length; i++) numbers.add(fixture.resolve(base.slice(0, i)))
    expect(numbers.size).toBe(2 * base.length)
    fixture.check()
  })

  test('refuses what is not a valid topic name, each time anew [MQTT-1.5.3-1] [MQTT-3.3.2-2] [MQTT-4.7.3-1]', () => {
    const { table } = new Fixture()
    const invalid = ['', 'a/+', '#', 'a\0', 'x/'.repeat(32), 'x'.repeat(1025)].map((topic) => Buffer.from(topic))
    for (const bytes of [...invalid, Buffer.from([0x61, 0xff]), Buffer.from([0xed, 0xa0, 0x80]), ...invalid]) {
      expect(table.resolve(bytes, 0, bytes.length, 0)).toBe(0)
    }
    expect(table.records.end).toBe(1)
  })

  test('takes the names that topicNameFault has nothing against, and no others', () => {
    const limits = { ...LIMITS, maxTopicBytes: 12, maxTopicLevels: 3 }
    const { table } = new Fixture(limits)
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '/', '/', '+', '#', '\0', 'é', '😀', '$') }), (topic) => {
        const bytes = Buffer.from(topic)
        const isValid = topicNameFault(topic, limits) === undefined
        expect(table.resolve(bytes, 0, bytes.length, 0) !== 0).toBe(isValid)
      }),
      { numRuns: runs(1000) },
    )
  })

  test('tells topics apart whose hashes are equal, also when one begins with the other', () => {
    const seed = 7
    const pairs = [
      [
        'fullword',
        firstReadable((prefix) => prefix + wordBetween(mix(seed ^ 8, prefix), mix(mix(seed ^ 8, 'full'), 'word'))),
      ],
    ] as const
    const long = firstReadable((prefix) => prefix + wordBetween(mix(seed ^ 8, prefix), mix(seed ^ 4, prefix)))
    for (const [one, other] of [...pairs, [long.slice(0, 4), long] as const]) {
      expect(hashOf(one, seed)).toBe(hashOf(other, seed))
      const fixture = new Fixture({}, seed)
      expect(fixture.resolve(one)).not.toBe(fixture.resolve(other))
      fixture.check()
    }
  })

  test('knows which topics are the hub’s own', () => {
    const fixture = new Fixture()
    for (const topic of ['$SYS', '$SYS/a', '$hub/receipts/a', '$history/1h/a']) {
      expect(fixture.table.isReserved(fixture.resolve(topic)), topic).toBe(true)
    }
    for (const topic of ['$SY', '$SYSa', '$SYSa/b', '$other/a', 'a/$SYS']) {
      expect(fixture.table.isReserved(fixture.resolve(topic)), topic).toBe(false)
    }
  })

  test('knows as many topics as it may: the one that was silent for longest gives way', () => {
    const fixture = new Fixture({ maxTopics: 3 })
    const [a, , c] = [fixture.resolve('a'), fixture.resolve('b'), fixture.resolve('c')]
    expect(fixture.resolve('a')).toBe(a)
    fixture.resolve('d')
    expect(fixture.resolve('c')).toBe(c)
    expect([...fixture.names.values()].toSorted()).toEqual(['a', 'c', 'd'])
    fixture.check()
    expect(fixture.table.forgotten).toBe(1)
  })

  test('lets one topic after the other have the only place', () => {
    const fixture = new Fixture({ maxTopics: 1 })
    for (const topic of ['a', 'b', 'b', 'a', 'c']) {
      fixture.resolve(topic)
      expect([...fixture.names.values()]).toEqual([topic])
    }
    fixture.check()
  })

  test('bounds what topics made to collide can cost: they give way to each other and to nobody else', () => {
    for (const seed of [1, 2, 3]) {
      const fixture = new Fixture({ maxTopics: 100_000, maxTopicMemoryBytes: 16 * 1024 ** 2 }, seed)
      const others = Array.from({ length: 300 }, (_, i) => `other/${i}`)
      for (const topic of others) fixture.resolve(topic)
      const topics = hostileTopics(12)
      const sizes = new Map<number, number>()
      for (const topic of topics) sizes.set(hashOf(topic, seed), (sizes.get(hashOf(topic, seed)) ?? 0) + 1)
      // The test is worth something only while such topics can be made.
      expect(Math.max(...sizes.values())).toBeGreaterThanOrEqual(32)
      for (let round = 0; round < 2; round++) for (const topic of topics) fixture.resolve(topic)
      fixture.check()
      const known = new Set(fixture.names.values())
      for (const topic of others) expect(known.has(topic), topic).toBe(true)
    }
  })

  test('has all names right while topics come, go and collide', () => {
    const step = fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 90 }), fc.nat({ max: 600 }))
    const property = fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(step, { minLength: 50, maxLength: 400, size: 'max' }),
      (maxTopics, steps) => {
        const fixture = new Fixture({ maxTopics, maxTopicMemoryBytes: 4096 })
        for (const [topic, nameBytes, payloadBytes] of steps) {
          const name = `${topic}/`.padEnd(nameBytes, 'é')
          const known = fixture.table.find(name)
          const number = fixture.resolve(name, payloadBytes)
          if (known !== 0 && number !== known) throw new Error('a topic that is known was entered again')
          if (fixture.names.size > maxTopics) throw new Error('there are more topics than there may be')
        }
        fixture.check()
      },
    )
    fc.assert(property, { numRuns: runs(100) })
  })
})
