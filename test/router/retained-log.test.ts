import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RetainedLog } from '../../src/router/retained-log.ts'
import { RetainedRecords } from '../../src/router/retained-records.ts'
import { runs } from '../support/runs.ts'

/** A log beside what must lie in it, by number: so many bytes, all of one value. */
class Fixture {
  readonly records = new RetainedRecords()
  readonly log = new RetainedLog(this.records)
  readonly blobs = new Map<number, { readonly bytes: number; readonly value: number }>()
  #value = 0

  place(number: number, bytes: number): void {
    this.log.place(number, bytes)
    const value = ++this.#value % 256
    const start = this.log.start(number)
    this.log.bytes(number).fill(value, start, start + bytes)
    this.blobs.set(number, { bytes, value })
  }

  add(bytes: number): number {
    const number = this.records.take()
    this.place(number, bytes)
    return number
  }

  free(number: number): void {
    this.log.free(number)
    this.records.release(number)
    this.blobs.delete(number)
  }

  get liveBytes(): number {
    let sum = 0
    for (const { bytes } of this.blobs.values()) sum += bytes + 16
    return sum
  }

  check(): void {
    for (const [number, { bytes, value }] of this.blobs) {
      const start = this.log.start(number)
      const own = this.log.bytes(number).subarray(start, start + bytes)
      if (own.length !== bytes || !own.equals(Buffer.alloc(bytes, value))) throw new Error(`blob ${number} is wrong`)
    }
  }
}

describe('RetainedLog', () => {
  test('takes no memory while it is empty, and little for little', () => {
    const fixture = new Fixture()
    expect(fixture.log.heldBytes).toBe(0)
    const number = fixture.add(100)
    expect(fixture.log.heldBytes).toBeLessThanOrEqual(16 * 1024)
    fixture.place(number, 50_000)
    expect(fixture.log.heldBytes).toBeLessThanOrEqual(64 * 1024)
    fixture.check()
  })

  test('gives back what has a segment of its own', () => {
    const fixture = new Fixture()
    const number = fixture.add(5 * 1024 ** 2)
    fixture.check()
    fixture.place(number, 100)
    expect(fixture.log.heldBytes).toBeLessThanOrEqual(16 * 1024)
    fixture.free(number)
    fixture.place(fixture.records.take(), 10)
    fixture.check()
  })

  test('has every blob right and no more than half as much memory again, however often all are replaced and freed', () => {
    const fixture = new Fixture()
    let random = 1
    const next = (end: number): number => {
      random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0
      return (random >>> 8) % end
    }
    const numbers = Array.from({ length: 20_000 }, () => fixture.add(50 + next(400)))
    for (let round = 0; round < 100_000; round++) {
      const i = next(numbers.length)
      const number = numbers[i] ?? 0
      if (round % 3 === 0) {
        fixture.free(number)
        numbers[i] = fixture.add(50 + next(400))
      } else {
        fixture.place(number, 50 + next(400))
      }
      if (round % 1000 !== 0) continue
      expect(fixture.log.heldBytes).toBeLessThan(fixture.liveBytes * 1.5 + 2 * 1024 ** 2)
    }
    fixture.check()
    for (const number of numbers.slice(0, 19_000)) fixture.free(number)
    fixture.check()
    expect(fixture.log.heldBytes).toBeLessThan(fixture.liveBytes * 1.5 + 2 * 1024 ** 2)
    for (const number of numbers.slice(19_000)) fixture.free(number)
    expect(fixture.log.heldBytes).toBeLessThanOrEqual(2 * 1024 ** 2)
  })

  test('has every blob right, whatever is placed and freed', () => {
    const size = fc.oneof(
      fc.nat({ max: 100 }),
      fc.integer({ min: 4000, max: 4100 }),
      fc.integer({ min: 65_500, max: 65_600 }),
      fc.integer({ min: 100_000, max: 200_000 }),
      fc.constant(1024 ** 2 - 8),
    )
    const step = fc.tuple(fc.nat({ max: 60 }), size, fc.boolean())
    const property = fc.property(fc.array(step, { minLength: 100, maxLength: 1000, size: 'max' }), (steps) => {
      const fixture = new Fixture()
      const numbers = new Map<number, number>()
      for (const [key, bytes, isFreed] of steps) {
        const number = numbers.get(key)
        if (number === undefined) {
          numbers.set(key, fixture.add(bytes))
        } else if (isFreed) {
          fixture.free(number)
          numbers.delete(key)
        } else {
          fixture.place(number, bytes)
        }
      }
      fixture.check()
      for (const number of numbers.values()) fixture.free(number)
      if (fixture.log.heldBytes > 2 * 1024 ** 2) throw new Error(`${fixture.log.heldBytes} bytes are held for nothing`)
    })
    fc.assert(property, { numRuns: runs(40) })
  })
})
