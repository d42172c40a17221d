import { expect, test } from 'vitest'
import { runClock } from './clock.ts'
import { runCorrupt } from './corrupt.ts'
import { runDiskFull } from './disk-full.ts'
import { openWorkshop, SEED } from './short-form.ts'

// What the machine does to hubs: its disk and its clock, in the short form of `npm run torture`.
const DAY_MS = 86_400_000

test('A hub starts with a damaged store, and says what it did with it', async () => {
  const { counted, faults } = await runCorrupt({ workshop: openWorkshop(), rounds: 4, seed: SEED, durability: 'disk' })
  expect(faults, JSON.stringify(counted)).toEqual([])
})

test('A hub on a full disk acknowledges nothing it cannot keep, and goes on by itself when there is room', async (context) => {
  const outcome = await runDiskFull({ workshop: openWorkshop(), seed: SEED, durability: 'disk' })
  if (outcome.skipped !== undefined) context.skip(outcome.skipped)
  expect(outcome.faults, JSON.stringify(outcome.counted)).toEqual([])
})

test('A hub keeps time by a clock that does not jump', async () => {
  const jumpsMs = [DAY_MS, -2 * DAY_MS]
  const { counted, faults } = await runClock({ workshop: openWorkshop(), jumpsMs, seed: SEED })
  expect(faults, JSON.stringify(counted)).toEqual([])
})
