// What `npm run torture` understands.
import { parseArgs } from 'node:util'

export const SCENARIOS = ['kill', 'disk-full', 'corrupt', 'slow-subscriber', 'reconnect', 'clock', 'hogs'] as const
export type Scenario = (typeof SCENARIOS)[number]

export interface Options {
  readonly scenarios: readonly Scenario[]
  readonly kills: number
  /** How many times a store is damaged. */
  readonly rounds: number
  readonly clients: number
  readonly seconds: number
  /** Which hogs, by a part of their names. */
  readonly hogs: string
  readonly heapMegabytes: number
  readonly seed: number
  readonly durability: string
  readonly isKept: boolean
  /** The hub keeps everything in memory only, so the checker has to find losses. */
  readonly isSelfTest: boolean
}

export const help = `Usage: npm run torture -- [options] [SCENARIO…]

Torments the hub and counts what came of it: every acknowledged message has to arrive.

  SCENARIO          one of those of --scenario, in its place
  --scenario LIST   some of ${SCENARIOS.join(', ')},
                    separated by commas, or all (default: all)
  --kills N         kill: how often the hub dies by SIGKILL (default 100)
  --rounds N        corrupt: how often the store is damaged (default 40)
  --clients N       reconnect: how many clients come back at once (default 1000)
  --seconds N       slow-subscriber: how long others publish meanwhile; hogs: how long each goes on (default 20)
  --hogs TEXT       hogs: only those whose names have this in them
  --heap N          hogs: megabytes of the hub's JavaScript heap (default 128)
  --durability MODE what the hub is told: disk or fsync (default disk)
  --seed N          repeats the random choices of a run, though not its timing (default: a new one, which is printed)
  --self-test       kill, with a hub that keeps everything in memory: passes when the checker finds the losses
  --keep            leave the temporary folder, with the store and the hub's log
  --help            this

Exits 1 when anything was lost, doubled, out of order or otherwise wrong. disk-full needs root and Linux.`

/** Throws an Error that names the option when one is wrong; undefined asks for the help. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      scenario: { type: 'string', default: 'all' },
      kills: { type: 'string', default: '100' },
      rounds: { type: 'string', default: '40' },
      clients: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '20' },
      hogs: { type: 'string', default: '' },
      heap: { type: 'string', default: '128' },
      durability: { type: 'string', default: 'disk' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      'self-test': { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const isSelfTest = values['self-test']
  return {
    scenarios: isSelfTest ? ['kill'] : parseScenarios(positionals.length > 0 ? positionals.join() : values.scenario),
    kills: whole('--kills', values.kills, 0, 10_000),
    rounds: whole('--rounds', values.rounds, 1, 10_000),
    clients: whole('--clients', values.clients, 1, 20_000),
    seconds: whole('--seconds', values.seconds, 1, 3600),
    hogs: values.hogs,
    heapMegabytes: whole('--heap', values.heap, 64, 100_000),
    seed: whole('--seed', values.seed, 0, 2 ** 32 - 1),
    durability: values.durability,
    isKept: values.keep,
    isSelfTest,
  }
}

function parseScenarios(list: string): readonly Scenario[] {
  if (list === 'all') return SCENARIOS
  return list.split(',').map((part) => {
    const scenario = SCENARIOS.find((known) => known === part.trim())
    if (scenario === undefined)
      throw new Error(`Cannot use --scenario: each must be one of ${SCENARIOS.join(', ')}, one is "${part.trim()}"`)
    return scenario
  })
}

function whole(option: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (!(Number.isInteger(value) && value >= min && value <= max))
    throw new Error(`Cannot use ${option}: it must be a whole number from ${min} to ${max}, it is "${text}"`)
  return value
}
