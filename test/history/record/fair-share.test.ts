import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { FairShare } from '../../../src/history/record/fair-share.ts'

function capOf(sizes: readonly number[], room: number): number {
  const share = new FairShare()
  for (const size of sizes) share.add(size)
  return share.capFor(room)
}

test('FairShare takes from those who have most, and leaves the others what they have', () => {
  expect(capOf([10, 20, 1000], 130)).toBe(100)
  expect(capOf([10, 500, 1000], 1010)).toBe(500)
  expect(capOf([10, 20, 30], 60)).toBe(Infinity)
  expect(capOf([], 0)).toBe(Infinity)
  expect(capOf([100, 100], 0)).toBe(0)
  expect(capOf([0, 0, 0, 100], 2)).toBe(2)
})

test('FairShare fills the room to within an eighth of the largest share, and never more than that', () => {
  const sizes = fc.array(fc.oneof(fc.nat(100), fc.nat(1_000_000), fc.constant(0)), { maxLength: 60, size: 'max' })
  fc.assert(
    fc.property(sizes, fc.nat(5_000_000), (all, room) => {
      const cap = capOf(all, room)
      const kept = all.reduce((sum, size) => sum + Math.min(size, cap), 0)
      expect(kept).toBeLessThanOrEqual(room * (1 + 1e-9))
      if (cap === Infinity) return
      const keptWithMore = all.reduce((sum, size) => sum + Math.min(size, cap * 1.125 + 1), 0)
      expect(keptWithMore).toBeGreaterThanOrEqual(room)
    }),
  )
})
