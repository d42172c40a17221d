import { describe, expect, onTestFinished, test } from 'vitest'
import { Audit } from '../../devices/audit.ts'
import { Fleet } from '../../devices/fleet.ts'
import { loadScenario, type Scenario } from '../../devices/scenario.ts'
import { until } from '../support/guard.ts'
import type { Broker } from './watching.ts'

const HOUR_MS = 3_600_000
const TEN_MINUTES_MS = 600_000
/** A run takes about 20 s on an idle machine. */
const RUN_GUARD_MS = 50_000

/** Runs of whole scenarios with a broker, in less time than they take: at 240 times the speed an hour is 15 s. */
export function describeRuns(broker: string, startBroker: () => Promise<Broker>): void {
  describe(`With ${broker}`, () => {
    test('after an hour at home with faults, what subscribers added up is what the meters say', async () => {
      const faults = { latencyMs: 200, dropEverySeconds: 120, clockSkewSeconds: 3600 }
      const { fleet, audit } = await startAudited(await startBroker(), { ...loadScenario('home'), faults, speed: 240 })
      await untilSimulated(fleet, HOUR_MS)
      await fleet.settle()
      const { discrepancies, readings, events, wills } = await audit.compare(fleet, 10_000)
      expect(discrepancies).toEqual([])
      expect(fleet.lost).toBe(0)
      // A meter reads every ten seconds.
      expect(readings).toBeGreaterThan(355)
      expect(events).toBeGreaterThan(50)
      expect(wills).toBeGreaterThan(50)
    })

    test('ten minutes of the plant lose no event and no will', async () => {
      const { fleet, audit } = await startAudited(await startBroker(), { ...loadScenario('plant'), speed: 30 })
      await untilSimulated(fleet, TEN_MINUTES_MS)
      await fleet.settle()
      const { discrepancies, readings, events, wills } = await audit.compare(fleet, 10_000)
      expect(discrepancies).toEqual([])
      expect(fleet.lost).toBe(0)
      expect(readings).toBeGreaterThan(5000)
      expect(events).toBeGreaterThan(500)
      expect(wills).toBeGreaterThan(500)
    })
  })
}

async function startAudited(broker: Broker, scenario: Scenario): Promise<{ fleet: Fleet; audit: Audit }> {
  const audit = await Audit.start(broker.url)
  onTestFinished(() => audit.stop())
  const fleet = new Fleet(scenario, broker)
  onTestFinished(() => fleet.stop(2000))
  await fleet.start()
  return { fleet, audit }
}

async function untilSimulated(fleet: Fleet, ms: number): Promise<void> {
  const { clock, tally } = fleet
  await until(
    () => clock.nowMs - clock.startMs >= ms,
    () => `the end of the run, ${tally.connected} are connected`,
    RUN_GUARD_MS,
  )
}
