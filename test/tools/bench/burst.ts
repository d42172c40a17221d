// How soon a quiet pair of clients hears each other while a fleet comes back over TLS: all handshakes are asked for at once, by a process of
// their own, so that this one feels nothing of their work.
/* oxlint-disable no-await-in-loop -- a wait is a loop */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { OrderedArrivals } from './arrivals.ts'
import { Client, closedFaults } from './client.ts'
import { quantile } from './figures.ts'
import type { BurstTask, Job, Measurement } from './job.ts'
import { MessageRing } from './message-ring.ts'
import { ProcessorUse } from './process-usage.ts'
import { Receiver } from './receiver.ts'
import { filterOf, topicsOf } from './topology.ts'

const burstPath = fileURLToPath(new URL('handshake-burst.js', import.meta.url))
const ringSlots = 4096
const drainMs = 5000
const pair = { publishers: 1, subscribers: 1, topicsEach: 1, qos: 0, payloadBytes: 64 } as const

/** The value is the 99th percentile in milliseconds of the messages that were due from the first handshake to the last. */
export async function measureBurst(task: BurstTask, job: Job): Promise<Measurement> {
  const { port, brokerPid, warmUpSeconds } = job
  const intervalMs = 1000 / task.messagesPerSecond
  const latenciesMs: number[] = []
  let isMeasured = false
  let startMs = performance.now()
  let received = 0
  const subscriber = await Client.open(port, 'quiet-s')
  await subscriber.subscribe(filterOf(pair, 0), 0)
  const receiver = new Receiver(subscriber, pair, new OrderedArrivals(1), (_publisher, sequence) => {
    received++
    if (isMeasured) latenciesMs.push(performance.now() - (startMs + sequence * intervalMs))
  })
  const publisher = await Client.open(port, 'quiet-p')
  publisher.handle({ frame() {}, chunkEnd() {} })
  const ring = new MessageRing(0, { ...pair, topics: topicsOf(pair, 0) }, ringSlots)
  let sent = 0
  let isOver = false
  startMs = performance.now()
  // Turning the event loop without a pause keeps to the schedule within microseconds.
  const schedule = new Promise<void>((resolve) => {
    const turn = (): void => {
      const due = Math.floor((performance.now() - startMs) / intervalMs) + 1
      for (; sent < due; sent++) publisher.socket.write(ring.stamp(sent, sent + 1))
      if (isOver) resolve()
      else setImmediate(turn)
    }
    turn()
  })
  await sleep(warmUpSeconds * 1000)
  const use = new ProcessorUse(brokerPid)
  isMeasured = true
  const outcome = await burst(port, task.handshakes)
  isMeasured = false
  const used = use.end()
  isOver = true
  await schedule
  const deadlineMs = performance.now() + drainMs
  const isDrained = (): boolean => received >= sent
  while (!isDrained() && performance.now() < deadlineMs) await sleep(10)
  return {
    value: quantile(Float64Array.from(latenciesMs), 0.99),
    lost: sent - received + outcome.failed,
    faults: [...(receiver.damaged > 0 ? [`DAMAGED ${receiver.damaged}`] : []), ...closedFaults()],
    detail: { ...used, burstSeconds: outcome.seconds, messages: latenciesMs.length },
  }
}

async function burst(port: number, handshakes: number): Promise<{ seconds: number; failed: number }> {
  const child = spawn(process.execPath, [burstPath, String(port), String(handshakes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  await once(child, 'close')
  return JSON.parse(output)
}
