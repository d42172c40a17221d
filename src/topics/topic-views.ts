import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import { filterMatches } from '../protocol/topic.ts'
import type { LevelNode } from './level-node.ts'
import type { TopicRecord } from './topic-record.ts'
import type { TopicLevel, TopicSummary } from './topic-summary.ts'
import type { Topics } from './topics.ts'

/** Topics looked at before the loop is let go: well under 10 ms. */
const SLICE_TOPICS = 5000

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
    return this.#topics.get(topic)?.summary(this.#clock.nowMs())
  }

  /**
   * At most `limit` of one level of the tree, sorted by name, from the first behind `after` on. `prefix` is '' for the top, else
   * the levels above, each with its slash: `a/b/`; a last slash may be left out.
   */
  async level(prefix: string, after: string | undefined, limit: number): Promise<TopicLevel[]> {
    this.#topics.settle()
    const above = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
    const node = above === '' ? this.#topics.tree.root : this.#topics.tree.find(above.slice(0, -1))
    if (node === undefined) return []
    const pace = new Pace()
    let first: LevelNode<TopicRecord>[] = []
    for (const child of childrenOf(node)) {
      if (pace.isOver()) await nextTurn()
      if (after === undefined || child.level > after) first.push(child)
      if (first.length >= 2 * limit + SLICE_TOPICS) first = firstByName(first, limit)
    }
    const levels: TopicLevel[] = []
    for (const child of firstByName(first, limit)) levels.push(await this.#sum(child, above, pace))
    return levels
  }

  /** The topics that have most of something, the highest first. */
  async top(measure: TopicMeasure, limit: number): Promise<TopicSummary[]> {
    this.#topics.settle()
    const nowMs = this.#clock.nowMs()
    const pace = new Pace()
    let best: { record: TopicRecord; value: number }[] = []
    for (const record of this.#topics.tree.values()) {
      if (pace.isOver()) await nextTurn()
      const value = measured(record, measure, nowMs)
      if (value > 0) best.push({ record, value })
      if (best.length >= 2 * limit + SLICE_TOPICS) best = highest(best, limit)
    }
    return highest(best, limit).map(({ record }) => record.summary(nowMs))
  }

  /** All topics under a valid filter; `undefined` is a pause: go on in a later turn of the event loop. */
  *matching(filter: string): Generator<TopicSummary | undefined, void, undefined> {
    this.#topics.settle()
    for (const record of this.#topics.tree.matching(filter)) yield record?.summary(this.#clock.nowMs())
  }

  /**
   * Calls `changed` at most four times a second with the topics under a valid filter that had a message since it was called
   * last. They are summed up while it goes through them. Returns a function that ends it.
   */
  watch(filter: string, changed: (topics: Iterable<TopicSummary>) => void): () => void {
    const levels = filter.split('/')
    return this.#topics.changes.watch((records) => {
      const matching = records.filter(({ topic }) => filterMatches(levels, topic.split('/')))
      if (matching.length > 0) changed(this.#summaries(matching))
    })
  }

  *#summaries(records: readonly TopicRecord[]): Generator<TopicSummary, void, undefined> {
    for (const record of records) yield record.summary(this.#clock.nowMs())
  }

  async #sum(node: LevelNode<TopicRecord>, above: string, pace: Pace): Promise<TopicLevel> {
    const nowMs = this.#clock.nowMs()
    let topics = 0
    let messages = 0
    let bytes = 0
    let messagesPerSecond = 0
    const open = [node]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (pace.isOver()) await nextTurn()
      const { value } = next
      if (value !== undefined) {
        topics++
        messages += value.messages
        bytes += value.bytes
        messagesPerSecond += value.messagesPerSecond(nowMs)
      }
      for (const child of childrenOf(next)) open.push(child)
    }
    return {
      level: node.level,
      prefix: `${above}${node.level}/`,
      topics,
      messages,
      bytes,
      messagesPerSecond,
      hasChildren: node.hasChildren,
      topic: node.value?.summary(nowMs),
    }
  }
}

/** Tells when a loop has gone on for long enough. */
class Pace {
  #steps = 0

  isOver(): boolean {
    return ++this.#steps % SLICE_TOPICS === 0
  }
}

function measured(record: TopicRecord, measure: TopicMeasure, nowMs: number): number {
  if (measure === 'messagesPerSecond') return record.messagesPerSecond(nowMs)
  return measure === 'bytesPerSecond' ? record.bytesPerSecond(nowMs) : record[measure]
}

function highest<T extends { value: number }>(ranked: readonly T[], limit: number): T[] {
  return ranked.toSorted((one, other) => other.value - one.value).slice(0, limit)
}

/** A copy: the tree may change while it is walked in slices. */
function childrenOf<V extends object>(node: LevelNode<V>): LevelNode<V>[] {
  return [...{ [Symbol.iterator]: () => node.children() }]
}

/** By code units, as cursors need it, not as any language sorts. */
function firstByName<V extends object>(nodes: readonly LevelNode<V>[], limit: number): LevelNode<V>[] {
  return nodes.toSorted((one, other) => (one.level < other.level ? -1 : 1)).slice(0, limit)
}
