import { describe, expect, onTestFinished, test } from 'vitest'
import { Audit, type AuditResult } from '../../devices/audit.ts'
import { Fleet } from '../../devices/fleet.ts'
import { loadScenario, type Scenario } from '../../devices/scenario.ts'
import { until } from '../support/guard.ts'
import type { Broker } from './watching.ts'

const HOUR_MS = 3_600_000
const TEN_MINUTES_MS = 600_000
/** A run takes about 20 s on an idle machine. */
const RUN_GUARD_MS = 50_000
const AUDIT_PATIENCE_MS = 10_000

/** Runs of whole scenarios with a broker, in less time than they take: at 240 times the speed an hour is 15 s. */
export function describeRuns(broker: string, startBroker: () => Promise<Broker>): void {
  describe(`With ${broker}`, () => {
    test('after an hour at home with faults, what subscribers added up is what the meters say', async () => {
      const faults = { latencyMs: 200, dropEverySeconds: 120, clockSkewSeconds: 3600 }
      const result = await runAudited(await startBroker(), { ...loadScenario('home'), faults, speed: 240 }, HOUR_MS)
      expect(result.discrepancies, JSON.stringify(result.discrepancies)).toEqual([])
      // A meter reads every ten seconds.
      expect(result.readings).toBeGreaterThan(355)
      expect(result.events).toBeGreaterThan(50)
      expect(result.wills).toBeGreaterThan(50)
    })

    test('ten minutes of the plant lose no event and no will', async () => {
      const result = await runAudited(await startBroker(), { ...loadScenario('plant'), speed: 30 }, TEN_MINUTES_MS)
      expect(result.discrepancies, JSON.stringify(result.discrepancies)).toEqual([])
      expect(result.readings).toBeGreaterThan(5000)
      expect(result.events).toBeGreaterThan(500)
      expect(result.wills).toBeGreaterThan(500)
    })
  })
}

/** Runs a scenario for a time of its own, and gives what an audit found when all was acknowledged. */
async function runAudited(broker: Broker, scenario: Scenario, simulatedMs: number): Promise<AuditResult> {
  const audit = await Audit.start(broker.url)
  onTestFinished(() => audit.stop())
  const fleet = new Fleet(scenario, broker)
  onTestFinished(() => fleet.stop(2000))
  await fleet.start()
  const { clock, tally } = fleet
  await until(
    () => clock.nowMs - clock.startMs >= simulatedMs,
    () => `the end of the run, ${tally.connected} are connected`,
    RUN_GUARD_MS,
  )
  await fleet.settle()
  expect(fleet.lost).toBe(0)
  return audit.compare(fleet, AUDIT_PATIENCE_MS)
}
