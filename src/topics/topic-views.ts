import type { Clock } from '../base/clock.ts'
import { LoopPart } from '../base/loop-times.ts'
import { Slices } from '../base/slices.ts'
import { LevelSums } from './level-sums.ts'
import type { TopicNumber } from './topic-records.ts'
import type { TopicLevel, TopicSummary } from './topic-summary.ts'
import type { Topics } from './topics.ts'

/** Topics between two looks at whether the turn is used up: a small part of a millisecond. */
const TOPICS_BETWEEN_LOOKS = 500
/** So many more than asked for are kept while the highest are looked for. */
const MORE_TOPICS = 5000

/** What the highest topics are found by. */
export type TopicMeasure = 'messagesPerSecond' | 'bytesPerSecond' | 'messages' | 'bytes'

/** The table of topics as people look at it. What has to look at many of them lets others go first now and then. */
export class TopicViews {
  readonly #topics: Topics
  readonly #clock: Clock
  readonly #shows: ((topic: string) => boolean) | undefined
  /** Of those that are shown, when they were last counted. */
  #counted = 0

  /** `shows`: which topics are there for who looks; all when it is left out. */
  constructor(topics: Topics, clock: Clock, shows?: (topic: string) => boolean) {
    this.#topics = topics
    this.#clock = clock
    this.#shows = shows
  }

  /** When not all are shown, those that were there at the last `countAnew`. */
  get count(): number {
    return this.#shows === undefined ? this.#topics.count : this.#counted
  }

  /** Counts those that are shown. */
  async countAnew(): Promise<void> {
    const shows = this.#shows
    if (shows === undefined) return
    const { records } = this.#topics
    const slices = new Slices(LoopPart.HTTP)
    let count = 0
    for (let number = 1; number < records.end; number++) {
      if (number % TOPICS_BETWEEN_LOOKS === 0) await slices.pause()
      if (records.isCounted(number) && this.#isShown(number)) count++
    }
    this.#counted = count
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
    const sums = new LevelSums(this.#topics, { above, after, limit, nowMs: this.#clock.nowMs(), shows: this.#shows })
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
    const slices = new Slices(LoopPart.HTTP)
    let best: Ranked[] = []
    for (let number = 1; number < records.end; number++) {
      if (number % TOPICS_BETWEEN_LOOKS === 0) await slices.pause()
      if (!records.isCounted(number)) continue
      const value = this.#measured(number, measure, nowMs)
      if (value > 0 && this.#isShown(number)) best.push({ number, value })
      if (best.length >= 2 * limit + MORE_TOPICS) best = highest(best, limit)
    }
    // Meanwhile some may have given way to others.
    const summaries = highest(best, limit).flatMap(({ number }) =>
      records.isCounted(number) ? this.#topics.summary(number, nowMs) : [],
    )
    return summaries.toSorted((one, other) => other[measure] - one[measure])
  }

  #isShown(number: TopicNumber): boolean {
    return this.#shows?.(this.#topics.table.log.name(number)) ?? true
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
