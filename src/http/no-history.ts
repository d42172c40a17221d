import { HubbubError } from '../base/errors.ts'
import type { HistoryView } from '../admin/history-view.ts'

/** Stands where the history is switched off (`history.enabled`): nothing is found and nothing is taken. */
export const NO_HISTORY: HistoryView = {
  page: () =>
    Promise.resolve({
      entries: [],
      nextCursor: null,
      previousCursor: null,
      scanned: 0,
      unsearched: 0,
      isComplete: true,
    }),
  // oxlint-disable-next-line eslint/require-yield -- there is nothing to give
  async *export() {},
  import: () =>
    Promise.reject(
      new HubbubError(
        'HISTORY_DISABLED',
        'Cannot import into the history: it is switched off (history.enabled: false)',
      ),
    ),
  topic: () => undefined,
  sums: () => Promise.resolve({ topics: 0, messages: 0, bytes: 0 }),
  snapshot: () => ({
    isEnabled: false,
    messages: 0,
    bytes: 0,
    topics: 0,
    oldestAtMs: undefined,
    newestAtMs: undefined,
    lastSequence: 0,
    recorded: 0,
    leftOut: {},
    pending: 0,
    isFailing: false,
  }),
}
