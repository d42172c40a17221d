import { filterMatches } from '../../protocol/topic.ts'
import { isReservedTopic } from '../../topics/reserved-topics.ts'

/** One rule of the configuration for the topics under its filter. A missing value is as without a rule. */
export interface HistoryRule {
  readonly filter: string
  /** False: nothing is recorded. */
  readonly record?: boolean | undefined
  /** Messages kept of each topic. */
  readonly maxMessages?: number | undefined
  /** Bytes kept of each topic. */
  readonly maxBytes?: number | undefined
  readonly maxDays?: number | undefined
  /** QoS 0 messages recorded of each topic a second. */
  readonly qos0PerSecond?: number | undefined
}

/** What applies to one topic. */
export interface TopicTerms {
  readonly isRecorded: boolean
  readonly maxMessages: number
  readonly maxBytes: number
  readonly maxAgeMs: number
  readonly qos0PerSecond: number
}

const DAY_MS = 24 * 3_600_000

/** The rules in their order: the first whose filter matches a topic counts. */
export class HistoryRules {
  readonly #rules: readonly { readonly levels: readonly string[]; readonly terms: TopicTerms }[]
  readonly #defaults: TopicTerms
  readonly #reserved: TopicTerms
  /** Every maximum age of a topic's messages, the shortest first; no topic keeps anything for longer than the last. */
  readonly agesMs: readonly number[]

  constructor(rules: readonly HistoryRule[], defaults: { readonly maxDays: number; readonly qos0PerSecond: number }) {
    this.#defaults = {
      isRecorded: true,
      maxMessages: Infinity,
      maxBytes: Infinity,
      maxAgeMs: defaults.maxDays * DAY_MS,
      qos0PerSecond: defaults.qos0PerSecond,
    }
    this.#reserved = { ...this.#defaults, isRecorded: false }
    this.#rules = rules.map(({ filter, record, maxMessages, maxBytes, maxDays, qos0PerSecond }) => ({
      levels: filter.split('/'),
      terms: {
        isRecorded: record ?? true,
        maxMessages: maxMessages ?? Infinity,
        maxBytes: maxBytes ?? Infinity,
        maxAgeMs: maxDays === undefined ? this.#defaults.maxAgeMs : maxDays * DAY_MS,
        qos0PerSecond: qos0PerSecond ?? this.#defaults.qos0PerSecond,
      },
    }))
    const ages = [this.#defaults, ...this.#rules.map(({ terms }) => terms)].map(({ maxAgeMs }) => maxAgeMs)
    this.agesMs = [...new Set(ages)].toSorted((a, b) => a - b)
  }

  get longestAgeMs(): number {
    return this.agesMs.at(-1) ?? 0
  }

  /** Costs one comparison for each rule: call it once for a topic. */
  termsOf(topic: string): TopicTerms {
    // The hub's own messages are its state, not messages of clients, and in a quiet hub they would be most of the history.
    if (isReservedTopic(topic)) return this.#reserved
    const levels = topic.split('/')
    return this.#rules.find((rule) => filterMatches(rule.levels, levels))?.terms ?? this.#defaults
  }
}
