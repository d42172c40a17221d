import { expect, onTestFinished, test, vi } from 'vitest'
import { RecentTimes } from '../../src/observe/recent-times.ts'

test('RecentTimes tells the mean and the worst of the last ten to twenty seconds, and then nothing', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const times = new RecentTimes()
  expect(times.report()).toBeUndefined()
  times.observe(0.25)
  times.observe(0.75)
  expect(times.report()).toEqual({ meanMs: 500, worstMs: 750 })
  vi.advanceTimersByTime(12_000)
  times.observe(0.5)
  expect(times.report()).toEqual({ meanMs: 500, worstMs: 750 })
  vi.advanceTimersByTime(12_000)
  expect(times.report()).toEqual({ meanMs: 500, worstMs: 500 })
  vi.advanceTimersByTime(30_000)
  expect(times.report()).toBeUndefined()
})
