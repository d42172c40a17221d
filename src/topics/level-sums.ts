import type { TopicNumber } from './topic-records.ts'
import type { TopicLevel } from './topic-summary.ts'
import type { Topics } from './topics.ts'

const SLASH = 0x2f
/** Levels that are gathered beyond those that are wanted before the last ones are dropped. */
const SPARE_LEVELS = 1000

/** Which levels are wanted: the first `limit` below `above`, by name, of those behind `after`. */
export interface LevelsWanted {
  /** All levels above, each with its slash. */
  readonly above: string
  readonly after: string | undefined
  readonly limit: number
  readonly nowMs: number
}

/** Adds up topics, given in any order, for each level below some others. */
export class LevelSums {
  readonly #topics: Topics
  readonly #wanted: LevelsWanted
  readonly #above: Buffer
  #sums = new Map<string, LevelSum>()
  /** What is behind this by name is not wanted: there are enough before it. */
  #last: string | undefined = undefined

  constructor(topics: Topics, wanted: LevelsWanted) {
    this.#topics = topics
    this.#wanted = wanted
    this.#above = Buffer.from(wanted.above)
  }

  /** Adds a topic that had a message, if it is below. */
  add(number: TopicNumber): void {
    const { log } = this.#topics.table
    const { bytes } = log
    const above = this.#above
    const start = log.nameStart(number)
    const end = start + log.nameBytes(number)
    const levelStart = start + above.length
    if (levelStart > end) return
    for (let i = 0; i < above.length; i++) if (above[i] !== bytes[start + i]) return
    let levelEnd = levelStart
    while (levelEnd < end && bytes[levelEnd] !== SLASH) levelEnd++
    const level = Buffer.from(bytes.buffer, bytes.byteOffset + levelStart, levelEnd - levelStart).toString()
    const { after, nowMs } = this.#wanted
    if ((after !== undefined && level <= after) || (this.#last !== undefined && level > this.#last)) return
    let sum = this.#sums.get(level)
    if (sum === undefined) {
      sum = new LevelSum(level)
      this.#sums.set(level, sum)
    }
    sum.add(this.#topics, number, nowMs, levelEnd === end)
    if (this.#sums.size > this.#wanted.limit + SPARE_LEVELS) this.#dropLast()
  }

  levels(): TopicLevel[] {
    return this.#first().map((sum) => sum.toLevel(this.#topics, this.#wanted))
  }

  #first(): LevelSum[] {
    // By code units, as cursors need it, not as any language sorts.
    const sorted = [...this.#sums.values()].toSorted((one, other) => (one.level < other.level ? -1 : 1))
    return sorted.slice(0, this.#wanted.limit)
  }

  #dropLast(): void {
    const first = this.#first()
    this.#sums = new Map(first.map((sum) => [sum.level, sum]))
    this.#last = first.at(-1)?.level
  }
}

class LevelSum {
  readonly level: string
  #topics = 0
  #messages = 0
  #bytes = 0
  #messagesPerSecond = 0
  #hasChildren = false
  /** The topic that ends here. */
  #topic: TopicNumber = 0

  constructor(level: string) {
    this.level = level
  }

  /** Adds a topic; `isAtEnd`: its name ends with this level. */
  add(topics: Topics, number: TopicNumber, nowMs: number, isAtEnd: boolean): void {
    const { records, rates } = topics
    this.#topics++
    this.#messages += records.messages(number)
    this.#bytes += records.bytes(number)
    this.#messagesPerSecond += rates.messagesPerSecond(number, nowMs)
    if (isAtEnd) this.#topic = number
    else this.#hasChildren = true
  }

  toLevel(topics: Topics, { above, nowMs }: LevelsWanted): TopicLevel {
    // Meanwhile it may have given way to another.
    const isKnown = this.#topic !== 0 && topics.table.find(`${above}${this.level}`) === this.#topic
    return {
      level: this.level,
      prefix: `${above}${this.level}/`,
      topics: this.#topics,
      messages: this.#messages,
      bytes: this.#bytes,
      messagesPerSecond: this.#messagesPerSecond,
      hasChildren: this.#hasChildren,
      topic: isKnown ? topics.summary(this.#topic, nowMs) : undefined,
    }
  }
}
