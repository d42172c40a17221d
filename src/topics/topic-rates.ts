// Hot path: `roll` runs for each topic in every ten seconds; measured by `npm run bench`, all throughput rows.
import type { Clock } from '../base/clock.ts'
import {
  BYTES_AT_WINDOW,
  BYTES_BEFORE,
  COLD_FIELDS,
  MESSAGES_AT_WINDOW,
  MESSAGES_BEFORE,
  type TopicNumber,
  type TopicRecords,
} from './topic-records.ts'

const WINDOW_MS = 10_000

/**
 * How often topics have messages, over about ten seconds: those of the current window of the hub's clock, and of the one before by
 * its share that is less than ten seconds ago. Windows are the same for all topics: a message costs one comparison, and only a
 * topic's first of a window is more. Reads 0 twenty seconds after the last message at the latest.
 */
export class TopicRates {
  /** A topic whose last message came before this must `roll` before the next one is counted. */
  windowStartMs = 0
  #windowEndsMs = 0
  readonly #records: TopicRecords
  readonly #clock: Clock

  constructor(records: TopicRecords, clock: Clock) {
    this.#records = records
    this.#clock = clock
  }

  /** To be called before messages are counted. */
  turn(): void {
    const { turnMs } = this.#clock
    if (turnMs < this.#windowEndsMs) return
    this.windowStartMs = startOf(turnMs)
    this.#windowEndsMs = this.windowStartMs + WINDOW_MS
  }

  /** The topic has its first message of this window, which is not counted yet. */
  roll(number: TopicNumber): void {
    const { cold } = this.#records
    const record = number * COLD_FIELDS
    // All in 32 bits: only differences count.
    const messages = this.#records.messages(number) | 0
    const bytes = this.#records.bytes(number) | 0
    const isNext = this.#records.lastAtMs(number) >= this.windowStartMs - WINDOW_MS
    cold[record + MESSAGES_BEFORE] = isNext ? messages - (cold[record + MESSAGES_AT_WINDOW] ?? 0) : 0
    cold[record + BYTES_BEFORE] = isNext ? bytes - (cold[record + BYTES_AT_WINDOW] ?? 0) : 0
    cold[record + MESSAGES_AT_WINDOW] = messages
    cold[record + BYTES_AT_WINDOW] = bytes
  }

  messagesPerSecond(number: TopicNumber, nowMs: number): number {
    const messages = this.#records.messages(number)
    return this.#perSecond(number, nowMs, messages, MESSAGES_AT_WINDOW, MESSAGES_BEFORE)
  }

  bytesPerSecond(number: TopicNumber, nowMs: number): number {
    return this.#perSecond(number, nowMs, this.#records.bytes(number), BYTES_AT_WINDOW, BYTES_BEFORE)
  }

  #perSecond(number: TopicNumber, nowMs: number, count: number, atWindow: number, before: number): number {
    const { cold } = this.#records
    const record = number * COLD_FIELDS
    const startMs = startOf(nowMs)
    const lastStartMs = startOf(this.#records.lastAtMs(number))
    if (lastStartMs < startMs - WINDOW_MS) return 0
    const countInWindow = ((count | 0) - (cold[record + atWindow] ?? 0)) >>> 0
    const share = 1 - (nowMs - startMs) / WINDOW_MS
    const isCurrent = lastStartMs >= startMs
    const sum = isCurrent ? countInWindow + ((cold[record + before] ?? 0) >>> 0) * share : countInWindow * share
    return (sum * 1000) / WINDOW_MS
  }
}

function startOf(ms: number): number {
  return Math.floor(ms / WINDOW_MS) * WINDOW_MS
}
