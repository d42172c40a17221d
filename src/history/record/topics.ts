import { nameMemoryBytes } from '../../topics/name-memory.ts'
import type { MemoryAccount } from '../../base/memory-account.ts'
import { TopicNameTree } from '../../topics/topic-names.ts'
import type { StoredTopic } from '../log/history-log.ts'
import type { HistoryRules, TopicTerms } from './rules.ts'

/** What the history has of one topic now. */
export class HistoryTopic {
  readonly number: number
  readonly name: string
  readonly terms: TopicTerms
  messages = 0
  bytes = 0
  /** The part of these in stored chapters. */
  storedMessages = 0
  storedBytes = 0
  /** Entries before this sequence number count as gone. */
  floor = 0
  newestAtMs = 0
  /** The second, counted by the recorder, in which `qos0InSecond` QoS 0 messages were recorded. */
  second = 0
  qos0InSecond = 0
  /** When the large messages at QoS 0 that were recorded are no more than its rate of bytes allows, in ms since the epoch. */
  largeUntilMs = 0
  /** Messages that its own rates left out, since the hub started. */
  leftOut = 0
  isRemoved = false
  /** Its stored numbers are out of date: only for `OpenChanges`. */
  isDirty = false

  constructor(number: number, name: string, terms: TopicTerms) {
    this.number = number
    this.name = name
    this.terms = terms
  }

  /** It has more messages or bytes than it may keep. */
  get isOverfull(): boolean {
    return this.messages > this.terms.maxMessages || this.bytes > this.terms.maxBytes
  }
}

/** What the hub holds of a topic besides its name, on the JavaScript heap. */
const TOPIC_BYTES = 350

/** What a topic of this name takes in memory. */
export function topicMemoryBytes(name: string): number {
  return TOPIC_BYTES + nameMemoryBytes(name)
}

/** All topics in the history. They count for `memory`. */
export class HistoryTopics {
  readonly #memory: MemoryAccount
  readonly #rules: HistoryRules
  readonly #byName = new TopicNameTree<HistoryTopic>()
  readonly #byNumber = new Map<number, HistoryTopic>()

  constructor(rules: HistoryRules, memory: MemoryAccount) {
    this.#rules = rules
    this.#memory = memory
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
    const bytes = topicMemoryBytes(name)
    this.#memory.take(bytes, bytes)
    return topic
  }

  restore({ number, name, messages, bytes, floor, newestAtMs }: StoredTopic): HistoryTopic {
    const kept = { messages, bytes, storedMessages: messages, storedBytes: bytes, floor, newestAtMs }
    return Object.assign(this.add(number, name), kept)
  }

  remove(topic: HistoryTopic): void {
    topic.isRemoved = true
    this.#byName.delete(topic.name)
    const bytes = topicMemoryBytes(topic.name)
    this.#memory.give(bytes, bytes)
    this.#byNumber.delete(topic.number)
  }

  /** All of them, in no order; there may be others before the last one is taken. */
  values(): IterableIterator<HistoryTopic> {
    return this.#byNumber.values()
  }

  /** The topics under a valid filter; `undefined` is a pause. */
  matching(filter: string): Generator<HistoryTopic | undefined, void, undefined> {
    return this.#byName.matching(filter)
  }
}
