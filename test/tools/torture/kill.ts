import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkRetained } from './checker.ts'
import { Crowd } from './crowd.ts'
import { Faults } from './faults.ts'
import { HubProcess } from './hub-process.ts'
import type { Outcome } from './outcome.ts'
import { fullPlan } from './plan.ts'
import type { Pace } from './publishing-client.ts'
import { Random } from './random.ts'
import { readRetained } from './retained-reader.ts'
import { findPort, type Workshop } from './workshop.ts'

export interface KillOptions {
  readonly workshop: Workshop
  readonly kills: number
  readonly seed: number
  readonly publishers: number
  readonly pace: Pace
  /** How long nothing must come for all to be read. */
  readonly quietMs: number
  /** For the hub: where it keeps its data and how surely. */
  readonly storeArgs: readonly string[]
}

const UNLIMITED = ['--limits-max-queued-messages', 'null', '--limits-max-queued-bytes', 'null']
const WARM_UP_MS = 1000
const DRAIN_DEADLINE_MS = 120_000

interface Deaths {
  /** By SIGKILL, in all. */
  kills: number
  whileStarting: number
  graceful: number
}

/** The arguments for a store in a folder of the workshop. */
export function storeIn(workshop: Workshop, durability: string): string[] {
  return ['--data', join(workshop.folder, 'data'), '--durability', durability]
}

/**
 * Kills the hub again and again while others publish and subscribe, then checks that nothing acknowledged is missing, nothing
 * of QoS 2 came twice, and order held.
 */
export async function runKill(options: KillOptions): Promise<Outcome> {
  const { workshop, seed, publishers, pace, quietMs, storeArgs } = options
  const random = new Random(seed)
  const faults = new Faults()
  const port = await findPort()
  const args = [...storeArgs, ...UNLIMITED, '--log-level', 'info']
  const hub = new HubProcess({ workshop, port, args, faults })
  const plan = fullPlan(publishers)
  const crowd = new Crowd({ workshop, port, plan, pace, seed: random.between(0, 1e9) })

  if (!(await hub.start())) return { scenario: 'kill', counted: {}, faults: faults.lines }
  await crowd.start()
  const deaths = await killRepeatedly(hub, options.kills, random)
  const observed = await crowd.finish(quietMs, DRAIN_DEADLINE_MS)
  faults.addAll(observed.faults.byKind)

  // Once more, now that all is read: nothing may come a second time, and what is retained is still there.
  const received = crowd.received
  await hub.stop()
  if (await hub.start()) {
    checkRetained(plan, observed.published, await readRetained(port, 'torture/#', random, faults), faults)
    await sleep(quietMs)
    if (crowd.received > received) faults.add('came again', `${crowd.received - received} after the last restart`)
    await hub.stop()
  }
  crowd.end()

  const { verdict } = observed
  return {
    scenario: 'kill',
    faults: faults.lines,
    counted: {
      seed,
      'killed by SIGKILL': deaths.kills,
      'of these while starting': deaths.whileStarting,
      'stopped by SIGTERM': deaths.graceful,
      'messages published and acknowledged': crowd.sent - crowd.outstanding,
      'connections made': crowd.connects,
      'deliveries due': verdict.due,
      'messages received': received,
      'repeated at QoS 1': verdict.repeated,
      missing: verdict.faults.countOf('missing'),
      'doubled at QoS 2': verdict.faults.countOf('doubled'),
      'out of order': verdict.faults.countOf('out of order'),
      'slowest start (ms)': Math.round(hub.slowestStartMs),
      'most memory of a hub (MiB)': Math.round(hub.peakMemoryBytes / 1024 / 1024),
    },
  }
}

/** Ends and restarts the hub `kills` times by SIGKILL, now and then by SIGTERM or while it starts. It is up at the end. */
async function killRepeatedly(hub: HubProcess, kills: number, random: Random): Promise<Deaths> {
  const deaths: Deaths = { kills: 0, whileStarting: 0, graceful: 0 }
  await sleep(WARM_UP_MS)
  while (deaths.kills < kills) {
    // Half of the time clients are still coming back.
    await sleep(random.isLikely(0.5) ? random.between(0, 200) : random.between(200, 1500))
    if (random.isLikely(0.1)) {
      deaths.graceful++
      await hub.stop()
    } else {
      deaths.kills++
      await hub.kill()
    }
    while (deaths.kills < kills && random.isLikely(0.2)) {
      hub.spawn()
      await sleep(random.between(0, 700))
      await hub.kill()
      deaths.kills++
      deaths.whileStarting++
    }
    if (!(await hub.start())) return deaths
  }
  return deaths
}
