import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NameWalk } from '../../src/topics/name-walk.ts'
import { filters, naiveMatches, topics } from '../router/naive-match.ts'
import { runs } from '../support/runs.ts'
import { IndexedNames, naiveOrder } from './name-list.ts'

class Fixture extends IndexedNames {
  /** What a walk yields; `undefined` is a pause. */
  *walk(filter: string, after?: string): Generator<string | undefined> {
    for (const number of new NameWalk(this.names, this.list, filter).numbers(after))
      yield number === 0 ? undefined : this.list.name(number)
  }

  under(filter: string, after?: string): string[] {
    return [...this.walk(filter, after)].filter((name) => name !== undefined)
  }
}

/** Sites with lines with devices: of each branch most do not match. */
function* plant(): Generator<string> {
  for (let site = 0; site < 10; site++)
    for (let line = 0; line < 10; line++)
      for (let device = 0; device < 30; device++) yield `site/${site}/line/${line}/dev/${device}/temp`
}

describe('NameWalk', () => {
  test('yields what falls under a filter, in the order of the names, whatever the names and the filter', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(topics, { maxLength: 80 }),
        fc.array(filters, { minLength: 5 }),
        fc.option(topics, { nil: undefined }),
        (names, asked, after) => {
          const fixture = new Fixture(names)
          for (const filter of asked) {
            const expected = names.filter((name) => naiveMatches(filter, name)).toSorted(naiveOrder)
            expect(fixture.under(filter)).toEqual(expected)
            const behind = expected.filter((name) => after === undefined || naiveOrder(name, after) > 0)
            expect(fixture.under(filter, after)).toEqual(behind)
          }
        },
      ),
      { numRuns: runs(200) },
    )
  })

  test('skips branches that cannot match, without losing one that does', () => {
    const fixture = new Fixture(plant())
    for (const filter of [
      'site/+/line/3/dev/7/temp',
      '+/4/#',
      'site/5/line/+/dev/29/temp',
      '#',
      '+/+/line/9/+/+/+',
      'site/2/line/#',
    ]) {
      const expected = [...plant()].filter((name) => naiveMatches(filter, name)).toSorted(naiveOrder)
      expect(fixture.under(filter)).toEqual(expected)
      expect(expected.length).toBeGreaterThan(0)
    }
  })

  test('pauses every few hundred names, also when none of them matches', () => {
    const fixture = new Fixture(plant())
    const pauses = (filter: string) => [...fixture.walk(filter)].filter((name) => name === undefined).length
    expect(pauses('#')).toBe(5)
    expect(pauses('+/+/+/+/+/+/humidity')).toBeGreaterThanOrEqual(5)
    expect(pauses('site/5/#')).toBe(0)
  })

  test('goes on where it was when names come and go meanwhile', () => {
    const change = fc.record({ name: topics, isAdded: fc.boolean() })
    const property = fc.property(
      fc.uniqueArray(topics, { maxLength: 100 }),
      filters,
      fc.array(fc.array(change, { maxLength: 5 }), { maxLength: 100 }),
      (names, filter, changes) => {
        const fixture = new Fixture(names)
        const always = new Set(names)
        const ever = new Set(names)
        const seen: string[] = []
        let step = 0
        for (const name of fixture.walk(filter)) {
          if (name !== undefined) {
            if (!fixture.numbers.has(name)) throw new Error(`${name} has gone`)
            seen.push(name)
          }
          for (const { name: changed, isAdded } of changes[step++] ?? []) {
            if (isAdded) {
              fixture.add(changed)
              ever.add(changed)
            } else {
              fixture.remove(changed)
              always.delete(changed)
            }
          }
        }
        expect(seen).toEqual(seen.toSorted(naiveOrder))
        expect(new Set(seen).size).toBe(seen.length)
        const missing = [...always].filter((name) => naiveMatches(filter, name) && !seen.includes(name))
        expect(missing).toEqual([])
        expect(seen.filter((name) => !naiveMatches(filter, name) || !ever.has(name))).toEqual([])
      },
    )
    fc.assert(property, { numRuns: runs(200) })
  })

  test('goes on over a pause when the names around it have gone', () => {
    const fixture = new Fixture(plant())
    const seen: string[] = []
    for (const name of fixture.walk('site/#')) {
      if (name !== undefined) seen.push(name)
      else for (const one of plant()) if (one.startsWith('site/1/') || one.startsWith('site/2/')) fixture.remove(one)
    }
    const left = [...fixture.numbers.keys()]
    expect(left.length).toBe(2400)
    expect(left.filter((name) => !seen.includes(name))).toEqual([])
    expect(seen.some((name) => name.startsWith('site/2/'))).toBe(false)
  })
})
