import type { HubFacts } from './facts.ts'

/** One metric: what Prometheus is told of it and what the table in `docs/metrics.md` is made of. */
export interface MetricRow {
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** A label whose values are few and known beforehand: never a client or a topic. */
  readonly label?: string
}

/** The value of a metric, or one for each value of its label; undefined where there is nothing to tell. */
export type MetricValue = number | Readonly<Record<string, number>> | undefined

/** A metric that is read when it is asked for, so that it costs nothing until then. */
export interface ReadRow extends MetricRow {
  readonly kind: 'counter' | 'gauge'
  readonly read: (facts: HubFacts) => MetricValue
}
