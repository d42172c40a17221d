import { expect, test } from 'vitest'
import { chooseRows } from './field-rows.ts'
import { describeField } from './field-table.ts'
import { takesPart } from './rows.ts'
import { filtersOf } from './topology.ts'

const manyConnections = 1_000_000

test('chooseRows has rows of the field only when they are asked for', () => {
  expect(chooseRows('', manyConnections).filter(({ isField }) => isField === true)).toEqual([])
  const names = chooseRows('field', manyConnections).map(({ name }) => name)
  expect(names).toContain('field: start with 1,000,000 retained and 100,000 sessions, on disk')
  expect(names).toContain('field: memory of each of 200,000 connections, then PINGREQ once a minute')
  expect(names.filter((name) => !name.startsWith('field: '))).toEqual([])
})

test('chooseRows takes as many connections as are affordable, and its names say how many', () => {
  const rows = chooseRows('field: memory', 500)
  expect(rows.map(({ task }) => 'connections' in task && task.connections)).toEqual([500, 500])
  expect(rows[0]?.name).toContain(' 500 connections')
})

test('takesPart keeps rows of the field to the hub and Mosquitto', () => {
  for (const row of chooseRows('field', manyConnections)) {
    const names = (['hub', 'aged', 'aedes', 'mosquitto', 'nats', 'limit'] as const).filter((name) =>
      takesPart(row, name),
    )
    expect(names).toEqual(['hub', 'mosquitto'])
  }
})

test('filtersOf gives a filter with a wildcard for each topic at random, in the form of the topics', () => {
  const topology = { publishers: 10, subscribers: 1, topicsEach: 1, randomTopics: 3 }
  expect(filtersOf(topology, 0)).toEqual(['#'])
  expect(filtersOf({ ...topology, hasFilterEach: true }, 0)).toEqual([
    'bench/+/0000000',
    'bench/+/0000001',
    'bench/+/0000002',
  ])
})

test('describeField has medians of what such rows tell besides their value, and is silent about others', () => {
  const [row] = chooseRows('field: start', manyConnections)
  if (row === undefined) throw new Error('there is no such row')
  const hub = [700, 800, 900].map((startProcessorMs) => ({
    value: 1,
    lost: 0,
    faults: [],
    detail: { startProcessorMs },
  }))
  const lines = describeField([{ row, runs: { hub }, baselineRuns: {} }], ['hub', 'aedes', 'mosquitto']).split('\n')
  expect(lines[3]).toMatch(/^\| processor time of the start \(ms\) +\| +800 \| +– \|$/)
  const [other] = chooseRows('QoS 0, 10 → 10, 64 B', manyConnections)
  if (other === undefined) throw new Error('there is no such row')
  expect(describeField([{ row: other, runs: { hub }, baselineRuns: {} }], ['hub'])).toBe('')
})
