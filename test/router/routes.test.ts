import { describe, expect, test } from 'vitest'
import { hashTopic, type Route, Routes } from '../../src/router/routes.ts'
import { plainOptions } from '../../src/protocol/subscription-options.ts'
import type { Subscriber } from '../../src/router/delivery.ts'
import { SubscriptionTree } from '../../src/router/subscription-tree.ts'

const LIMITS = { maxTopicBytes: 1024, maxTopicLevels: 32 }

/** Subscriptions and the routes that are told of each change, as the router tells them. */
class Fixture {
  readonly tree = new SubscriptionTree()
  readonly routes: Routes

  constructor(maxRoutes: number) {
    this.routes = new Routes(this.tree, LIMITS, maxRoutes)
  }

  route(topic: string): Route {
    const bytes = Buffer.from(topic)
    const route = this.routes.resolve(bytes, 0, bytes.length)
    if (route === undefined) throw new Error(`${topic} was refused`)
    return route
  }

  subscribe(filter: string, subscriber = nobody()): Subscriber {
    this.tree.add(subscriber, filter, plainOptions(1))
    this.routes.invalidate(filter)
    return subscriber
  }

  unsubscribe(filter: string, subscriber: Subscriber): void {
    this.tree.remove(subscriber, filter)
    this.routes.invalidate(filter)
  }

  subscribersOf(route: Route): Subscriber[] {
    return this.routes.match(route).map((delivery) => delivery.subscriber)
  }
}

function nobody(): Subscriber {
  return { deliver: () => undefined }
}

/** Topics whose hashes agree in their low 16 bits, so that they share a chain in any table up to 65,536. */
function collidingTopics(count: number): string[] {
  const bySlot = new Map<number, string[]>()
  for (let i = 0; ; i++) {
    const bytes = Buffer.from(`made to collide ${i}`)
    const slot = hashTopic(bytes, 0, bytes.length) & 0xffff
    const topics = bySlot.get(slot) ?? []
    topics.push(bytes.toString())
    if (topics.length === count) return topics
    bySlot.set(slot, topics)
  }
}

const FACTOR = 0x9e3779b1

/** One step of the hash, as an attacker knows it. */
function mix(hash: number, word: string | number): number {
  const product = Math.imul(hash ^ (typeof word === 'string' ? Buffer.from(word).readInt32LE() : word), FACTOR)
  return product ^ (product >>> 15)
}

/** The word that takes the hash from `before` to `after`. */
function wordBetween(before: number, after: number): string {
  let inverse = FACTOR
  for (let i = 0; i < 5; i++) inverse = Math.imul(inverse, 2 - Math.imul(FACTOR, inverse))
  const word = Buffer.alloc(4)
  word.writeInt32LE(Math.imul(after ^ (after >>> 15) ^ (after >>> 30), inverse) ^ before)
  return word.toString('latin1')
}

/** The first topic that is all letters and digits of those that `make` calculates. */
function firstReadable(make: (prefix: string) => string): string {
  for (let i = 1000; i < 10_000; i++) {
    const topic = make(`${i}`)
    if (/^[A-Za-z0-9]+$/.test(topic)) return topic
  }
  throw new Error('no readable topic has the hash that is wanted')
}

