import { type MemoryBudget, unboundedMemory } from '../base/memory-budget.ts'
import type {
  HistoryPage,
  HistoryQuery,
  HistorySnapshot,
  HistorySums,
  HistoryTopicSummary,
  HistoryView,
  ImportSummary,
} from '../admin/history-view.ts'
import { LoopPart } from '../base/loop-times.ts'
import { Slices } from '../base/slices.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { HistoryFilter } from '../protocol/history-filter.ts'
import type { Message } from '../protocol/message.ts'
import type { TopicLimits } from '../protocol/topic.ts'
import type { Tap, TopicTag } from '../router/tap.ts'
import type { HistoryLog } from './log/history-log.ts'
import { type ImportParts, importLines } from './transfer/import.ts'
import { Journal } from './record/journal.ts'
import { lineOf } from './transfer/ndjson.ts'
import { Pages } from './query/pages.ts'
import { ChapterReader } from './query/reader.ts'
import { Recorder } from './record/recorder.ts'
import { replay, type ReplayParts } from './query/replay.ts'
import { Retention } from './record/retention.ts'
import { type HistoryRule, HistoryRules } from './record/rules.ts'

/** What may be recorded and kept. */
export interface HistorySettings {
  /** False: nothing is recorded and nothing is found. */
  readonly enabled: boolean
  /** How many bytes the whole history may take. */
  readonly maxBytes: number
  readonly maxDays: number
  readonly qos0PerSecond: number
  readonly qos0BytesPerSecond: number
  readonly qos0BytesPerSecondPerTopic: number
  readonly qos0PerSecondPerTopic: number
  readonly maxMessagesPerSecond: number
  readonly rules: readonly HistoryRule[]
}

/** What a history is built from. */
export interface HistoryParts {
  readonly settings: HistorySettings
  readonly store: HistoryLog
  readonly clock: Clock
  readonly log: Log
  readonly topicLimits: TopicLimits
  /** What it may hold in memory; unbounded when left out. */
  readonly memory?: MemoryBudget
  /** For reading only: nothing is written. */
  readonly isReadOnly?: boolean
}

const EXPORT_CHUNK = 64 * 1024
const MAX_ENTRY_BYTES = 16 * 1024 ** 2
/** A full history has at least this many chapters; the oldest chapter is removed first. */
const CHAPTERS = 64
const [LEAST_CHAPTER_BYTES, MOST_CHAPTER_BYTES] = [64 * 1024, 8 * 1024 ** 2]
const [LEAST_CHAPTER_MS, MOST_CHAPTER_MS] = [60_000, 24 * 3_600_000]

/** Records the messages of the router, and gives them back by topic and time: as pages, as an export, over `$history/…`. */
export class History implements Tap, HistoryView {
  readonly #isEnabled: boolean
  readonly #store: HistoryLog
  readonly #journal: Journal
  readonly #recorder: Recorder
  readonly #retention: Retention
  readonly #pages: Pages
  readonly #replayParts: ReplayParts
  readonly #importParts: ImportParts
  readonly #isReadOnly: boolean

