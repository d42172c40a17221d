import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Clock } from '../../src/base/clock.ts'

const START_MS = Date.UTC(2026, 10, 29)
const DAY_MS = 24 * 3_600_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: START_MS })
})

afterEach(() => {
  vi.useRealTimers()
})

/** Time goes on, and chunks come. */
function pass(clock: Clock, ms: number): void {
  vi.advanceTimersByTime(ms)
  clock.turn()
}

test.each([DAY_MS, -DAY_MS])(
  'A wall clock that is corrected by %i ms is followed within a minute, and nothing else jumps',
  (jumpMs) => {
    const clock = new Clock()
    const before = [clock.nowMs(), clock.lifetimeMs()]
    vi.setSystemTime(Date.now() + jumpMs)
    pass(clock, 60_000)
    expect(clock.wallMs()).toBe(START_MS + jumpMs + 60_000)
    expect([clock.nowMs(), clock.lifetimeMs()]).toEqual(before.map((ms) => ms + 60_000))
  },
)

test('A wall clock that strays by less than a second is not followed', () => {
  const clock = new Clock()
  vi.setSystemTime(Date.now() + 900)
  pass(clock, 60_000)
  expect(clock.wallMs()).toBe(START_MS + 60_000)
})

test('Lifetimes go on from where they were, and are those of the wall clock when it is ahead', () => {
  const behind = new Clock()
  behind.goOnFrom(START_MS + DAY_MS)
  expect(behind.lifetimeMs()).toBe(START_MS + DAY_MS)
  pass(behind, 1000)
  expect(behind.lifetimeMs()).toBe(START_MS + DAY_MS + 1000)
  const ahead = new Clock()
  ahead.goOnFrom(START_MS - DAY_MS)
  expect(ahead.lifetimeMs()).toBe(ahead.nowMs())
})
