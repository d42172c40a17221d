import type { HubFacts } from './facts.ts'

/** One metric, for Prometheus and for the table in `docs/metrics.md`. */
export interface MetricRow {
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** A label with few values, all known beforehand: never a client or a topic. */
  readonly label?: string
}

/** The value of a metric, or one for each value of its label; undefined where there is none. */
export type MetricValue = number | Readonly<Record<string, number>> | undefined

/** A metric that is read only when asked for, so that it costs nothing until then. */
export interface ReadRow extends MetricRow {
  readonly kind: 'counter' | 'gauge'
  readonly read: (facts: HubFacts) => MetricValue
}
