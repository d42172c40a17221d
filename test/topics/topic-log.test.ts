import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemoryBudget, unboundedMemory } from '../../src/base/memory-budget.ts'
import { KEPT_PAYLOAD_BYTES, TopicLog } from '../../src/topics/topic-log.ts'
import { TopicRecords, USED_FLAG } from '../../src/topics/topic-records.ts'
import { runs } from '../support/runs.ts'

interface Blob {
  readonly name: string
  payload: Buffer
}

/** A log beside a Map of what it must hold, the oldest first. */
class Fixture {
  readonly blobs = new Map<number, Blob>()
  readonly records: TopicRecords
  readonly log: TopicLog
  evicted: number[] = []

  constructor(maxTopics: number, logBytes: number, memory = unboundedMemory().topics) {
    this.records = new TopicRecords(maxTopics, memory)
    this.log = new TopicLog(
      this.records,
      logBytes,
      {
        evict: (number) => {
          this.blobs.delete(number)
          this.evicted.push(number)
          this.records.release(number)
        },
      },
      memory,
    )
  }

  add(name: string, payloadBytes = 0): number {
    while (this.records.isFull) this.log.advance()
    const number = this.records.take()
    const bytes = Buffer.from(`..${name}`)
    this.log.add(number, bytes, 2, bytes.length, payloadBytes)
    this.blobs.set(number, { name, payload: Buffer.alloc(0) })
    return number
  }

  keep(number: number, payload: Buffer): void {
    const bytes = Buffer.concat([Buffer.from('...'), payload, Buffer.from('...')])
    this.log.keepPayload(number, bytes, viewOf(bytes), 3, payload.length)
    const blob = this.blobs.get(number)
    if (blob === undefined) throw new Error('the topic that is written was forgotten')
    blob.payload = payload.subarray(0, KEPT_PAYLOAD_BYTES)
  }

  check(): void {
    for (const [number, { name, payload }] of this.blobs) {
      expect(this.log.name(number)).toBe(name)
      expect(this.log.payload(number).equals(payload)).toBe(true)
      const bytes = Buffer.from(`.${name}.`)
      expect(this.log.isName(number, bytes, viewOf(bytes), 1, bytes.length - 1)).toBe(true)
      expect(this.log.isName(number, bytes, viewOf(bytes), 0, bytes.length - 2)).toBe(false)
    }
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

describe('TopicLog', () => {
  test('has names and last payloads right, within its bytes, while topics come, go, are used and grow', () => {
    const step = fc.oneof(
      fc.record({ act: fc.constant('add' as const), bytes: fc.nat({ max: 70 }), choice: fc.nat({ max: 600 }) }),
      fc.record({ act: fc.constantFrom('keep', 'use', 'pin'), bytes: fc.nat({ max: 700 }), choice: fc.nat() }),
    )
    const sizes = { minLength: 50, maxLength: 500, size: 'max' } as const
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 60 }),
        fc.integer({ min: 2048, max: 8192 }),
        fc.array(step, sizes),
        (max, logBytes, steps) => {
          const fixture = new Fixture(max, logBytes)
          const { blobs, log, records } = fixture
          let pinned = 0
          for (const [i, { act, bytes, choice }] of steps.entries()) {
            if (act === 'add') {
              fixture.add(`${i} `.padEnd(bytes, 'é'), choice)
            } else {
              const number = [...blobs.keys()][choice % Math.max(1, blobs.size)]
              if (number === undefined) continue
              if (act === 'keep') fixture.keep(number, Buffer.alloc(bytes, `payload ${i} `))
              else if (act === 'use') records.setFlag(number, USED_FLAG)
              else pinned = log.pinned = number
            }
            if (pinned !== 0 && !blobs.has(pinned)) throw new Error('the topic that is pinned was forgotten')
            if (log.usedBytes > logBytes) throw new Error('the log has more than it may have')
          }
          fixture.check()
        },
      ),
      { numRuns: runs(100) },
    )
  })

  test('forgets in the order in which topics came, but those that were used', () => {
    const fixture = new Fixture(100, 1024)
    const numbers = Array.from({ length: 20 }, (_, i) => fixture.add(`topic ${i}`))
    expect(fixture.evicted).toEqual([])
    for (const i of [0, 2, 3]) fixture.records.setFlag(numbers[i] ?? 0, USED_FLAG)
    for (let i = 0; i < 50; i++) fixture.add(`new ${i}`)
    const order = numbers.filter((_, i) => ![0, 2, 3].includes(i))
    expect(fixture.evicted.length).toBeGreaterThan(2)
    expect(fixture.evicted).toEqual(order.slice(0, fixture.evicted.length))
    fixture.check()
  })

  test('writes no more than 32 topics anew for one that is new', () => {
    const fixture = new Fixture(100, 100_000)
    const numbers = Array.from({ length: 100 }, (_, i) => fixture.add(`topic ${i}`))
    for (const number of numbers) fixture.records.setFlag(number, USED_FLAG)
    const before = fixture.log.usedBytes
    fixture.add('new')
    expect(fixture.evicted).toEqual([numbers[32]])
    expect(fixture.log.usedBytes).toBeLessThanOrEqual(before + 24)
    fixture.check()
  })

  test('takes no new room for a payload that is no longer than one before', () => {
    const fixture = new Fixture(10, 10_000)
    const number = fixture.add('a', 100)
    fixture.keep(number, Buffer.alloc(100, 'x'))
    const before = fixture.log.usedBytes
    for (let i = 100; i >= 0; i--) fixture.keep(number, Buffer.alloc(i, String(i)))
    expect(fixture.log.usedBytes).toBe(before)
    fixture.keep(number, Buffer.alloc(600, 'long'))
    expect(fixture.log.usedBytes).toBeGreaterThan(before)
    expect(fixture.log.payload(number).length).toBe(KEPT_PAYLOAD_BYTES)
    fixture.check()
  })
})

