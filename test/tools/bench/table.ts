// The table that the benchmark prints, in Markdown.
import { median } from './figures.ts'
import type { Measurement } from './job.ts'
import type { Requirement, Row, Unit } from './rows.ts'
import type { Startable, TargetName } from './targets.ts'

/** One measurement for each round. */
export type Runs = Partial<Record<Startable, Measurement[]>>

export interface RowResult {
  row: Row
  runs: Runs
  /** Of the row's baseline; empty when it has none. */
  baselineRuns: Runs
}

// From here on the generator is busy for about as long as the broker.
const limitingShare = 0.75
/** What stands over the column of a target. */
export const targetTitles: Record<TargetName, string> = {
  hub: 'hub',
  aged: 'hub, aged',
  aedes: 'aedes',
  mosquitto: 'mosquitto',
  nats: 'nats',
  limit: 'limit in C',
}

const unitWords: Record<Unit, string> = {
  'msg/s': 'msg/s',
  ms: 'ms',
  B: 'bytes',
  'conn/s': 'a second',
  'sub/s': 'a second',
}

/** The median over rounds; rounds without a figure do not count. */
export function valueOf(runs: readonly Measurement[] | undefined): number {
  return median((runs ?? []).map((run) => run.value).filter((value) => !Number.isNaN(value)))
}

/** How many times its baseline the row reaches: the median over rounds, in each of which both were measured in turn. */
export function baselineRatio({ runs, baselineRuns }: RowResult, name: Startable): number {
  const ratios = (runs[name] ?? []).map((run, round) => run.value / (baselineRuns[name]?.[round]?.value ?? Number.NaN))
  return median(ratios.filter((ratio) => !Number.isNaN(ratio)))
}

/** What makes a result doubtful: losses of all rounds together, and each kind of fault. */
export function faultsOf(runs: readonly Measurement[] | undefined): string[] {
  const lost = (runs ?? []).reduce((sum, run) => sum + run.lost, 0)
  const faults = new Set((runs ?? []).flatMap((run) => run.faults))
  return [...(lost > 0 ? [`LOST ${lost}`] : []), ...faults]
}

/** The share of a core that other programs used during a measurement. */
export function disturbanceOf(run: Measurement): number {
  return run.detail['othersBusy'] ?? 0
}

function isDisturbed(row: Row, runs: readonly Measurement[] | undefined): boolean {
  return median((runs ?? []).map(disturbanceOf)) > row.disturbedFromShare
}

/** Whether the hub reaches what is required; undefined when nothing is, or the figures to tell are not there. */
export function isMet(result: RowResult): boolean | undefined {
  const { requirement } = result.row
  if (result.runs.hub === undefined || requirement.kind === 'none') return undefined
  const hub = valueOf(result.runs.hub)
  if (Number.isNaN(hub) || faultsOf(result.runs.hub).length > 0) return false
  if (requirement.kind === 'timesBaseline') {
    const ratio = baselineRatio(result, 'hub')
    return Number.isNaN(ratio) || faultsOf(result.baselineRuns.hub).length > 0
      ? undefined
      : ratio >= requirement.atLeast
  }
  return reaches(hub, requirement, valueOf(result.runs.mosquitto))
}

/** Whether a figure reaches what is required beside Mosquitto's figure; a baseline is not asked here. */
function reaches(value: number, requirement: Requirement, mosquitto: number): boolean | undefined {
  if (requirement.kind === 'none' || requirement.kind === 'timesBaseline') return undefined
  if (requirement.kind === 'atLeast') return value >= requirement.bound
  if (requirement.kind === 'atMost') return value <= requirement.bound
  if (Number.isNaN(mosquitto)) return undefined
  return requirement.kind === 'timesMosquitto' ? value >= requirement.atLeast * mosquitto : value <= mosquitto
}

