import { expect, test } from 'vitest'
import type { Measurement } from './job.ts'
import { allRows, takesPart, type Row } from './rows.ts'
import { baselineRatio, isMet, type RowResult } from './table.ts'
import { describeVersions } from './version-table.ts'

const rows = allRows(1)

test('allRows has MQTT 5 rows, each without properties and user properties beside MQTT 3.1.1', () => {
  const names = rows.filter((row) => row.name.includes('MQTT 5')).map((row) => row.name)
  expect(names).toEqual([
    'MQTT 5, QoS 0, 10 → 10, 64 B',
    'MQTT 5, QoS 0, 1 → 100, 64 B',
    'MQTT 5, QoS 1, 10 → 10, 64 B',
    'MQTT 5, QoS 2, 10 → 10, 64 B',
    'MQTT 5, QoS 0, 10 → 10, 2 user properties, 64 B',
    'MQTT 5, QoS 1, 10 → 10, 2 user properties, 64 B',
    'MQTT 5, QoS 0, 5 → shared subscription of 5, 64 B',
    'MQTT 5, QoS 1, 5 → shared subscription of 5, 64 B',
  ])
  const row = find('MQTT 5, QoS 1, 10 → 10, 64 B')
  // The baseline is the row of MQTT 3.1.1 that stands in the table too, and differs in nothing but the version.
  expect(row.baseline).toEqual(find('QoS 1, 10 → 10, 64 B').task)
  expect(row.baseline).toEqual({ ...row.task, version: 4 })
  expect(takesPart(row, 'aedes')).toBe(false)
  expect(takesPart(row, 'mosquitto')).toBe(true)
})

test('baselineRatio is the median of the ratios of each round, and isMet asks it', () => {
  const result: RowResult = {
    row: find('MQTT 5, QoS 0, 10 → 10, 64 B'),
    // A machine that slowed down from round to round: of all figures together the ratio would be 1.
    runs: { hub: [1900, 950, 450].map(run) },
    baselineRuns: { hub: [2000, 1000, 500].map(run) },
  }
  expect(baselineRatio(result, 'hub')).toBe(0.95)
  expect(isMet(result)).toBe(true)
  expect(isMet({ ...result, runs: { hub: [1700, 850, 450].map(run) } })).toBe(false)
  expect(isMet({ ...result, runs: { hub: [run(2000), { ...run(1000), lost: 1 }, run(500)] } })).toBe(false)
  expect(isMet({ ...result, baselineRuns: {} })).toBe(undefined)
  expect(baselineRatio(result, 'mosquitto')).toBe(Number.NaN)
})

test('baselineRatio leaves out a round in which one of both failed', () => {
  const row = find('MQTT 5, QoS 0, 10 → 10, 64 B')
  const result = { row, runs: { hub: [Number.NaN, 98].map(run) }, baselineRuns: { hub: [50, 100].map(run) } }
  expect(baselineRatio(result, 'hub')).toBe(0.98)
})

test('describeVersions puts both versions of each target side by side, and is silent about other rows', () => {
  const row = find('MQTT 5, QoS 0, 10 → 10, 64 B')
  const result = { row, runs: { hub: [run(900)] }, baselineRuns: { hub: [run(1000)] } }
  const [, , line] = describeVersions([result], ['hub', 'aedes']).split('\n')
  expect(line?.split('|').map((cell) => cell.trim())).toEqual([
    '',
    row.name,
    '1,000',
    '900',
    '0.90 ×',
    '–',
    '–',
    '–',
    '',
  ])
  expect(describeVersions([{ ...result, row: find('QoS 0, 10 → 10, 64 B') }], ['hub'])).toBe('')
})

function find(name: string): Row {
  const row = rows.find((one) => one.name === name)
  if (row === undefined) throw new Error(`there is no row "${name}"`)
  return row
}

function run(value: number): Measurement {
  return { value, lost: 0, faults: [], detail: {} }
}