const KIB = 1024
const growthStep = fc.record({
  nameBytes: fc.integer({ min: 1000, max: 60_000 }),
  payloadBytes: fc.nat(600),
  isUsed: fc.boolean(),
  /** Others take all that is free, or give it back. */
  others: fc.constantFrom('take', 'give', 'wait', 'wait'),
})

test('TopicLog grows where it would begin anew, as long as there is memory, and holds what it must either way', () => {
  fc.assert(
    fc.property(fc.array(growthStep, { minLength: 20, maxLength: 90 }), (steps) => {
      // Each of eight accounts is sure of 400 KiB.
      const { topics, queues } = new MemoryBudget({ bytes: 6400 * KIB, heapBytes: 6400 * KIB })
      const fixture = new Fixture(4000, 3000 * KIB, topics)
      let numbered = 0
      for (const { nameBytes, payloadBytes, isUsed, others } of steps) {
        if (others === 'give') queues.set(0, 0)
        else if (others === 'take') while (queues.mayTake(64 * KIB, 0)) queues.take(64 * KIB, 0)
        const number = fixture.add(`${++numbered}/`.padEnd(nameBytes, 'n'), 16)
        fixture.keep(number, Buffer.alloc(payloadBytes, numbered))
        if (isUsed) fixture.records.setFlag(number, USED_FLAG)
        expect(topics.bytes + queues.bytes).toBeLessThanOrEqual(6400 * KIB)
        expect(fixture.log.usedBytes).toBeLessThanOrEqual(topics.bytes)
      }
      fixture.check()
    }),
    { numRuns: runs(25) },
  )
})

test('TopicLog and its records take what is free, and then forget the oldest', () => {
  const { topics } = new MemoryBudget({ bytes: 6400 * KIB, heapBytes: 6400 * KIB })
  const fixture = new Fixture(100_000, 64 * 1024 * KIB, topics)
  for (let i = 0; i < 20_000; i++) fixture.add(`${i}`.padEnd(500, 'n'))
  expect(topics.bytes).toBeGreaterThan(2800 * KIB)
  expect(topics.bytes).toBeLessThanOrEqual(3600 * KIB)
  expect(topics.refused).toBeGreaterThan(0)
  expect(fixture.evicted.slice(0, 3)).toEqual([1, 2, 3])
  expect(fixture.blobs.size).toBeGreaterThan(5000)
  fixture.check()
})
