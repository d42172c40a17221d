// A table of its own: how soon messages come at a rate that is offered, whether or not the server keeps up.
import { median } from './figures.ts'
import type { Measurement } from './job.ts'
import { renderMarkdown, targetTitles, type RowResult } from './table.ts'
import type { TargetName } from './targets.ts'

const quantiles = ['p50Ms', 'p99Ms', 'p999Ms'] as const

/** The table; nothing when no latency was measured. */
export function describeLatencies(results: readonly RowResult[], targets: readonly TargetName[]): string {
  const columns = [...targets, 'sink'] as const
  const lines = results
    .filter(({ row }) => row.task.kind === 'latency')
    .map(({ row, runs }) => {
      const cells = columns.map((name) => quantiles.map((key) => render(medianOf(runs[name], key))).join(' / '))
      return [row.name.replace(/^p99 latency at /u, '')].concat(
        cells,
        renderShare(medianOf(runs.hub, 'collectorShare')),
      )
    })
  if (lines.length === 0) return ''
  return [
    renderMarkdown([
      ['p50 / p99 / p99.9 (ms)', ...targets.map((name) => targetTitles[name]), 'bare relay', "hub's collector"],
      ...lines,
    ]),
    '',
    'Of each message from the moment it was due, in an open loop; medians of the rounds. Collector: the share of the time,',
    "warm-up included, that the garbage collector had the hub's main thread (perf_hooks in its process).",
    '',
  ].join('\n')
}

function medianOf(runs: readonly Measurement[] | undefined, key: string): number {
  return median((runs ?? []).map(({ detail }) => detail[key] ?? Number.NaN).filter((one) => Number.isFinite(one)))
}

function render(ms: number): string {
  return Number.isNaN(ms) ? '–' : ms.toFixed(ms < 10 ? 2 : 1)
}

function renderShare(share: number): string {
  return Number.isNaN(share) ? '–' : `${(share * 100).toFixed(2)} %`
}
