// What a hub's garbage collector takes: `collector-watch.ts` counts it in the hub's process and writes it down when asked.
/* oxlint-disable no-await-in-loop -- it waits for a file */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from './job.ts'

const answerMs = 2000

/** Seconds since the start of the hub, of its main thread; NaN where nobody counts them. Costs the hub a signal. */
export async function collectedSeconds({ collectorFile, brokerPid }: Job): Promise<number> {
  if (collectorFile === undefined) return Number.NaN
  rmSync(collectorFile, { force: true })
  process.kill(brokerPid, 'SIGUSR2')
  const deadlineMs = performance.now() + answerMs
  while (!existsSync(collectorFile)) {
    if (performance.now() > deadlineMs) return Number.NaN
    await sleep(5)
  }
  return Number(readFileSync(collectorFile, 'utf8'))
}
