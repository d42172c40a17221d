// `npm run bench:dashboard`: the numbers that the dashboard must reach, measured in headless Chromium against a hub.
import { readFileSync } from 'node:fs'
import { availableParallelism, loadavg, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { launchChromium } from '../../support/chromium.ts'
import { type Figure, printFigures } from './figures.ts'
import { HubProcess } from './hub-process.ts'
import { conversation, drift, history, list, type Measurement, outage, painted, size } from './measurements.ts'

const MEASUREMENTS: ReadonlyMap<string, Measurement> = new Map([
  ['conversation', conversation],
  ['list', list],
  ['history', history],
  ['painted', painted],
  ['drift', drift],
  ['size', size],
  ['outage', outage],
])

const HELP = `npm run bench:dashboard -- [flags] [${[...MEASUREMENTS.keys()].join(' | ')} ...]

  --seconds N   how long a load lasts (default 10; the limits are meant for 60)
  --topics N    topics in the list (default 100000)
  --messages N  messages of history (default 1000000)
  --away N      seconds that the hub is away (default 10)
`

async function main(argv: readonly string[]): Promise<void> {
  const text = { type: 'string' } as const
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { seconds: text, topics: text, messages: text, away: text, help: { type: 'boolean', default: false } },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const unknown = positionals.find((name) => !MEASUREMENTS.has(name))
  if (unknown !== undefined) throw new Error(`there is no measurement "${unknown}"; --help lists them`)
  const wanted = positionals.length === 0 ? [...MEASUREMENTS.keys()] : positionals
  const browser = await launchChromium()
  console.log(`${describeMachine()}, Chromium ${browser.version()}, load before: ${(loadavg()[0] ?? 0).toFixed(1)}\n`)
  const figures: Figure[] = []
  try {
    for (const name of wanted) {
      process.stderr.write(`${name} …\n`)
      const hub = new HubProcess()
      await hub.start()
      const bench = {
        hub,
        browser,
        seconds: Number(values.seconds ?? 10),
        topics: Number(values.topics ?? 100_000),
        messages: Number(values.messages ?? 1_000_000),
        awaySeconds: Number(values.away ?? 10),
      }
      try {
        const measured = (await MEASUREMENTS.get(name)?.(bench)) ?? []
        for (const { what, measured: value } of measured) process.stderr.write(`  ${what}: ${value}\n`)
        figures.push(...measured)
      } finally {
        await hub.remove()
      }
    }
  } finally {
    await browser.close()
  }
  printFigures(figures)
}

function describeMachine(): string {
  const processor = /^model name\s*:\s*(.+)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown processor'
  const memory = Math.round(totalmem() / 2 ** 30)
  return `${processor.trim()}, ${availableParallelism()} cores, ${memory} GiB, Node ${process.version}`
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`Cannot measure the dashboard: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
