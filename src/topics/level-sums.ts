import { levelEnd } from './name-walk.ts'
import type { Place } from './sorted-names.ts'
import type { TopicNumber } from './topic-records.ts'
import type { TopicLevel } from './topic-summary.ts'
import type { Topics } from './topics.ts'

/** Behind the slash, and not behind anything else. */
const BEHIND_SLASH = '\u0001'

/** A small part of a millisecond. */
const TOPICS_BETWEEN_PAUSES = 200

/** Which levels are wanted: the first `limit` below `above`, by name, of those behind `after`. */
export interface LevelsWanted {
  /** All levels above, each with its slash. */
  readonly above: string
  readonly after: string | undefined
  readonly limit: number
  readonly nowMs: number
  /** Which topics count at all; all when it is undefined. */
  readonly shows: ((topic: string) => boolean) | undefined
}

/** Adds up the topics of each level below some others, in the order of their names. `topics.sorted` must be up to date. */
export class LevelSums {
  readonly #topics: Topics
  readonly #wanted: LevelsWanted
  readonly #above: Buffer
  readonly #sums: LevelSum[] = []

  constructor(topics: Topics, wanted: LevelsWanted) {
    this.#topics = topics
    this.#wanted = wanted
    this.#above = Buffer.from(wanted.above)
  }

  /** Goes through the topics. Lazy: after each step is a pause in which the loop may be let go, and topics come and go. */
  *gather(): Generator<undefined, void, undefined> {
    const { sorted } = this.#topics
    const { names } = sorted
    const { above, after, limit } = this.#wanted
    let place = this.#seek(Buffer.from(after === undefined ? above : above + after + BEHIND_SLASH))
    let topics = 0
    for (let number = names.at(place); number !== 0; number = names.at(place)) {
      if (++topics % TOPICS_BETWEEN_PAUSES === 0) {
        const { changes } = names
        sorted.turnTo(number)
        const name = Buffer.from(sorted.bytes.subarray(sorted.start, sorted.end))
        yield undefined
        sorted.look()
        if (names.changes !== changes) {
          place = this.#seek(name)
          continue
        }
      }
      if (!this.#add(number, limit)) return
      place = names.next(place)
    }
  }

  levels(): TopicLevel[] {
    return this.#sums.map((sum) => sum.toLevel(this.#topics, this.#wanted))
  }

  #seek(name: Buffer): Place {
    return this.#topics.sorted.names.seek(name, 0, name.length)
  }

  /** Adds a topic; false if it is none of those that are wanted, nor is any behind it. */
  #add(number: TopicNumber, limit: number): boolean {
    const { sorted } = this.#topics
    sorted.turnTo(number)
    const { bytes, start, end } = sorted
    const above = this.#above
    const levelStart = start + above.length
    if (levelStart > end) return false
    for (let i = 0; i < above.length; i++) if (above[i] !== bytes[start + i]) return false
    const { shows } = this.#wanted
    if (shows !== undefined && !shows(this.#topics.table.log.name(number))) return true
    const ownEnd = levelEnd(bytes, levelStart, end)
    let sum = this.#sums.at(-1)
    if (sum === undefined || !sum.isOf(bytes, levelStart, ownEnd)) {
      if (this.#sums.length === limit) return false
      sum = new LevelSum(Buffer.from(bytes.subarray(levelStart, ownEnd)))
      this.#sums.push(sum)
    }
    sum.add(this.#topics, number, this.#wanted.nowMs, ownEnd === end)
    return true
  }
}

class LevelSum {
  readonly #level: Buffer
  #topics = 0
  #messages = 0
  #bytes = 0
  #messagesPerSecond = 0
  #hasChildren = false
  /** The topic that ends here. */
  #topic: TopicNumber = 0

  constructor(level: Buffer) {
    this.#level = level
  }

  /** Whether `bytes[start, end)` is its name. */
  isOf(bytes: Uint8Array, start: number, end: number): boolean {
    const level = this.#level
    if (level.length !== end - start) return false
    for (let i = 0; i < level.length; i++) if (level[i] !== bytes[start + i]) return false
    return true
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
    const level = this.#level.toString()
    // Meanwhile it may have given way to another.
    const isKnown = this.#topic !== 0 && topics.table.find(`${above}${level}`) === this.#topic
    return {
      level,
      prefix: `${above}${level}/`,
      topics: this.#topics,
      messages: this.#messages,
      bytes: this.#bytes,
      messagesPerSecond: this.#messagesPerSecond,
      hasChildren: this.#hasChildren,
      topic: isKnown ? topics.summary(this.#topic, nowMs) : undefined,
    }
  }
}
