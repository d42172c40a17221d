import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SilenceWatch, type Watched } from '../../src/connection/silence-watch.ts'
import { runs } from '../support/runs.ts'

class Silent implements Watched {
  watchedNext: Watched | undefined = undefined
  watchedPrevious: Watched | undefined = undefined
  watchedStep = 0
  /** When it is to be told, and when it was. */
  dueMs: number | undefined = undefined
  toldMs: number | undefined = undefined

  timeIsUp(): void {
    expect(this.toldMs).toBe(undefined)
    this.toldMs = performance.now()
  }
}

/** Steps of the watch, each with turns of the loop behind it: one to read, and more where others have the time of it. */
async function pass(ms: number): Promise<void> {
  for (let leftMs = ms; leftMs > 0; leftMs -= 250) {
    vi.advanceTimersByTime(Math.min(250, leftMs))
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
  }
}

describe('SilenceWatch', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  test('tells each one once, not before its time and no more than three steps after it, and has no timer when nobody waits', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('wait' as const), who: fc.nat(4), ms: fc.integer({ min: 1, max: 20_000 }) }),
      fc.record({ kind: fc.constant('forget' as const), who: fc.nat(4) }),
      fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(4000) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        vi.clearAllTimers()
        const watch = new SilenceWatch()
        const all = Array.from({ length: 5 }, () => new Silent())
        for (const one of steps) {
          const silent = 'who' in one ? all[one.who] : undefined
          if (one.kind === 'pass') await pass(one.ms)
          else if (silent !== undefined) {
            silent.toldMs = undefined
            silent.dueMs = one.kind === 'wait' ? performance.now() + one.ms : undefined
            if (one.kind === 'wait') watch.wait(silent, one.ms)
            else watch.forget(silent)
          }
          for (const { dueMs, toldMs } of all) {
            if (toldMs !== undefined) {
              expect(toldMs).toBeGreaterThanOrEqual(dueMs ?? Infinity)
              expect(toldMs).toBeLessThanOrEqual((dueMs ?? 0) + 750)
            } else if (dueMs !== undefined) {
              expect(performance.now()).toBeLessThan(dueMs + 750)
            }
          }
          expect(vi.getTimerCount()).toBe(all.some(({ watchedStep }) => watchedStep > 0) ? 1 : 0)
        }
        for (const silent of all) watch.forget(silent)
        expect(vi.getTimerCount()).toBe(0)
      }),
      { numRuns: runs(100) },
    )
  })

  test('tells nobody before sockets were read that had something when the time was up', async () => {
    const watch = new SilenceWatch()
    const silent = new Silent()
    watch.wait(silent, 1000)
    vi.advanceTimersByTime(1250)
    // As when the loop was held meanwhile, and the word is read now.
    watch.wait(silent, 1000)
    await new Promise(setImmediate)
    expect(silent.toldMs).toBe(undefined)
    await pass(1250)
    expect(silent.toldMs).toBeGreaterThanOrEqual(1000)
  })

  test('lets one that is told have others forgotten, or wait again', async () => {
    const watch = new SilenceWatch()
    const told: string[] = []
    const one = new Silent()
    const other = new Silent()
    const again = new Silent()
    one.timeIsUp = () => {
      told.push('one')
      watch.forget(other)
      watch.wait(again, 3000)
    }
    other.timeIsUp = () => told.push('other')
    again.timeIsUp = () => told.push('again')
    watch.wait(again, 1000)
    watch.wait(other, 1000)
    watch.wait(one, 1000)
    await pass(2000)
    expect(told).toEqual(['one'])
    await pass(3000)
    expect(told).toEqual(['one', 'again'])
  })
})
