import type { TopicNumber } from '../topics/topic-records.ts'
import type { TopicSummary } from '../topics/topic-summary.ts'
import { eventOf, type EventSource } from './event-stream.ts'

/** Topics in one event: what is written before the loop may be let go. */
const EVENT_TOPICS = 256
/** Events of the first list that are kept for feeds that come to them a little later. */
const MAX_KEPT_BYTES = 4 * 1024 ** 2
const NOTHING = Buffer.alloc(0)

/** The topics that feeds tell, by number. */
export interface FedTopics {
  readonly end: TopicNumber
  summary(number: TopicNumber): TopicSummary | undefined
  watch(changed: (numbers: readonly TopicNumber[]) => void): () => void
}

/** Whoever writes what a feed has. */
export interface FeedWriter {
  flush(): void
}

/**
 * The feeds of one filter in one form. Each topic is written as JSON once for all of them, when the first of them comes to it: of
 * the first list as well as of what changes. A feed whose client reads slowly holds a bit for each topic that it has still to tell.
 */
export class TopicFeeds {
  readonly #topics: FedTopics
  readonly #jsonOf: (topic: TopicSummary) => unknown
  readonly #feeds = new Set<TopicFeed>()
  /** Events of the first list, by their first number; the oldest give way. */
  readonly #kept = new Map<TopicNumber, Buffer>()
  #keptBytes = 0
  #unwatch: (() => void) | undefined = undefined

  constructor(topics: FedTopics, jsonOf: (topic: TopicSummary) => unknown) {
    this.#topics = topics
    this.#jsonOf = jsonOf
  }

  get isEmpty(): boolean {
    return this.#feeds.size === 0
  }

  /** One more feed; `ready` is the event that it has after the first list. */
  open(writer: FeedWriter, ready: () => string): TopicFeed {
    const feed = new TopicFeed(this, writer, ready)
    this.#feeds.add(feed)
    this.#unwatch ??= this.#topics.watch((numbers) => this.#changed(numbers))
    return feed
  }

  close(feed: TopicFeed): void {
    this.#feeds.delete(feed)
    if (!this.isEmpty) return
    this.#unwatch?.()
    this.#unwatch = undefined
    this.#forgetAll()
  }

  /** Whether there is a number from this one on. */
  reaches(number: TopicNumber): boolean {
    return number < this.#topics.end
  }

  /** The event of the first list with the topics from this number on; empty when there are none. */
  firstEvent(from: TopicNumber): Buffer {
    const kept = this.#kept.get(from)
    if (kept !== undefined) return kept
    const numbers = Array.from({ length: EVENT_TOPICS }, (_, i) => from + i).filter((number) => this.reaches(number))
    const event = this.eventOf(numbers)
    // Of a single feed nothing need be kept.
    if (this.#feeds.size > 1) this.#keep(from, event)
    return event
  }

  eventOf(numbers: readonly TopicNumber[]): Buffer {
    const entries: unknown[] = []
    for (const number of numbers) {
      const topic = this.#topics.summary(number)
      if (topic !== undefined) entries.push(this.#jsonOf(topic))
    }
    return entries.length === 0 ? NOTHING : Buffer.from(eventOf('topics', entries))
  }

  #changed(numbers: readonly TopicNumber[]): void {
    for (const number of numbers) this.#forget(firstOf(number))
    const news = new News(this, numbers)
    for (const feed of this.#feeds) feed.tell(news)
  }

  #keep(from: TopicNumber, event: Buffer): void {
    this.#kept.set(from, event)
    this.#keptBytes += event.length
    for (const oldest of this.#kept.keys()) {
      if (this.#keptBytes <= MAX_KEPT_BYTES) return
      this.#forget(oldest)
    }
  }

  #forget(from: TopicNumber): void {
    this.#keptBytes -= this.#kept.get(from)?.length ?? 0
    this.#kept.delete(from)
  }

  #forgetAll(): void {
    this.#kept.clear()
    this.#keptBytes = 0
  }
}

/** Topics that changed at one time, for all feeds that have told what was before. */
class News {
  readonly numbers: readonly TopicNumber[]
  readonly #feeds: TopicFeeds
  readonly #events: Buffer[] = []

