import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plainOptions } from '../../src/protocol/subscription-options.ts'
import type { Delivery, Subscriber } from '../../src/router/delivery.ts'
import { MatchSets } from '../../src/router/match-sets.ts'
import { SubscriptionTree } from '../../src/router/subscription-tree.ts'
import { TopicTable } from '../../src/topics/topic-table.ts'
import { runs } from '../support/runs.ts'
import { naiveMatches } from './naive-match.ts'

const LIMITS = { maxTopicBytes: 1024, maxTopicLevels: 32, maxTopicMemoryBytes: 1024 ** 2 }

/** Subscriptions and the topics that are told of each change, as the router tells them. */
class Fixture {
  readonly tree = new SubscriptionTree()
  readonly table: TopicTable
  readonly sets: MatchSets

  constructor(maxTopics: number, maxDeliveries?: number) {
    this.table = new TopicTable({ ...LIMITS, maxTopics }, { forget: (number) => this.sets.forget(number) })
    this.sets = new MatchSets(this.table, this.tree, maxDeliveries)
  }

  match(topic: string): readonly Delivery[] {
    const bytes = Buffer.from(topic)
    const number = this.table.resolve(bytes, 0, bytes.length, 0)
    if (number === 0) throw new Error(`${topic} was refused`)
    return this.sets.match(number)
  }

  subscribe(filter: string, subscriber = nobody()): Subscriber {
    this.tree.add(subscriber, filter, plainOptions(1))
    this.sets.invalidate(filter)
    return subscriber
  }

  unsubscribe(filter: string, subscriber: Subscriber): void {
    this.tree.remove(subscriber, filter)
    this.sets.invalidate(filter)
  }

  subscribersOf(topic: string): Subscriber[] {
    return this.match(topic).map((delivery) => delivery.subscriber)
  }
}

/** A list that has one of them though it has gone from all its filters, if there is one. */
function listWithGone(sets: MatchSets, hasGone: (one: Subscriber) => boolean): readonly Delivery[] | undefined {
  for (const list of sets.lists()) if (list.some(({ subscriber }) => hasGone(subscriber))) return list
  return undefined
}

function nobody(): Subscriber {
  return { deliver: () => undefined }
}

