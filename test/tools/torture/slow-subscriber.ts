import { setTimeout as sleep } from 'node:timers/promises'
import { Crowd } from './crowd.ts'
import { Faults } from './faults.ts'
import { FrozenClient } from './frozen-client.ts'
import { checkLedger, startHubInside } from './hub-inside.ts'
import type { Outcome } from './outcome.ts'
import type { Plan } from './plan.ts'
import { Random } from './random.ts'
import { until } from './until.ts'
import type { Workshop } from './workshop.ts'

export interface SlowSubscriberOptions {
  readonly workshop: Workshop
  /** How long it does not read. */
  readonly seconds: number
  readonly seed: number
}

const MAX_QUEUED_MESSAGES = 1000
const MAX_INFLIGHT_MESSAGES = 100
const MAX_OUTPUT_BYTES = 65_536
const PACE = { messagesPerSecond: 250, windowMessages: 20 }
const WARM_UP_MS = 2000
const QUIET_MS = 1000
const DRAIN_DEADLINE_MS = 60_000
/** What others may lose of their rate: half, since machines that run tests have other things to do. */
const MIN_RATE_SHARE = 0.5
const MAX_GROWTH_BYTES = 128 * 1024 * 1024

const PLAN: Plan = {
  publishers: [0, 1, 2, 3].map((i) => ({
    id: `p${i}`,
    qos: i % 2 === 0 ? 1 : 2,
    isRetained: false,
    topics: [`torture/p${i}/a`, `torture/p${i}/b`],
    maxPaddingBytes: 8000,
  })),
  subscribers: [
    { clientId: 'steady-all', filters: [['torture/#', 2]], habit: 'steady' },
    { clientId: 'steady-one', filters: [['torture/+/a', 1]], habit: 'steady' },
  ],
}

/** Two clients stop reading, one that gets all at QoS 0 and one at QoS 1; the others must not notice, and memory is bounded. */
export async function runSlowSubscriber({ workshop, seconds, seed }: SlowSubscriberOptions): Promise<Outcome> {
  const faults = new Faults()
  const random = new Random(seed)
  const limits = {
    maxQueuedMessages: MAX_QUEUED_MESSAGES,
    maxInflightMessages: MAX_INFLIGHT_MESSAGES,
    maxOutputBytes: MAX_OUTPUT_BYTES,
  }
  const { hub, port } = await startHubInside({ data: 'memory', limits })
  const crowd = new Crowd({ workshop, port, plan: PLAN, pace: PACE, seed })
  const frozen = [new FrozenClient(port, 0, random, faults), new FrozenClient(port, 1, random, faults)]
  try {
    if (!(await until(() => frozen.every(({ isSubscribed }) => isSubscribed), QUIET_MS * 10)))
      faults.add('not subscribed', 'the clients that are to freeze')
    await crowd.start()
    await until(() => crowd.sent > 0, QUIET_MS * 10)
    const usualRate = await measureRate(crowd, WARM_UP_MS)
    for (const client of frozen) client.freeze()
    const memoryBefore = process.memoryUsage.rss()
    const rate = await measureRate(crowd, seconds * 1000)
    const grownBytes = process.memoryUsage.rss() - memoryBefore
    if (rate < usualRate * MIN_RATE_SHARE)
      faults.add('others are slowed', `${usualRate} messages a second before, ${rate} meanwhile`)
    if (grownBytes > MAX_GROWTH_BYTES) faults.add('memory', `grew by ${grownBytes} bytes`)
    const held = hub.pendingMessages
    checkLedger(hub, faults)

    for (const client of frozen) client.thaw()
    const { verdict, faults: found } = await crowd.finish(QUIET_MS, DRAIN_DEADLINE_MS)
    faults.addAll(found.byKind)
    if (!(await until(() => hub.pendingMessages === 0, QUIET_MS * 10)))
      faults.add('pending', `${hub.pendingMessages} messages when all was read`)
    checkLedger(hub, faults)
    const { dropped, matched, delivered } = hub.ledger
    for (const reason of ['output-full', 'queue-full'] as const)
      if (dropped[reason] === 0) faults.add('no drop', reason)
    const took = frozen.reduce((total, { receivedMessages }) => total + receivedMessages, 0)
    const due = crowd.sent * frozen.length
    const lost = dropped['output-full'] + dropped['queue-full']
    if (took + lost !== due) faults.add('drops miscounted', `${due} due, ${took} arrived, ${lost} dropped`)
    return {
      scenario: 'slow-subscriber',
      faults: faults.lines,
      counted: {
        seed,
        'messages a second before': usualRate,
        'messages a second meanwhile': rate,
        'memory grew by (MiB)': Math.round(grownBytes / 1024 / 1024),
        'pending at the end of the freeze': held,
        'due to the two that froze': due,
        'of these arrived': took,
        'of these dropped: output-full': dropped['output-full'],
        'of these dropped: queue-full': dropped['queue-full'],
        'deliveries due to others': verdict.due,
        'missing at others': verdict.faults.countOf('missing'),
        'ledger: matched': matched,
        'ledger: delivered': delivered,
      },
    }
  } finally {
    crowd.end()
    for (const client of frozen) client.end()
    await hub.stop()
  }
}

/** Messages published a second. */
async function measureRate(crowd: Crowd, durationMs: number): Promise<number> {
  const before = crowd.sent
  await sleep(durationMs)
  return Math.round((crowd.sent - before) / (durationMs / 1000))
}