describe('Routes', () => {
  test('finds the same route for the same bytes wherever they lie', () => {
    const { routes } = new Fixture(100)
    const chunk = Buffer.from('..дом/кухня--дом/кухня/')
    const { length } = Buffer.from('дом/кухня')
    const route = routes.resolve(chunk, 2, 2 + length)
    expect(route?.topic).toBe('дом/кухня')
    expect(routes.resolve(chunk, 4 + length, 4 + 2 * length)).toBe(route)
    expect(routes.resolve(chunk, 4 + length, 5 + 2 * length)?.topic).toBe('дом/кухня/')
    chunk.fill(0)
    expect(routes.resolve(Buffer.from('дом/кухня'), 0, length)).toBe(route)
  })

  test('tells topics apart that differ in one byte at any place', () => {
    const fixture = new Fixture(1000)
    const base = 'a/topic/of/23/bytes/long'
    const routes = new Set([fixture.route(base)])
    for (let i = 0; i < base.length; i++) routes.add(fixture.route(`${base.slice(0, i)}~${base.slice(i + 1)}`))
    for (let i = 1; i < base.length; i++) routes.add(fixture.route(base.slice(0, i)))
    expect(routes.size).toBe(2 * base.length)
  })

  test('refuses what is not a valid topic name, each time anew [MQTT-1.5.3-1] [MQTT-3.3.2-2] [MQTT-4.7.3-1]', () => {
    const { routes } = new Fixture(100)
    const invalid = ['', 'a/+', '#', 'a\0', 'x/'.repeat(32), 'x'.repeat(1025)].map((topic) => Buffer.from(topic))
    for (const bytes of [...invalid, Buffer.from([0x61, 0xff]), Buffer.from([0xed, 0xa0, 0x80]), ...invalid]) {
      expect(routes.resolve(bytes, 0, bytes.length)).toBe(undefined)
    }
  })

  test('keeps as many routes as it may, and the oldest gives way', () => {
    const fixture = new Fixture(3)
    const [a, b, c] = [fixture.route('a'), fixture.route('b'), fixture.route('c')]
    expect(fixture.route('a')).toBe(a)
    fixture.route('d')
    expect(fixture.route('b')).toBe(b)
    expect(fixture.route('c')).toBe(c)
    const again = fixture.route('a')
    expect(again).not.toBe(a)
    expect(again.topic).toBe('a')
    expect(fixture.route('c')).toBe(c)
    expect(fixture.route('b')).not.toBe(b)
  })

  test('never finds a route that gave way', () => {
    const fixture = new Fixture(4)
    const topics = Array.from({ length: 40 }, (_, i) => `topic ${i}`)
    const routes = topics.map((topic) => fixture.route(topic))
    expect(routes.map((route) => route.isEvicted)).toEqual(topics.map((_, i) => i < 36))
    for (const topic of topics) expect(fixture.route(topic).isEvicted).toBe(false)
  })

  test('tells topics apart whose hashes are equal', () => {
    const fixture = new Fixture(100)
    const one = 'fullword'
    const other = firstReadable((prefix) => prefix + wordBetween(mix(8, prefix), mix(mix(8, 'full'), 'word')))
    expect(fixture.route(one).hash).toBe(fixture.route(other).hash)
    expect(fixture.route(one).topic).toBe(one)
    expect(fixture.route(other).topic).toBe(other)
  })

  test('tells a topic from one that begins with it and has the same hash', () => {
    const fixture = new Fixture(100)
    const long = firstReadable((prefix) => prefix + wordBetween(mix(8, prefix), mix(4, prefix)))
    const short = long.slice(0, 4)
    expect(fixture.route(short).hash).toBe(fixture.route(long).hash)
    expect(fixture.route(long).topic).toBe(long)
    expect(fixture.route(short).topic).toBe(short)
  })

  test('bounds what topics made to collide can cost: of nine, the oldest gives way', () => {
    const fixture = new Fixture(50_000)
    const topics = collidingTopics(9)
    const routes = topics.slice(0, 8).map((topic) => fixture.route(topic))
    expect(topics.slice(0, 8).map((topic) => fixture.route(topic))).toEqual(routes)
    fixture.route(topics[8] ?? '')
    expect(routes.map((route) => route.isEvicted)).toEqual([true, ...Array.from({ length: 7 }, () => false)])
    expect(fixture.route(topics[1] ?? '')).toBe(routes[1])
    expect(fixture.route(topics[0] ?? '').topic).toBe(topics[0])
  })

  test('keeps all routes apart while colliding ones come and go', () => {
    const fixture = new Fixture(16)
    const topics = collidingTopics(12)
    const subscribers = topics.map((topic) => fixture.subscribe(topic))
    for (let i = 0; i < 500; i++) {
      const at = (i * 7 + (i >> 4)) % topics.length
      const route = fixture.route(topics[at] ?? '')
      expect(route.topic).toBe(topics[at])
      expect(fixture.subscribersOf(route)).toEqual([subscribers[at]])
      fixture.route(`another ${i % 20}`)
    }
  })

  test('matches anew exactly the routes that a changed filter touches', () => {
    for (const [filter, touched] of [
      ['a/b', ['a/b']],
      ['a/+', ['a/b', 'a/c']],
      ['#', ['a/b', 'a/c', 'b']],
      ['$SYS/#', ['$SYS/x']],
      ['b/#', ['b']],
    ] as const) {
      const fixture = new Fixture(100)
      const before = ['a/b', 'a/c', 'b', '$SYS/x'].map((topic) => {
        const route = fixture.route(topic)
        return { route, deliveries: fixture.routes.match(route) }
      })
      const subscriber = fixture.subscribe(filter)
      for (const { route, deliveries } of before) {
        const isTouched = touched.some((topic) => topic === route.topic)
        expect(fixture.routes.match(route).length, `${filter} and ${route.topic}`).toBe(isTouched ? 1 : 0)
        if (!isTouched) expect(fixture.routes.match(route)).toBe(deliveries)
      }
      fixture.unsubscribe(filter, subscriber)
      for (const { route } of before) expect(fixture.routes.match(route)).toEqual([])
    }
  })

  test('keeps the matches of a route that none of the last filters touched, and uses them again', () => {
    const fixture = new Fixture(100)
    const route = fixture.route('a')
    fixture.subscribe('a')
    const deliveries = fixture.routes.match(route)
    for (let i = 0; i < 16; i++) fixture.subscribe(`b/${i}/+`)
    expect(fixture.routes.match(route)).toBe(deliveries)
    for (let i = 0; i < 16; i++) fixture.subscribe(`b/${i}/+`)
    expect(fixture.routes.match(route)).toBe(deliveries)
  })

  test('misses no change, however many filters changed since a route was used last', () => {
    for (let others = 0; others < 40; others++) {
      const fixture = new Fixture(100)
      const route = fixture.route('a')
      fixture.routes.match(route)
      const subscriber = fixture.subscribe('+')
      for (let i = 0; i < others; i++) fixture.subscribe(`b/${i}/+`)
      expect(fixture.subscribersOf(route), `${others} others`).toEqual([subscriber])
    }
  })

  test('serves a route that gave way with the subscribers of the moment', () => {
    const fixture = new Fixture(1)
    const route = fixture.route('a')
    fixture.routes.match(route)
    fixture.route('b')
    expect(fixture.subscribersOf(route)).toEqual([])
    const exact = fixture.subscribe('a')
    expect(fixture.subscribersOf(route)).toEqual([exact])
    const wildcard = fixture.subscribe('+')
    expect(fixture.subscribersOf(route)).toEqual([exact, wildcard])
    fixture.unsubscribe('a', exact)
    expect(fixture.subscribersOf(route)).toEqual([wildcard])
  })

  test('forgets matches before they take more than two million places', () => {
    const fixture = new Fixture(100)
    for (let i = 0; i < 50_000; i++) fixture.subscribe('#')
    const first = fixture.route('first')
    const deliveries = fixture.routes.match(first)
    for (let i = 1; i < 40; i++) fixture.routes.match(fixture.route(`${i}`))
    expect(fixture.routes.match(first) === deliveries).toBe(true)
    fixture.routes.match(fixture.route('one too many'))
    const anew = fixture.routes.match(first)
    expect(anew === deliveries).toBe(false)
    expect(anew.length).toBe(50_000)
    fixture.routes.match(fixture.route('one more'))
    expect(fixture.routes.match(first) === anew).toBe(true)
  })

  test('counts matches that were replaced no more', () => {
    const fixture = new Fixture(3)
    for (let i = 0; i < 50_000; i++) fixture.subscribe('#')
    const kept = fixture.route('kept')
    const deliveries = fixture.routes.match(kept)
    for (let i = 0; i < 100; i++) {
      const filter = i % 2 === 0 ? 'changed' : 'changed/#'
      fixture.routes.match(fixture.route('changed'))
      fixture.unsubscribe(filter, fixture.subscribe(filter))
      expect(fixture.routes.match(kept) === deliveries, `after ${i} changes`).toBe(true)
    }
  })

  test('counts matches of routes that gave way no more', () => {
    const fixture = new Fixture(2)
    for (let i = 0; i < 50_000; i++) fixture.subscribe('#')
    let before = fixture.route('first')
    for (let i = 0; i < 50; i++) {
      const deliveries = fixture.routes.match(before)
      const route = fixture.route(`${i}`)
      fixture.routes.match(route)
      expect(fixture.routes.match(before) === deliveries, `after ${i} routes`).toBe(true)
      before = route
    }
  })
})
