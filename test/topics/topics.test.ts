import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Clock } from '../../src/base/clock.ts'
import { Ledger } from '../../src/observe/ledger.ts'
import { Message } from '../../src/protocol/message.ts'
import { Router } from '../../src/router/router.ts'
import { TopicNumbers } from '../../src/topics/topic-numbers.ts'
import { TopicViews } from '../../src/topics/topic-views.ts'
import { MemoryStore } from '../../src/store/memory/memory-store.ts'

const LIMITS = { maxTopicBytes: 1024, maxTopicLevels: 32 }

/** A clock that stands until time passes in the test. */
class SteppedClock extends Clock {
  #nowMs = 1_800_000_000_000

  override nowMs(): number {
    return this.#nowMs
  }

  override turn(): number {
    this.turnMs = this.#nowMs
    return this.#nowMs
  }

  pass(ms: number): void {
    this.#nowMs += ms
    this.turn()
  }
}

function createTopics(maxTopics = 1000) {
  const clock = new SteppedClock()
  const router = new Router({
    topicLimits: LIMITS,
    retainedLimits: { maxRetainedMessages: 10, maxRetainedBytes: 10_000 },
    store: new MemoryStore(),
    ledger: new Ledger(),
    clock,
    maxTopics,
    maxTopicMemoryBytes: 32 * 1024 ** 2,
  })
  const publish = (topic: string, payload: string | Buffer = 'x'): void => {
    router.publishMessage(Message.create(topic, Buffer.from(payload), 0, false, 'p'))
  }
  const views = new TopicViews(router.topics, clock)
  const payloadOf = (topic: string): string | undefined => views.get(topic)?.last.payload.toString()
  return { clock, router, views, publish, payloadOf }
}

describe('The table of topics', () => {
  test('has the last payload of each topic, however much came on others since', () => {
    const { publish, payloadOf } = createTopics(20_000)
    publish('first', 'kept')
    // The slabs hold 4 MiB: this is three times as much.
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 10_000; i++) publish(`t/${i}`, `${round} ${'x'.repeat(420)} ${i}`)
    }
    expect(payloadOf('first')).toBe('kept')
    for (const i of [0, 1, 4999, 9999]) expect(payloadOf(`t/${i}`)).toBe(`2 ${'x'.repeat(420)} ${i}`)
  })

  test('keeps no more of a payload than its first 512 bytes', () => {
    const { publish, views } = createTopics()
    publish('a', 'x'.repeat(100_000))
    const last = views.get('a')?.last
    expect(last?.payloadBytes).toBe(100_000)
    expect(last?.payload.toString()).toBe('x'.repeat(512))
  })

  test('forgets the most silent topics when it is full, and goes on with those that talk', () => {
    const { clock, publish, views } = createTopics(100)
    for (let i = 0; i < 100; i++) {
      publish(`t/${i}`)
      clock.pass(1)
    }
    publish('t/0')
    publish('new')
    expect(views.count).toBeLessThanOrEqual(100)
    expect(views.count).toBeGreaterThan(90)
    expect(views.get('t/0')).toMatchObject({ messages: 2 })
    expect(views.get('new')).toMatchObject({ messages: 1 })
    expect(views.get('t/1')).toBeUndefined()
    publish('t/1')
    expect(views.get('t/1')).toMatchObject({ messages: 1 })
  })

  test('has rates over about ten seconds, down to none', () => {
    const { clock, publish, views } = createTopics()
    for (let second = 0; second < 30; second++) {
      for (let i = 0; i < 5; i++) publish('a')
      clock.pass(1000)
    }
    expect(views.get('a')?.messagesPerSecond).toBeCloseTo(5, 0)
    clock.pass(20_000)
    expect(views.get('a')?.messagesPerSecond).toBe(0)
  })

  test('tells watchers four times a second of what changed, each topic once', () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { publish, router, clock } = createTopics()
    const told: string[][] = []
    const numbers = new TopicNumbers(router.topics, clock, 'a/+')
    const end = numbers.watch((changed) =>
      told.push(changed.map((number) => numbers.summary(number)).map((one) => `${one?.topic} ${one?.messages}`)),
    )
    publish('a/1')
    publish('b')
    publish('a/1')
    publish('a/2')
    vi.advanceTimersByTime(250)
    vi.advanceTimersByTime(250)
    publish('a/2')
    vi.advanceTimersByTime(250)
    expect(told).toEqual([['a/1 2', 'a/2 1'], ['a/2 2']])
    end()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('does not have the topics of the hub itself', () => {
    const { router, views } = createTopics()
    router.publishMessage(Message.create('$SYS/a', Buffer.from('x'), 0, false, undefined))
    expect(views.count).toBe(0)
  })
})
