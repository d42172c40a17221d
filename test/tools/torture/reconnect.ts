import { Crowd } from './crowd.ts'
import { Faults } from './faults.ts'
import { checkLedger, startHubInside } from './hub-inside.ts'
import type { Outcome } from './outcome.ts'
import type { Plan } from './plan.ts'
import { until } from './until.ts'
import type { Workshop } from './workshop.ts'

export interface ReconnectOptions {
  readonly workshop: Workshop
  readonly clients: number
  readonly seed: number
}

const PUBLISHERS = 6
const DROPS = 3
const RECONNECT_DEADLINE_MS = 20_000
const QUIET_MS = 1000
const DRAIN_DEADLINE_MS = 60_000
const PACE = { messagesPerSecond: 10, windowMessages: 20 }

/** Each client has a kept session and a filter that one publisher serves, at QoS 1 or 2. */
function planFor(clients: number): Plan {
  return {
    publishers: Array.from({ length: PUBLISHERS }, (_, i) => ({
      id: `p${i}`,
      qos: i % 2 === 0 ? 1 : 2,
      isRetained: false,
      topics: [`torture/p${i}/a`],
      maxPaddingBytes: 60,
    })),
    subscribers: Array.from({ length: clients }, (_, i) => ({
      clientId: `client-${i}`,
      filters: [[`torture/p${i % PUBLISHERS}/+`, 2]],
      habit: 'steady',
    })),
  }
}

/** Kept clients lose their connections all at once and come back, again and again, while messages for them go on. */
export async function runReconnect({ workshop, clients, seed }: ReconnectOptions): Promise<Outcome> {
  const faults = new Faults()
  const { hub, port } = await startHubInside({ data: 'memory' })
  const crowd = new Crowd({ workshop, port, plan: planFor(clients), pace: PACE, seed })
  let slowestMs = 0
  try {
    await crowd.start()
    for (let drop = 1; drop <= DROPS; drop++) {
      const startedMs = performance.now()
      crowd.dropSubscribers()
      const areBack = await until(() => crowd.subscriberConnects >= clients * (drop + 1), RECONNECT_DEADLINE_MS)
      if (!areBack) faults.add('not back', `${crowd.subscriberConnects} connections after ${drop} drops`)
      slowestMs = Math.max(slowestMs, performance.now() - startedMs)
    }
    const { verdict, faults: found } = await crowd.finish(QUIET_MS, DRAIN_DEADLINE_MS)
    faults.addAll(found.byKind)
    checkLedger(hub, faults)
    if (hub.pendingMessages > 0) faults.add('pending', `${hub.pendingMessages} messages when all was read`)
    return {
      scenario: 'reconnect',
      faults: faults.lines,
      counted: {
        seed,
        'kept clients': clients,
        'times all were dropped': DROPS,
        'slowest return of all (ms)': Math.round(slowestMs),
        'messages published and acknowledged': crowd.sent,
        'deliveries due': verdict.due,
        'repeated at QoS 1': verdict.repeated,
        missing: verdict.faults.countOf('missing'),
        'doubled at QoS 2': verdict.faults.countOf('doubled'),
        'out of order': verdict.faults.countOf('out of order'),
        'ledger: matched': hub.ledger.matched,
        'ledger: delivered': hub.ledger.delivered,
        'ledger: dropped': hub.ledger.droppedTotal,
      },
    }
  } finally {
    crowd.end()
    await hub.stop()
  }
}
