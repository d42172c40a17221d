import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TopicNameTree } from '../../src/topics/topic-names.ts'
import { filters, naiveMatches, topics } from '../router/naive-match.ts'
import { runs } from '../support/runs.ts'

interface Named {
  readonly topic: string
}

function treeOf(...names: string[]): TopicNameTree<Named> {
  const tree = new TopicNameTree<Named>()
  for (const topic of names) tree.set(topic, { topic })
  return tree
}

/** The topics that a whole walk yields, sorted; pauses left out. */
function walked(tree: TopicNameTree<Named>, filter: string): string[] {
  return [...tree.matching(filter)].flatMap((value) => value?.topic ?? []).toSorted()
}

function pauses(tree: TopicNameTree<Named>, filter: string): number {
  return [...tree.matching(filter)].filter((value) => value === undefined).length
}

describe('TopicNameTree', () => {
  test('finds, replaces and deletes the value of one topic', () => {
    const tree = treeOf('a/b', 'a')
    const value = { topic: 'replaced' }
    tree.set('a/b', value)
    expect(tree.get('a/b')).toBe(value)
    expect(tree.size).toBe(2)
    expect(tree.delete('a/b')).toBe(true)
    expect(tree.delete('a/b')).toBe(false)
    expect(tree.get('a/b')).toBe(undefined)
    expect(tree.size).toBe(1)
    expect(walked(tree, '#')).toEqual(['a'])
  })

  test('walks to the topic itself for a filter without wildcards', () => {
    const tree = treeOf('a/b', 'a', 'a/b/c', '$SYS/a')
    expect(walked(tree, 'a/b')).toEqual(['a/b'])
    expect(walked(tree, '$SYS/a')).toEqual(['$SYS/a'])
    expect(walked(tree, 'b')).toEqual([])
  })

  test('lets "#" reach the level above it and all below [MQTT-4.7.1-2]', () => {
    const tree = treeOf('sport', 'sport/', 'sport/tennis/player1', 'sports', 'a/sport')
    expect(walked(tree, 'sport/#')).toEqual(['sport', 'sport/', 'sport/tennis/player1'])
    expect(walked(tree, '#')).toEqual(['a/sport', 'sport', 'sport/', 'sport/tennis/player1', 'sports'])
  })

  test('lets "+" stand for exactly one level, an empty one too [MQTT-4.7.1-3]', () => {
    const tree = treeOf('finance', '/finance', 'a/finance', 'a/b/finance', 'a/b')
    expect(walked(tree, '+/+')).toEqual(['/finance', 'a/b', 'a/finance'])
    expect(walked(tree, 'a/+/finance')).toEqual(['a/b/finance'])
    expect(walked(tree, '+')).toEqual(['finance'])
  })

  test('keeps "$SYS" away from a leading wildcard and from it only [MQTT-4.7.2-1]', () => {
    const tree = treeOf('$SYS', '$SYS/a', 'b/$SYS', 'b/$SYS/a')
    expect(walked(tree, '#')).toEqual(['b/$SYS', 'b/$SYS/a'])
    expect(walked(tree, '+')).toEqual([])
    expect(walked(tree, '+/a')).toEqual([])
    expect(walked(tree, '+/#')).toEqual(['b/$SYS', 'b/$SYS/a'])
    expect(walked(tree, '$SYS/#')).toEqual(['$SYS', '$SYS/a'])
    expect(walked(tree, 'b/+')).toEqual(['b/$SYS'])
  })

  test('agrees with a naive matcher whatever was set and deleted before', () => {
    const change = fc.record({ topic: topics, isDeleted: fc.boolean() })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), fc.array(filters, { minLength: 5 }), (changes, asked) => {
        const tree = new TopicNameTree<Named>()
        const model = new Map<string, Named>()
        for (const { topic, isDeleted } of changes) {
          if (isDeleted) {
            expect(tree.delete(topic)).toBe(model.delete(topic))
          } else {
            const value = { topic }
            tree.set(topic, value)
            model.set(topic, value)
            expect(tree.get(topic)).toBe(value)
          }
        }
        expect(tree.size).toBe(model.size)
        for (const filter of asked) {
          const expected = [...model.keys()].filter((topic) => naiveMatches(filter, topic))
          expect(walked(tree, filter)).toEqual(expected.toSorted())
        }
      }),
      { numRuns: runs(300) },
    )
  })

  test('goes on with a walk while topics are deleted: none of them is yielded afterwards, all others are, once', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(topics, { minLength: 1, maxLength: 30 }),
        fc.array(fc.array(topics, { maxLength: 3 }), { maxLength: 30 }),
        (names, deletedByStep) => {
          const tree = treeOf(...names)
          const expected = new Set(names.filter((topic) => naiveMatches('#', topic)))
          const walk = tree.matching('#')
          for (const deleted of deletedByStep) {
            const value = walk.next().value
            if (value !== undefined) expect(expected.delete(value.topic)).toBe(true)
            for (const topic of deleted) if (tree.delete(topic)) expected.delete(topic)
          }
          for (const value of walk) if (value !== undefined) expect(expected.delete(value.topic)).toBe(true)
          expect([...expected]).toEqual([])
        },
      ),
      { numRuns: runs(300) },
    )
  })

  test('goes on with a walk while topics are added beside, below and above', () => {
    const tree = treeOf('a/b/c')
    const walk = tree.matching('#')
    tree.set('a', { topic: 'a' })
    expect(walk.next().value?.topic).toBe('a')
    tree.set('a/x', { topic: 'a/x' })
    tree.set('a/b/c/d', { topic: 'a/b/c/d' })
    const rest = [...walk].map((value) => value?.topic)
    expect(rest).toContain('a/b/c')
    expect(rest).toContain('a/b/c/d')
  })

  test('offers a pause at least every 500 nodes that have no match', () => {
    const tree = treeOf(...Array.from({ length: 10_000 }, (_, i) => `a/${i}/b`))
    expect(pauses(tree, '+/+/x')).toBeGreaterThanOrEqual(10_000 / 500)
    expect(pauses(tree, 'a/5/+')).toBe(0)
  })

  test('offers a pause as often when every node has a match', () => {
    const tree = treeOf(...Array.from({ length: 10_000 }, (_, i) => `a/${i}`))
    let stepsSincePause = 0
    let longest = 0
    for (const value of tree.matching('#')) {
      stepsSincePause = value === undefined ? 0 : stepsSincePause + 1
      longest = Math.max(longest, stepsSincePause)
    }
    expect(longest).toBeLessThanOrEqual(500)
    expect(longest).toBeGreaterThan(100)
  })

  test('keeps no branches of topics that are gone, so that no walk visits them', () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `a/${i}/b/c`)
    const tree = treeOf(...names, 'a/kept')
    for (const topic of names) tree.delete(topic)
    expect(pauses(tree, '#')).toBe(0)
    expect(walked(tree, '#')).toEqual(['a/kept'])
  })
})
