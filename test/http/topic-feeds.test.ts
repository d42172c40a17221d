import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type FedTopics, type TopicFeed, TopicFeeds } from '../../src/http/topic-feeds.ts'
import type { TopicSummary } from '../../src/topics/topic-summary.ts'
import { runs } from '../support/runs.ts'

const LAST = {
  atMs: 0,
  publisher: undefined,
  qos: 0,
  retain: false,
  payloadBytes: 0,
  payload: Buffer.alloc(0),
  isVersion5: false,
} as const

/** Topics `t1`, `t2`, …, of which only the messages count. */
class FakeTopics implements FedTopics {
  readonly messages: number[] = [0]
  #changed: ((numbers: readonly number[]) => void) | undefined = undefined
  #numbers = new Set<number>()

  constructor(topics: number) {
    for (let i = 0; i < topics; i++) this.messages.push(1)
  }

  get end(): number {
    return this.messages.length
  }

  get isWatched(): boolean {
    return this.#changed !== undefined
  }

  summary(number: number): TopicSummary | undefined {
    const messages = this.messages[number]
    if (messages === undefined) return undefined
    const rest = { bytes: 0, messagesPerSecond: 0, bytesPerSecond: 0, retainedAtMs: undefined, last: LAST }
    return { topic: `t${number}`, messages, ...rest }
  }

  watch(changed: (numbers: readonly number[]) => void): () => void {
    this.#changed = changed
    return () => {
      this.#changed = undefined
    }
  }

  publish(number: number): void {
    const at = Math.min(number, this.end)
    this.messages[at] = (this.messages[at] ?? 0) + 1
    this.#numbers.add(at)
  }

  tell(): void {
    const numbers = [...this.#numbers]
    this.#numbers = new Set()
    if (numbers.length > 0) this.#changed?.(numbers)
  }
}

/** A client that reads when it is told to. */
class Reader {
  readonly messages = new Map<string, number>()
  readonly feed: TopicFeed
  isReady = false
  topicsTold = 0

  constructor(feeds: TopicFeeds) {
    this.feed = feeds.open({ flush: () => undefined }, () => 'ready')
  }

  /** Takes at most so many events. */
  read(events: number): void {
    for (let i = 0; i < events; i++) {
      const event = this.feed.nextEvent()
      if (event === undefined) return
      if (event === 'ready') this.isReady = true
      else if (event.length > 0) this.#take(event.toString())
    }
  }

  #take(event: string): void {
    const topics: [string, number][] = JSON.parse(event.slice(event.indexOf('[')))
    this.topicsTold += topics.length
    for (const [topic, messages] of topics) this.messages.set(topic, messages)
  }
}

function shortOf({ topic, messages }: TopicSummary): unknown {
  return [topic, messages]
}

describe('TopicFeeds', () => {
  test('write each topic as JSON once for all feeds, of the first list and of what changes', () => {
    const topics = new FakeTopics(1000)
    let written = 0
    const feeds = new TopicFeeds(topics, (topic) => {
      written++
      return shortOf(topic)
    })
    const readers = Array.from({ length: 5 }, () => new Reader(feeds))
    for (let events = 0; events < 10; events++) for (const reader of readers) reader.read(1)
    expect(written).toBe(1000)
    for (const reader of readers) expect([reader.isReady, reader.messages.size]).toEqual([true, 1000])
    for (let number = 1; number <= 600; number++) topics.publish(number)
    topics.tell()
    for (const reader of readers) reader.read(10)
    expect(written).toBe(1600)
    for (const reader of readers) expect(reader.messages.get('t600')).toBe(2)
  })

  test('tell a client that has not read for long each topic once, as it is then', () => {
    const topics = new FakeTopics(1000)
    const feeds = new TopicFeeds(topics, shortOf)
    const reader = new Reader(feeds)
    reader.read(Infinity)
    for (let round = 0; round < 20; round++) {
      for (let number = 1; number <= 1000; number++) topics.publish(number)
      topics.tell()
    }
    reader.topicsTold = 0
    reader.read(Infinity)
    expect(reader.topicsTold).toBe(1000)
    expect(reader.messages.get('t1000')).toBe(21)
  })

  test('watch topics only while there is a feed', () => {
    const topics = new FakeTopics(1)
    const feeds = new TopicFeeds(topics, shortOf)
    const [one, other] = [new Reader(feeds), new Reader(feeds)]
    feeds.close(one.feed)
    expect([topics.isWatched, feeds.isEmpty]).toEqual([true, false])
    feeds.close(other.feed)
    expect([topics.isWatched, feeds.isEmpty]).toEqual([false, true])
  })

  test('have told each client in the end what is true, however topics change and clients read', () => {
    const steps = fc.oneof(
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('publish' as const), number: fc.integer({ min: 1, max: 900 }) }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('tell' as const) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('open' as const) }) },
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant('read' as const),
          reader: fc.nat(5),
          events: fc.integer({ min: 1, max: 3 }),
        }),
      },
    )
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 80 }), (all) => {
        const topics = new FakeTopics(700)
        const feeds = new TopicFeeds(topics, shortOf)
        const readers: Reader[] = []
        for (const step of all) {
          if (step.kind === 'publish') topics.publish(step.number)
          else if (step.kind === 'tell') topics.tell()
          else if (step.kind === 'open') readers.push(new Reader(feeds))
          else readers[step.reader]?.read(step.events)
        }
        topics.tell()
        for (const reader of readers) reader.read(Infinity)
        const truth = new Map(topics.messages.slice(1).map((messages, i) => [`t${i + 1}`, messages]))
        for (const { messages, isReady } of readers) {
          expect(isReady).toBe(true)
          expect(messages).toEqual(truth)
        }
      }),
      { numRuns: runs(200) },
    )
  })
})
