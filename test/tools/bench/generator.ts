// The load generator, a process of its own: one job as JSON in argv, one measurement as JSON on stdout, then it ends.
import { measureThroughput } from './closed-loop.ts'
import { measureConnectRate, measureIdleMemory } from './connections.ts'
import { measureCrowd } from './crowd.ts'
import { fill, recall } from './filling.ts'
import { measureBurst } from './burst.ts'
import { speakTls } from './client.ts'
import type { Job, Measurement } from './job.ts'
import { measureDrain, measureOffline } from './kept-sessions.ts'
import { measureLatency } from './open-loop.ts'
import { measureRetainedLookup } from './retained-lookup.ts'
import { measureSubscriptions } from './subscriptions.ts'

async function measure(job: Job): Promise<Measurement> {
  const { task, port, brokerPid, warmUpSeconds, seconds } = job
  switch (task.kind) {
    case 'throughput':
      return measureThroughput(task, job)
    case 'offline':
      return measureOffline(task, job)
    case 'drain':
      return measureDrain(task, job)
    case 'latency':
      return measureLatency(task, job)
    case 'idle':
      return measureIdleMemory(task, port, brokerPid)
    case 'burst':
      return measureBurst(task, job)
    case 'connect':
      return measureConnectRate(task, port, brokerPid, warmUpSeconds, seconds)
    case 'subscribe':
      return measureSubscriptions(task, port, brokerPid)
    case 'retained':
      return measureRetainedLookup(task, port, brokerPid)
    case 'crowd':
      return measureCrowd(task, port, brokerPid)
    case 'fill':
      return fill(task, port, brokerPid)
    case 'recall':
      return recall(task, port, brokerPid)
    case 'start':
    default:
      throw new Error('a start is not measured by a generator')
  }
}

const job: Job = JSON.parse(process.argv[2] ?? '')
if (job.isTls === true) speakTls()
const measurement = await measure(job)
process.stdout.write(`${JSON.stringify(measurement)}\n`, () => process.exit(0))
