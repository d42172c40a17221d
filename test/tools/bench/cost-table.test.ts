import { expect, test } from 'vitest'
import { costMicroseconds, describeCosts } from './cost-table.ts'
import type { Measurement } from './job.ts'
import { allRows, type Row } from './rows.ts'

const rows = allRows(1)

function find(name: string): Row {
  const row = rows.find((one) => one.name === name)
  if (row === undefined) throw new Error(`there is no row ${name}`)
  return row
}

function run(value: number, detail: Record<string, number>): Measurement {
  return { value, lost: 0, faults: [], detail }
}

test('costMicroseconds is processor time for each message, at whatever rate it was measured', () => {
  // Half a core for a million a second.
  expect(costMicroseconds(find('QoS 0, 10 → 10, 64 B'), run(1e6, { brokerBusy: 0.5 }))).toBe(0.5)
  // The figure of this row is a latency: what counts is how many were sent.
  const offered = run(0.4, { brokerBusy: 0.1, sentPerSecond: 5000 })
  expect(costMicroseconds(find('p99 latency at 5,000 msg/s, QoS 0'), offered)).toBe(20)
  const subscribed = find('a subscription more of one client, 20 in a SUBSCRIBE')
  expect(costMicroseconds(subscribed, run(100_000, { brokerBusy: 0.8 }))).toBe(8)
  expect(costMicroseconds(find('p99 of SUBSCRIBE with 100,000 retained'), run(1, { brokerBusy: 0.1 }))).toBeNaN()
})

test('describeCosts has a row for each cost that is known, and what is to be reached', () => {
  const row = find('CONNECT + SUBSCRIBE, 50 at a time')
  const runs = { hub: [run(1000, { brokerBusy: 0.4 })], sink: [run(2000, { brokerBusy: 0.2 })] }
  const unknown = { row: find('QoS 0, 10 → 10, 64 B'), runs: { hub: [run(NaN, {})] }, baselineRuns: {} }
  const lines = describeCosts([{ row, runs, baselineRuns: {} }, unknown], ['hub', 'nats']).split('\n')
  expect(lines[2]).toMatch(/^\| CONNECT \+ SUBSCRIBE, 50 at a time \| +400 \| +– \| +100 \| +≤ 180 \|$/)
  expect(lines.filter((line) => line.startsWith('|'))).toHaveLength(3)
  expect(describeCosts([unknown], ['hub'])).toBe('')
})
