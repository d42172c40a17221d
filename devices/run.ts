import { setTimeout as sleep } from 'node:timers/promises'
import { Audit, type AuditResult } from './audit.ts'
import { Fleet } from './fleet.ts'
import type { Flags } from './flags.ts'
import { LiveLine } from './live-line.ts'
import { loadScenario } from './scenario.ts'

/** The result of a run. */
export interface Summary {
  readonly scenario: string
  readonly devices: number
  /** Those that were connected at least once. */
  readonly everConnected: number
  readonly seconds: number
  readonly published: number
  readonly acknowledged: number
  /** Messages at QoS 0 that were not sent because there was no connection. */
  readonly skipped: number
  readonly received: number
  readonly replies: number
  /** Connections that were lost on purpose. */
  readonly cuts: number
  readonly errors: number
  readonly lastError: string | undefined
  /** Messages of QoS 1 and 2 that were refused, or not acknowledged when time was up. */
  readonly undelivered: number
  readonly audit: AuditResult | undefined
}

/** After Ctrl-C everything ends within 2 s, even for a city. */
const STOP_DEADLINE_MS = { inTime: 10_000, stopped: 1400 }
/** How long a run waits at its end for acknowledgements and for the audit; what is missing then is reported. */
const PATIENCE_MS = { inTime: 10_000, stopped: 500 }

/**
 * Runs a scenario until its time is up or `stopped` aborts, reports progress on `output`, and ends every connection with
 * DISCONNECT. Throws ScenarioInvalid, and the error of an audit that cannot connect.
 */
export async function runScenario(
  flags: Flags,
  { stopped, output }: { readonly stopped: AbortSignal; readonly output: NodeJS.WriteStream },
): Promise<Summary> {
  const fleet = new Fleet(loadScenario(flags.scenario), flags)
  const audit = flags.isAuditWanted ? await Audit.start(flags.url) : undefined
  const startedAtMs = performance.now()
  const line = new LiveLine(fleet, output)
  void fleet.start()
  await untilOver(flags.seconds, stopped)
  const isStopped = stopped.aborted
  // Where there is no broker, nothing more will come.
  const patienceMs = isStopped || fleet.tally.connected === 0 ? PATIENCE_MS.stopped : PATIENCE_MS.inTime
  const isSettled = !isStopped || audit !== undefined
  if (isSettled) await settle(fleet, patienceMs)
  const result = await audit?.compare(fleet, patienceMs)
  const undelivered = fleet.lost + (isSettled ? fleet.pending : 0)
  await Promise.all([audit?.stop(), fleet.stop(isStopped ? STOP_DEADLINE_MS.stopped : STOP_DEADLINE_MS.inTime)])
  line.end()
  const { tally } = fleet
  return {
    scenario: flags.scenario,
    devices: fleet.devices.length,
    everConnected: fleet.devices.filter(({ connection }) => connection.wasOnline).length,
    seconds: Math.round((performance.now() - startedAtMs) / 100) / 10,
    published: tally.published,
    acknowledged: tally.acknowledged,
    skipped: tally.skipped,
    received: tally.received,
    replies: tally.replies,
    cuts: tally.cuts,
    errors: tally.errors,
    lastError: tally.lastError,
    undelivered,
    audit: result,
  }
}

/** Whether all of a run was as it should be. */
export function isAllWell({ devices, everConnected, undelivered, audit }: Summary): boolean {
  return everConnected === devices && undelivered === 0 && (audit?.discrepancies.length ?? 0) === 0
}

/** Resolves after a time, or when it is stopped. */
async function untilOver(seconds: number | undefined, stopped: AbortSignal): Promise<void> {
  if (stopped.aborted) return
  await new Promise<void>((resolve) => {
    const timer = seconds === undefined ? undefined : setTimeout(resolve, seconds * 1000)
    const end = (): void => {
      clearTimeout(timer)
      resolve()
    }
    stopped.addEventListener('abort', end, { once: true })
  })
}

async function settle(fleet: Fleet, patienceMs: number): Promise<void> {
  const patience = new AbortController()
  await Promise.race([fleet.settle(), sleep(patienceMs, undefined, { signal: patience.signal }).catch(() => undefined)])
  patience.abort()
}
