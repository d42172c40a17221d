// Latency: messages leave by a fixed schedule, and each is timed from the moment it was due, whether or not the sender
// was held up. So a pause of the broker is felt by every message that was due in it (no coordinated omission).
/* oxlint-disable no-await-in-loop -- connections open one after another, and a wait is a loop */
import { setTimeout as sleep } from 'node:timers/promises'
import { OrderedArrivals } from './arrivals.ts'
import { Client, closedFaults } from './client.ts'
import { collectedSeconds } from './collector.ts'
import { quantile } from './figures.ts'
import type { Job, LatencyTask, Measurement } from './job.ts'
import { MessageRing } from './message-ring.ts'
import { ProcessorUse } from './process-usage.ts'
import { Receiver } from './receiver.ts'
import { filterOf, topicsOf } from './topology.ts'

const drainMs = 5000
const ringSlots = 4096 // of each publisher: eight seconds at 500 a second

/** Runs the schedule with publisher i to subscriber i; the value is the 99th percentile in milliseconds. */
export async function measureLatency(task: LatencyTask, job: Job): Promise<Measurement> {
  const { port, brokerPid, warmUpSeconds, seconds } = job
  const intervalMs = 1000 / task.offeredPerSecond
  const warmUpMessages = Math.round(warmUpSeconds * task.offeredPerSecond)
  const total = warmUpMessages + Math.round(seconds * task.offeredPerSecond)
  // Not a number stands for what has not come.
  const latenciesMs = new Float64Array(total - warmUpMessages).fill(Number.NaN)
  let startMs = 0
  let received = 0
  const delivered = (publisher: number, sequence: number): void => {
    const number = sequence * task.publishers + publisher
    received++
    if (number >= warmUpMessages)
      latenciesMs[number - warmUpMessages] = performance.now() - (startMs + number * intervalMs)
  }

  const receivers: Receiver[] = []
  const sockets: { client: Client; ring: MessageRing }[] = []
  for (let i = 0; i < task.publishers; i++) {
    const subscriber = await Client.open(port, `s${i}`)
    await subscriber.subscribe(filterOf(task, i), task.qos)
    receivers.push(new Receiver(subscriber, task, new OrderedArrivals(task.publishers), delivered))
    const client = await Client.open(port, `p${i}`)
    client.handle({ frame() {}, chunkEnd() {} })
    sockets.push({ client, ring: new MessageRing(i, { ...task, topics: topicsOf(task, i) }, ringSlots) })
  }

  const collectedBefore = await collectedSeconds(job)
  const use = new ProcessorUse(brokerPid)
  startMs = performance.now() + 10
  // A timer is a millisecond coarse; turning the event loop without a pause sends within some microseconds of the
  // schedule. It costs this process a core of its own.
  await new Promise<void>((resolve) => {
    let next = 0
    const turn = (): void => {
      const due = Math.min(total, Math.floor((performance.now() - startMs) / intervalMs) + 1)
      for (; next < due; next++) {
        const sender = sockets[next % sockets.length]
        const sequence = Math.floor(next / sockets.length)
        sender?.client.socket.write(sender.ring.stamp(sequence, sequence + 1))
      }
      if (next < total) setImmediate(turn)
      else resolve()
    }
    turn()
  })
  const used = use.end()
  const deadlineMs = performance.now() + drainMs
  const isDrained = (): boolean => received >= total
  while (!isDrained() && performance.now() < deadlineMs) await sleep(10)

  const collected = (await collectedSeconds(job)) - collectedBefore
  const faults: string[] = []
  const late = receivers.reduce((sum, receiver) => sum + receiver.lateMessages, 0)
  const damaged = receivers.reduce((sum, receiver) => sum + receiver.damaged, 0)
  if (late > 0) faults.push(`LATE OR TWICE ${late}`)
  if (damaged > 0) faults.push(`DAMAGED ${damaged}`)
  faults.push(...closedFaults())
  return {
    value: quantile(latenciesMs, 0.99),
    lost: Math.max(0, total - received),
    faults,
    detail: {
      p50Ms: quantile(latenciesMs, 0.5),
      p99Ms: quantile(latenciesMs, 0.99),
      p999Ms: quantile(latenciesMs, 0.999),
      maxMs: quantile(latenciesMs, 1),
      sentPerSecond: total / used.elapsedSeconds,
      ...(Number.isNaN(collected) ? undefined : { collectorShare: collected / used.elapsedSeconds }),
      ...used,
    },
  }
}
