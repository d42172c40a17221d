// `npm run bench`: measures rows × targets × rounds, one after another, and prints what came out.
/* oxlint-disable no-await-in-loop -- measurements must not overlap */
import { AgedHub } from './aged-hub.ts'
import { describeCosts } from './cost-table.ts'
import type { Measurement } from './job.ts'
import { chooseRows } from './field-rows.ts'
import { describeField } from './field-table.ts'
import { describeLatencies } from './latency-table.ts'
import { describeMachine, openFilesLimit } from './machine.ts'
import { measureRow } from './measure.ts'
import { help, parseOptions, type Options } from './options.ts'
import { measureStart } from './start-row.ts'
import { takesPart, type Row } from './rows.ts'
import { describeDisk, describeRun, writeJson } from './report.ts'
import { disturbanceOf, faultsOf, renderTable, type RowResult, type Runs } from './table.ts'
import { describeVersions } from './version-table.ts'
import { controls, killAll, mosquittoPath, natsPath, whyMissing, type Startable, type TargetName } from './targets.ts'

const spareFiles = 200

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
  const rows = chooseRows(options.rows, affordableConnections())
  if (targets.length === 0 || rows.length === 0) {
    console.error(`Nothing to measure: ${targets.length} targets, ${rows.length} rows with "${options.rows}"`)
    return 2
  }

  const machine = describeMachine(mosquittoPath, natsPath)
  const results = await measureAll(rows, targets, options)
  console.log(`\n${renderTable(results, targets)}\n`)
  console.log(describeCosts(results, targets))
  console.log(describeLatencies(results, targets))
  console.log(describeField(results, targets))
  console.log(describeVersions(results, targets))
  console.log(describeDisk(results))
  console.log(describeRun(machine, options, results))
  console.log(`Figures in ${writeJson(machine, options, targets, results)}`)

  const isFaulty = results.some(({ runs, baselineRuns }) =>
    ([...targets, 'sink'] as const).some(
      (name) => !controls.has(name) && [runs, baselineRuns].some((taken) => faultsOf(taken[name]).length > 0),
    ),
  )
  return isFaulty ? 1 : 0
}

/**
 * Interleaves the targets within a round, so that a busy moment of the machine meets all of them alike; a row and its
 * baseline follow each other, the one or the other first.
 */
async function measureAll(
  rows: readonly Row[],
  targets: readonly TargetName[],
  options: Options,
): Promise<RowResult[]> {
  const results = rows.map((row): RowResult => ({ row, runs: {}, baselineRuns: {} }))
  const aged = targets.includes('aged') ? await AgedHub.start(rows, options) : undefined
  const measure: Measure = async (row, name) => {
    if (row.task.kind === 'start') return measureStart(row.task, row, name, options)
    return name === 'aged' && aged !== undefined ? aged.measure(row, options) : measureRow(row, name, options)
  }
  for (let round = 1; round <= options.rounds; round++) {
    for (const { row, runs, baselineRuns } of results) {
      const startables: Startable[] = [
        ...targets.filter((name) => takesPart(row, name)),
        ...(row.hasCeiling ? (['sink'] as const) : []),
      ]
      const legs: Leg[] = [{ row, runs }]
      if (row.baseline !== undefined) {
        legs.push({ row: { ...row, name: `${row.name}: baseline`, task: row.baseline }, runs: baselineRuns })
      }
      if (round % 2 === 1) legs.reverse()
      for (const name of startables) {
        for (const leg of legs) {
          await measureLeg(leg, name, measure, options, `round ${round}/${options.rounds}`)
        }
      }
    }
  }
  await aged?.stop()
  return results
}

type Measure = (row: Row, name: Startable) => Promise<Measurement>

/** A row or its baseline, and where its measurements go. */
interface Leg {
  row: Row
  runs: Runs
}

async function measureLeg(
  { row, runs }: Leg,
  name: Startable,
  measure: Measure,
  options: Options,
  round: string,
): Promise<void> {
  const measurement = await measureInPeace(row, name, measure, options.retries)
  ;(runs[name] ??= []).push(measurement)
  const faults = faultsOf([measurement]).join(' ')
  const value = Number(measurement.value.toPrecision(4)).toLocaleString('en')
  console.error(`${round}  ${row.name}  ${name}: ${value} ${row.unit} ${faults}`)
}

/**
 * Repeats a measurement that other programs disturbed and takes the least disturbed one. What is taken depends on those
 * programs alone, never on the figure.
 */
async function measureInPeace(row: Row, name: Startable, measure: Measure, retries: number): Promise<Measurement> {
  let calmest = await measure(row, name)
  for (let retry = 0; retry < retries && disturbanceOf(calmest) > row.disturbedFromShare; retry++) {
    const next = await measure(row, name)
    if (disturbanceOf(next) < disturbanceOf(calmest)) calmest = next
  }
  return calmest
}

/** As many as the limit of open files allows to a broker and to the generator. */
function affordableConnections(): number {
  return openFilesLimit() - spareFiles
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    killAll()
    process.exit(130)
  })
}
process.exitCode = await main(process.argv.slice(2))
