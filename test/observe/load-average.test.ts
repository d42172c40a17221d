import { expect, test } from 'vitest'
import { LoadAverage } from '../../src/observe/load-average.ts'

/** 60 events a minute for `minutes`, told every ten seconds. */
function loadAfter(minutes: number): LoadAverage {
  const load = new LoadAverage()
  for (let i = 1; i <= minutes * 6; i++) load.update(i * 10, 1 / 6)
  return load
}

test('LoadAverage of a steady load comes to it, the sooner the shorter the window', () => {
  const afterFive = loadAfter(5)
  expect(afterFive.perMinute(1)).toBeCloseTo(60 * (1 - Math.exp(-5)))
  expect(afterFive.perMinute(5)).toBeCloseTo(60 * (1 - Math.exp(-1)))
  expect(afterFive.perMinute(15)).toBeCloseTo(60 * (1 - Math.exp(-1 / 3)))
  expect(loadAfter(120).perMinute(15)).toBeCloseTo(60, 1)
})

test('LoadAverage falls when nothing happens any more', () => {
  const load = loadAfter(60)
  load.update(3600, 1)
  expect(load.perMinute(1)).toBeCloseTo(60 * Math.exp(-1), 3)
  expect(load.perMinute(15)).toBeGreaterThan(50)
})

test('LoadAverage does not change when it is told twice at once', () => {
  const load = loadAfter(5)
  const before = load.perMinute(1)
  load.update(300, 0)
  expect(load.perMinute(1)).toBe(before)
})
