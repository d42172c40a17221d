import { type NameSource, SortedNames } from './sorted-names.ts'
import type { TopicLog } from './topic-log.ts'
import type { TopicNumber, TopicRecords } from './topic-records.ts'

/** How often it is looked whether anybody has looked. */
const DROPPED_AFTER_MS = 60_000
/** Topics entered, or looked at, between two pauses of `bringUp`: a small part of a millisecond. */
const STEPS_BETWEEN_PAUSES = 100

/**
 * The topics that had a message in the order of their names, for those who look. Nobody pays for it while nobody does: it is made when
 * it is first asked for, kept up to date from then on, and dropped when a minute has gone by without a look.
 */
export class SortedTopics implements NameSource {
  /** Good until the next pause of whoever looks: then `bringUp` is due again, or nothing more may be there. */
  readonly names = new SortedNames(this)
  bytes: Uint8Array = NO_BYTES
  start = 0
  end = 0
  readonly #records: TopicRecords
  readonly #log: TopicLog
  /** A bit for each topic that is in it; undefined while nobody looks. */
  #entered: Uint8Array | undefined = undefined
  /** Topics with lower numbers are in it, or among `#late`. */
  #scanned = 1
  #late: TopicNumber[] = []
  #timer: NodeJS.Timeout | undefined = undefined
  #isLookedAt = false

  constructor(records: TopicRecords, log: TopicLog) {
    this.#records = records
    this.#log = log
  }

  /** All topics are in it: to bring it up costs nothing. */
  get isUpToDate(): boolean {
    return this.#entered !== undefined && this.#scanned === this.#records.end && this.#late.length === 0
  }

  /** Somebody looks: it is kept for a minute. */
  look(): void {
    this.#isLookedAt = true
  }

  /** Brings it up to date. Lazy: after each step is a pause in which the loop may be let go. Who else does it meanwhile does a part. */
  *bringUp(): Generator<undefined, void, undefined> {
    const records = this.#records
    this.#entered ??= this.#begin()
    this.look()
    for (let steps = 1; !this.isUpToDate; steps++) {
      this.look()
      this.#enter(this.#scanned < records.end ? this.#scanned++ : (this.#late.pop() ?? 0))
      if (steps % STEPS_BETWEEN_PAUSES === 0) yield undefined
    }
  }

  /** The topic has its first message. */
  came(number: TopicNumber): void {
    if (this.#entered === undefined || number >= this.#scanned) return
    this.#late.push(number)
    // Nobody has looked for long.
    if (this.#late.length > this.#records.maxTopics) this.stop()
  }

  /** The topic is being forgotten; its name is still known. */
  left(number: TopicNumber): void {
    const entered = this.#entered
    if (entered === undefined || !this.#isEntered(entered, number)) return
    this.names.remove(number)
    entered[number >> 3] = (entered[number >> 3] ?? 0) & ~(1 << (number & 7))
  }

  /** Drops it. Leaves no timer. */
  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#entered = undefined
    this.#scanned = 1
    this.#late = []
    this.names.clear()
  }

  turnTo(number: TopicNumber): void {
    this.bytes = this.#log.bytes
    this.start = this.#log.nameStart(number)
    this.end = this.start + this.#log.nameBytes(number)
  }

  #begin(): Uint8Array {
    this.#timer = setInterval(() => {
      if (!this.#isLookedAt) this.stop()
      this.#isLookedAt = false
    }, DROPPED_AFTER_MS).unref()
    return new Uint8Array((this.#records.maxTopics >> 3) + 1)
  }

  #enter(number: TopicNumber): void {
    const entered = this.#entered
    // It may have been forgotten since it came, and its number may be that of another that came.
    if (entered === undefined || !this.#records.isCounted(number) || this.#isEntered(entered, number)) return
    entered[number >> 3] = (entered[number >> 3] ?? 0) | (1 << (number & 7))
    this.names.add(number)
  }

  #isEntered(entered: Uint8Array, number: TopicNumber): boolean {
    return ((entered[number >> 3] ?? 0) & (1 << (number & 7))) !== 0
  }
}

const NO_BYTES = new Uint8Array(0)
