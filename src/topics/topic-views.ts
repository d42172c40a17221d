import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import { LoopPart } from '../base/loop-times.ts'
import { Slices } from '../base/slices.ts'
import { hasWildcard } from '../protocol/topic.ts'
import { LevelFilter } from './level-filter.ts'
import { LevelSums } from './level-sums.ts'
import { NameWalk } from './name-walk.ts'
import type { TopicNumber } from './topic-records.ts'
import type { TopicLevel, TopicSummary } from './topic-summary.ts'
import type { Topics } from './topics.ts'

/** Topics looked at before the loop is let go: well under 10 ms. */
const SLICE_TOPICS = 5000
/** The same between two pauses of a walk: a small part of a millisecond. */
const TOPICS_BETWEEN_PAUSES = 500

/** What the highest topics are found by. */
export type TopicMeasure = 'messagesPerSecond' | 'bytesPerSecond' | 'messages' | 'bytes'

/** The table of topics as people look at it. What has to look at many of them lets others go first now and then. */
export class TopicViews {
  readonly #topics: Topics
  readonly #clock: Clock

  constructor(topics: Topics, clock: Clock) {
    this.#topics = topics
    this.#clock = clock
  }

  get count(): number {
    return this.#topics.count
  }

  get(topic: string): TopicSummary | undefined {
    const number = this.#topics.find(topic)
    return number === 0 ? undefined : this.#topics.summary(number, this.#clock.nowMs())
  }

  /**
   * At most `limit` of one level of the tree, sorted by name, from the first behind `after` on. `prefix` is '' for the top, else
   * the levels above, each with its slash: `a/b/`; a last slash may be left out.
   */
  async level(prefix: string, after: string | undefined, limit: number): Promise<TopicLevel[]> {
    this.#topics.settle()
    const slices = new Slices(LoopPart.HTTP)
    const pauses = this.#topics.sorted.bringUp()
    while (pauses.next().done !== true) await slices.pause()
    const above = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
    const sums = new LevelSums(this.#topics, { above, after, limit, nowMs: this.#clock.nowMs() })
    const steps = sums.gather()
    while (steps.next().done !== true) await slices.pause()
    return sums.levels()
  }

  /** Leaves no timer. */
  stop(): void {
    this.#topics.sorted.stop()
  }

  /** The topics that have most of something, the highest first. */
  async top(measure: TopicMeasure, limit: number): Promise<TopicSummary[]> {
    this.#topics.settle()
    const { records } = this.#topics
    const nowMs = this.#clock.nowMs()
    let best: Ranked[] = []
    for (let number = 1; number < records.end; number++) {
      if (number % SLICE_TOPICS === 0) await nextTurn()
      if (!records.isCounted(number)) continue
      const value = this.#measured(number, measure, nowMs)
      if (value > 0) best.push({ number, value })
      if (best.length >= 2 * limit + SLICE_TOPICS) best = highest(best, limit)
    }
    // Meanwhile some may have given way to others.
    const summaries = highest(best, limit).flatMap(({ number }) =>
      records.isCounted(number) ? this.#topics.summary(number, nowMs) : [],
    )
    return summaries.toSorted((one, other) => other[measure] - one[measure])
  }

  /** All topics under a valid filter; `undefined` is a pause: go on in a later turn of the event loop. */
  *matching(filter: string): Generator<TopicSummary | undefined, void, undefined> {
    if (!hasWildcard(filter)) {
      const summary = this.get(filter)
      if (summary !== undefined) yield summary
      return
    }
    this.#topics.settle()
    const { records, sorted } = this.#topics
    // To make the index costs more than to look at all of them once.
    if (sorted.isUpToDate) {
      yield* this.#sortedUnder(filter)
      return
    }
    const levels = new LevelFilter(filter)
    for (let number = 1; number < records.end; number++) {
      if (number % TOPICS_BETWEEN_PAUSES === 0) yield undefined
      if (records.isCounted(number) && this.#isUnder(levels, number))
        yield this.#topics.summary(number, this.#clock.nowMs())
    }
  }

  /**
   * Calls `changed` at most four times a second with the topics under a valid filter that had a message since it was called
   * last. They are summed up while it goes through them. Returns a function that ends it.
   */
  watch(filter: string, changed: (topics: Iterable<TopicSummary>) => void): () => void {
    const levels = new LevelFilter(filter)
    return this.#topics.changes.watch((numbers) => {
      const matching = numbers.filter((number) => this.#isUnder(levels, number))
      if (matching.length > 0) changed(this.#summaries(matching))
    })
  }

  *#sortedUnder(filter: string): Generator<TopicSummary | undefined, void, undefined> {
    const { sorted } = this.#topics
    for (const number of new NameWalk(sorted.names, sorted, filter).numbers(undefined)) {
      sorted.look()
      yield number === 0 ? undefined : this.#topics.summary(number, this.#clock.nowMs())
    }
  }

  *#summaries(numbers: readonly TopicNumber[]): Generator<TopicSummary, void, undefined> {
    for (const number of numbers) yield this.#topics.summary(number, this.#clock.nowMs())
  }

  #isUnder(filter: LevelFilter, number: TopicNumber): boolean {
    const { log } = this.#topics.table
    const start = log.nameStart(number)
    return filter.matches(log.bytes, start, start + log.nameBytes(number))
  }

  #measured(number: TopicNumber, measure: TopicMeasure, nowMs: number): number {
    const { rates, records } = this.#topics
    if (measure === 'messagesPerSecond') return rates.messagesPerSecond(number, nowMs)
    return measure === 'bytesPerSecond' ? rates.bytesPerSecond(number, nowMs) : records[measure](number)
  }
}

interface Ranked {
  readonly number: TopicNumber
  readonly value: number
}

function highest(ranked: readonly Ranked[], limit: number): Ranked[] {
  return ranked.toSorted((one, other) => other.value - one.value).slice(0, limit)
}
