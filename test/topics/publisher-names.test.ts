import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { PublisherNames } from '../../src/topics/publisher-names.ts'
import { runs } from '../support/runs.ts'

test('PublisherNames has the publisher of each topic right, and forgets who has none', () => {
  const step = fc.tuple(fc.nat({ max: 5 }), fc.constantFrom(undefined, 'anna', 'ben', 'cleo', 'dora'))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
      const names = new PublisherNames()
      const numbers = [0, 0, 0, 0, 0, 0]
      const model: (string | undefined)[] = numbers.map(() => undefined)
      for (const [topic, publisher] of steps) {
        const number = names.numberOf(publisher)
        names.enter(number)
        names.leave(numbers[topic] ?? 0)
        numbers[topic] = number
        model[topic] = publisher
        expect(numbers.map((one) => names.nameOf(one))).toEqual(model)
        expect(names.size).toBe(new Set(model.filter((name) => name !== undefined)).size)
      }
    }),
    { numRuns: runs(300) },
  )
})
