import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OrderedArrivals, SharedArrivals } from './arrivals.ts'
import { runs } from '../../support/runs.ts'

const windowMessages = 4

test('OrderedArrivals goes on behind a gap and takes nothing that is late or comes twice', () => {
  const arrivals = new OrderedArrivals(2)
  expect([0, 1, 4, 2, 4, 5].map((sequence) => arrivals.note(1, sequence))).toEqual([
    true,
    true,
    true,
    false,
    false,
    true,
  ])
  expect([...arrivals.due]).toEqual([0, 6])
})

test('SharedArrivals waits for the first that is missing, and then goes on behind all that are here', () => {
  const arrivals = new SharedArrivals(2, windowMessages)
  for (const sequence of [1, 3, 2]) expect(arrivals.note(1, sequence)).toBe(true)
  expect([...arrivals.due]).toEqual([0, 0])
  expect(arrivals.note(1, 0)).toBe(true)
  expect([...arrivals.due]).toEqual([0, 4])
})

test('SharedArrivals refuses what was never sent', () => {
  const arrivals = new SharedArrivals(1, windowMessages)
  expect(arrivals.note(0, windowMessages)).toBe(false)
  expect(arrivals.note(0, windowMessages - 1)).toBe(true)
})

test('SharedArrivals takes each message once, in whatever order, as a set of all that came does', () => {
  const step = fc.record({ publisher: fc.nat(1), ahead: fc.integer({ min: -6, max: 6 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const arrivals = new SharedArrivals(2, windowMessages)
      const came = [new Set<number>(), new Set<number>()]
      for (const { publisher, ahead } of steps) {
        const all = came[publisher] ?? new Set()
        const due = firstMissing(all)
        const sequence = Math.max(0, due + ahead)
        expect(arrivals.note(publisher, sequence)).toBe(!all.has(sequence) && sequence < due + windowMessages)
        if (sequence < due + windowMessages) all.add(sequence)
        expect(arrivals.due[publisher]).toBe(firstMissing(all))
      }
    }),
    { numRuns: runs(100) },
  )
})

function firstMissing(all: ReadonlySet<number>): number {
  let number = 0
  while (all.has(number)) number++
  return number
}
