import { expect, test } from 'vitest'
import { AccessRules } from '../../../src/auth/rules/access-rules.ts'
import type { AccessQuestion } from '../../../src/auth/rules/explain-access.ts'
import { readAccess } from '../../../src/auth/rules/read-access.ts'
import type { Identity } from '../../../src/auth/identity.ts'
import { partAt, writtenBy } from '../../../src/base/written.ts'
import { readYaml } from '../../../src/base/yaml.ts'
import { somebody } from './identities.ts'

const RULES = `groups: { sensors: ['dev-*'], family: [anna] }
rules:
  - { allow: receive, topics: 'plant/all/cmd', for: group sensors }
  - { allow: [publish, receive], topics: 'plant/+/%c/#', for: group sensors, maxQos: 1, retain: false }
  - { deny: publish, topics: 'home/alarm/#', for: { group: family, listener: outside } }
  - { allow: [publish, receive], topics: 'home/#', for: group family }
  - { allow: receive, topics: 'room/+', for: users, exact: true }
`

function explain(question: AccessQuestion, who: Partial<Identity>, partial: 'refuse' | 'filter' = 'refuse') {
  const { content } = readYaml(RULES, 'hubbub.yaml')
  const whole = content ?? writtenBy(null, '')
  const reading = readAccess({
    rules: partAt(whole, 'rules'),
    groups: partAt(whole, 'groups'),
    partial,
    aclFile: null,
    observe: false,
  })
  expect(reading.faults.errors).toEqual([])
  return new AccessRules(reading.ruleSet).explain(somebody(who), question)
}

test('explain names the rule that allows, its line, its variables and its limits', () => {
  const found = explain({ action: 'publish', topic: 'plant/1/c7/temp' }, { user: 'dev-7', clientId: 'c7' })
  expect(found).toMatchObject({ isAllowed: true, filter: 'plant/+/c7/#', rule: { line: 4 }, groups: ['sensors'] })
  expect(found.summary).toEqual([
    'User "dev-7" as client "c7" may publish "plant/1/c7/temp".',
    'hubbub.yaml:4 decides: { allow: [publish, receive], topics: "plant/+/%c/#", for: group sensors, maxQos: 1, retain: false }',
    'For this client, its topics are "plant/+/c7/#".',
    'QoS 1 at most.',
    'No retained messages.',
    'Groups: sensors.',
  ])
})

test('explain tells which rules nearly matched, and what keeps each from it', () => {
  const other = explain({ action: 'publish', topic: 'plant/1/c8/temp' }, { user: 'dev-7', clientId: 'c7' })
  expect(other.rule).toBeUndefined()
  expect(other.missed).toEqual([
    {
      rule: expect.objectContaining({ line: 4 }),
      isAllow: true,
      why: 'for this client it is "plant/+/c7/#", and level 3 is "c7", the topic has "c8"',
    },
  ])
  expect(other.summary.slice(0, 2)).toEqual([
    'User "dev-7" as client "c7" may not publish "plant/1/c8/temp".',
    'No rule allows it, and what no rule allows is denied.',
  ])
  const whyOf = (question: AccessQuestion, who: Partial<Identity>): unknown => explain(question, who).missed[0]
  expect(whyOf({ action: 'publish', topic: 'home/lamp' }, { user: 'otto' })).toMatchObject({
    rule: { line: 6 },
    why: 'it is for group family only',
  })
  expect(whyOf({ action: 'publish', topic: 'home/alarm/x' }, { user: 'anna' })).toMatchObject({
    rule: { line: 5 },
    why: 'it is for listener outside only',
  })
  expect(whyOf({ action: 'publish', topic: 'plant/1/x/y' }, { user: 'dev-7', clientId: 'a/b' })).toMatchObject({
    rule: { line: 4 },
    why: 'it has no topics for this client: the value of a variable holds "/", "+", "#" or U+0000',
  })
  expect(whyOf({ action: 'subscribe', topic: 'room/+' }, { user: 'otto' })).toMatchObject({
    rule: { line: 7 },
    why: 'it allows only filters without wildcards',
  })
  expect(explain({ action: 'publish', topic: 'elsewhere' }, { user: 'anna' }).missed).toEqual([])
})

test('explain shows of a filter what it takes in too much', () => {
  const refused = explain({ action: 'subscribe', topic: '#' }, { user: 'anna' })
  expect(refused).toMatchObject({ isAllowed: false, witness: '#' })
  const some = explain({ action: 'subscribe', topic: 'plant/#' }, { user: 'dev-1', clientId: 'c' }, 'filter')
  expect(some).toMatchObject({ isAllowed: true, witness: 'plant/#', includesPast: false })
  const exact = explain({ action: 'subscribe', topic: 'home/+' }, { user: 'anna' })
  const admin = explain({ action: 'subscribe', topic: '#' }, { user: 'boss', role: 'admin' })
  expect(admin.summary[1]).toBe('the hub decides: an admin may do everything')
  expect(exact).toMatchObject({ isAllowed: true, witness: undefined, filter: 'home/#', includesPast: true })
})
