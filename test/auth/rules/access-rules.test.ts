import { expect, test } from 'vitest'
import { AccessRules } from '../../../src/auth/rules/access-rules.ts'
import { Groups } from '../../../src/auth/rules/groups.ts'
import { makeRule, type Rule } from '../../../src/auth/rules/rule.ts'
import type { Subject } from '../../../src/auth/rules/subject.ts'
import { readPattern } from '../../../src/auth/rules/topic-pattern.ts'
import { somebody } from './identities.ts'

const EVERYBODY: Subject = { kind: 'everybody' }

function allow(topics: string, subject: Subject = EVERYBODY): Rule {
  const pattern = readPattern(topics)
  if (typeof pattern === 'string') throw new Error(pattern)
  return makeRule({ file: 'rules', line: 1, text: topics }, subject, [pattern], {
    isAllow: true,
    isOfPublish: true,
    isOfReceive: true,
  })
}

function accessOf(...rules: Rule[]): AccessRules {
  return new AccessRules({ rules, groups: new Groups(new Map()), isFiltering: false })
}

test('AccessRules makes a variable one level, whatever the name holds [CVE-2017-7650]', () => {
  const access = accessOf(allow('plant/%c/#'), allow('%u/own'), allow('dev-%u-x/%g'))
  const ordinary = access.viewOf(somebody({ user: 'anna', clientId: 'dev-1', groups: ['a', 'b'] }))
  for (const topic of ['plant/dev-1', 'plant/dev-1/x', 'anna/own', 'dev-anna-x/a', 'dev-anna-x/b']) {
    expect(ordinary.publish(topic).isAllowed, topic).toBe(true)
  }
  for (const topic of ['plant/dev-2/x', 'otto/own', 'dev-anna-x/c', 'dev-anna-x']) {
    expect(ordinary.publish(topic).isAllowed, topic).toBe(false)
  }
  for (const name of ['+', '#', 'a/b', 'a/#', '', '\0', '%u', '%c', '$SYS', '__proto__', 'x'.repeat(65_536)]) {
    const view = access.viewOf(somebody({ user: name, clientId: name, groups: [name] }))
    for (const topic of ['plant/a', 'plant/a/b', 'plant', 'a/own', 'b/own', 'own', '$SYS/own', 'dev-a-x/a']) {
      expect(view.publish(topic).isAllowed, `${name} ${topic}`).toBe(false)
    }
    for (const filter of ['plant/+', 'plant/#', 'plant/a/#', '+/own', '#', '$SYS/#', 'dev-+-x/#']) {
      expect(view.subscribe(filter, false).extent, `${name} ${filter}`).toBe('none')
    }
  }
  const odd = access.viewOf(somebody({ user: '__proto__', clientId: '%u' }))
  expect(odd.publish('__proto__/own').isAllowed).toBe(true)
  expect(odd.publish('plant/%u/x').isAllowed).toBe(true)
})

test('AccessRules shares a view among those whose rules hold no variable, and only among those', () => {
  const access = accessOf(
    allow('open/#'),
    allow('anna/#', { kind: 'user', name: 'anna' }),
    allow('c/%c', { kind: 'group', name: 'devices' }),
  )
  const otto = somebody({ user: 'otto', clientId: '1' })
  expect(access.viewOf(otto)).toBe(access.viewOf(somebody({ user: 'emil', clientId: '2' })))
  expect(access.viewOf(otto)).not.toBe(access.viewOf(somebody({ user: 'anna' })))
  expect(access.viewOf(otto)).not.toBe(access.viewOf(somebody({ user: 'otto', role: 'admin' })))
  expect(access.viewOf(otto)).not.toBe(access.viewOf(somebody({ user: 'otto', ownRules: [allow('own')] })))
  const device = { groups: ['devices'] }
  expect(access.viewOf(somebody({ ...device, clientId: '1' })).publish('c/1').isAllowed).toBe(true)
  expect(access.viewOf(somebody({ ...device, clientId: '2' })).publish('c/1').isAllowed).toBe(false)
})

test('AccessRules asks the rules of the file first, then the own ones, then what roles may', () => {
  const deny = makeRule(
    { file: 'rules', line: 2, text: '' },
    EVERYBODY,
    [readPattern('secret/#')].filter((pattern) => typeof pattern !== 'string'),
    { isAllow: false, isOfPublish: true, isOfReceive: true },
  )
  const access = accessOf(deny)
  const admin = access.viewOf(somebody({ user: 'anna', role: 'admin', ownRules: [allow('secret/x')] }))
  expect(admin.publish('secret/x')).toMatchObject({ isAllowed: false, rule: { line: 2 } })
  expect(admin.receive('$SYS/x').isAllowed).toBe(true)
  const operator = access.viewOf(somebody({ user: 'otto', role: 'operator', ownRules: [allow('own/x')] }))
  expect(operator.publish('own/x').isAllowed).toBe(true)
  expect(operator.receive('$SYS/x').isAllowed).toBe(true)
  expect(operator.subscribe('$hub/#', false).extent).toBe('all')
  expect(operator.publish('$SYS/x').isAllowed).toBe(false)
  expect(operator.receive('a').isAllowed).toBe(false)
})
