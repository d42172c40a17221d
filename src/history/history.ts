import type { Message } from '../protocol/message.ts'
import type { Tap } from '../router/tap.ts'
import type { HistoryPage, HistoryQuery, HistorySnapshot, HistoryTopicSummary, ImportSummary } from './face.ts'

export * from './face.ts'

/** Records what the router takes, and gives it back: by topic and time, as pages, as an export, over `$history/…`. */
export class History implements Tap {
  start(): Promise<void> {
    throw new Error('not yet')
  }

  stop(_deadlineMs: number): Promise<void> {
    throw new Error('not yet')
  }

  offer(_message: Message): void {
    throw new Error('not yet')
  }

  offerRun(_run: Message): void {
    throw new Error('not yet')
  }

  /** @throws HubbubError `HISTORY_QUERY_INVALID` naming the parameter */
  page(_query: HistoryQuery, _signal?: AbortSignal): Promise<HistoryPage> {
    throw new Error('not yet')
  }

  /** NDJSON in chunks of some 64 KiB, oldest first unless the query says otherwise. `limit` and `around` do not apply. */
  export(_query: HistoryQuery, _signal?: AbortSignal): AsyncIterable<Buffer> {
    throw new Error('not yet')
  }

  import(_lines: AsyncIterable<Buffer>): Promise<ImportSummary> {
    throw new Error('not yet')
  }

  topic(_name: string): HistoryTopicSummary | undefined {
    throw new Error('not yet')
  }

  snapshot(): HistorySnapshot {
    throw new Error('not yet')
  }
}