  constructor(feeds: TopicFeeds, numbers: readonly TopicNumber[]) {
    this.#feeds = feeds
    this.numbers = numbers
  }

  /** The event with the topics from this place on. */
  event(at: number): Buffer {
    return (this.#events[at / EVENT_TOPICS] ??= this.#feeds.eventOf(this.numbers.slice(at, at + EVENT_TOPICS)))
  }
}

/** What one client is told of topics: first all that there are, then those that had a message. */
export class TopicFeed implements EventSource {
  readonly #feeds: TopicFeeds
  readonly #writer: FeedWriter
  readonly #ready: () => string
  /** Where the first list goes on. */
  #next: TopicNumber = 1
  #isReady = false
  /** What it tells of together with the others, and how far it is. */
  #news: News | undefined = undefined
  #toldNews = 0
  /** What it has missed of that, since its client reads too slowly or has not had the first list yet. */
  readonly #missed = new NumberSet()

  constructor(feeds: TopicFeeds, writer: FeedWriter, ready: () => string) {
    this.#feeds = feeds
    this.#writer = writer
    this.#ready = ready
  }

  /** Only for `TopicFeeds`. */
  tell(news: News): void {
    this.#miss(this.#news, this.#toldNews)
    this.#news = undefined
    if (this.#isReady && this.#missed.size === 0) {
      this.#news = news
      this.#toldNews = 0
    } else {
      this.#miss(news, 0)
    }
    this.#writer.flush()
  }

  nextEvent(): Buffer | string | undefined {
    if (this.#feeds.reaches(this.#next) && !this.#isReady) {
      const from = this.#next
      this.#next += EVENT_TOPICS
      return this.#feeds.firstEvent(from)
    }
    if (!this.#isReady) {
      this.#isReady = true
      return this.#ready()
    }
    if (this.#missed.size > 0) return this.#feeds.eventOf(this.#missed.take(EVENT_TOPICS))
    return this.#nextNews()
  }

  #nextNews(): Buffer | undefined {
    const at = this.#toldNews
    if (this.#news === undefined) return undefined
    const event = this.#news.event(at)
    this.#toldNews = at + EVENT_TOPICS
    if (this.#toldNews >= this.#news.numbers.length) this.#news = undefined
    return event
  }

  /** The topics of the first list that it has not come to yet are told there. */
  #miss(news: News | undefined, from: number): void {
    if (news === undefined) return
    for (let i = from; i < news.numbers.length; i++) {
      const number = news.numbers[i] ?? 0
      if (this.#isReady || number < this.#next) this.#missed.add(number)
    }
  }
}

/** Numbers in a bit each. */
class NumberSet {
  size = 0
  #bytes = new Uint8Array(0)
  /** No byte before this one has a bit. */
  #from = 0

  add(number: number): void {
    const at = number >>> 3
    if (at >= this.#bytes.length) this.#grow(at)
    const bit = 1 << (number & 7)
    const byte = this.#bytes[at] ?? 0
    if ((byte & bit) !== 0) return
    this.#bytes[at] = byte | bit
    this.size++
    this.#from = Math.min(this.#from, at)
  }

  /** Takes out the lowest, at most so many. */
  take(maxNumbers: number): number[] {
    const taken: number[] = []
    for (; this.size > 0 && taken.length < maxNumbers; this.#from++) {
      const byte = this.#bytes[this.#from] ?? 0
      if (byte === 0) continue
      for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) taken.push(this.#from * 8 + bit)
      this.#bytes[this.#from] = 0
      this.size -= bitsOf(byte)
    }
    return taken
  }

  #grow(at: number): void {
    const bytes = new Uint8Array(Math.max(64, 2 ** Math.ceil(Math.log2(at + 1))))
    bytes.set(this.#bytes)
    this.#bytes = bytes
  }
}

function bitsOf(byte: number): number {
  let bits = 0
  for (let left = byte; left !== 0; left &= left - 1) bits++
  return bits
}

/** The first number of the event of the first list in which this one is. */
function firstOf(number: TopicNumber): TopicNumber {
  return number - ((number - 1) % EVENT_TOPICS)
}
