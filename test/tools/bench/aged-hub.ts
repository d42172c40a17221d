// One hub for the whole run: a hub that has served for a while has other topics, buffers and compiled code than a new one.
/* oxlint-disable no-await-in-loop -- measurements must not overlap */
import type { Measurement } from './job.ts'
import { didNotStart, measureRowIn, type Pace } from './measure.ts'
import { takesPart, type Row } from './rows.ts'
import { startTarget, type RunningTarget } from './targets.ts'

/** As all its rows can be measured in. */
const conditions = {
  aim: 'latency',
  isOnDisk: false,
  isTls: false,
  hasQueueLimits: true,
  hasSubscriptionLimit: false,
} as const

export class AgedHub {
  readonly #target: RunningTarget | undefined
  readonly #startError: unknown

  private constructor(target: RunningTarget | undefined, startError?: unknown) {
    this.#target = target
    this.#startError = startError
  }

  /** Starts it and has every row that it takes part in run once in it; what comes out is used for nothing. */
  static async start(rows: readonly Row[], pace: Pace): Promise<AgedHub> {
    let hub: AgedHub
    try {
      hub = new AgedHub(await startTarget('aged', conditions, pace.nodeArgs))
    } catch (error) {
      return new AgedHub(undefined, error)
    }
    for (const row of rows.filter((one) => takesPart(one, 'aged'))) {
      const { faults } = await hub.measure(row, pace)
      console.error(`ageing a hub  ${row.name} ${faults.join(' ')}`)
    }
    return hub
  }

  /** Never throws for what the hub does, also when it is gone. */
  async measure(row: Row, pace: Pace): Promise<Measurement> {
    return this.#target === undefined ? didNotStart(this.#startError) : measureRowIn(this.#target, row, 'aged', pace)
  }

  async stop(): Promise<void> {
    await this.#target?.stop()
  }
}
