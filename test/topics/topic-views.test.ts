import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Clock } from '../../src/base/clock.ts'
import { Ledger } from '../../src/observe/ledger.ts'
import { Message } from '../../src/protocol/message.ts'
import { Router } from '../../src/router/router.ts'
import { MemoryStore } from '../../src/store/memory/memory-store.ts'
import type { TopicLevel } from '../../src/topics/topic-summary.ts'
import { TopicNumbers } from '../../src/topics/topic-numbers.ts'
import { TopicViews } from '../../src/topics/topic-views.ts'
import { filters, naiveMatches, topics } from '../router/naive-match.ts'
import { runs } from '../support/runs.ts'
import { naiveOrder } from './name-list.ts'

/** Views beside the messages of each topic that was ever published to. */
class Fixture {
  readonly messages = new Map<string, number>()
  readonly router: Router
  readonly views: TopicViews

  constructor(maxTopics: number) {
    const clock = new Clock()
    this.router = new Router({
      topicLimits: { maxTopicBytes: 1024, maxTopicLevels: 32 },
      retainedLimits: { maxRetainedMessages: 10, maxRetainedBytes: 10_000 },
      store: new MemoryStore(),
      ledger: new Ledger(),
      clock,
      maxTopics,
      maxTopicMemoryBytes: 1024 ** 2,
    })
    this.views = new TopicViews(this.router.topics, clock)
    onTestFinished(() => this.views.stop())
  }

  publish(topic: string): void {
    this.router.publishMessage(Message.create(topic, Buffer.from('x'), 0, false, 'p'))
    this.messages.set(topic, (this.messages.get(topic) ?? 0) + 1)
  }

  /** Those that are known still. */
  get known(): string[] {
    return [...this.messages.keys()].filter((topic) => this.views.get(topic) !== undefined)
  }

  under(filter: string): string[] {
    const numbers = new TopicNumbers(this.router.topics, new Clock(), filter)
    return Array.from({ length: numbers.end }, (_, number) => numbers.summary(number)).flatMap(
      (one) => one?.topic ?? [],
    )
  }

  expectedLevels(above: string): string[] {
    const levels = new Map<string, { topics: number; messages: number; isTopic: boolean; hasChildren: boolean }>()
    for (const topic of this.known) {
      if (!topic.startsWith(above)) continue
      const [level = '', ...rest] = topic.slice(above.length).split('/')
      const sum = levels.get(level) ?? { topics: 0, messages: 0, isTopic: false, hasChildren: false }
      sum.topics++
      sum.messages += this.views.get(topic)?.messages ?? 0
      if (rest.length > 0) sum.hasChildren = true
      else sum.isTopic = true
      levels.set(level, sum)
    }
    return [...levels]
      .toSorted(([one], [other]) => naiveOrder(one, other))
      .map(([level, sum]) => `${level} ${sum.topics} ${sum.messages} ${sum.isTopic} ${sum.hasChildren}`)
  }
}

function described({ level, topics: count, messages, topic, hasChildren }: TopicLevel): string {
  return `${level} ${count} ${messages} ${topic !== undefined} ${hasChildren}`
}

describe('TopicViews', () => {
  test('has each level right, whole or page by page, while topics come and are forgotten', async () => {
    const round = fc.array(topics, { maxLength: 60 })
    const property = fc.asyncProperty(
      fc.integer({ min: 5, max: 60 }),
      fc.array(round, { minLength: 2, maxLength: 6 }),
      fc.array(topics, { minLength: 2, maxLength: 5 }),
      fc.integer({ min: 1, max: 3 }),
      async (maxTopics, rounds, prefixes, limit) => {
        const fixture = new Fixture(maxTopics)
        for (const published of rounds) {
          for (const topic of published) fixture.publish(topic)
          for (const above of ['', ...prefixes.map((prefix) => (prefix.endsWith('/') ? prefix : `${prefix}/`))]) {
            const expected = fixture.expectedLevels(above)
            expect((await fixture.views.level(above, undefined, 1000)).map((level) => described(level))).toEqual(
              expected,
            )
            const paged: string[] = []
            for (
              let after: string | undefined, page;
              page === undefined || page.length > 0;
              after = page.at(-1)?.level
            ) {
              page = await fixture.views.level(above, after, limit)
              paged.push(...page.map((level) => described(level)))
            }
            expect(paged).toEqual(expected)
          }
        }
        fixture.views.stop()
      },
    )
    await fc.assert(property, { numRuns: runs(30) })
  })

  test('has the topics under a filter, before and after somebody has looked at a level', async () => {
    const property = fc.asyncProperty(
      fc.array(topics, { maxLength: 100 }),
      fc.array(filters, { minLength: 5, maxLength: 20 }),
      async (published, asked) => {
        const fixture = new Fixture(50)
        for (const topic of published) fixture.publish(topic)
        const under = (filter: string) => fixture.under(filter).toSorted(naiveOrder)
        for (const hasLooked of [false, true]) {
          if (hasLooked) await fixture.views.level('', undefined, 1)
          for (const filter of asked)
            expect(under(filter)).toEqual(
              fixture.known.filter((topic) => naiveMatches(filter, topic)).toSorted(naiveOrder),
            )
        }
        fixture.views.stop()
      },
    )
    await fc.assert(property, { numRuns: runs(50) })
  })

  test('has a page of many topics right while others come and are forgotten', async () => {
    const fixture = new Fixture(5000)
    for (let i = 0; i < 5000; i++) fixture.publish(`a/${i}/x`)
    const looking = fixture.views.level('', undefined, 10)
    const coming = (async () => {
      for (let i = 0; i < 3000; i++) {
        if (i % 100 === 0) await new Promise(setImmediate)
        fixture.publish(`b/${i}`)
      }
    })()
    await Promise.all([looking, coming])
    expect((await fixture.views.level('', undefined, 10)).map((level) => described(level))).toEqual(
      fixture.expectedLevels(''),
    )
    expect((await fixture.views.level('b', '1', 5)).map(({ level }) => level)).toEqual([
      '10',
      '100',
      '1000',
      '1001',
      '1002',
    ])
  })

  test('keeps its order of topics for a minute after the last look, and no timer then', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const fixture = new Fixture(100)
    fixture.publish('a')
    const { sorted } = fixture.router.topics
    expect([sorted.names.size, vi.getTimerCount()]).toEqual([0, 0])
    await fixture.views.level('', undefined, 1)
    expect([sorted.names.size, vi.getTimerCount()]).toEqual([1, 1])
    vi.advanceTimersByTime(60_000)
    await fixture.views.level('', undefined, 1)
    vi.advanceTimersByTime(60_000)
    expect(sorted.names.size).toBe(1)
    vi.advanceTimersByTime(60_000)
    expect([sorted.names.size, vi.getTimerCount()]).toEqual([0, 0])
    fixture.publish('b')
    expect((await fixture.views.level('', undefined, 10)).map(({ level }) => level)).toEqual(['a', 'b'])
    fixture.views.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})