describe('MatchSets', () => {
  test('matches anew exactly the topics that a changed filter touches', () => {
    for (const [filter, touched] of [
      ['a/b', ['a/b']],
      ['a/+', ['a/b', 'a/c']],
      ['#', ['a/b', 'a/c', 'b']],
      ['$SYS/#', ['$SYS/x']],
      ['b/#', ['b']],
    ] as const) {
      const fixture = new Fixture(100)
      const topics = ['a/b', 'a/c', 'b', '$SYS/x']
      const before = topics.map((topic) => fixture.match(topic))
      const subscriber = fixture.subscribe(filter)
      for (const [i, topic] of topics.entries()) {
        const isTouched = touched.some((one) => topic === one)
        expect(fixture.match(topic).length, `${filter} and ${topic}`).toBe(isTouched ? 1 : 0)
        if (!isTouched) expect(fixture.match(topic)).toBe(before[i])
      }
      fixture.unsubscribe(filter, subscriber)
      for (const topic of topics) expect(fixture.match(topic)).toEqual([])
    }
  })

  test('has one list for all topics that fall under the same filters', () => {
    const fixture = new Fixture(10_000)
    fixture.subscribe('#')
    const list = fixture.match('0')
    for (let i = 0; i < 1000; i++) expect(fixture.match(String(i))).toBe(list)
    fixture.subscribe('+/a')
    fixture.subscribe('+/a')
    const both = fixture.match('0/a')
    expect(both.length).toBe(3)
    for (let i = 0; i < 1000; i++) expect(fixture.match(`${i}/a`)).toBe(both)
    expect(fixture.sets.size).toBe(2)
  })

  test('keeps the list of a topic that none of the last filters touched', () => {
    const fixture = new Fixture(100)
    fixture.subscribe('a')
    const list = fixture.match('a')
    for (let i = 0; i < 16; i++) fixture.subscribe(`b/${i}/+`)
    expect(fixture.match('a')).toBe(list)
    for (let i = 0; i < 40; i++) fixture.subscribe(`b/${i}/+`)
    expect(fixture.match('a')).toBe(list)
  })

  test('misses no change, however many filters changed since the last message', () => {
    for (let others = 0; others < 40; others++) {
      const fixture = new Fixture(100)
      fixture.match('a')
      const subscriber = fixture.subscribe('+')
      for (let i = 0; i < others; i++) fixture.subscribe(`b/${i}/+`)
      expect(fixture.subscribersOf('a'), `${others} others`).toEqual([subscriber])
    }
  })

  test('matches a topic that was forgotten with the subscribers of the moment', () => {
    const fixture = new Fixture(1)
    fixture.match('a')
    fixture.match('b')
    const exact = fixture.subscribe('a')
    expect(fixture.subscribersOf('a')).toEqual([exact])
    const wildcard = fixture.subscribe('+')
    expect(fixture.subscribersOf('b')).toEqual([wildcard])
    expect(fixture.subscribersOf('a')).toEqual([exact, wildcard])
    fixture.unsubscribe('a', exact)
    expect(fixture.subscribersOf('a')).toEqual([wildcard])
  })

  test('keeps no more deliveries than it may, unless one list alone has them', () => {
    const fixture = new Fixture(100, 200)
    const subscribers = Array.from({ length: 50 }, () => fixture.subscribe('+/#'))
    for (let i = 0; i < 8; i++) fixture.subscribe(`${i}/a`)
    const lists = [0, 1, 2].map((i) => fixture.match(`${i}/a`))
    expect([0, 1, 2].every((i) => fixture.match(`${i}/a`) === lists[i])).toBe(true)
    fixture.match('3/a')
    expect(fixture.match('0/a')).toEqual(lists[0])
    expect(fixture.match('0/a') === lists[0]).toBe(false)
    expect(fixture.match('2/a') === lists[2]).toBe(true)
    for (let i = 0; i < 200; i++) subscribers.push(fixture.subscribe('large'))
    const large = fixture.match('large')
    expect(large.length).toBe(250)
    expect(fixture.match('large') === large).toBe(true)
  })

  test('counts lists that were replaced, or whose topics gave way, no more', () => {
    const fixture = new Fixture(3, 200)
    for (let i = 0; i < 50; i++) fixture.subscribe('#')
    fixture.subscribe('kept')
    const kept = fixture.match('kept')
    for (let i = 0; i < 100; i++) {
      const filter = i % 2 === 0 ? 'changed' : 'changed/#'
      fixture.match('changed')
      const subscriber = fixture.subscribe(filter)
      fixture.match('changed')
      fixture.unsubscribe(filter, subscriber)
      const exact = fixture.subscribe(`gone ${i}`)
      fixture.match(`gone ${i}`)
      fixture.unsubscribe(`gone ${i}`, exact)
      expect(fixture.match('kept') === kept, `after ${i} changes`).toBe(true)
    }
    expect(fixture.sets.size).toBeLessThanOrEqual(3)
  })

  test('holds nobody who has gone, for topics that get no further message either', () => {
    const fixture = new Fixture(10_000)
    const all = fixture.subscribe('#')
    for (let i = 0; i < 200; i++) {
      for (const filter of [`rest/${i}/#`, `any/${i}/+`, `exact/${i}/x`]) {
        const subscriber = fixture.subscribe(filter)
        expect(fixture.subscribersOf(`${filter.slice(0, -1)}x`)).toContain(subscriber)
        fixture.unsubscribe(filter, subscriber)
      }
    }
    expect(listWithGone(fixture.sets, (one) => one !== all)).toBe(undefined)
    for (const topic of ['rest/7/x', 'any/7/x', 'exact/7/x']) expect(fixture.subscribersOf(topic)).toEqual([all])
  })

  test('fills a list that gave way to others again, and lets it go with its subscribers', () => {
    const fixture = new Fixture(100, 10)
    const [stays, goes] = [fixture.subscribe('a/#'), fixture.subscribe('a/+')]
    const others = Array.from({ length: 9 }, () => fixture.subscribe('b'))
    for (let i = 0; i < 3; i++) {
      expect(fixture.subscribersOf('a/1')).toEqual([stays, goes])
      expect(fixture.subscribersOf('b')).toEqual(others)
    }
    expect(fixture.subscribersOf('a/1')).toEqual([stays, goes])
    fixture.unsubscribe('a/+', goes)
    expect(listWithGone(fixture.sets, (one) => one === goes)).toBe(undefined)
    expect(fixture.subscribersOf('a/1')).toEqual([stays])
  })

  test('has the subscribers right, whatever comes, goes and is forgotten', () => {
    const people = [nobody(), nobody(), nobody()]
    const topics = ['a', 'a/b', 'b', '/b', '$S/b', 'é/b']
    const filters = ['#', '+', 'a', 'a/#', 'a/+', '+/b', 'a/b', '+/+', '/b', '$S/#', '$S/b']
    const step = fc.tuple(
      fc.constantFrom(...people),
      fc.constantFrom(...filters),
      fc.constantFrom('on', 'off', 'match'),
    )
    const property = fc.property(
      fc.constantFrom(1, 3, 100),
      fc.constantFrom(2, 5, 100),
      fc.array(step, { minLength: 20, maxLength: 200, size: 'max' }),
      (maxTopics, maxDeliveries, steps) => {
        const fixture = new Fixture(maxTopics, maxDeliveries)
        const model = new Map(people.map((person) => [person, new Set<string>()]))
        for (const [person, filter, act] of steps) {
          const own = model.get(person)
          if (act === 'on') {
            own?.add(filter)
            fixture.subscribe(filter, person)
          } else if (act === 'off') {
            if (own?.delete(filter) === true) fixture.unsubscribe(filter, person)
          } else {
            for (const topic of topics) {
              const expected = people.filter((one) =>
                [...(model.get(one) ?? [])].some((each) => naiveMatches(each, topic)),
              )
              const found = new Set(fixture.subscribersOf(topic))
              if (found.size !== expected.length || !expected.every((one) => found.has(one)))
                throw new Error(`${topic} is matched wrong`)
            }
          }
          if (listWithGone(fixture.sets, (one) => model.get(one)?.size === 0) !== undefined)
            throw new Error('a list has a subscriber who has gone')
        }
        for (const [person, own] of model) for (const filter of own) fixture.unsubscribe(filter, person)
        expect(listWithGone(fixture.sets, () => true)).toBe(undefined)
        for (const topic of topics) expect(fixture.match(topic)).toEqual([])
        expect(fixture.sets.size).toBe(0)
      },
    )
    fc.assert(property, { numRuns: runs(200) })
  })
})
