import { TopicNameTree } from '../router/topic-names.ts'
import type { Run, StoredTopic } from '../store/history-log.ts'
import type { HistoryRules, TopicTerms } from './rules.ts'

/** What the history has of one topic, as it is now. */
export class HistoryTopic implements StoredTopic {
  readonly number: number
  readonly name: string
  readonly terms: TopicTerms
  messages = 0
  bytes = 0
  floor = 0
  lastSequence = 0
  newestAtMs = 0
  /** Sequence numbers past the first of the open block, and what they take. */
  openDeltas: number[] = []
  openBytes = 0
  /** In blocks that are not stored yet, in order. */
  pendingRuns: Run[] = []

  constructor(number: number, name: string, terms: TopicTerms) {
    this.number = number
    this.name = name
    this.terms = terms
  }

  /** It keeps more than it may of messages or bytes. */
  get isOverfull(): boolean {
    return this.messages > this.terms.maxMessages || this.bytes > this.terms.maxBytes
  }
}

/** All topics of which the history has anything. */
export class HistoryTopics {
  readonly #rules: HistoryRules
  readonly #byName = new TopicNameTree<HistoryTopic>()
  readonly #byNumber = new Map<number, HistoryTopic>()
  /** In memory only: those that an append left with more than they may keep. */
  readonly overfull = new Set<HistoryTopic>()

  constructor(rules: HistoryRules) {
    this.#rules = rules
  }

  get size(): number {
    return this.#byName.size
  }

  get(name: string): HistoryTopic | undefined {
    return this.#byName.get(name)
  }

  byNumber(number: number): HistoryTopic | undefined {
    return this.#byNumber.get(number)
  }

  add(number: number, name: string): HistoryTopic {
    const topic = new HistoryTopic(number, name, this.#rules.termsOf(name))
    this.#byName.set(name, topic)
    this.#byNumber.set(number, topic)
    return topic
  }

  restore({ number, name, messages, bytes, floor, lastSequence, newestAtMs }: StoredTopic): void {
    const topic = this.add(number, name)
    Object.assign(topic, { messages, bytes, floor, lastSequence, newestAtMs })
    if (topic.isOverfull) this.overfull.add(topic)
  }

  remove(topic: HistoryTopic): void {
    this.#byName.delete(topic.name)
    this.#byNumber.delete(topic.number)
    this.overfull.delete(topic)
  }

  values(): Generator<HistoryTopic, void, undefined> {
    return this.#byName.values()
  }

  /** Those under a valid filter; `undefined` is a pause. */
  matching(filter: string): Generator<HistoryTopic | undefined, void, undefined> {
    return this.#byName.matching(filter)
  }
}
