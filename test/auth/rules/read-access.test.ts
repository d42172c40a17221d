import { describe, expect, test } from 'vitest'
import { AccessRules } from '../../../src/auth/rules/access-rules.ts'
import { type AccessReading, readAccess } from '../../../src/auth/rules/read-access.ts'
import { parseRules } from '../../../src/auth/rules/read-rules.ts'
import type { Identity } from '../../../src/auth/identity.ts'
import type { View } from '../../../src/auth/view.ts'
import { partAt, writtenBy } from '../../../src/base/written.ts'
import { readYaml } from '../../../src/base/yaml.ts'
import { somebody } from './identities.ts'

/** Reads what stands below `access:`. */
function read(yaml: string): AccessReading {
  const { content, faults } = readYaml(yaml, 'hubbub.yaml')
  expect(faults).toEqual([])
  const whole = content ?? writtenBy(null, 'hubbub.yaml')
  const part = (name: string) => (partAt(whole, name) === whole ? writtenBy(null, 'hubbub.yaml') : partAt(whole, name))
  const partial = part('partial').value === 'filter' ? 'filter' : 'refuse'
  return readAccess({ rules: part('rules'), groups: part('groups'), partial, aclFile: null, observe: false })
}

function errors(yaml: string): string[] {
  return read(yaml).faults.errors.map(({ place, what }) => `${place}: ${what}`)
}

function warnings(yaml: string): string[] {
  const { errors: wrong, warnings: odd } = read(yaml).faults
  expect(wrong).toEqual([])
  return odd.map(({ place, what }) => `${place}: ${what}`)
}

function view(yaml: string, who: Partial<Identity> = {}): View {
  const { ruleSet, faults } = read(yaml)
  expect(faults.errors).toEqual([])
  return new AccessRules(ruleSet).viewOf(somebody(who))
}

function withFamily(lines: string): string {
  return `groups: { family: [anna, 'k-*'] }\nrules:\n${lines}`
}

const EXAMPLE = `
groups: { sensors: ['dev-*'], family: [anna, otto], all: [group sensors, group family] }
rules:
  - { allow: receive, topics: 'plant/all/cmd', for: group sensors }
  - { allow: [publish, receive], topics: 'plant/+/%c/#', for: group sensors, maxQos: 1, retain: false }
  - { deny: publish, topics: 'home/alarm/#', for: { group: family, listener: outside } }
  - { allow: [publish, receive], topics: ['home/#', 'zigbee2mqtt/#'], for: group family }
  - { allow: receive, topics: 'public/#', for: anonymous }
  - { allow: publish, topics: 'public/%u/#', for: users, maxQos: 0, retain: false }
  - { allow: receive, topics: 'room/+', exact: true, for: users }
  - { allow: receive, topics: 'log/#', history: false, for: group all }
`

