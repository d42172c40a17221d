// The table that the benchmark prints, in Markdown.
import { median } from './figures.ts'
import type { Measurement } from './job.ts'
import type { Requirement, Row, Unit } from './rows.ts'
import type { Startable, TargetName } from './targets.ts'

export interface RowResult {
  row: Row
  /** One measurement for each round. */
  runs: Partial<Record<Startable, Measurement[]>>
}

const unitWords: Record<Unit, string> = { 'msg/s': 'msg/s', ms: 'ms', B: 'bytes', 'conn/s': 'a second' }

/** The median over rounds; rounds without a figure do not count. */
export function valueOf(runs: readonly Measurement[] | undefined): number {
  return median((runs ?? []).map((run) => run.value).filter((value) => !Number.isNaN(value)))
}

/** What makes a result doubtful: losses of all rounds together, and each kind of fault. */
export function faultsOf(runs: readonly Measurement[] | undefined): string[] {
  const lost = (runs ?? []).reduce((sum, run) => sum + run.lost, 0)
  const faults = new Set((runs ?? []).flatMap((run) => run.faults))
  return [...(lost > 0 ? [`LOST ${lost}`] : []), ...faults]
}

/** Whether the hub reaches what is required; undefined when the figures to tell are not there. */
export function isMet(result: RowResult): boolean | undefined {
  const hub = valueOf(result.runs.hub)
  const mosquitto = valueOf(result.runs.mosquitto)
  const { requirement } = result.row
  if (result.runs.hub === undefined) return undefined
  if (Number.isNaN(hub) || faultsOf(result.runs.hub).length > 0) return false
  if (requirement.kind === 'atLeast') return hub >= requirement.bound
  if (requirement.kind === 'atMost') return hub <= requirement.bound
  if (Number.isNaN(mosquitto)) return undefined
  return requirement.kind === 'timesMosquitto' ? hub >= requirement.atLeast * mosquitto : hub <= mosquitto
}

export function renderTable(results: readonly RowResult[], targets: readonly TargetName[]): string {
  const hasRatios = targets.includes('mosquitto')
  const compared = hasRatios ? targets.filter((name) => name !== 'mosquitto') : []
  const head = [
    'Row',
    'window',
    ...targets,
    ...compared.map((name) => `${name} ÷ mosquitto`),
    ...(targets.includes('hub') ? ['required', 'met'] : []),
    'generator alone',
  ]
  const lines = results.map((result) => {
    const { row, runs } = result
    const met = isMet(result)
    return [
      `${row.name} (${unitWords[row.unit]})`,
      row.task.kind === 'throughput' ? String(row.task.windowMessages) : '',
      ...targets.map((name) => [renderValue(valueOf(runs[name]), row.unit), ...faultsOf(runs[name])].join(' ')),
      ...compared.map((name) => renderRatio(valueOf(runs[name]) / valueOf(runs.mosquitto))),
      ...(targets.includes('hub') ? [renderRequirement(row.requirement), renderMet(met)] : []),
      row.hasCeiling ? [renderValue(valueOf(runs.sink), row.unit), ...faultsOf(runs.sink)].join(' ') : '',
    ]
  })
  return renderMarkdown([head, ...lines])
}

function renderMet(met: boolean | undefined): string {
  if (met === undefined) return '–'
  return met ? 'met' : '**not met**'
}

function renderRequirement(requirement: Requirement): string {
  switch (requirement.kind) {
    case 'timesMosquitto':
      return `≥ ${requirement.atLeast} ×`
    case 'notAboveMosquitto':
      return '≤ 1 ×'
    case 'atLeast':
      return `≥ ${requirement.bound.toLocaleString('en')}`
    case 'atMost':
    default:
      return `≤ ${requirement.bound.toLocaleString('en')}`
  }
}

function renderRatio(ratio: number): string {
  return !Number.isFinite(ratio) || ratio === 0 ? '–' : `${ratio.toFixed(ratio < 10 ? 2 : 1)} ×`
}

function renderValue(value: number, unit: Unit): string {
  if (Number.isNaN(value)) return '–'
  if (unit === 'ms') return value.toFixed(2)
  return Number(value.toPrecision(3)).toLocaleString('en')
}

function renderMarkdown(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)))
  const render = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  const [head, ...body] = rows.map(render)
  return [head, rule, ...body].join('\n')
}
