// A second table: MQTT 5 beside MQTT 3.1.1, target by target.
import { baselineRatio, renderMarkdown, renderRatio, renderRuns, type RowResult } from './table.ts'
import type { Startable, TargetName } from './targets.ts'

/** The table and what it means; nothing when no row with a baseline was measured. */
export function describeVersions(results: readonly RowResult[], targets: readonly TargetName[]): string {
  const compared = results.filter(({ row }) => row.baseline !== undefined)
  if (compared.length === 0) return ''
  const columns = [...targets.filter((name) => name === 'hub' || name === 'mosquitto'), 'sink'] satisfies Startable[]
  const head = [
    'MQTT 5 beside 3.1.1 (msg/s)',
    ...columns.flatMap((name) => {
      const words = name === 'sink' ? 'generator alone' : name
      return [`${words}, 3.1.1`, `${words}, 5`, '5 ÷ 3.1.1']
    }),
  ]
  const lines = compared.map((result) => {
    const { row, runs, baselineRuns } = result
    const cells = columns.flatMap((name) => [
      renderRuns(row, baselineRuns[name]),
      renderRuns(row, runs[name]),
      renderRatio(baselineRatio(result, name)),
    ])
    return [row.name].concat(cells)
  })
  return [
    renderMarkdown([head, ...lines]),
    '',
    'The same load without properties, 3.1.1 and 5 one right after the other in every round, each first in every other one,',
    "each time with a new process; 5 ÷ 3.1.1 is the median of the rounds' ratios. With fewer than 3 rounds it says little.",
    '',
  ].join('\n')
}
