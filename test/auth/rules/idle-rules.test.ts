import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Identity } from '../../../src/auth/identity.ts'
import { AccessRules } from '../../../src/auth/rules/access-rules.ts'
import { RuleFaults } from '../../../src/auth/rules/faults.ts'
import { Groups } from '../../../src/auth/rules/groups.ts'
import { findIdleRules } from '../../../src/auth/rules/idle-rules.ts'
import { parseRules } from '../../../src/auth/rules/read-rules.ts'
import { runs } from '../../support/runs.ts'
import { somebody } from './identities.ts'

const GROUPS = new Groups(
  new Map([
    ['g', { users: ['anna', 'k-*'], groups: [] }],
    ['all', { users: [], groups: ['g', 'h'] }],
  ]),
)
const PEOPLE: readonly Partial<Identity>[] = [
  {},
  { clientId: 'c-1', host: '10.1.2.3' },
  { user: 'anna', clientId: 'c-1' },
  { user: 'anna', clientId: 'x', host: '10.1.2.3', listener: 'outside' },
  { user: 'k-7', clientId: 'c-2', groups: ['h'] },
  { user: 'otto', clientId: 'otto', groups: ['h'], role: 'viewer' },
  { user: 'a/b', clientId: '+' },
]
const NAMES = ['a', 'b', 'anna', 'c-1', '$x']
const TOPICS = [
  ...NAMES,
  ...NAMES.flatMap((one) => NAMES.map((two) => `${one}/${two}`)),
  'a/b/anna',
  'a/b/c-1',
  'z/z/z',
]

const subjects = fc.constantFrom(
  'everybody',
  'anonymous',
  'users',
  'user anna',
  'user k-7',
  'group g',
  'group h',
  'group all',
  'client c-*',
  'client c-1',
  'address 10.0.0.0/8',
  'address 10.1.0.0/16',
  'listener outside',
  'role viewer',
  ['user anna', 'user otto'],
  { group: 'g', client: 'c-*' },
  { users: true, address: '10.0.0.0/8' },
  [{ user: ['anna', 'k-7'] }, 'anonymous'],
)
const topics = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', '+', '%u', '%c', '%g'), { minLength: 1, maxLength: 2 }), fc.boolean())
  .map(([levels, hasRest]) => (hasRest ? [...levels, '#'] : levels).join('/'))
const actions = fc.constantFrom('publish', 'receive', ['publish', 'receive'])
const rules = fc.oneof(
  fc.record({ allow: actions, topics: fc.array(topics, { minLength: 1, maxLength: 2 }), for: subjects }),
  fc.record({ deny: actions, topics, for: subjects }),
  fc.record({ allow: fc.constant('receive'), topics, for: subjects, exact: fc.boolean() }),
)

test('findIdleRules names only rules without which everything stays as it is', () => {
  let idle = 0
  fc.assert(
    fc.property(fc.array(rules, { minLength: 2, maxLength: 8 }), (values) => {
      const { rules: all, faults } = parseRules(values, 'a test')
      expect(faults).toEqual([])
      const found = new RuleFaults()
      const placed = all.map((rule, i) => ({ ...rule, place: { ...rule.place, line: i + 1 } }))
      findIdleRules(placed, GROUPS, found)
      const whole = new AccessRules({ rules: all, groups: GROUPS, isFiltering: false })
      for (const { place } of [...found.errors, ...found.warnings]) {
        idle++
        const at = Number(place.split(':')[1]) - 1
        const others = new AccessRules({ rules: all.toSpliced(at, 1), groups: GROUPS, isFiltering: false })
        for (const person of PEOPLE) {
          const [before, after] = [whole.viewOf(somebody(person)), others.viewOf(somebody(person))]
          const changed = TOPICS.filter(
            (topic) =>
              before.publish(topic).isAllowed !== after.publish(topic).isAllowed ||
              before.receive(topic).isAllowed !== after.receive(topic).isAllowed ||
              before.receive(topic, true).isAllowed !== after.receive(topic, true).isAllowed,
          )
          expect(changed, JSON.stringify({ at, person })).toEqual([])
        }
      }
    }),
    { numRuns: runs(1500) },
  )
  expect(idle).toBeGreaterThan(0)
})

test('parseRules takes anything and never throws', () => {
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true, maxDepth: 5 }), (value) => {
      const { rules: read, faults } = parseRules(value, 'a test')
      expect(Array.isArray(read) && Array.isArray(faults)).toBe(true)
    }),
    { numRuns: runs(300) },
  )
  fc.assert(
    fc.property(fc.string({ maxLength: 200, unit: 'binary' }), (text) => {
      const { rules: read, faults } = parseRules(text, 'a test')
      expect(read.length + faults.length).toBeGreaterThan(0)
    }),
    { numRuns: runs(300) },
  )
})
