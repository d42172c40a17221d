// `npm run bench`: measures rows × targets × rounds, one after another, and prints what came out.
/* oxlint-disable no-await-in-loop -- measurements must not overlap */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeMachine, openFilesLimit } from './machine.ts'
import { measureRow } from './measure.ts'
import { help, parseOptions, type Options } from './options.ts'
import { allRows, type Row } from './rows.ts'
import { faultsOf, isMet, renderTable, valueOf, type RowResult } from './table.ts'
import { killAll, mosquittoPath, whyMissing, type Startable, type TargetName } from './targets.ts'

const wantedIdleConnections = 9000
const spareFiles = 200
const resultsFolder = fileURLToPath(new URL('../../test/bench/results', import.meta.url))

/** The whole benchmark; returns the exit code. */
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

  const targets = options.targets.filter((name) => {
    const reason = whyMissing(name)
    if (reason !== undefined) console.log(`Without ${name}: ${reason}.`)
    return reason === undefined
  })
  const rows = allRows(affordableIdleConnections()).filter((row) => row.name.includes(options.rows))
  if (targets.length === 0 || rows.length === 0) {
    console.error(`Nothing to measure: ${targets.length} targets, ${rows.length} rows with "${options.rows}"`)
    return 2
  }

  const machine = describeMachine(mosquittoPath)
  const results = await measureAll(rows, targets, options)
  const words = [
    `${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Linux ${machine.kernel}`,
    `Node ${machine.node}`,
    machine.mosquitto === undefined ? 'without Mosquitto' : `Mosquitto ${machine.mosquitto}`,
    `load average at the start ${machine.loadAtStart.toFixed(2)}`,
  ].join('; ')
  console.log(`\n${renderTable(results, targets)}\n`)
  console.log(`${words}.`)
  console.log(
    `Median of ${options.rounds} × ${options.seconds} s after ${options.warmUpSeconds} s of warm-up, a new process each time. ` +
      'Window: messages that each publisher keeps on their way, the same for every target. ' +
      '"generator alone": the load generator against a server that only passes bytes on.',
  )
  writeJson(options, machine, targets, results)

  const isFaulty = results.some(({ runs }) =>
    ([...targets, 'sink'] as const).some((name) => name !== 'aedes' && faultsOf(runs[name]).length > 0),
  )
  return isFaulty ? 1 : 0
}

/** Interleaves the targets within a round, so that a busy moment of the machine meets all of them alike. */
async function measureAll(
  rows: readonly Row[],
  targets: readonly TargetName[],
  options: Options,
): Promise<RowResult[]> {
  const results = rows.map((row): RowResult => ({ row, runs: {} }))
  for (let round = 1; round <= options.rounds; round++) {
    for (const { row, runs } of results) {
      const startables: Startable[] = round === 1 && row.hasCeiling ? [...targets, 'sink'] : [...targets]
      for (const name of startables) {
        const measurement = await measureRow(row, name, options)
        ;(runs[name] ??= []).push(measurement)
        const faults = faultsOf([measurement]).join(' ')
        const value = Number(measurement.value.toPrecision(4)).toLocaleString('en')
        console.error(`round ${round}/${options.rounds}  ${row.name}  ${name}: ${value} ${row.unit} ${faults}`)
      }
    }
  }
  return results
}

/** As many as wanted, or as the limit of open files allows, and then it says so. */
function affordableIdleConnections(): number {
  const affordable = openFilesLimit() - spareFiles
  if (affordable >= wantedIdleConnections) return wantedIdleConnections
  console.log(`Only ${affordable} idle connections: a process may open ${openFilesLimit()} files (ulimit -n).`)
  return affordable
}

function writeJson(
  options: Options,
  machine: ReturnType<typeof describeMachine>,
  targets: readonly TargetName[],
  results: readonly RowResult[],
): void {
  const date = new Date().toISOString()
  const file = options.json ?? join(resultsFolder, `${date.replaceAll(':', '-').slice(0, 19)}.json`)
  mkdirSync(dirname(file), { recursive: true })
  const rows = results.map((result) => ({
    name: result.row.name,
    unit: result.row.unit,
    task: result.row.task,
    requirement: result.row.requirement,
    isMet: isMet(result) ?? null,
    medians: Object.fromEntries(Object.entries(result.runs).map(([name, runs]) => [name, valueOf(runs)])),
    runs: result.runs,
  }))
  writeFileSync(file, `${JSON.stringify({ date, machine, options, targets, rows }, null, 2)}\n`)
  console.log(`Figures in ${file}`)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    killAll()
    process.exit(130)
  })
}
process.exitCode = await main(process.argv.slice(2))
