// A start with much on disk: the row runs a target twice on the same folder and looks at the second start.
/* oxlint-disable no-await-in-loop -- it tries until the broker answers */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from './client.ts'
import type { FillTask, Measurement, StartTask } from './job.ts'
import { conditionsOf, didNotStart, measureRowIn, type Pace } from './measure.ts'
import { processorSeconds } from './process-usage.ts'
import type { Row } from './rows.ts'
import {
  freePort,
  makeFolder,
  removeFolder,
  startIn,
  type Conditions,
  type RunningTarget,
  type Startable,
} from './targets.ts'

const tryEveryMs = 5
const startLimitMs = 120_000
/** Mosquitto writes down all it has when it ends. */
const stopLimitMs = 120_000

/** The value is milliseconds from the start of the process until a client has its CONNACK. */
export async function measureStart(task: StartTask, row: Row, name: Startable, pace: Pace): Promise<Measurement> {
  const folder = makeFolder()
  const conditions: Conditions = { ...conditionsOf(row), aim: 'throughput' }
  const withTask = (kind: FillTask['kind']): Row => ({ ...row, task: { ...task, kind } })
  const running: RunningTarget[] = []
  try {
    const first = await startIn(folder, name, conditions, pace.nodeArgs)
    running.push(first)
    const filled = await measureRowIn(first, withTask('fill'), name, pace)
    const stoppingMs = performance.now()
    await first.stop(stopLimitMs)
    const stopMs = performance.now() - stoppingMs

    const port = await freePort()
    let pid = 0
    const startedAtMs = performance.now()
    const starting = startIn(
      folder,
      name,
      { ...conditions, start: { port, spawned: (spawnedPid) => void (pid = spawnedPid) } },
      pace.nodeArgs,
    )
    const answering = untilConnack(port).then((atMs) => ({ ms: atMs - startedAtMs, seconds: processorSeconds(pid) }))
    // Heard below, unless the start fails before.
    answering.catch(() => {})
    const second = await starting
    running.push(second)
    const ready = await answering
    const recalled = await measureRowIn(second, withTask('recall'), name, pace)
    return {
      value: ready.ms,
      lost: filled.lost + recalled.lost,
      faults: [...filled.faults, ...recalled.faults],
      detail: { ...filled.detail, ...recalled.detail, stopMs, startProcessorMs: ready.seconds * 1000 },
    }
  } catch (error) {
    return didNotStart(error)
  } finally {
    for (const target of running) await target.stop()
    removeFolder(folder)
  }
}

/** Resolves to when a client was answered; throws when that takes over two minutes. */
async function untilConnack(port: number): Promise<number> {
  const deadlineMs = performance.now() + startLimitMs
  for (;;) {
    try {
      const client = await Client.open(port, 'first')
      const atMs = performance.now()
      client.destroy()
      return atMs
    } catch (error) {
      if (performance.now() > deadlineMs) throw error
      await sleep(tryEveryMs)
    }
  }
}
