import { cpSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { check, checkRetained, type Published } from './checker.ts'
import { damageStore } from './damage.ts'
import { Faults } from './faults.ts'
import { HubProcess } from './hub-process.ts'
import type { Outcome } from './outcome.ts'
import type { Plan } from './plan.ts'
import { PublishingClient } from './publishing-client.ts'
import { Random } from './random.ts'
import { ReceivingClient } from './receiving-client.ts'
import { readRetained } from './retained-reader.ts'
import { SessionReader } from './session-reader.ts'
import { until } from './until.ts'
import { findPort, type Workshop } from './workshop.ts'

export interface CorruptOptions {
  readonly workshop: Workshop
  readonly rounds: number
  readonly seed: number
  readonly durability: string
}

const FILL_MS = 1500
const USE_MS = 400
const DEADLINE_MS = 15_000
const PACE = { messagesPerSecond: 400, windowMessages: 20 }
/** A store that was moved aside has the day in its name. */
const ASIDE = /\d{4}-?\d{2}-?\d{2}/
/** How the hub's log tells of a part that it could not read. */
const TOLD = /cannot be read/

/** What the store is filled with before it is damaged. */
const KEPT = planFor('kept', ['sleeper-a', 'sleeper-b', 'sleeper-c'], 'sleeper')

function planFor(prefix: string, clientIds: readonly string[], habit: 'sleeper' | 'steady'): Plan {
  return {
    publishers: [0, 1, 2].map((i) => ({
      id: `${prefix}${i}`,
      qos: i === 1 ? 2 : 1,
      isRetained: i === 2,
      topics: [`${prefix}/${i}/a`, `${prefix}/${i}/b`],
      maxPaddingBytes: i === 0 ? 3000 : 60,
    })),
    subscribers: clientIds.map((clientId) => ({ clientId, filters: [[`${prefix}/#`, 2]], habit })),
  }
}

/** Counts of all rounds. */
interface Counts {
  intact: number
  /** A part was lost, and the log tells. */
  partlyRead: number
  movedAside: number
}

/**
 * Damages a stopped hub's store and starts the hub: it has to start, with all it had, or saying what it could not read, or
 * with the whole store moved aside; and it must go on working.
 */
export async function runCorrupt({ workshop, rounds, seed, durability }: CorruptOptions): Promise<Outcome> {
  const random = new Random(seed)
  const faults = new Faults()
  const port = await findPort()
  const folder = join(workshop.folder, 'data')
  const pristine = join(workshop.folder, 'pristine')
  const args = ['--data', folder, '--durability', durability, '--log-level', 'info']
  const hub = new HubProcess({ workshop, port, args, faults })
  const counts: Counts = { intact: 0, partlyRead: 0, movedAside: 0 }

  const published = (await hub.start()) ? await publishAll(KEPT, port, random, faults, FILL_MS) : []
  await hub.kill()
  if (faults.lines.length > 0) return { scenario: 'corrupt', counted: {}, faults: faults.lines }
  cpSync(folder, pristine, { recursive: true, filter: isNoSocket })
  for (let round = 1; round <= rounds; round++) {
    rmSync(folder, { recursive: true })
    cpSync(pristine, folder, { recursive: true })
    const damage = damageStore(folder, random)
    const inRound = new Faults()
    await runRound({ hub, workshop, port, random, published }, inRound, counts)
    for (const [kind, { count, example }] of Object.entries(inRound.byKind))
      faults.add(kind, `${example} (round ${round}: ${damage})`, count)
  }
  return {
    scenario: 'corrupt',
    faults: faults.lines,
    counted: {
      seed,
      'stores damaged': rounds,
      'messages kept in each': published.reduce((total, { sent }) => total + sent, 0) * KEPT.subscribers.length,
      'read in full': counts.intact,
      'read in part, which the log tells': counts.partlyRead,
      'moved aside, which the log tells': counts.movedAside,
      'slowest start (ms)': Math.round(hub.slowestStartMs),
    },
  }
}

interface Round {
  readonly hub: HubProcess
  readonly workshop: Workshop
  readonly port: number
  readonly random: Random
  readonly published: readonly Published[]
}

async function runRound({ hub, workshop, port, random, published }: Round, faults: Faults, counts: Counts) {
  hub.useFaults(faults)
  const namesBefore = listNames(workshop)
  const logBefore = hub.readLog().length
  if (!(await hub.start())) return
  const asides = listNames(workshop).filter((name) => !namesBefore.includes(name) && ASIDE.test(name))

  const lost = new Faults()
  const readers = KEPT.subscribers.map(({ clientId }) => new SessionReader(port, clientId, random, faults))
  const received = await Promise.all(readers.map((reader) => reader.readAll()))
  for (const reader of readers) if (reader.isSessionPresent === false) lost.add('session lost', 'a kept one')
  const verdict = check(KEPT, published, received)
  for (const [kind, { count, example }] of Object.entries(verdict.faults.byKind))
    (kind === 'missing' ? lost : faults).add(kind, example, count)
  const retained = await readRetained(port, 'kept/#', random, faults)
  checkRetained(KEPT, published, retained, lost)

  const log = hub.readLog().slice(logBefore)
  const isTold = asides.length > 0 ? asides.every((name) => log.includes(name)) : TOLD.test(log)
  if (asides.length > 0) counts.movedAside++
  else if (lost.lines.length === 0) counts.intact++
  else if (isTold) counts.partlyRead++
  if ((asides.length > 0 || lost.lines.length > 0) && !isTold)
    faults.add('lost without a word', [...asides, ...lost.lines].join('; '))

  await publishAll(planFor('fresh', ['fresh-reader'], 'steady'), port, random, faults, USE_MS)
  await hub.stop()
  if (await hub.start()) await hub.stop()
  for (const name of asides) rmSync(join(workshop.folder, name), { recursive: true, force: true })
}

/** Has a plan's subscribers subscribe, its publishers publish for a while, and checks what came to those who stay. */
async function publishAll(
  plan: Plan,
  port: number,
  random: Random,
  faults: Faults,
  durationMs: number,
): Promise<Published[]> {
  const qosByPublisher = Object.fromEntries(plan.publishers.map(({ id, qos }) => [id, qos]))
  const subscribers = plan.subscribers.map((each) => new ReceivingClient(port, each, qosByPublisher, random, faults))
  if (!(await until(() => subscribers.every(({ isSubscribed }) => isSubscribed), DEADLINE_MS)))
    faults.add('not subscribed', plan.subscribers.map(({ clientId }) => clientId).join())
  const publishers = plan.publishers.map((each) => new PublishingClient(port, each, PACE, random, faults))
  await sleep(durationMs)
  for (const publisher of publishers) publisher.finish()
  if (!(await until(() => publishers.every(({ outstandingMessages }) => outstandingMessages === 0), DEADLINE_MS)))
    faults.add('not acknowledged', `some messages after ${DEADLINE_MS} ms`)
  const published = publishers.map((publisher) => publisher.report())
  if (plan.subscribers.every(({ habit }) => habit === 'steady')) {
    const missing = (): number =>
      check(
        plan,
        published,
        subscribers.map((subscriber) => subscriber.report()),
      ).faults.countOf('missing')
    if (!(await until(() => missing() === 0, DEADLINE_MS)))
      faults.add('missing after the start', `${missing()} messages`)
  }
  for (const { client } of [...publishers, ...subscribers]) client.leave(true)
  return published
}

function listNames({ folder }: Workshop): string[] {
  return [folder, join(folder, 'data')].flatMap((path) =>
    readdirSync(path).map((name) => (path === folder ? name : join('data', name))),
  )
}

/** A hub that was killed leaves its lock behind, which cannot be copied. */
function isNoSocket(path: string): boolean {
  return !statSync(path).isSocket()
}
