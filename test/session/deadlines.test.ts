import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Deadlines } from '../../src/session/deadlines.ts'
import { runs } from '../support/runs.ts'

const START_MS = 1_700_000_000_000

describe('Deadlines', () => {
  test('give each thing once, not before its time and at most a second after it', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), item: fc.nat(5), inMs: fc.integer({ min: -5000, max: 20_000 }) }),
      fc.record({ kind: fc.constant('delete' as const), item: fc.nat(5) }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(10_000) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let nowMs = START_MS + 123
        const deadlines = new Deadlines<number>(nowMs)
        const model = new Map<number, number>()
        for (const one of steps) {
          if (one.kind === 'set') {
            deadlines.set(one.item, nowMs + one.inMs)
            model.set(one.item, Math.max(nowMs, nowMs + one.inMs))
          } else if (one.kind === 'delete') {
            deadlines.delete(one.item)
            model.delete(one.item)
          } else {
            nowMs += one.ms
            const due = [...deadlines.takeDue(nowMs)]
            expect(new Set(due).size).toBe(due.length)
            for (const item of due) {
              expect(model.get(item)).toBeLessThanOrEqual(nowMs)
              model.delete(item)
            }
            for (const atMs of model.values()) expect(atMs).toBeGreaterThan(nowMs - 1000)
          }
        }
      }),
      { numRuns: runs(100) },
    )
  })

  test('give what is due earlier first', () => {
    const deadlines = new Deadlines<string>(START_MS)
    deadlines.set('later', START_MS + 5000)
    deadlines.set('soon', START_MS + 2000)
    deadlines.set('soon after', START_MS + 3000)
    expect([...deadlines.takeDue(START_MS + 10_000)]).toEqual(['soon', 'soon after', 'later'])
    expect([...deadlines.takeDue(START_MS + 20_000)]).toEqual([])
  })

  test('give one after the other, and what happens meanwhile holds', () => {
    const deadlines = new Deadlines<string>(START_MS)
    for (const item of ['a', 'b', 'c', 'd']) deadlines.set(item, START_MS + 2000)
    const due = deadlines.takeDue(START_MS + 10_000)
    expect(due.next().value).toBe('a')
    deadlines.delete('b')
    deadlines.set('c', START_MS + 20_000)
    deadlines.set('a', START_MS + 1000)
    expect(due.next().value).toBe('d')
    expect(due.next().value).toBe('a')
    expect(due.next().done).toBe(true)
    expect([...deadlines.takeDue(START_MS + 30_000)]).toEqual(['c'])
  })

  test('go on where who took them stopped', () => {
    const deadlines = new Deadlines<string>(START_MS)
    for (const item of ['a', 'b', 'c']) deadlines.set(item, START_MS + 2000)
    for (const item of deadlines.takeDue(START_MS + 10_000)) if (item === 'b') break
    expect([...deadlines.takeDue(START_MS + 10_000)]).toEqual(['c'])
  })
})
