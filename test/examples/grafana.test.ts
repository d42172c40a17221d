import { expect, test } from 'vitest'
import { METRIC_ROWS } from '../../src/observe/metrics.ts'
import { readDashboardQueries } from './grafana-board.ts'
import { createMetrics, HISTORY } from '../support/facts.ts'
import { scrapeSamples } from '../support/scrape.ts'

function namesIn(query: string): string[] {
  return [...query.matchAll(/\b(?:hubbub|process|nodejs)_\w+/g)].map(([name]) => name)
}

test('The Grafana dashboard asks for metrics that a scrape has, and for no others', async () => {
  const metrics = createMetrics({ history: HISTORY })
  metrics.observeDelivery(0, 1)
  const samples = new Set([...(await scrapeSamples(metrics)).keys()].map((key) => key.replace(/\{.*/, '')))
  // Kernels before 6.2 do not say it.
  samples.add('process_open_fds')
  const queries = readDashboardQueries()
  expect(queries.length).toBeGreaterThan(40)
  expect(queries.flatMap(namesIn).filter((name) => !samples.has(name))).toEqual([])
  expect(queries.filter((query) => namesIn(query).length === 0)).toEqual([])
})

test('The Grafana dashboard shows every metric', () => {
  const asked = new Set(
    readDashboardQueries()
      .flatMap(namesIn)
      .map((name) => name.replace(/_(?:bucket|count|sum)$/, '')),
  )
  expect(METRIC_ROWS.map(({ name }) => name).filter((name) => !asked.has(name))).toEqual([])
})
