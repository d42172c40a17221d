// One row against one target: starts both processes, waits for the figure, ends both.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Job, Measurement } from './job.ts'
import type { Row } from './rows.ts'
import { startTarget, watch, type Conditions, type RunningTarget, type Startable } from './targets.ts'

// The generator collects garbage in its own thread, not by helpers on the broker's core. The young generation stays small:
// with 64 MiB a collection took 5 ms instead of 0.07 ms and made the 99th percentile of every target.
const generatorNodeArgs = ['--single-threaded-gc']
const generatorPath = fileURLToPath(new URL('generator.js', import.meta.url))

export interface Pace {
  warmUpSeconds: number
  seconds: number
  /** For the hub's Node. */
  nodeArgs: readonly string[]
}

/** Against a new process of the target. Never throws for what it does: a stall, a crash or a refusal is a fault of the measurement. */
export async function measureRow(row: Row, name: Startable, pace: Pace): Promise<Measurement> {
  let target
  try {
    target = await startTarget(name, conditionsOf(row), pace.nodeArgs)
  } catch (error) {
    return didNotStart(error)
  }
  try {
    return await measureRowIn(target, row, name, pace)
  } finally {
    await target.stop()
  }
}

/** Against a process that runs already; never throws for what it does. */
export async function measureRowIn(target: RunningTarget, row: Row, name: Startable, pace: Pace): Promise<Measurement> {
  const { seconds } = pace
  const warmUpSeconds = Math.max(pace.warmUpSeconds, row.leastWarmUpSeconds ?? 0)
  const { task } = row
  const job: Job = { task, port: target.port, brokerPid: target.pid, warmUpSeconds, seconds }
  if (row.isTls === true) job.isTls = true
  if (row.isOnDisk && name === 'mosquitto') job.saveSignal = 'SIGUSR1'
  if (target.collectorFile !== undefined) job.collectorFile = target.collectorFile
  return runGenerator(job, warmUpSeconds + seconds + row.allowanceSeconds, target)
}

/** What a start that failed is as a measurement. */
export function didNotStart(error: unknown): Measurement {
  return failed(`DID NOT START: ${errorLine(error instanceof Error ? error.message : String(error))}`)
}

export function conditionsOf(row: Row): Conditions {
  const { kind } = row.task
  return {
    aim: row.unit === 'ms' ? 'latency' : 'throughput',
    isOnDisk: row.isOnDisk,
    isTls: row.isTls === true,
    hasQueueLimits: kind !== 'offline' && kind !== 'drain',
    hasSubscriptionLimit: kind !== 'subscribe' && !('hasFilterEach' in row.task && row.task.hasFilterEach),
  }
}

async function runGenerator(job: Job, limitSeconds: number, target: RunningTarget): Promise<Measurement> {
  const child = spawn(process.execPath, [...generatorNodeArgs, generatorPath, JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const generator = watch(child)
  let output = ''
  let isOverdue = false
  let endedBy: string | null = null
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const watchdog = setTimeout(() => {
    isOverdue = true
    child.kill('SIGKILL')
  }, limitSeconds * 1000)
  await new Promise<void>((resolve) => {
    child.once('close', (_code, signal) => {
      endedBy = signal
      resolve()
    })
  })
  clearTimeout(watchdog)
  if (isOverdue) return failed(`STALLED (not done within ${limitSeconds} s)`)
  try {
    // JSON has no NaN: it arrives as null.
    const measurement: Omit<Measurement, 'value'> & { value: number | null } = JSON.parse(output)
    return { ...measurement, value: measurement.value ?? Number.NaN }
  } catch {
    const reason = errorLine(generator.lastWords()) || `the generator ended without a word, by ${endedBy ?? 'itself'}`
    return failed(
      `FAILED: ${[reason, errorLine(target.lastWords())].filter((words) => words !== '').join('; broker: ')}`,
    )
  }
}

/** The line of an output that says what is wrong, or its last line. */
function errorLine(output: string): string {
  return /\w*Error: .*$/m.exec(output)?.[0] ?? output.trim().split('\n').at(-1) ?? ''
}

function failed(fault: string): Measurement {
  return { value: Number.NaN, lost: 0, faults: [fault], detail: {} }
}