describe('readAccess', () => {
  test('reads the example of the documentation as it is meant', () => {
    const device = view(EXAMPLE, { user: 'dev-7', clientId: 'c7' })
    expect(device.publish('plant/1/c7/temp')).toMatchObject({ isAllowed: true, maxQos: 1, mayRetain: false })
    expect(device.publish('plant/1/c8/temp')).toMatchObject({ isAllowed: false, rule: undefined })
    expect(device.subscribe('plant/all/cmd', false)).toMatchObject({ extent: 'all', maxQos: 2 })
    expect(device.subscribe('plant/+/c7/cmd', true)).toMatchObject({ extent: 'all', maxQos: 1 })
    expect(device.receive('log/a')).toMatchObject({ isAllowed: true, includesPast: false })
    expect(device.subscribe('log/#', true)).toMatchObject({ extent: 'none', witness: 'log/#' })
    const anna = view(EXAMPLE, { user: 'anna', listener: 'outside' })
    expect(anna.publish('home/alarm/off')).toMatchObject({
      isAllowed: false,
      rule: { file: 'hubbub.yaml', line: 6, text: expect.stringContaining('deny: publish') },
    })
    expect(anna.publish('home/light').isAllowed).toBe(true)
    expect(anna.publish('public/anna/x')).toMatchObject({ isAllowed: true, maxQos: 0, mayRetain: false })
    expect(anna.publish('public/otto/x').isAllowed).toBe(false)
    expect(anna.subscribe('room/4711', false).extent).toBe('all')
    expect(anna.subscribe('room/+', false).extent).toBe('none')
    expect(anna.receive('room/4711').isAllowed).toBe(false)
    expect(anna.receive('room/4711', true).isAllowed).toBe(true)
    expect(view(EXAMPLE, { user: 'otto' }).publish('home/alarm/off').isAllowed).toBe(true)
    const nobody = view(EXAMPLE)
    expect(nobody.receive('public/x').isAllowed).toBe(true)
    expect(nobody.publish('public/x').isAllowed).toBe(false)
  })

  test.each([
    ['everybody', {}, true],
    ['anonymous', { user: 'anna' }, false],
    ['users', {}, false],
    ['user Anna', { user: 'anna' }, false],
    ["'user an na '", { user: 'an na ' }, true],
    ['client dev-*-x', { clientId: 'dev-12-x' }, true],
    ['client dev-*-x', { clientId: 'dev-x' }, false],
    ['client dev-7', { clientId: 'dev-77' }, false],
    ['address 10.0.0.0/8', { host: '10.1.2.3' }, true],
    ['address 10.0.0.0/8', { host: '::ffff:10.1.2.3' }, true],
    ['address fe80::/10', { host: 'fe80::1%eth0' }, true],
    ['address 127.0.0.1', { host: 'a unix socket' }, false],
    ['listener inside', {}, true],
    ['role operator', { user: 'anna', role: 'viewer' }, false],
    ['role operator', { user: 'anna', role: 'operator' }, true],
    ['group g', { user: 'anna', groups: ['g'] }, true],
    ['[user anna, client c]', { clientId: 'c' }, true],
    ['{ user: [anna, otto], client: c }', { user: 'otto', clientId: 'c' }, true],
    ['{ user: [anna, otto], client: c }', { user: 'otto', clientId: 'd' }, false],
    ['{ anonymous: true, listener: inside }', {}, true],
    ['user 0123', { user: '0123' }, true],
    ['{ user: 0123 }', { user: '0123' }, true],
    ['{ user: 1e3 }', { user: '1e3' }, true],
    ['{ user: true }', { user: 'true' }, true],
    ['user __proto__', { user: '__proto__' }, true],
    ['user constructor', { user: 'anna' }, false],
  ] as const)('has "for: %s" fit %j: %s', (subject, who, isAllowed) => {
    const rules = `rules: [{ allow: publish, topics: a, for: ${subject} }]`
    expect(view(rules, { ...who }).publish('a').isAllowed).toBe(isAllowed)
  })

  test('tells everything that is wrong at once, each with its line and what was meant', () => {
    const yaml = `groups: { a: [group b], b: [group a], c: [{ x: 1 }] }
rules:
  - allow: publsh
    topics: #
    for: user
  - { alow: publish, topics: [ #
    ], for: anna }
  - { allow: subscribe, topics: 'a/#/b', for: [] }
  - { allow: publish, deny: publish, topics: 'a%x', for: { usr: anna, address: 10.0.0.0/40, role: viewr } }
  - { deny: receive, topics: x, for: users, history: false, maxQos: 1 }
  - { allow: publish, topics: x, for: users, retain: yes, maxQos: 3, exact: true }
  - { allow: publish, topics: 12 }
  - text that is no rule
  - null
`
    expect(errors(yaml)).toMatchInlineSnapshot(`
      [
        "hubbub.yaml:1: access.groups.c[0] must be the name of a user, or "group" and the name of one, it is {"x":1}",
        "hubbub.yaml:1: access.groups must not go in a circle; of these, each has the next one as a member: "a", "b", "a"",
        "hubbub.yaml:3: access.rules[0].allow must be publish or receive, or a list of both, it is "publsh"; did you mean "publish"?",
        "hubbub.yaml:4: access.rules[0].topics is empty: "#" begins a comment; put it in quotes: '#'",
        "hubbub.yaml:5: access.rules[0].for must be everybody, anonymous or users, or user, group, client, address, listener or role and a name, it is "user"",
        "hubbub.yaml:6: access.rules[1].alow is not known; did you mean "allow"?",
        "hubbub.yaml:6: access.rules[1] must have either allow or deny",
        "hubbub.yaml:6: access.rules[1].topics must not be an empty list",
        "hubbub.yaml:7: access.rules[1].for must be everybody, anonymous or users, or user, group, client, address, listener or role and a name, it is "anna"; did you mean "user anna"?",
        "hubbub.yaml:8: access.rules[2].allow must be publish or receive, or a list of both, it is "subscribe"; a subscription is decided by "receive"",
        "hubbub.yaml:8: access.rules[2].topics must have "#" as the whole of its last level only, it is "a/#/b"",
        "hubbub.yaml:8: access.rules[2].for must be everybody, anonymous, users, or a word and a name such as "user anna", it is []",
        "hubbub.yaml:9: access.rules[3] must have either allow or deny",
        "hubbub.yaml:9: access.rules[3].topics must have no variables but %u (user), %c (client identifier) and %g (group), "%%" is a percent sign, it is "a%x"",
        "hubbub.yaml:9: access.rules[3].for.usr is not known; did you mean "user"?",
        "hubbub.yaml:9: access.rules[3].for.address must be an address or a range of them such as 192.168.0.0/16, it is "10.0.0.0/40"",
        "hubbub.yaml:9: access.rules[3].for.role must be viewer, operator or admin, it is "viewr"; did you mean "viewer"?",
        "hubbub.yaml:10: access.rules[4].maxQos belongs to a rule that allows",
        "hubbub.yaml:10: access.rules[4].history belongs to a rule that allows "receive"",
        "hubbub.yaml:11: access.rules[5].maxQos must be 0, 1 or 2, it is 3",
        "hubbub.yaml:11: access.rules[5].retain must be true or false, it is "yes"",
        "hubbub.yaml:11: access.rules[5].exact belongs to a rule that allows "receive"",
        "hubbub.yaml:12: access.rules[6].for must say whom the rule concerns, such as "users" or "user anna", it is missing",
        "hubbub.yaml:13: access.rules[7] must be a rule such as {allow: publish, topics: "home/#", for: users}, it is "text that is no rule"",
        "hubbub.yaml:14: access.rules[8] must be a rule such as {allow: publish, topics: "home/#", for: users}, it is null",
      ]
    `)
  })

  test('takes a number as the text that it is written as', () => {
    expect(view('rules: [{ allow: publish, topics: [007, 1e3], for: everybody }]').publish('007').isAllowed).toBe(true)
    expect(
      view('groups: { g: [0123] }\nrules: [{ allow: publish, topics: a, for: group g }]', { user: '0123' }).publish('a')
        .isAllowed,
    ).toBe(true)
  })

  test('finds rules that can never decide, and names the lines that come first', () => {
    expect(
      errors(
        withFamily(`  - { allow: publish, topics: 'a/#', for: users }
  - { deny: publish, topics: 'a/b', for: user anna }`),
      ),
    ).toEqual(['hubbub.yaml:4: this rule has no effect: line 3 comes first and takes in all of it; put it before'])
    expect(
      warnings(
        withFamily(`  - { allow: [publish, receive], topics: 'a', for: group family }
  - { allow: receive, topics: 'a/+/#', for: users }
  - { allow: receive, topics: 'a/#', for: { user: k-1, client: x } }
  - { allow: publish, topics: 'a/%u', for: users }
  - { allow: publish, topics: 'a/%u', for: { users: true, address: 10.0.0.0/8 } }`),
      ),
    ).toEqual([
      'hubbub.yaml:5: this rule has no effect: lines 3 and 4 come first and take in all of it',
      'hubbub.yaml:7: this rule has no effect: line 6 comes first and takes in all of it',
    ])
    expect(
      warnings(
        withFamily(`  - { allow: publish, topics: 'a/%u', for: users }
  - { deny: publish, topics: 'a/%c', for: users }
  - { deny: publish, topics: 'a/+', for: users }
  - { allow: receive, topics: 'b/+', for: users, exact: true }
  - { deny: receive, topics: 'b/+', for: users }
  - { deny: [publish, receive], topics: 'a/+', for: users }
  - { allow: receive, topics: 'c', for: address 10.0.0.0/16 }
  - { allow: receive, topics: 'c', for: address 10.0.0.0/8 }
  - { allow: receive, topics: 'c', for: client * }`),
      ),
    ).toEqual([])
  })

  test('warns of names that were hardly meant so', () => {
    const yaml = `groups: { sensors: [a] }
rules:
  - { allow: publish, topics: a, for: group sensrs }
  - { allow: publish, topics: a, for: user Anna }
  - { allow: publish, topics: a, for: user anna }
`
    expect(warnings(yaml)).toEqual([
      'hubbub.yaml:3: access.groups has no group "sensrs"; did you mean "sensors"?',
      'hubbub.yaml:5: user "anna" looks like user "Anna", but is another',
    ])
  })

  test('reads 10,000 rules', () => {
    const rules = Array.from({ length: 10_000 }, (_, i) => ({
      [i % 3 === 0 ? 'deny' : 'allow']: ['publish', 'receive'],
      topics: `plant/${i % 97}/${i}/#`,
      for: i % 5 === 0 ? `user dev-${i}` : i % 7 === 0 ? `client c-${i}` : 'users',
    }))
    const { ruleSet, faults } = readAccess({
      rules: writtenBy(rules, 'a test'),
      groups: writtenBy(null, 'a test'),
      partial: 'refuse',
      aclFile: null,
      observe: false,
    })
    expect(faults.errors).toEqual([])
    expect(new AccessRules(ruleSet).viewOf(somebody({ user: 'dev-5' })).publish('plant/5/5/x').isAllowed).toBe(true)
  })
})

