// Hot path: runs per message of the hub; measured by `npm run bench`, all throughput rows.
import { HOT_FIELDS, TAG, type TopicNumber, type TopicRecords } from './topic-records.ts'

/** An integer that somebody keeps with each topic, so as not to have to look for it by name. */
export class TopicTags {
  readonly #records: TopicRecords

  constructor(records: TopicRecords) {
    this.#records = records
  }

  /** 0 until it is set, and again once the topic was forgotten. */
  get(number: TopicNumber): number {
    return this.#records.hot[number * HOT_FIELDS + TAG] ?? 0
  }

  /** Does nothing for 0, which is no topic. */
  set(number: TopicNumber, tag: number): void {
    if (number !== 0) this.#records.hot[number * HOT_FIELDS + TAG] = tag
  }
}
