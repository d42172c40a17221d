import { expect, test } from 'vitest'
import type { Measurement } from './job.ts'
import { describeLatencies } from './latency-table.ts'
import { allRows, type Row } from './rows.ts'

const rows = allRows(1)

function find(name: string): Row {
  const row = rows.find((one) => one.name === name)
  if (row === undefined) throw new Error(`there is no row ${name}`)
  return row
}

function run(detail: Record<string, number>): Measurement {
  return { value: detail['p99Ms'] ?? Number.NaN, lost: 0, faults: [], detail }
}

test('describeLatencies has three percentiles of each target, and what the collector took of the hub', () => {
  const row = find('p99 latency at 5,000 msg/s, QoS 0')
  const hub = [0.2, 0.3, 0.1].map((p50Ms) => run({ p50Ms, p99Ms: 2 * p50Ms, p999Ms: 12.34, collectorShare: 0.015 }))
  const sink = [run({ p50Ms: 0.1, p99Ms: 0.2, p999Ms: 0.3 })]
  const lines = describeLatencies([{ row, runs: { hub, sink }, baselineRuns: {} }], ['hub', 'mosquitto']).split('\n')
  expect(lines[2]?.split('|').map((cell) => cell.trim())).toEqual([
    '',
    '5,000 msg/s, QoS 0',
    '0.20 / 0.40 / 12.3',
    '– / – / –',
    '0.10 / 0.20 / 0.30',
    '1.50 %',
    '',
  ])
})

test('describeLatencies is silent about rows of another kind', () => {
  const row = find('QoS 0, 10 → 10, 64 B')
  expect(describeLatencies([{ row, runs: { hub: [run({})] }, baselineRuns: {} }], ['hub'])).toBe('')
})
