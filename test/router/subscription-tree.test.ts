import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { QoS } from '../../src/protocol/packet-types.ts'
import { plainOptions } from '../../src/protocol/subscription-options.ts'
import type { Subscriber } from '../../src/router/delivery.ts'
import { SubscriptionTree } from '../../src/router/subscription-tree.ts'
import { filters, naiveMatches, topics } from './naive-match.ts'
import { runs } from '../support/runs.ts'

class Person implements Subscriber {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }

  deliver(): void {}
}

const anna = new Person('anna')
const ben = new Person('ben')
const PEOPLE = [anna, ben, new Person('cleo'), new Person('dora')]

/** Who gets a message with this topic and at which QoS, in order. */
function matched(tree: SubscriptionTree, topic: string): [string, QoS][] {
  return tree
    .match(topic)
    .map(({ subscriber, qos }) => [subscriber instanceof Person ? subscriber.name : 'nobody we know', qos])
}

function byName([one]: [string, QoS], [other]: [string, QoS]): number {
  return one < other ? -1 : 1
}

describe('SubscriptionTree', () => {
  test('finds who subscribed to the topic itself and nobody else [MQTT-4.7.3-4]', () => {
    const tree = new SubscriptionTree()
    tree.add(anna, 'a/b', plainOptions(1))
    tree.add(ben, '/a/b', plainOptions(1))
    expect(matched(tree, 'a/b')).toEqual([['anna', 1]])
    expect(matched(tree, '/a/b')).toEqual([['ben', 1]])
    expect(matched(tree, 'a')).toEqual([])
    expect(matched(tree, 'A/b')).toEqual([])
  })

  test('lets "#" reach the level above it and all below [MQTT-4.7.1-2]', () => {
    const tree = new SubscriptionTree()
    tree.add(anna, 'sport/tennis/#', plainOptions(1))
    expect(matched(tree, 'sport/tennis')).toEqual([['anna', 1]])
    expect(matched(tree, 'sport/tennis/player1/ranking')).toEqual([['anna', 1]])
    expect(matched(tree, 'sport')).toEqual([])
    expect(matched(tree, 'sport/golf')).toEqual([])
  })

  test('lets "+" stand for exactly one level, an empty one too [MQTT-4.7.1-3]', () => {
    const tree = new SubscriptionTree()
    tree.add(anna, '+/+', plainOptions(0))
    expect(matched(tree, '/finance')).toEqual([['anna', 0]])
    expect(matched(tree, 'a/')).toEqual([['anna', 0]])
    expect(matched(tree, 'finance')).toEqual([])
    expect(matched(tree, 'a/b/c')).toEqual([])
  })

  test('keeps "$SYS" away from a leading "#" [MQTT-4.7.2-1]', () => {
    const tree = new SubscriptionTree()
    tree.add(anna, '#', plainOptions(1))
    tree.add(ben, '$SYS/#', plainOptions(1))
    expect(matched(tree, '$SYS/uptime')).toEqual([['ben', 1]])
    expect(matched(tree, 'a/$SYS')).toEqual([['anna', 1]])
  })

  test('keeps "$SYS" away from a leading "+" [MQTT-4.7.2-1]', () => {
    const tree = new SubscriptionTree()
    tree.add(anna, '+/uptime', plainOptions(1))
    tree.add(ben, '$SYS/+', plainOptions(1))
    expect(matched(tree, '$SYS/uptime')).toEqual([['ben', 1]])
    expect(matched(tree, 'a/uptime')).toEqual([['anna', 1]])
  })

  test('names each subscriber once, at the highest QoS of its filters that match [MQTT-3.3.5-1]', () => {
    const tree = new SubscriptionTree()
    tree.add(anna, '#', plainOptions(1))
    tree.add(anna, 'a/+', plainOptions(2))
    tree.add(anna, 'a/b', plainOptions(0))
    tree.add(ben, 'a/b', plainOptions(1))
    expect(matched(tree, 'a/b')).toEqual([
      ['anna', 2],
      ['ben', 1],
    ])
    expect(matched(tree, 'a/b/c')).toEqual([['anna', 1]])
  })

  test('replaces a subscription with the same filter and keeps its place [MQTT-3.8.4-3]', () => {
    const tree = new SubscriptionTree()
    for (const filter of ['a/b', 'a/+']) {
      expect(tree.add(anna, filter, plainOptions(2))).toBe(true)
      expect(tree.add(anna, filter, plainOptions(1))).toBe(false)
      expect(tree.add(ben, filter, plainOptions(0))).toBe(true)
      expect(tree.add(anna, filter, plainOptions(0))).toBe(false)
      expect(matched(tree, 'a/b')).toEqual([
        ['anna', 0],
        ['ben', 0],
      ])
      tree.remove(anna, filter)
      tree.remove(ben, filter)
    }
  })

  test('removes only the subscription that is spelled alike [MQTT-3.10.4-1]', () => {
    const tree = new SubscriptionTree()
    tree.add(anna, 'a/+', plainOptions(1))
    tree.add(anna, 'a/b', plainOptions(1))
    expect(tree.remove(anna, '+/b')).toBe(false)
    expect(tree.remove(anna, 'a/c')).toBe(false)
    expect(tree.remove(ben, 'a/+')).toBe(false)
    expect(tree.remove(ben, 'a/b')).toBe(false)
    expect(tree.remove(anna, 'a/b')).toBe(true)
    expect(tree.remove(anna, 'a/b')).toBe(false)
    expect(matched(tree, 'a/b')).toEqual([['anna', 1]])
  })

  test('tells which subscriptions are new, however many a filter has', () => {
    const tree = new SubscriptionTree()
    for (const filter of ['a', 'a/+']) {
      expect(PEOPLE.map((person) => tree.add(person, filter, plainOptions(0)))).toEqual([true, true, true, true])
      expect(PEOPLE.map((person) => tree.add(person, filter, plainOptions(1)))).toEqual([false, false, false, false])
    }
  })

  test('never changes a list that it gave out', () => {
    const tree = new SubscriptionTree()
    for (const person of PEOPLE) tree.add(person, 'a/b', plainOptions(1))
    const before = tree.match('a/b')
    tree.remove(anna, 'a/b')
    tree.add(new Person('eve'), 'a/b', plainOptions(1))
    tree.add(ben, 'a/b', plainOptions(2))
    expect(before.map(({ subscriber, qos }) => [subscriber, qos])).toEqual(PEOPLE.map((person) => [person, 1]))
  })

  test('keeps nothing of filters that are gone', () => {
    const tree = new SubscriptionTree()
    for (const filter of ['a', 'a/+', 'a/+/b/#', 'a/+/c', '#']) {
      expect(tree.isEmpty).toBe(true)
      for (const person of PEOPLE) tree.add(person, filter, plainOptions(0))
      for (const person of PEOPLE) {
        expect(tree.isEmpty).toBe(false)
        tree.remove(person, filter)
      }
    }
    expect(tree.isEmpty).toBe(true)
  })

  test('agrees with a naive matcher after any subscriptions and unsubscriptions', () => {
    const change = fc.record({
      person: fc.constantFrom(...PEOPLE),
      filter: filters,
      qos: fc.constantFrom<(QoS | 'off')[]>(0, 1, 2, 'off'),
    })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), fc.array(topics, { minLength: 5 }), (changes, published) => {
        const tree = new SubscriptionTree()
        const model = new Map(PEOPLE.map((person) => [person, new Map<string, QoS>()]))
        for (const { person, filter, qos } of changes) {
          const own = model.get(person)
          const isKnown = own?.has(filter) === true
          if (qos === 'off') {
            own?.delete(filter)
            expect(tree.remove(person, filter)).toBe(isKnown)
          } else {
            own?.set(filter, qos)
            expect(tree.add(person, filter, plainOptions(qos))).toBe(!isKnown)
          }
        }
        for (const topic of published) {
          const expected: [string, number][] = []
          for (const [person, own] of model) {
            const granted = [...own].filter(([filter]) => naiveMatches(filter, topic)).map(([, qos]) => qos)
            if (granted.length > 0) expected.push([person.name, Math.max(...granted)])
          }
          expect(matched(tree, topic).toSorted(byName)).toEqual(expected)
        }
        for (const [person, own] of model) for (const filter of own.keys()) tree.remove(person, filter)
        expect(tree.isEmpty).toBe(true)
      }),
      { numRuns: runs(250) },
    )
  })
})
