import type {
  HistoryPage,
  HistoryQuery,
  HistorySnapshot,
  HistorySums,
  HistoryTopicSummary,
  HistoryView,
  ImportSummary,
} from './history-view.ts'
import type { Sight } from './sight.ts'

/** The history as one person sees it who does not see all of it. */
export class SeenHistory implements HistoryView {
  readonly #history: HistoryView
  readonly #sight: Sight
  #sums: HistorySums = { topics: 0, messages: 0, bytes: 0 }

  constructor(history: HistoryView, sight: Sight) {
    this.#history = history
    this.#sight = sight
  }

  page(query: HistoryQuery, signal?: AbortSignal): Promise<HistoryPage> {
    return this.#history.page({ ...query, includes: this.#sight.showsPast }, signal)
  }

  export(query: HistoryQuery, signal?: AbortSignal): AsyncIterable<Buffer> {
    return this.#history.export({ ...query, includes: this.#sight.showsPast }, signal)
  }

  import(lines: AsyncIterable<Buffer>): Promise<ImportSummary> {
    return this.#history.import(lines)
  }

  topic(name: string): HistoryTopicSummary | undefined {
    return this.#sight.showsPast(name) ? this.#history.topic(name) : undefined
  }

  sums(includes: (topic: string) => boolean): Promise<HistorySums> {
    return this.#history.sums((topic) => this.#sight.showsPast(topic) && includes(topic))
  }

  /** Counts what is seen. */
  async countAnew(): Promise<void> {
    this.#sums = await this.#history.sums(this.#sight.showsPast)
  }

  /** Of what is seen, as it was at the last `countAnew`. */
  snapshot(): HistorySnapshot {
    return { ...this.#history.snapshot(), ...this.#sums }
  }
}
