import type { Clock } from '../base/clock.ts'
import { LevelFilter } from './level-filter.ts'
import type { TopicNumber } from './topic-records.ts'
import type { TopicSummary } from './topic-summary.ts'
import type { Topics } from './topics.ts'

/**
 * The topics under a valid filter, by number, for those who tell all of them and then what changes. A number may be that of another
 * topic by the time it is asked for: what is said is true of that one.
 */
export class TopicNumbers {
  readonly #topics: Topics
  readonly #clock: Clock
  readonly #filter: LevelFilter
  readonly #shows: ((topic: string) => boolean) | undefined

  /** `shows`: which topics are there for who looks; all when it is left out. */
  constructor(topics: Topics, clock: Clock, filter: string, shows?: (topic: string) => boolean) {
    this.#shows = shows
    this.#topics = topics
    this.#clock = clock
    this.#filter = new LevelFilter(filter)
  }

  /** All numbers that there are now are below this. */
  get end(): TopicNumber {
    return this.#topics.records.end
  }

  /** What is known of a topic, unless it is not under the filter or had no message. */
  summary(number: TopicNumber): TopicSummary | undefined {
    const topics = this.#topics
    topics.settle()
    if (!topics.records.isCounted(number) || !this.#isUnder(number)) return undefined
    return topics.summary(number, this.#clock.nowMs())
  }

  /** Calls `changed` at most four times a second with those that had a message since. Returns a function that ends it. */
  watch(changed: (numbers: readonly TopicNumber[]) => void): () => void {
    return this.#topics.changes.watch((numbers) => {
      const matching = numbers.filter((number) => this.#isUnder(number))
      if (matching.length > 0) changed(matching)
    })
  }

  #isUnder(number: TopicNumber): boolean {
    const { log } = this.#topics.table
    const start = log.nameStart(number)
    if (!this.#filter.matches(log.bytes, start, start + log.nameBytes(number))) return false
    return this.#shows?.(log.name(number)) ?? true
  }
}
