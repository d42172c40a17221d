// Hot path: `note` runs for each topic in a chunk of messages; measured by `npm run bench`, all throughput rows.
import { CHANGED_FLAG, type TopicNumber, type TopicRecords } from './topic-records.ts'

/** How often watchers are told. */
export const CHANGES_EVERY_MS = 250

/** Takes the topics that had a message since it was called last, each once; they may go on changing. */
export type TopicsChanged = (numbers: readonly TopicNumber[]) => void

/** Gathers which topics had a message, once for all who watch them, and only while somebody does. */
export class TopicChanges {
  readonly #records: TopicRecords
  readonly #watchers = new Set<TopicsChanged>()
  #numbers: TopicNumber[] = []
  #timer: NodeJS.Timeout | undefined = undefined

  constructor(records: TopicRecords) {
    this.#records = records
  }

  /** From now on `changed` is called four times a second, unless nothing has changed. Returns a function that ends it. */
  watch(changed: TopicsChanged): () => void {
    this.#watchers.add(changed)
    this.#timer ??= setInterval(tell, CHANGES_EVERY_MS, this).unref()
    return this.#unwatch.bind(this, changed)
  }

  /** The topic had a message. */
  note(number: TopicNumber): void {
    if (this.#timer === undefined || (this.#records.flags(number) & CHANGED_FLAG) !== 0) return
    this.#records.setFlag(number, CHANGED_FLAG)
    this.#numbers.push(number)
  }

  /** Tells the watchers; only for the timer. */
  tell(): void {
    const numbers = this.#take()
    if (numbers.length === 0) return
    for (const changed of this.#watchers) changed(numbers)
  }

  #unwatch(changed: TopicsChanged): void {
    this.#watchers.delete(changed)
    if (this.#watchers.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#take()
  }

  /** Those that were forgotten since are not among them. A number that is another topic's since is there once. */
  #take(): readonly TopicNumber[] {
    const numbers: TopicNumber[] = []
    for (const number of this.#numbers) {
      if ((this.#records.flags(number) & CHANGED_FLAG) === 0) continue
      this.#records.clearFlag(number, CHANGED_FLAG)
      numbers.push(number)
    }
    this.#numbers = []
    return numbers
  }
}

function tell(changes: TopicChanges): void {
  changes.tell()
}
