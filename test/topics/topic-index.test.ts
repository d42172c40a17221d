import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TopicIndex } from '../../src/topics/topic-index.ts'
import { runs } from '../support/runs.ts'

const NAME = Buffer.alloc(4)
const VIEW = new DataView(NAME.buffer, NAME.byteOffset, 4)

/** An index beside a Map of the hashes of the numbers that must be in it. The name of a number is the number. */
class Fixture {
  readonly hashes = new Map<number, number>()
  readonly displaced: number[] = []
  readonly index: TopicIndex

  constructor(maxTopics: number) {
    this.index = new TopicIndex(maxTopics, {
      isName: (number, bytes) => Buffer.from(bytes).readInt32LE() === number,
      displaced: (number) => {
        expect(this.hashes.delete(number)).toBe(true)
        this.displaced.push(number)
      },
    })
  }

  add(hash: number, number: number): void {
    this.index.add(hash, number)
    this.hashes.set(number, hash)
  }

  remove(number: number): void {
    this.index.remove(this.hashes.get(number) ?? 0, number)
    this.hashes.delete(number)
  }

  find(hash: number, number: number): number {
    NAME.writeInt32LE(number)
    return this.index.find(hash, NAME, VIEW, 0, 4)
  }

  check(): void {
    const lost = [...this.hashes].filter(([number, hash]) => this.find(hash, number) !== number)
    expect(lost).toEqual([])
  }
}

/** Even over 32 bits. */
function scattered(i: number): number {
  const product = Math.imul(i + 1, 0x9e3779b1)
  return Math.imul(product ^ (product >>> 15), 0x85ebca6b)
}

describe('TopicIndex', () => {
  test('holds as many topics as there may be, with nobody displaced', () => {
    for (const maxTopics of [1, 10, 768, 769, 5000, 100_000]) {
      const fixture = new Fixture(maxTopics)
      for (let i = 1; i <= maxTopics; i++) fixture.add(scattered(i), i)
      expect(fixture.displaced).toEqual([])
      fixture.check()
      expect(fixture.find(scattered(maxTopics + 1), maxTopics + 1)).toBe(0)
    }
  })

  test('finds exactly what was added and not removed, whatever the hashes', () => {
    // Few hashes, of few homes, so that they meet; and such that go to one segment only.
    const hash = fc.oneof(
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: 0, max: 40 }).map((home) => home << 27),
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    )
    const step = fc.tuple(hash, fc.boolean(), fc.nat())
    fc.assert(
      fc.property(fc.array(step, { minLength: 100, maxLength: 2000, size: 'max' }), (steps) => {
        const fixture = new Fixture(2000)
        let next = 1
        for (const [value, isRemoval, choice] of steps) {
          const numbers = [...fixture.hashes.keys()]
          const number = numbers[choice % Math.max(1, numbers.length)]
          if (isRemoval && number !== undefined) {
            const removedHash = fixture.hashes.get(number) ?? 0
            fixture.remove(number)
            expect(fixture.find(removedHash, number)).toBe(0)
          } else {
            fixture.add(value, next++)
          }
        }
        fixture.check()
      }),
      { numRuns: runs(50) },
    )
  })

  test('keeps 64 of those whose hashes are equal, and everybody else', () => {
    const fixture = new Fixture(100_000)
    for (let i = 1; i <= 1000; i++) fixture.add(scattered(i), i)
    for (let i = 2001; i <= 2300; i++) fixture.add(0x12345678, i)
    fixture.check()
    expect([...fixture.hashes.values()].filter((hash) => hash === 0x12345678).length).toBeLessThanOrEqual(64)
    expect(fixture.displaced.every((number) => number > 2000)).toBe(true)
  })

  test('goes on when hashes made to fill one segment have filled it', () => {
    const fixture = new Fixture(1000)
    for (let i = 1; i <= 5000; i++) fixture.add(i & 1023, i)
    fixture.check()
    for (const number of fixture.hashes.keys()) fixture.remove(number)
    expect(fixture.find(5, 5)).toBe(0)
    fixture.add(5, 1)
    fixture.check()
  })
})