export function renderTable(results: readonly RowResult[], targets: readonly TargetName[]): string {
  const hasRatios = targets.includes('mosquitto')
  const compared = hasRatios ? targets.filter((name) => !['mosquitto', 'aged', 'limit'].includes(name)) : []
  const head = [
    'Row',
    'window',
    ...targets.map((name) => targetTitles[name]),
    ...compared.map((name) => `${name} ÷ mosquitto`),
    ...(targets.includes('hub') ? ['required', 'met'] : []),
    'generator alone',
  ]
  const lines = results.map((result) => {
    const { row, runs } = result
    return [
      `${row.name} (${unitWords[row.unit]})`,
      'windowMessages' in row.task ? String(row.task.windowMessages) : '',
      ...targets.map((name) => renderRuns(row, runs[name])),
      ...compared.map((name) => renderRatio(valueOf(runs[name]) / valueOf(runs.mosquitto))),
      ...(targets.includes('hub') ? [renderRequirement(row.requirement), renderMet(result)] : []),
      row.hasCeiling ? renderCeiling(result) : '',
    ]
  })
  return renderMarkdown([head, ...lines])
}

/** The median, marked when it was disturbed, with what makes it doubtful. */
export function renderRuns(row: Row, runs: readonly Measurement[] | undefined): string {
  return `${isDisturbed(row, runs) ? '~' : ''}${renderValue(valueOf(runs), row.unit)}${renderFaults(runs)}`
}

/** The best of all rounds: what the generator can do, in a quiet moment. */
function ceilingOf({ row, runs }: RowResult): number {
  const values = (runs.sink ?? []).map((run) => run.value).filter((value) => !Number.isNaN(value))
  if (values.length === 0) return Number.NaN
  return row.unit === 'ms' ? Math.min(...values) : Math.max(...values)
}

/** Without the reason, which stands on stderr and in the JSON file. */
function renderFaults(runs: readonly Measurement[] | undefined): string {
  return faultsOf(runs)
    .map((fault) => ` ${fault.split(':')[0] ?? fault}`)
    .join('')
}

function renderMet(result: RowResult): string {
  const met = isMet(result)
  if (met === undefined) return '–'
  const doubt = isDoubtful(result, met) ? ' (disturbed)' : ''
  if (met) return `met${doubt}`
  const ceiling = reaches(ceilingOf(result), result.row.requirement, valueOf(result.runs.mosquitto))
  const isOutOfReach = result.row.hasCeiling && ceiling === false
  return `**not met**${doubt}${isOutOfReach ? ', nor by the generator alone' : ''}`
}

/** A disturbed comparison may go either way; a bound that is reached in spite of a disturbance is reached. */
function isDoubtful({ row, runs, baselineRuns }: RowResult, met: boolean): boolean {
  if (row.requirement.kind === 'atLeast' || row.requirement.kind === 'atMost') return !met && isDisturbed(row, runs.hub)
  const besides = row.requirement.kind === 'timesBaseline' ? baselineRuns.hub : runs.mosquitto
  return isDisturbed(row, runs.hub) || isDisturbed(row, besides)
}

/** Says when the hub is so near the ceiling that its figure may be the generator's. */
function renderCeiling(result: RowResult): string {
  const { row, runs } = result
  const ceiling = ceilingOf(result)
  const isLimit = row.unit === 'msg/s' && valueOf(runs.hub) >= limitingShare * ceiling
  return `${renderValue(ceiling, row.unit)}${isLimit ? ' (limits)' : ''}${renderFaults(runs.sink)}`
}

function renderRequirement(requirement: Requirement): string {
  switch (requirement.kind) {
    case 'timesMosquitto':
      return `≥ ${requirement.atLeast} ×`
    case 'notAboveMosquitto':
      return '≤ 1 ×'
    case 'timesBaseline':
      return `≥ ${requirement.atLeast} × 3.1.1`
    case 'atLeast':
      return `≥ ${requirement.bound.toLocaleString('en')}`
    case 'atMost':
      return `≤ ${requirement.bound.toLocaleString('en')}`
    case 'none':
    default:
      return '–'
  }
}

export function renderRatio(ratio: number): string {
  return !Number.isFinite(ratio) || ratio === 0 ? '–' : `${ratio.toFixed(ratio < 10 ? 2 : 1)} ×`
}

export function renderValue(value: number, unit: Unit): string {
  if (Number.isNaN(value)) return '–'
  if (unit === 'ms') return value.toFixed(2)
  return Number(value.toPrecision(3)).toLocaleString('en')
}

export function renderMarkdown(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)))
  const render = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  const [head, ...body] = rows.map(render)
  return [head, rule, ...body].join('\n')
}
