import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test, vi } from 'vitest'
import { LOOP_TIMES, LoopPart } from '../../src/base/loop-times.ts'
import { LoopStops } from '../../src/observe/loop-stops.ts'

/** Stops of a loop whose time is the test's. */
function watch() {
  let nowMs = performance.now()
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
  const stops = new LoopStops()
  onTestFinished(() => {
    stops.stop()
    vi.restoreAllMocks()
    LOOP_TIMES.leave(LoopPart.OTHER)
  })
  LOOP_TIMES.leave(LoopPart.OTHER)
  stops.start(nowMs)
  return {
    pass: (ms: number): void => void (nowMs += ms),
    look: (lateMs: number): void => stops.look(nowMs, lateMs),
    counts: () =>
      Object.fromEntries(
        [...stops.byCause]
          .filter(([, counts]) => counts.stops > 0)
          .map(([cause, counts]) => [cause, [counts.stops, Math.round(counts.longestSeconds * 1000)]]),
      ),
  }
}

test('LoopStops names the part that had most of a stop, without what others had inside of it', () => {
  const { pass, look, counts } = watch()
  const outer = LOOP_TIMES.enter(LoopPart.READING)
  pass(10)
  const inner = LOOP_TIMES.enter(LoopPart.TOPICS)
  pass(70)
  LOOP_TIMES.leave(inner)
  pass(10)
  LOOP_TIMES.leave(outer)
  look(70)
  look(0)
  expect(counts()).toEqual({ topics: [1, 70] })
})

test('LoopStops adds up what a part had in many turns without a break', () => {
  const { pass, look, counts } = watch()
  for (let turn = 0; turn < 20; turn++) {
    const before = LOOP_TIMES.enter(LoopPart.STORE)
    pass(3)
    LOOP_TIMES.leave(before)
  }
  look(40)
  look(0)
  expect(counts()).toEqual({ store: [1, 40] })
})

test('LoopStops names nobody for a stop that no part had half of, and counts no shorter wait', () => {
  const { pass, look, counts } = watch()
  LOOP_TIMES.add(LoopPart.HTTP, 20)
  pass(60)
  look(45)
  look(19)
  look(0)
  expect(counts()).toEqual({ other: [1, 45] })
})

test('LoopStops counts a part that had the loop for long between two looks, though neither came late', () => {
  const { pass, look, counts } = watch()
  const outer = LOOP_TIMES.enter(LoopPart.READING)
  const inner = LOOP_TIMES.enter(LoopPart.TOPICS)
  pass(30)
  LOOP_TIMES.leave(inner)
  pass(15)
  LOOP_TIMES.leave(outer)
  pass(40)
  look(0)
  look(0)
  expect(counts()).toEqual({ topics: [1, 30] })
})

test('LoopStops goes on after a part that threw and never left', () => {
  const { pass, look, counts } = watch()
  LOOP_TIMES.enter(LoopPart.HTTP)
  pass(10)
  look(0)
  pass(100)
  look(80)
  look(0)
  expect(counts()).toEqual({ other: [1, 80] })
})

/** Collects garbage of more and more objects that are kept, until `isSeen`. */
async function collectUntil(isSeen: () => boolean): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect !== 'function') throw new Error('this Node does not let a program collect garbage')
  const kept: unknown[] = []
  await vi.waitUntil(
    () => {
      for (let i = 0; i < 200_000; i++) kept.push({ i })
      collect()
      return isSeen()
    },
    { timeout: 10_000 },
  )
}

test('LoopStops tells the garbage collector from the part in which it ran', async () => {
  const stops = new LoopStops()
  onTestFinished(() => stops.stop())
  stops.start(performance.now())
  // Until the collector took half of a stop between two looks.
  await collectUntil(() => {
    stops.look(performance.now(), 20)
    return (stops.byCause.get('gc')?.stops ?? 0) > 0
  })
  expect(stops.byCause.get('gc')?.longestSeconds).toBe(0.02)
})

test('LoopStops counts a long pause of the garbage collector, though no look came late', async () => {
  const stops = new LoopStops()
  onTestFinished(() => stops.stop())
  stops.start(performance.now())
  await collectUntil(() => {
    stops.look(performance.now(), 0)
    return (stops.byCause.get('gc')?.stops ?? 0) > 0
  })
  expect(stops.byCause.get('gc')?.longestSeconds).toBeGreaterThanOrEqual(0.02)
})
