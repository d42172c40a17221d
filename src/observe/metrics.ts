import { LOOP_TIMES, LoopPart } from '../base/loop-times.ts'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { QoS } from '../protocol/packet-types.ts'
import type { HubFacts } from './facts.ts'
import { LoopLag } from './loop-lag.ts'
import type { LoopStops } from './loop-stops.ts'
import type { MetricRow, MetricValue, ReadRow } from './metric-row.ts'
import { READ_ROWS } from './metrics-rows.ts'
import { RecentTimes } from './recent-times.ts'

interface HistogramRow extends MetricRow {
  readonly kind: 'histogram'
  /** The upper bounds, without the last one, which is infinite. */
  readonly buckets: readonly number[]
}

const DELIVERY_ROW: HistogramRow = {
  name: 'hubbub_delivery_seconds',
  kind: 'histogram',
  label: 'qos',
  help: 'Time from when a message came until the operating system took it (QoS 0) or the client acknowledged it (QoS 1 and 2), even after days in a queue. A sample: up to 5 messages a second of each topic, 500 in all.',
  buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 3600, 86_400],
}
const BATCH_SECONDS_ROW: HistogramRow = {
  name: 'hubbub_store_batch_seconds',
  kind: 'histogram',
  help: 'How long the store took to write one batch of changes. Acknowledgements of messages that must be kept wait for it. None with --data memory.',
  buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
}
const BATCH_CHANGES_ROW: HistogramRow = {
  name: 'hubbub_store_batch_changes',
  kind: 'histogram',
  help: 'Changes in one batch of the store: messages queued, acknowledged, retained and so on.',
  buckets: [1, 10, 100, 1000, 10_000, 100_000],
}
const LOOP_LAG_ROW: HistogramRow = {
  name: 'hubbub_event_loop_lag_seconds',
  kind: 'histogram',
  help: 'How long something that happens now would wait until the event loop gets to it, sampled ten times a second.',
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
}
const BATCH_FAILURES_ROW: MetricRow = {
  name: 'hubbub_store_batch_failures_total',
  kind: 'counter',
  help: 'Times that the store could not write a batch. It tries again every second.',
}
const BUILD_ROW: MetricRow = {
  name: 'hubbub_build_info',
  kind: 'gauge',
  label: 'version',
  help: 'Always 1; the label is the version of Hubbub.',
}

/** Every metric of a hub. */
export const METRIC_ROWS: readonly MetricRow[] = [
  BUILD_ROW,
  ...READ_ROWS,
  DELIVERY_ROW,
  BATCH_SECONDS_ROW,
  BATCH_CHANGES_ROW,
  BATCH_FAILURES_ROW,
  LOOP_LAG_ROW,
]

export interface MetricsOptions {
  readonly version: string
  /** Gathers the facts for a scrape. */
  readonly facts: () => Promise<HubFacts>
}

/** The text that Prometheus reads, and its media type. */
export interface Scrape {
  readonly contentType: string
  readonly body: string
}

/** The metrics of one hub. What the hub counts anyway is read on request; only times are measured all the time. */
export class Metrics {
  readonly #facts: () => Promise<HubFacts>
  readonly #registry = new Registry()
  readonly #read: readonly (readonly [row: ReadRow, metric: Gauge | Counter])[]
  readonly #deliveries: readonly Observer[]
  readonly #batchSeconds: Histogram
  readonly #batchChanges: Histogram
  readonly #batchFailures: Counter
  readonly #loopLag: LoopLag
  /** How long the event loop kept others waiting recently, and how long the store took to write. */
  readonly loopDelays = new RecentTimes()
  readonly storeWrites = new RecentTimes()

  constructor({ version, facts }: MetricsOptions) {
    this.#facts = facts
    this.#gauge(BUILD_ROW).set({ version }, 1)
    this.#read = READ_ROWS.map((row) => [row, row.kind === 'gauge' ? this.#gauge(row) : this.#counter(row)])
    const deliveries = this.#histogram(DELIVERY_ROW)
    this.#deliveries = ['0', '1', '2'].map((qos) => {
      deliveries.zero({ qos })
      return deliveries.labels(qos)
    })
    this.#batchSeconds = this.#histogram(BATCH_SECONDS_ROW)
    this.#batchChanges = this.#histogram(BATCH_CHANGES_ROW)
    this.#batchFailures = this.#counter(BATCH_FAILURES_ROW)
    const loopLag = this.#histogram(LOOP_LAG_ROW)
    this.#loopLag = new LoopLag((seconds) => {
      loopLag.observe(seconds)
      this.loopDelays.observe(seconds)
    })
  }

  /** What held the event loop for long since the hub started. */
  get loopStops(): LoopStops {
    return this.#loopLag.stops
  }

  /** Starts to watch the event loop. */
  start(): void {
    this.#loopLag.start()
  }

  stop(): void {
    this.#loopLag.stop()
  }

  /** A message that was followed was delivered or acknowledged `afterMs` after it came. Costs 0.25 µs. */
  observeDelivery(qos: QoS, afterMs: number): void {
    this.#deliveries[qos]?.observe(afterMs / 1000)
  }

  batchWritten(seconds: number, changes: number): void {
    this.#batchSeconds.observe(seconds)
    this.storeWrites.observe(seconds)
    this.#batchChanges.observe(changes)
  }

  batchFailed(): void {
    this.#batchFailures.inc()
  }

  /** All metrics as of now, in the text format of Prometheus. */
  async scrape(): Promise<Scrape> {
    const facts = await this.#facts()
    const before = LOOP_TIMES.enter(LoopPart.OBSERVE)
    for (const [row, metric] of this.#read) set(metric, row, row.read(facts))
    LOOP_TIMES.leave(before)
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() }
  }

  #gauge(row: MetricRow): Gauge {
    return new Gauge(this.#configuration(row))
  }

  #counter(row: MetricRow): Counter {
    return new Counter(this.#configuration(row))
  }

  #histogram(row: HistogramRow): Histogram {
    return new Histogram({ ...this.#configuration(row), buckets: [...row.buckets] })
  }

  #configuration({ name, help, label }: MetricRow): Configuration {
    return { name, help, labelNames: label === undefined ? [] : [label], registers: [this.#registry] }
  }
}

interface Observer {
  observe(value: number): void
}

interface Configuration {
  name: string
  help: string
  labelNames: string[]
  registers: Registry[]
}

function set(metric: Gauge | Counter, { label }: MetricRow, value: MetricValue): void {
  metric.reset()
  if (typeof value === 'number') {
    metric.inc(value)
  } else if (label !== undefined) {
    for (const [name, one] of Object.entries(value ?? {})) metric.inc({ [label]: name }, one)
  } else {
    // After a reset, a metric without a label is 0, and would be reported.
    metric.remove()
  }
}