  constructor({
    settings,
    store,
    clock,
    log,
    topicLimits,
    memory = unboundedMemory(),
    isReadOnly = false,
  }: HistoryParts) {
    const { qos0PerSecond, qos0BytesPerSecond, qos0BytesPerSecondPerTopic, maxMessagesPerSecond, maxDays } = settings
    const rules = new HistoryRules(settings.rules, { maxDays, qos0PerSecond: settings.qos0PerSecondPerTopic })
    const maxBytes = Math.min(settings.maxBytes, store.maxBytes)
    const limits = {
      maxBytes: within(LEAST_CHAPTER_BYTES, maxBytes / CHAPTERS, MOST_CHAPTER_BYTES),
      maxSpanMs: within(LEAST_CHAPTER_MS, rules.longestAgeMs / CHAPTERS, MOST_CHAPTER_MS),
    }
    const maxEntryBytes = Math.min(MAX_ENTRY_BYTES, maxBytes / 8)
    this.#isEnabled = settings.enabled
    this.#isReadOnly = isReadOnly
    this.#store = store
    this.#journal = new Journal({ log: store, rules, logger: log, limits, memory: memory.history })
    this.#recorder = new Recorder(
      this.#journal,
      rules,
      { qos0PerSecond, qos0BytesPerSecond, qos0BytesPerSecondPerTopic, maxMessagesPerSecond, maxEntryBytes },
      clock,
    )
    this.#retention = new Retention({ journal: this.#journal, log: store, rules, clock, logger: log, maxBytes })
    const reader = new ChapterReader(store)
    this.#pages = new Pages({ journal: this.#journal, reader, clock, topicLimits })
    this.#importParts = { journal: this.#journal, rules, clock, topicLimits }
    this.#replayParts = { journal: this.#journal, reader, clock }
  }

  /** @throws HubbubError `STORE_UNUSABLE` when another version of Hubbub wrote it */
  async start(): Promise<void> {
    this.#journal.restore(await this.#store.start())
    if (!this.#isReadOnly) this.#retention.start()
  }

  /** Writes the rest. */
  async stop(): Promise<void> {
    await this.#retention.stop()
    if (!this.#isReadOnly) await this.#journal.writes.stop()
    await this.#store.stop()
  }

  /** Without a tag the topic is looked for by its name. */
  offer(message: Message, tag: TopicTag = { value: 0 }): void {
    this.#recorder.offer(message, tag)
  }

  offerRun(run: Message, tag: TopicTag = { value: 0 }): void {
    this.#recorder.offerRun(run, tag)
  }

  /** @throws HubbubError `HISTORY_QUERY_INVALID` naming the parameter */
  page(query: HistoryQuery, signal?: AbortSignal): Promise<HistoryPage> {
    return this.#pages.page(query, signal)
  }

  /** What sessions send for `$history/…` (see `Past`). */
  replay(wanted: HistoryFilter): Iterator<Message | undefined> {
    return replay(this.#replayParts, wanted)
  }

  /**
   * NDJSON in chunks of some 64 KiB, oldest first unless the query says otherwise. `limit` and `around` do not apply.
   * @throws HubbubError `HISTORY_QUERY_INVALID` naming the parameter
   */
  async *export(query: HistoryQuery, signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    let lines = ''
    for await (const entry of this.#pages.entries(query, signal)) {
      lines += lineOf(entry)
      if (lines.length < EXPORT_CHUNK) continue
      yield Buffer.from(lines)
      lines = ''
    }
    if (lines !== '') yield Buffer.from(lines)
  }

  /** Adds the lines of an export. @throws Error when the store cannot write, RangeError when a line is too long */
  import(lines: AsyncIterable<Buffer>): Promise<ImportSummary> {
    return importLines(this.#importParts, lines)
  }

  topic(name: string): HistoryTopicSummary | undefined {
    const topic = this.#journal.topics.get(name)
    if (topic === undefined) return undefined
    const { messages, bytes, newestAtMs, leftOut } = topic
    return { topic: name, messages, bytes, newestAtMs, leftOut }
  }

  async sums(includes: (topic: string) => boolean): Promise<HistorySums> {
    const slices = new Slices(LoopPart.HISTORY)
    const sums = { topics: 0, messages: 0, bytes: 0 }
    for (const { name, messages, bytes } of this.#journal.topics.values()) {
      await slices.pause()
      if (!includes(name)) continue
      sums.topics++
      sums.messages += messages
      sums.bytes += bytes
    }
    return sums
  }

  snapshot(): HistorySnapshot {
    const { messages, bytes, topics, chapters, lastSequence, pendingMessages, writes } = this.#journal
    let oldestAtMs = Infinity
    let newestAtMs = -Infinity
    for (const { fromMs, toMs } of chapters.all) {
      if (fromMs < oldestAtMs) oldestAtMs = fromMs
      if (toMs > newestAtMs) newestAtMs = toMs
    }
    return {
      isEnabled: this.#isEnabled,
      messages,
      bytes,
      topics: topics.size,
      oldestAtMs: messages === 0 ? undefined : oldestAtMs,
      newestAtMs: messages === 0 ? undefined : newestAtMs,
      lastSequence,
      recorded: this.#recorder.recorded,
      leftOut: { ...this.#recorder.leftOut },
      pending: pendingMessages,
      isFailing: writes.isFailing,
    }
  }

  /** Resolves when everything recorded so far is stored, or could not be. */
  stored(): Promise<void> {
    return this.#journal.writes.settled()
  }

  /** Removes messages that are too many or too old; the hub does so every second. */
  clearUp(): Promise<void> {
    return this.#retention.once()
  }
}

function within(least: number, value: number, most: number): number {
  return Math.max(least, Math.min(value, most))
}
