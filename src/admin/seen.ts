import type { Admin } from './admin.ts'
import type { HistoryView } from './history-view.ts'
import { SeenHistory } from './seen-history.ts'
import type { Sight } from './sight.ts'

/** To count takes a look at each topic: no more often, and no more than a small part of the time. */
const LEAST_COUNT_MS = 5000
const COUNT_SHARE = 30

/** The hub and its past, as somebody may see them. */
export interface Seen {
  readonly admin: Admin
  readonly history: HistoryView
  /** Has counts of topics and messages be true, as of some seconds ago. */
  countAnew(): Promise<void>
}

/** What somebody sees who may see everything: the very hub. */
export function seenWhole(admin: Admin, history: HistoryView): Seen {
  return { admin, history, countAnew: () => Promise.resolve() }
}

/** What somebody sees who may not see everything. */
export class SeenInPart implements Seen {
  readonly admin: Admin
  readonly history: SeenHistory
  #counting: Promise<unknown> | undefined = undefined
  #countAgainAtMs = 0

  constructor(admin: Admin, history: HistoryView, sight: Sight) {
    this.admin = admin.as(sight)
    this.history = new SeenHistory(history, sight)
  }

  async countAnew(): Promise<void> {
    const beganMs = performance.now()
    if (beganMs < this.#countAgainAtMs) return
    const { topics, retained } = this.admin
    this.#counting ??= Promise.all([topics.countAnew(), retained.countAnew(), this.history.countAnew()]).finally(() => {
      const endedMs = performance.now()
      this.#counting = undefined
      this.#countAgainAtMs = endedMs + Math.max(LEAST_COUNT_MS, COUNT_SHARE * (endedMs - beganMs))
    })
    await this.#counting
  }
}
