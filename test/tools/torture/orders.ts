// What the runner and its child processes tell each other, one JSON object per line.
import type { Published, Received } from './checker.ts'
import type { FaultsByKind } from './faults.ts'
import type { PublisherPlan, SubscriberPlan } from './plan.ts'
import type { Pace } from './publishing-client.ts'

export interface Order {
  /**
   * `finish`: publish nothing new; stay connected and read all. `drop`: drop all connections at once, and come back.
   * `report`: tell what was done, and go on.
   */
  readonly kind: 'finish' | 'drop' | 'report'
}

export interface PublisherJob {
  readonly port: number
  readonly seed: number
  readonly publishers: readonly PublisherPlan[]
  readonly pace: Pace
}

export interface SubscriberJob {
  readonly port: number
  readonly seed: number
  readonly subscribers: readonly SubscriberPlan[]
  readonly qosByPublisher: Readonly<Record<string, 1 | 2>>
}

/** Told several times a second. */
export interface Progress {
  readonly kind: 'progress'
  /** Subscribers: every subscription was granted once. */
  readonly isReady: boolean
  readonly sent: number
  /** Sent and not acknowledged. */
  readonly outstanding: number
  readonly received: number
  readonly connects: number
}

export interface ChildReport {
  readonly kind: 'report'
  readonly published: readonly Published[]
  readonly received: readonly Received[]
  readonly faults: FaultsByKind
}

export type Answer = Progress | ChildReport
