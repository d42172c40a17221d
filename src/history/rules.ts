import { filterMatches } from '../protocol/topic.ts'

/** What one rule of the configuration says of the topics under its filter. What it leaves out is as without a rule. */
export interface HistoryRule {
  readonly filter: string
  /** Messages kept of each topic; 0 records none, Infinity is no limit. */
  readonly maxMessages?: number | undefined
  /** Bytes kept of each topic. */
  readonly maxBytes?: number | undefined
  readonly days?: number | undefined
  /** QoS 0 messages recorded of each topic a second. */
  readonly qos0PerSecond?: number | undefined
}

/** What holds for one topic. */
export interface TopicTerms {
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
  /** No topic keeps anything for longer. */
  readonly longestAgeMs: number

  constructor(rules: readonly HistoryRule[], defaults: { readonly days: number; readonly qos0PerSecond: number }) {
    this.#defaults = {
      maxMessages: Infinity,
      maxBytes: Infinity,
      maxAgeMs: defaults.days * DAY_MS,
      qos0PerSecond: defaults.qos0PerSecond,
    }
    this.#rules = rules.map(({ filter, maxMessages, maxBytes, days, qos0PerSecond }) => ({
      levels: filter.split('/'),
      terms: {
        maxMessages: maxMessages ?? Infinity,
        maxBytes: maxBytes ?? Infinity,
        maxAgeMs: days === undefined ? this.#defaults.maxAgeMs : days * DAY_MS,
        qos0PerSecond: qos0PerSecond ?? this.#defaults.qos0PerSecond,
      },
    }))
    this.longestAgeMs = Math.max(this.#defaults.maxAgeMs, ...this.#rules.map(({ terms }) => terms.maxAgeMs))
  }

  /** Cost is one comparison for each rule: to be asked once for a topic. */
  termsOf(topic: string): TopicTerms {
    const levels = topic.split('/')
    return this.#rules.find((rule) => filterMatches(rule.levels, levels))?.terms ?? this.#defaults
  }
}
