import { expect, test } from 'vitest'
import { Ledger } from '../../src/observe/ledger.ts'
import { fillIn, readDashboardQueries } from './grafana-board.ts'
import { createMetrics, HISTORY } from '../support/facts.ts'
import { Prometheus, serveMetrics } from '../support/prometheus.ts'

/** Only what has happened is shown. */
const HIDES_ZERO = / > 0$/
/** Kernels before 6.2 do not say how many files are open. */
const DEPENDS_ON_KERNEL = /process_open_fds/
const GUARD_MS = 20_000

test('A Prometheus that scrapes a hub has an answer to every query of the Grafana dashboard', async () => {
  const ledger = new Ledger()
  const metrics = createMetrics({ ledger, history: HISTORY })
  metrics.start()
  const prometheus = await Prometheus.start(await serveMetrics(metrics))
  const deadlineMs = performance.now() + GUARD_MS
  let unanswered = readDashboardQueries().filter((query) => !DEPENDS_ON_KERNEL.test(query))
  while (unanswered.length > 0 && performance.now() < deadlineMs) {
    // Between two scrapes something happens.
    ledger.received[0] += 10
    metrics.observeDelivery(1, 3)
    metrics.batchWritten(0.001, 10)
    const counts = await Promise.all(unanswered.map((query) => prometheus.count(fillIn(query).replace(HIDES_ZERO, ''))))
    unanswered = unanswered.filter((_query, i) => counts[i] === 0)
  }
  metrics.stop()
  expect(unanswered).toEqual([])
})
