import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runs } from '../support/runs.ts'
import { IndexedNames, naiveOrder } from './name-list.ts'

class Fixture extends IndexedNames {
  from(name: string): string[] {
    const bytes = Buffer.from(name)
    const found: string[] = []
    let place = this.names.seek(bytes, 0, bytes.length)
    for (let number = this.names.at(place); number !== 0; number = this.names.at(place)) {
      found.push(this.list.name(number))
      place = this.names.next(place)
    }
    return found
  }

  check(): void {
    expect(this.names.size).toBe(this.numbers.size)
    expect(this.from('')).toEqual([...this.numbers.keys()].toSorted(naiveOrder))
  }
}

describe('SortedNames', () => {
  test('has what is below a level right behind the topic that ends there', () => {
    const fixture = new Fixture()
    for (const name of ['a-b', 'a/b', 'a', 'a b', 'a/', 'a/b/c', 'b', 'A', '/a']) fixture.add(name)
    expect(fixture.from('')).toEqual(['/a', 'A', 'a', 'a/', 'a/b', 'a/b/c', 'a b', 'a-b', 'b'])
    expect(fixture.from('a/b/')).toEqual(['a/b/c', 'a b', 'a-b', 'b'])
    expect(fixture.from('c')).toEqual([])
  })

  test('takes no memory before the first name, and some six bytes for each of many', () => {
    const fixture = new Fixture()
    const emptyBytes = fixture.names.heldBytes
    expect(emptyBytes).toBeLessThan(2048)
    for (let i = 0; i < 20_000; i++) fixture.add(`site/${(i * 7919) % 20_000}/temperature`)
    expect(fixture.names.heldBytes / 20_000).toBeLessThan(9)
    fixture.check()
    for (const name of fixture.numbers.keys()) if (!name.endsWith('7/temperature')) fixture.remove(name)
    fixture.check()
    const { heldBytes } = fixture.names
    for (let i = 0; i < 10_000; i++) fixture.add(`other/${i}`)
    // What went has made room.
    expect(fixture.names.heldBytes).toBe(heldBytes)
  })

  test('fills its leaves with names that come in order', () => {
    const fixture = new Fixture()
    for (let i = 0; i < 20_000; i++) fixture.add(`a/${String(i).padStart(6, '0')}`)
    fixture.check()
    expect(fixture.names.heldBytes / 20_000).toBeLessThan(6)
  })

  test('agrees with a sorted list, whatever comes and goes', () => {
    // Few bytes, also around the slash, and beginnings longer than the keys of the directory.
    const name = fc
      .tuple(
        fc.constantFrom('', 'the/same/beginning/of/all', 'the/same/beginning'),
        fc.string({ unit: fc.constantFrom('/', '/', 'a', '.', '0', '\u0001', 'é', '😀', '\uffff'), maxLength: 6 }),
      )
      .map(([beginning, rest]) => beginning + rest)
    const numbered = fc.nat({ max: 3000 }).map((i) => `${i % 13}/${i}`)
    const step = fc.tuple(fc.oneof(name, numbered, numbered), fc.boolean())
    const property = fc.property(
      fc.array(step, { minLength: 50, maxLength: 3000, size: 'max' }),
      fc.array(name, { maxLength: 10 }),
      (steps, sought) => {
        const fixture = new Fixture()
        const all = steps.map(([one]) => one)
        for (const [i, [one, isRemoval]] of steps.entries()) {
          if (isRemoval) fixture.remove(all[i >> 1] ?? '')
          fixture.add(one)
        }
        fixture.check()
        const sorted = [...fixture.numbers.keys()].toSorted(naiveOrder)
        for (const from of [...sought, ...sorted.slice(0, 3)])
          expect(fixture.from(from)).toEqual(sorted.filter((one) => naiveOrder(one, from) >= 0))
        for (const one of all.slice(0, all.length - 5)) fixture.remove(one)
        fixture.check()
      },
    )
    fc.assert(property, { numRuns: runs(20) })
  })
})
