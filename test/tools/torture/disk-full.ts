import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { check } from './checker.ts'
import { Faults } from './faults.ts'
import { HubProcess } from './hub-process.ts'
import type { Outcome } from './outcome.ts'
import type { Plan, SubscriberPlan } from './plan.ts'
import { PublishingClient } from './publishing-client.ts'
import { Qos0Pair } from './qos0-pair.ts'
import { Random } from './random.ts'
import { ReceivingClient } from './receiving-client.ts'
import { mountSmallDisk } from './small-disk.ts'
import { until } from './until.ts'
import { findPort, type Workshop } from './workshop.ts'

export interface DiskFullOptions {
  readonly workshop: Workshop
  readonly seed: number
  readonly durability: string
}

const DISK_MEGABYTES = 16
const BALLAST_BYTES = 5 * 1024 * 1024
const PACE = { messagesPerSecond: 500, windowMessages: 20 }
const FILL_DEADLINE_MS = 60_000
const FULL_MS = 5000
/** How long no acknowledgement comes before the disk counts as full. */
const SILENCE_MS = 1500
const RECOVERY_DEADLINE_MS = 30_000
const MAX_LINES_A_MINUTE = 1
/** What the hub's log says when it cannot store. */
const FULL_LINE = /"msg":"the store cannot write/
const UNLIMITED = ['--limits-max-queued-messages', 'null', '--limits-max-queued-bytes', 'null']

const SLEEPER: SubscriberPlan = { clientId: 'sleeper', filters: [['full/#', 2]], habit: 'sleeper' }
const PLAN: Plan = {
  publishers: [
    { id: 'filler-1', qos: 1, isRetained: false, topics: ['full/1'], maxPaddingBytes: 16_000 },
    { id: 'filler-2', qos: 2, isRetained: false, topics: ['full/2'], maxPaddingBytes: 16_000 },
  ],
  subscribers: [SLEEPER],
}

/**
 * Fills a small disk with messages for a client that is away. What cannot be stored must not be acknowledged, others must not
 * notice, a restart must work on the full disk, and with new room all goes on by itself.
 */
export async function runDiskFull({ workshop, seed, durability }: DiskFullOptions): Promise<Outcome> {
  const disk = mountSmallDisk(workshop, DISK_MEGABYTES)
  if ('whyNot' in disk) return { scenario: 'disk-full', counted: {}, faults: [], skipped: disk.whyNot }
  const ballast = join(disk.folder, 'ballast')
  writeFileSync(ballast, Buffer.alloc(BALLAST_BYTES))

  const random = new Random(seed)
  const faults = new Faults()
  const port = await findPort()
  const data = join(disk.folder, 'data')
  const args = ['--data', data, '--durability', durability, ...UNLIMITED, '--log-level', 'info']
  const hub = new HubProcess({ workshop, port, args, faults })
  if (!(await hub.start())) return { scenario: 'disk-full', counted: {}, faults: faults.lines }

  const sleeper = new ReceivingClient(port, SLEEPER, { 'filler-1': 1, 'filler-2': 2 }, random, faults)
  await until(() => sleeper.isSubscribed && !sleeper.client.isConnected, FILL_DEADLINE_MS)
  const publishers = PLAN.publishers.map((plan) => new PublishingClient(port, plan, PACE, random, faults))
  const acknowledged = (): number =>
    publishers.reduce((total, { sentMessages, outstandingMessages }) => total + sentMessages - outstandingMessages, 0)

  await untilSilent(acknowledged, faults)
  const acknowledgedBefore = acknowledged()
  const connectsBefore = publishers.map(({ client }) => client.connects)
  const logBefore = hub.readLog().length
  const pair = new Qos0Pair(port, random, faults)
  await sleep(FULL_MS)
  await pair.stop()
  const linesWhileFull = hub
    .readLog()
    .slice(logBefore)
    .split('\n')
    .filter((line) => FULL_LINE.test(line)).length
  const linesTotal = hub
    .readLog()
    .split('\n')
    .filter((line) => FULL_LINE.test(line)).length
  const connects = publishers.map(({ client }) => client.connects)
  if (linesTotal === 0) faults.add('no word in the log', 'that the disk is full')
  if (linesWhileFull > MAX_LINES_A_MINUTE) faults.add('log flooded', `${linesWhileFull} lines in ${FULL_MS} ms`)
  if (connects.some((count) => count < 2)) faults.add('not closed', `connections of the publishers: ${connects.join()}`)
  if (pair.receivedMessages < pair.sentMessages)
    faults.add('QoS 0 lost', `${pair.sentMessages - pair.receivedMessages}`)

  await hub.kill()
  await hub.start()
  await sleep(SILENCE_MS)
  rmSync(ballast)
  for (const publisher of publishers) publisher.finish()
  if (!(await until(() => publishers.every((each) => each.outstandingMessages === 0), RECOVERY_DEADLINE_MS)))
    faults.add('not recovered', `no acknowledgement within ${RECOVERY_DEADLINE_MS} ms of new room`)
  sleeper.finish()
  const published = publishers.map((publisher) => publisher.report())
  const look = () => check(PLAN, published, [sleeper.report()])
  await until(() => look().faults.countOf('missing') === 0, RECOVERY_DEADLINE_MS)
  await sleep(SILENCE_MS)
  const verdict = look()
  faults.addAll(verdict.faults.byKind)
  for (const { client } of [...publishers, sleeper]) client.leave(true)
  await hub.stop()
  return {
    scenario: 'disk-full',
    faults: faults.lines,
    counted: {
      seed,
      'acknowledged before the disk was full': acknowledgedBefore,
      'acknowledged in the end': acknowledged(),
      'connections closed on publishers': connects.reduce((sum, count, i) => sum + count - (connectsBefore[i] ?? 0), 0),
      'lines in the log about it': linesTotal,
      'QoS 0 between others meanwhile': `${pair.receivedMessages} of ${pair.sentMessages}`,
      'deliveries due': verdict.due,
      missing: verdict.faults.countOf('missing'),
      'doubled at QoS 2': verdict.faults.countOf('doubled'),
    },
  }
}

/** Waits until nothing is acknowledged any more. */
async function untilSilent(acknowledged: () => number, faults: Faults): Promise<void> {
  let latest = 0
  let sinceMs = performance.now()
  const isSilent = (): boolean => {
    if (acknowledged() > latest) sinceMs = performance.now()
    latest = acknowledged()
    return latest > 0 && performance.now() - sinceMs > SILENCE_MS
  }
  if (!(await until(isSilent, FILL_DEADLINE_MS))) faults.add('not full', `${latest} messages were acknowledged`)
}
