// Hot path: runs per message of the hub; measured by `npm run bench`, all throughput rows.
import { HOT_FIELDS, TAG, type TopicNumber, type TopicRecords } from './topic-records.ts'

/** An integer that somebody keeps with each topic; of one topic at a time. */
export class RecordTag {
  /** Whose it is. With 0 there is none: it is 0 whatever it is set to. */
  topic: TopicNumber = 0
  readonly #records: TopicRecords

  constructor(records: TopicRecords) {
    this.#records = records
  }

  get value(): number {
    return this.#records.hot[this.topic * HOT_FIELDS + TAG] ?? 0
  }

  set value(value: number) {
    if (this.topic !== 0) this.#records.hot[this.topic * HOT_FIELDS + TAG] = value
  }
}