describe('parseRules', () => {
  test('reads rules as values and as text, for whoever they belong to', () => {
    for (const value of [
      { allow: 'publish', topics: 'plant/%c/#' },
      [{ allow: ['publish'], topics: ['plant/%c/#'] }],
      "{ allow: publish, topics: 'plant/%c/#' }",
      ['allow: publish\ntopics: plant/%c/#'],
      'allow: publish, topics: plant/%c/#',
      '  { allow: publish, topics: plant/%c/# }',
    ]) {
      const { rules, faults } = parseRules(value, 'users', 12)
      expect(faults).toEqual([])
      const own = new AccessRules(read('').ruleSet).viewOf(somebody({ user: 'u', clientId: 'c', ownRules: rules }))
      expect(own.publish('plant/c/x')).toMatchObject({ isAllowed: true, rule: { file: 'users', line: 12 } })
      expect(own.publish('plant/d/x').isAllowed).toBe(false)
    }
  })

  test.each([
    [null, []],
    [7, ['rules[0] must be a rule']],
    ['x'.repeat(5000), ['rules[0] must have at most 4096 characters']],
    ['[['.repeat(1000), ['rules[0]: it is nested deeper']],
    ['*a', ['rules[0]: ']],
    [{ allow: 'publish', topics: { a: 1 } }, ['rules[0].topics must be a text']],
    [{ allow: 'publish', topics: 'a', for: [[[[[['users']]]]]] }, ['rules[0].for[0][0][0][0] must be']],
    [Array.from({ length: 20_001 }, () => 1), ['rules must have at most 20000 rules']],
    [
      JSON.parse('{"__proto__":{"allow":"publish"},"topics":"a"}'),
      ['rules[0].__proto__ is not known', 'rules[0] must have either'],
    ],
    [{ allow: 'publish', topics: `${'a/'.repeat(250)}b` }, ['rules[0].topics must have at most 200 levels']],
    [{ allow: 'publish', topics: 'a\0b' }, ['rules[0].topics must not contain U+0000']],
  ])('refuses what is no rule and says why (%#)', (value, expected) => {
    const { faults } = parseRules(value, 'a token')
    expect(faults.map(({ place }) => place)).toEqual(expected.map(() => 'a token'))
    for (const [i, what] of expected.entries()) expect(faults[i]?.what).toContain(what)
  })

  test('shows a rule on one line that a terminal can be given', () => {
    const { rules } = parseRules({ allow: 'publish', topics: 'a/\u001B[31m/\u202E/b c', for: 'users' }, 'a token')
    expect(rules[0]?.place.text).toBe('{ allow: publish, topics: "a/\\u001b[31m/\\u{202e}/b c", for: users }')
  })
})
