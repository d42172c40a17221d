import type { StoredTopic } from '../log/history-log.ts'
import type { HistoryTopic } from './topics.ts'

/** The numbers of a topic: messages, bytes, floor, newest. */
const NUMBERS = 4

/** Topics as they are stored with a batch, whatever becomes of them while it is written; no object stands for one until it is asked for. */
export class TopicSnapshots implements Iterable<StoredTopic> {
  readonly #topics: HistoryTopic[] = []
  readonly #numbers: Float64Array

  constructor(maxTopics: number) {
    this.#numbers = new Float64Array(maxTopics * NUMBERS)
  }

  get topics(): readonly HistoryTopic[] {
    return this.#topics
  }

  /** With so many messages of so many bytes. */
  add(topic: HistoryTopic, messages: number, bytes: number): void {
    const at = this.#topics.push(topic) * NUMBERS - NUMBERS
    const numbers = this.#numbers
    numbers[at] = messages
    numbers[at + 1] = bytes
    numbers[at + 2] = topic.floor
    numbers[at + 3] = topic.newestAtMs
  }

  *[Symbol.iterator](): Generator<StoredTopic, void, undefined> {
    let at = 0
    for (const { number, name } of this.#topics) {
      const messages = this.#numbers[at] ?? 0
      const bytes = this.#numbers[at + 1] ?? 0
      const floor = this.#numbers[at + 2] ?? 0
      const newestAtMs = this.#numbers[at + 3] ?? 0
      at += NUMBERS
      yield { number, name, messages, bytes, floor, newestAtMs }
    }
  }
}
