// A table of its own: what a message or a connection costs the server, which depends little on what else the machine does.
import { median } from './figures.ts'
import type { Measurement } from './job.ts'
import type { CostAim, Row } from './rows.ts'
import { renderMarkdown, targetTitles, type RowResult } from './table.ts'
import type { TargetName } from './targets.ts'

/** The server's processor time, user and system, for each message delivered or connection served, in µs; NaN: not known. */
export function costMicroseconds({ task }: Row, { value, detail }: Measurement): number {
  const brokerBusy = detail['brokerBusy'] ?? Number.NaN
  if (task.kind === 'throughput' || task.kind === 'connect' || task.kind === 'subscribe')
    return (brokerBusy * 1e6) / value
  if (task.kind === 'crowd') return detail['microsecondsEach'] ?? Number.NaN
  return task.kind === 'latency' ? (brokerBusy * 1e6) / (detail['sentPerSecond'] ?? Number.NaN) : Number.NaN
}

/** The table; nothing when no cost is known. */
export function describeCosts(results: readonly RowResult[], targets: readonly TargetName[]): string {
  const columns = [...targets, 'sink'] as const
  const lines = results.flatMap(({ row, runs }) => {
    const costs = columns.map((name) => costOf(row, runs[name]))
    return costs.some((cost) => cost !== '–') ? [[row.name, ...costs, renderAim(row.costAim)]] : []
  })
  if (lines.length === 0) return ''
  return [
    renderMarkdown([
      [
        'Processor time of the server (µs)',
        ...targets.map((name) => targetTitles[name]),
        'bare relay',
        'hub, to reach',
      ],
      ...lines,
    ]),
    '',
    'For each message delivered, connection that came and went, or subscription made: user and system time, medians of the',
    'rounds. Bare relay: a Node program that only passes bytes on.',
    '',
  ].join('\n')
}

function costOf(row: Row, runs: readonly Measurement[] | undefined): string {
  const cost = median((runs ?? []).map((run) => costMicroseconds(row, run)).filter((one) => Number.isFinite(one)))
  if (Number.isNaN(cost)) return '–'
  return cost < 100 ? cost.toPrecision(2) : cost.toFixed(0)
}

function renderAim(aim: CostAim | undefined): string {
  if (aim === undefined) return '–'
  return aim.kind === 'atMost' ? `≤ ${aim.microseconds}` : `≤ ${aim.atMost} × the relay`
}
