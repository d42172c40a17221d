import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { makePattern } from '../../../src/auth/rules/topic-pattern.ts'
import { makeRule, type Rule } from '../../../src/auth/rules/rule.ts'
import { RuleView } from '../../../src/auth/rules/rule-view.ts'
import { FilterList, FilterTree, isCovered, levelsOf, meet } from '../../../src/auth/rules/filter-levels.ts'
import { naiveMatches as matchesByPattern } from '../../router/naive-match.ts'
import { runs } from '../../support/runs.ts'

interface Plain {
  readonly isAllow: boolean
  readonly filter: string
  readonly maxQos?: 0 | 1 | 2
  readonly includesPast?: boolean
  readonly isExact?: boolean
}

// "z" is in no rule: what holds for it holds for all names that no rule knows.
const NAMES = ['a', 'b', '$x', 'z']
const TOPICS = everyTopic(4)

function everyTopic(maxLevels: number): string[] {
  let deepest = NAMES
  const all = [...NAMES]
  for (let levels = 2; levels <= maxLevels; levels++) {
    deepest = deepest.flatMap((topic) => NAMES.map((name) => `${topic}/${name}`))
    all.push(...deepest)
  }
  return all
}

const known = new Map<string, ReadonlySet<string>>()

/** Of these topics; each filter is tried once on all of them. */
function naiveMatches(filter: string, topic: string): boolean {
  let topics = known.get(filter)
  if (topics === undefined) {
    topics = new Set(TOPICS.filter((candidate) => matchesByPattern(filter, candidate)))
    known.set(filter, topics)
  }
  return topics.has(topic)
}

const filters = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', '$x', '+', '+'), { maxLength: 3 }), fc.boolean())
  .map(([levels, hasRest]) => (hasRest ? [...levels, '#'] : levels).join('/'))
  .filter((filter) => filter !== '')

const ruleLists = fc.array(
  fc.record({
    isAllow: fc.boolean(),
    filter: filters,
    maxQos: fc.constantFrom(0, 1, 2, 2),
    includesPast: fc.boolean(),
    isExact: fc.constantFrom(true, false, false, false),
  }),
  { maxLength: 6 },
)

function rulesOf(plain: readonly Plain[]): { levels: readonly string[]; rule: Rule }[] {
  return plain.map(({ filter, isAllow, ...terms }, i) => ({
    levels: levelsOf(filter),
    rule: makeRule(
      { file: 'rules', line: i + 1, text: filter },
      { kind: 'everybody' },
      [makePattern(filter, filter.split('/'))],
      { isAllow, isOfPublish: true, isOfReceive: true, ...(isAllow ? terms : {}) },
    ),
  }))
}

/** The first rule that matches, found the slow way. */
function decide<P extends Plain>(plain: readonly P[], topic: string, isNamed: boolean): P | undefined {
  return plain.find((rule) => (isNamed || !(rule.isAllow && rule.isExact === true)) && naiveMatches(rule.filter, topic))
}

test('RuleView has the first rule that matches a topic decide, and denies what no rule matches', () => {
  fc.assert(
    fc.property(ruleLists, fc.constantFrom(...TOPICS), fc.boolean(), (plain, topic, isNamed) => {
      const view = new RuleView(rulesOf(plain), undefined, false)
      const published = decide(plain, topic, true)
      expect(view.publish(topic)).toMatchObject({ isAllowed: published?.isAllow ?? false })
      expect(view.publish(topic).rule?.line).toBe(published === undefined ? undefined : plain.indexOf(published) + 1)
      const received = decide(plain, topic, isNamed)
      expect(view.receive(topic, isNamed)).toMatchObject({
        isAllowed: received?.isAllow ?? false,
        includesPast: received?.isAllow === true && received.includesPast,
      })
    }),
    { numRuns: runs(2000) },
  )
})

test('RuleView tells of a filter exactly whether all, some or none of its topics are allowed', () => {
  fc.assert(
    fc.property(ruleLists, filters, fc.boolean(), fc.boolean(), (plain, filter, isPast, isFiltering) => {
      const isNamed = !/[+#]/.test(filter)
      const allows = (topic: string): boolean => {
        const rule = decide(plain, topic, isNamed)
        return rule?.isAllow === true && (!isPast || rule.includesPast)
      }
      const asked = TOPICS.filter((topic) => naiveMatches(filter, topic))
      const allowed = asked.filter(allows)
      const isAll = allowed.length === asked.length
      const verdict = new RuleView(rulesOf(plain), undefined, isFiltering).subscribe(filter, isPast)
      expect(verdict.extent).toBe(isAll ? 'all' : isFiltering && allowed.length > 0 ? 'some' : 'none')
      if (isAll) expect(verdict.witness).toBeUndefined()
      else {
        const shown = asked.filter((topic) => naiveMatches(verdict.witness ?? '', topic) && !allows(topic))
        expect(shown.length).toBeGreaterThan(0)
      }
      if (verdict.extent !== 'none') {
        const qos = allowed.map((topic) => decide(plain, topic, isNamed)?.maxQos ?? 2)
        expect(verdict.maxQos).toBe(Math.min(2, ...qos))
      }
    }),
    { numRuns: runs(3000) },
  )
})

test('RuleView lets an admin have every topic that no rule takes, those with a "$" too', () => {
  const [rest] = rulesOf([{ isAllow: true, filter: '#' }])
  const view = new RuleView(rulesOf([{ isAllow: false, filter: 'secret/#' }]), rest?.rule, false)
  expect(view.isUnlimited).toBe(false)
  expect(view.publish('$SYS/a').isAllowed).toBe(true)
  expect(view.subscribe('$SYS/#', true).extent).toBe('all')
  expect(view.subscribe('open/#', true).extent).toBe('all')
  expect(view.subscribe('#', false)).toMatchObject({ extent: 'none', witness: 'secret/#', rule: { line: 1 } })
  expect(new RuleView([], rest?.rule, false).isUnlimited).toBe(true)
})

test('FilterTree finds what FilterList finds, and both are right about what they take in together', () => {
  fc.assert(
    fc.property(fc.array(filters, { maxLength: 8 }), filters, (given, asked) => {
      const list = new FilterList()
      const tree = new FilterTree()
      for (const [i, filter] of given.entries()) {
        list.add(levelsOf(filter), i)
        tree.add(levelsOf(filter), i)
      }
      const isRight = TOPICS.every(
        (topic) => !naiveMatches(asked, topic) || given.some((filter) => naiveMatches(filter, topic)),
      )
      expect(isCovered(levelsOf(asked), list)).toBe(isRight)
      expect(isCovered(levelsOf(asked), tree)).toBe(isRight)
    }),
    { numRuns: runs(3000) },
  )
})

test('meet gives the topics that fall under both filters', () => {
  fc.assert(
    fc.property(filters, filters, (a, b) => {
      const common = meet(levelsOf(a), levelsOf(b))?.join('/')
      const inBoth = TOPICS.filter((topic) => naiveMatches(a, topic) && naiveMatches(b, topic))
      expect(TOPICS.filter((topic) => common !== undefined && naiveMatches(common, topic))).toEqual(inBoth)
    }),
    { numRuns: runs(1000) },
  )
})
