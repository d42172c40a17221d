import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryBudget, memoryBounds } from '../../src/base/memory-budget.ts'
import { runs } from '../support/runs.ts'

const LIMIT = 1600
const HEAP_LIMIT = 800
/** Half of the limit among eight. */
const GUARANTEED = 100
const GUARANTEED_HEAP = 50

function create(): MemoryBudget {
  return new MemoryBudget({ bytes: LIMIT, heapBytes: HEAP_LIMIT })
}

const step = fc.record({
  account: fc.nat(7),
  bytes: fc.nat(400),
  onHeap: fc.boolean(),
  isTaken: fc.boolean(),
})

test('MemoryBudget never lends more than the limits, and never what others are sure of', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { accounts } = create()
      for (const { account: index, bytes, onHeap, isTaken } of steps) {
        const account = accounts[index]
        if (account === undefined) throw new Error('there are eight')
        const heapBytes = onHeap ? bytes : 0
        if (!isTaken) account.set(Math.floor(account.bytes / 2), Math.floor(account.heapBytes / 2))
        else if (account.mayTake(bytes, heapBytes)) account.take(bytes, heapBytes)
        expect(accounts.reduce((sum, one) => sum + one.bytes, 0)).toBeLessThanOrEqual(LIMIT)
        expect(accounts.reduce((sum, one) => sum + one.heapBytes, 0)).toBeLessThanOrEqual(HEAP_LIMIT)
        for (const one of accounts) {
          const left = Math.max(0, GUARANTEED - one.bytes)
          const leftOnHeap = Math.max(0, GUARANTEED_HEAP - one.heapBytes)
          expect(one.mayTake(left, Math.min(left, leftOnHeap))).toBe(true)
        }
      }
    }),
    { numRuns: runs(200) },
  )
})

test('MemoryBudget gives who asks first all that nobody is sure of', () => {
  const { retained, queues } = create()
  const free = LIMIT - 7 * GUARANTEED
  expect(retained.mayTake(free, 0)).toBe(true)
  expect(retained.mayTake(free + 1, 0)).toBe(false)
  retained.take(free, 0)
  expect(retained.mayTake(1, 0)).toBe(false)
  expect(queues.mayTake(GUARANTEED, 0)).toBe(true)
  expect(queues.mayTake(GUARANTEED + 1, 0)).toBe(false)
  retained.give(50, 0)
  expect(queues.mayTake(GUARANTEED + 50, 0)).toBe(true)
})

test('MemoryBudget bounds what lies on the JavaScript heap by itself', () => {
  const { topics, retained } = create()
  expect(retained.mayTake(HEAP_LIMIT, HEAP_LIMIT)).toBe(false)
  expect(topics.mayTake(HEAP_LIMIT, 0)).toBe(true)
})

test('MemoryAccount counts each refusal, and tells of them once a minute', () => {
  const told: string[] = []
  const { queues, outputs } = new MemoryBudget({ bytes: LIMIT, heapBytes: HEAP_LIMIT }, ({ part }) => told.push(part))
  queues.refuse()
  queues.refuse(5)
  outputs.refuse()
  expect([queues.refused, outputs.refused]).toEqual([6, 1])
  expect(told).toEqual(['queues', 'outputs'])
})

test('memoryBounds takes half of the memory where no limit is given, and keeps room on the heap', () => {
  expect(memoryBounds(64 * 1024 ** 2).bytes).toBe(64 * 1024 ** 2)
  const { bytes, heapBytes } = memoryBounds(null)
  expect(bytes).toBeGreaterThan(64 * 1024 ** 2)
  expect(heapBytes).toBeLessThanOrEqual(bytes)
})
