// What `npm run bench` understands.
import { parseArgs } from 'node:util'
import { defaultTargets, targetNames, type TargetName } from './targets.ts'

export interface Options {
  targets: readonly TargetName[]
  /** Only rows whose name contains this. */
  rows: string
  warmUpSeconds: number
  seconds: number
  rounds: number
  /** How often a measurement is repeated when other programs were busy during it. */
  retries: number
  nodeArgs: readonly string[]
  /** undefined: a file named for the date, in test/tools/bench/results. */
  json: string | undefined
}

export const help = `Usage: npm run bench -- [options]

Measures the hub, bare Aedes, Mosquitto and NATS side by side and prints Markdown tables: what each reaches, and what it costs
of processor time. State is in memory, but for the rows "on disk": the hub with --data FOLDER, Mosquitto with "persistence true",
the others not at all. The rows "MQTT 5" leave Aedes and NATS out too, and NATS has no QoS 2. Beside them is the limit: the
least possible server in C on the same sockets, which takes part in the rows of MQTT 3.1.1 in memory at QoS 0 and 1.

  --targets LIST    some of ${targetNames.join(',')}, separated by commas
                    (default: all but aged). aged is one hub for the whole run, in which all its rows, those in memory, ran
                    once before anything is measured: as long as a round more
  --rows TEXT       only rows whose name contains TEXT, such as "QoS 0" or "latency" or "MQTT 5" or "on disk"; "field"
                    chooses rows that are measured only then, of the hub and Mosquitto: a start with 1,000,000 retained
                    messages and 100,000 sessions, as many connections as may be open, 100,000 filters. Minutes each
  --seconds N       measured time of a row (default 3), after a warm-up of half of it
  --rounds N        how often each row is measured; the table shows medians (default 3)
  --retries N       measure again, up to N times, while other programs disturb a measurement, and take the least disturbed
                    (default 0; the table marks what was disturbed)
  --quick           the same as --seconds 1 --rounds 1
  --node-args TEXT  arguments for the hub's Node, such as "--cpu-prof --cpu-prof-dir=/tmp/profiles"
  --json FILE       where the figures go (default test/tools/bench/results/<date>.json)
  --help            this

Exits 1 when a hub or Mosquitto lost a message, stalled or failed. Bare Aedes, NATS and the limit are controls: what goes
wrong there is shown, no more.`

/** Throws an Error that names the option when one is wrong; undefined asks for the help. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: joinNodeArgs(args),
    options: {
      targets: { type: 'string', default: defaultTargets.join(',') },
      rows: { type: 'string', default: '' },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      retries: { type: 'string' },
      quick: { type: 'boolean', default: false },
      'node-args': { type: 'string', default: '' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const seconds = positive('--seconds', values.seconds ?? (values.quick ? '1' : '3'))
  return {
    targets: parseTargets(values.targets),
    rows: values.rows,
    warmUpSeconds: Math.max(1, seconds / 2),
    seconds,
    rounds: Math.ceil(positive('--rounds', values.rounds ?? (values.quick ? '1' : '3'))),
    retries: values.retries === undefined ? 0 : Math.ceil(positive('--retries', values.retries)),
    nodeArgs: values['node-args'].split(/\s+/u).filter((part) => part !== ''),
    json: values.json,
  }
}

/** parseArgs takes a value that begins with a dash only behind "=". */
function joinNodeArgs(args: readonly string[]): string[] {
  const at = args.indexOf('--node-args')
  if (at === -1) return [...args]
  return [...args.slice(0, at), `--node-args=${args[at + 1] ?? ''}`, ...args.slice(at + 2)]
}

function parseTargets(list: string): TargetName[] {
  return list.split(',').map((part) => {
    const name = targetNames.find((known) => known === part.trim())
    if (name === undefined) {
      throw new Error(`Cannot use --targets: each must be one of ${targetNames.join(', ')}, one is "${part.trim()}"`)
    }
    return name
  })
}

function positive(option: string, text: string): number {
  const value = Number(text)
  if (!(value > 0 && value <= 3600))
    throw new Error(`Cannot use ${option}: it must be over 0, up to 3600, it is "${text}"`)
  return value
}
