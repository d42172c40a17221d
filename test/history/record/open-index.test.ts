import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { OpenIndex } from '../../../src/history/record/open-index.ts'
import { runs } from '../../support/runs.ts'

interface Entry {
  readonly delta: number
  readonly bytes: number
}

type Step =
  | { readonly do: 'add'; readonly topic: number; readonly bytes: number }
  | { readonly do: 'lose'; readonly topic: number }

/** Few topics with many entries, many with few, and numbers that are far apart. */
const topic = fc.oneof(
  fc.integer({ min: 1, max: 4 }),
  fc.integer({ min: 1, max: 200 }),
  fc.constantFrom(2 ** 31, 2 ** 32 - 1),
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), topic, bytes: fc.nat(10_000_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), topic }) },
)

function listOf(index: OpenIndex, place: number): Entry[] {
  const { deltas, sizes } = index.postingListAt(place, 7)
  return Array.from(deltas, (delta, i) => ({ delta, bytes: sizes[i] ?? 0 }))
}

test('OpenIndex has of each topic what a list of its entries has', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const index = new OpenIndex()
      const model = new Map<number, Entry[]>()
      for (const [delta, { topic: number, ...what }] of steps.entries()) {
        const entries = model.get(number)
        const place = index.placeOf(number)
        expect(index.has(number)).toBe(entries !== undefined)
        if (what.do === 'add') {
          index.add(number, delta, what.bytes)
          if (entries === undefined) model.set(number, [{ delta, bytes: what.bytes }])
          else entries.push({ delta, bytes: what.bytes })
        } else if (entries !== undefined && entries.length > 0) {
          expect(index.firstDeltaAt(place)).toBe(entries[0]?.delta)
          expect(index.removeFirstAt(place)).toBe(entries.shift()?.bytes)
        }
      }
      expect(Array.from(index.topics())).toEqual([...model.keys()])
      expect(index.size).toBe(model.size)
      for (const [number, entries] of model) {
        const place = index.placeOf(number)
        expect(index.topicAt(place)).toBe(number)
        expect(index.countAt(place)).toBe(entries.length)
        expect(index.bytesAt(place)).toBe(entries.reduce((sum, { bytes }) => sum + bytes, 0))
        expect(listOf(index, place)).toEqual(entries)
        expect(index.postingListAt(place, 7)).toMatchObject({ topic: number, chapter: 7 })
      }
    }),
    { numRuns: runs(100) },
  )
})

test('OpenIndex takes as many entries as a chapter may have', () => {
  const index = new OpenIndex()
  for (let delta = 0; delta < 65_536; delta++) index.add(1 + (delta % 3), delta, 1)
  expect([1, 2, 3].map((number) => index.countAt(index.placeOf(number)))).toEqual([21_846, 21_845, 21_845])
  expect(index.deltasAt(index.placeOf(1)).at(-1)).toBe(65_535)
})
