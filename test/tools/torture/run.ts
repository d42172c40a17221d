// `npm run torture`: runs scenarios one after another and prints what they counted.
import { JUMPS_MS, runClock } from './clock.ts'
import { runCorrupt } from './corrupt.ts'
import { AMOUNTS, runHogs } from './hogs.ts'
import { runDiskFull } from './disk-full.ts'
import { runKill, storeIn } from './kill.ts'
import { help, type Options, parseOptions, type Scenario } from './options.ts'
import { describeOutcome, type Outcome } from './outcome.ts'
import { runReconnect } from './reconnect.ts'
import { runSlowSubscriber } from './slow-subscriber.ts'
import { Workshop } from './workshop.ts'

const PUBLISHERS = 6
const QUIET_MS = 2000
const PACE = { messagesPerSecond: 250, windowMessages: 20 }

/** Runs what was asked for; returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  let options: Options | undefined
  try {
    options = parseOptions(args)
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    return 2
  }
  if (options === undefined) {
    console.log(help)
    return 0
  }
  let exitCode = 0
  for (const scenario of options.scenarios) {
    const outcome = await runInWorkshop(scenario, options)
    console.log(describeOutcome(outcome))
    if (outcome.faults.length > 0) exitCode = 1
  }
  return exitCode
}

/** Gives a scenario a folder of its own and leaves nothing behind, also when it is interrupted. */
async function runInWorkshop(scenario: Scenario, options: Options): Promise<Outcome> {
  const workshop = new Workshop(options.isKept)
  console.log(`${scenario}: seed ${options.seed}, folder ${workshop.folder}`)
  const interrupt = (): void => {
    void workshop.close().then(() => process.exit(130))
  }
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    return options.isSelfTest ? await runSelfTest(workshop, options) : await run(scenario, workshop, options)
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    await workshop.close()
  }
}

async function run(scenario: Scenario, workshop: Workshop, options: Options): Promise<Outcome> {
  const { kills, rounds, clients, seconds, seed, durability, heapMegabytes } = options
  const storeArgs = storeIn(workshop, durability)
  switch (scenario) {
    case 'disk-full':
      return runDiskFull({ workshop, seed, durability })
    case 'corrupt':
      return runCorrupt({ workshop, rounds, seed, durability })
    case 'slow-subscriber':
      return runSlowSubscriber({ workshop, seconds, seed })
    case 'clock':
      return runClock({ workshop, jumpsMs: JUMPS_MS, seed })
    case 'reconnect':
      return runReconnect({ workshop, clients, seed })
    case 'hogs': {
      const amounts = Object.fromEntries(Object.entries(AMOUNTS).filter(([name]) => name.includes(options.hogs)))
      return runHogs({ workshop, amounts, seconds, heapMegabytes, isControlWanted: true })
    }
    case 'kill':
    default:
      return runKill({ workshop, kills, seed, publishers: PUBLISHERS, pace: PACE, quietMs: QUIET_MS, storeArgs })
  }
}

/** A hub without a disk loses sessions and messages when it is killed; a checker that does not see that is no good. */
async function runSelfTest(workshop: Workshop, { kills, seed }: Options): Promise<Outcome> {
  const storeArgs = ['--data', 'memory']
  const { counted, faults } = await runKill({
    workshop,
    kills,
    seed,
    publishers: PUBLISHERS,
    pace: PACE,
    quietMs: QUIET_MS,
    storeArgs,
  })
  const wanted = ['session lost', 'missing', 'retained too old']
  const unseen = wanted.filter((kind) => !faults.some((fault) => fault.startsWith(kind)))
  return {
    scenario: 'kill, self-test',
    counted: { ...counted, ...Object.fromEntries(faults.map((fault, i) => [`found ${i + 1}`, fault])) },
    faults: unseen.map((kind) => `the checker did not find "${kind}"`),
  }
}

process.exitCode = await main(process.argv.slice(2))
