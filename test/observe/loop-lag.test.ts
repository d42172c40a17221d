import { expect, onTestFinished, test, vi } from 'vitest'
import { LoopLag } from '../../src/observe/loop-lag.ts'

/** A watched loop whose time is the test's, and the waits that were told, in ms. */
function watch() {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const waitsMs: number[] = []
  const lag = new LoopLag((seconds) => void waitsMs.push(Math.round(seconds * 1000)))
  lag.start()
  return { lag, waitsMs }
}

/** Passes time in which no timer of the loop comes to its turn. */
function hold(ms: number): void {
  const now = performance.now()
  vi.spyOn(performance, 'now').mockReturnValue(now + ms)
  vi.advanceTimersToNextTimer()
  vi.restoreAllMocks()
}

test('LoopLag tells of no wait while the loop is free', () => {
  const { waitsMs } = watch()
  vi.advanceTimersByTime(500)
  expect(waitsMs).toEqual([0, 0, 0, 0, 0])
})

test('LoopLag counts a loop that was held once for each look that it missed', () => {
  const { waitsMs } = watch()
  hold(100 + 450)
  expect(waitsMs).toEqual([450, 350, 250, 150, 50])
})

test('LoopLag takes hours for the sleep of a computer, and does not count all of them', () => {
  const { waitsMs } = watch()
  hold(8 * 3_600_000)
  expect(waitsMs).toHaveLength(500)
})

test('LoopLag leaves no timer behind', () => {
  const { lag } = watch()
  expect(vi.getTimerCount()).toBe(1)
  lag.stop()
  expect(vi.getTimerCount()).toBe(0)
})
