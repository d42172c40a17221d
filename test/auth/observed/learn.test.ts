import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareAccess, identityOfSighting } from '../../../src/auth/observed/compare-access.ts'
import { learn } from '../../../src/auth/observed/learn.ts'
import type { Sighting } from '../../../src/auth/observed/observed.ts'
import { proposalText } from '../../../src/auth/observed/proposal.ts'
import { AccessRules } from '../../../src/auth/rules/access-rules.ts'
import { readAccess } from '../../../src/auth/rules/read-access.ts'
import { partAt, writtenBy } from '../../../src/base/written.ts'
import { readYaml } from '../../../src/base/yaml.ts'
import { runs } from '../../support/runs.ts'

const NOTHING = new AccessRules(reading('access:\n  rules: []\n').ruleSet)
const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 10, 22)

function seen(
  user: string | undefined,
  clientId: string,
  action: 'publish' | 'subscribe',
  topic: string,
  more: Partial<Sighting> = {},
): Sighting {
  return {
    user,
    clientId,
    groups: [],
    role: undefined,
    host: '127.0.0.1',
    listener: 'mqtt',
    action,
    topic,
    maxQos: 0,
    isRetained: false,
    isAllowed: true,
    count: 7,
    firstAtMs: START_MS,
    lastAtMs: START_MS + 7 * DAY_MS,
    ...more,
  }
}

function propose(rows: readonly Sighting[]): string {
  return proposalText({ rows, roles: learn(rows) })
}

function reading(yaml: string) {
  const { content, faults } = readYaml(yaml, 'learned.yaml')
  expect(faults).toEqual([])
  const whole = content ?? writtenBy(null, '')
  const access = partAt(whole, 'access')
  const part = (name: string) => (partAt(access, name) === access ? writtenBy(null, '') : partAt(access, name))
  return readAccess({ rules: part('rules'), groups: part('groups'), partial: 'refuse', aclFile: null, observe: false })
}

function rulesOf(yaml: string): AccessRules {
  const { ruleSet, faults } = reading(yaml)
  expect(faults.errors).toEqual([])
  return new AccessRules(ruleSet)
}

function ruleLines(yaml: string): string[] {
  return yaml
    .split('\n')
    .filter((line) => line.startsWith('    - '))
    .map((line) => line.slice(6).replace(/ # .*/, ''))
}

/** 500 devices in 10 lines, a gateway, Home Assistant, two tenants that must not reach each other. */
function plant(): Sighting[] {
  const rows: Sighting[] = []
  for (let i = 0; i < 500; i++) {
    const name = `dev-${String(i).padStart(4, '0')}`
    const base = `plant/line${i % 10}/${name}`
    for (const value of ['temp', 'hum', 'state']) rows.push(seen(name, name, 'publish', `${base}/${value}`))
    if (i % 3 !== 0) rows.push(seen(name, name, 'publish', `${base}/alarm`))
    rows.push(seen(name, name, 'subscribe', `${base}/cmd`), seen(name, name, 'subscribe', 'plant/all/cmd'))
  }
  for (let i = 0; i < 40; i++) {
    const lamp = `zigbee2mqtt/0x${(i * 7919 + 1e6).toString(16)}`
    rows.push(seen('zigbee', 'z2m', 'publish', lamp), seen('zigbee', 'z2m', 'publish', `${lamp}/availability`))
  }
  rows.push(
    seen('zigbee', 'z2m', 'publish', 'zigbee2mqtt/bridge/state'),
    seen('zigbee', 'z2m', 'subscribe', 'zigbee2mqtt/#'),
  )
  rows.push(seen('hass', 'hass', 'subscribe', 'homeassistant/#'))
  for (let i = 0; i < 12; i++) rows.push(seen('hass', 'hass', 'publish', `zigbee2mqtt/lamp${i}/set`))
  rows.push(seen('hass', 'hass', 'publish', 'plant/line3/dev-0003/cmd', { count: 1, lastAtMs: START_MS }))
  for (const tenant of ['acme', 'globex']) {
    for (let i = 0; i < 6; i++) rows.push(seen(tenant, `${tenant}-app`, 'publish', `tenant/${tenant}/room${i}/co2`))
  }
  return rows
}

test('learn writes for a plant what a person would write, and lets nobody reach what only others did', () => {
  const rows = plant()
  const text = propose(rows)
  expect(ruleLines(text)).toMatchInlineSnapshot(`
    [
      "{ allow: receive, topics: 'plant/+/%u/cmd', for: group dev }",
      "{ allow: publish, topics: 'plant/+/%u/hum', for: group dev }",
      "{ allow: publish, topics: 'plant/+/%u/state', for: group dev }",
      "{ allow: publish, topics: 'plant/+/%u/temp', for: group dev }",
      "{ allow: receive, topics: 'plant/all/cmd', for: group dev }",
      "{ allow: publish, topics: 'plant/+/%u/alarm', for: group dev-2 }",
      "{ allow: publish, topics: 'tenant/%u/+/co2', for: [user acme, user globex] }",
      "{ allow: receive, topics: 'homeassistant/#', for: user hass }",
      "{ allow: publish, topics: 'plant/line3/dev-0003/cmd', for: user hass }",
      "{ allow: publish, topics: 'zigbee2mqtt/+/set', for: user hass }",
      "{ allow: receive, topics: 'zigbee2mqtt/#', for: user zigbee }",
      "{ allow: publish, topics: 'zigbee2mqtt/+', for: user zigbee }",
      "{ allow: publish, topics: 'zigbee2mqtt/+/availability', for: user zigbee }",
      "{ allow: publish, topics: 'zigbee2mqtt/bridge/state', for: user zigbee }",
    ]
  `)
  expect(text.split('\n').filter((line) => /^ *#/.test(line))).toMatchInlineSnapshot(`
    [
      "# What 504 users did from 2026-11-22 to 2026-11-29, and no more: 2941 topics and filters.",
      "# Read it, then see what it changes with "hubbub access test" and the name of this file.",
      "    # 500 users, from dev-0000 to dev-0499; new ones that are named so will be in it too",
      "    # 333 users, from dev-0001 to dev-0499",
      "    # dev: 500 users",
      "    # dev-2: 333 of dev; the other 167 were never seen at this. Put "group dev" if they may.",
      "    # acme, globex",
      "    # hass",
      "    # zigbee",
    ]
  `)
  const rules = rulesOf(text)
  expect(reading(text).faults.warnings).toEqual([])
  expect(compareAccess(rows, rulesOf(text), rules, identityOfSighting)).toEqual([])
  expect(compareAccess(rows, NOTHING, rules, identityOfSighting)).toHaveLength(rows.length)

  const usersByTopic = new Map<string, Set<string | undefined>>()
  for (const { action, topic, user } of rows) {
    if (action !== 'publish') continue
    usersByTopic.set(topic, (usersByTopic.get(topic) ?? new Set()).add(user))
  }
  const someone = rows.filter(({ topic }) => /dev-000[13]\/temp|bridge|homeassistant|room0/.test(topic))
  for (const row of someone) {
    const view = rules.viewOf(identityOfSighting(row))
    const reached = [...usersByTopic].filter(([topic, users]) => view.publish(topic).isAllowed && !users.has(row.user))
    expect(
      reached.map(([topic]) => topic),
      String(row.user),
    ).toEqual([])
  }
})

test('learn keeps to each what is his, where no name tells whose it is', () => {
  const rooms = ['kitchen', 'bath', 'hall', 'attic', 'cellar', 'garage']
  const rows = rooms.map((room, i) => seen(`person${i}`, `c${i}`, 'publish', `room/${room}/temp`))
  const rules = rulesOf(propose(rows))
  const view = rules.viewOf(identityOfSighting(seen('person1', 'c1', 'publish', '')))
  expect(rooms.filter((room) => view.publish(`room/${room}/temp`).isAllowed)).toEqual(['bath'])
})

test('learn does not widen a subscription to topics that it never asked for', () => {
  const rooms = Array.from({ length: 8 }, (_, i) => `room/${i}/temp`)
  const display = rooms.slice(0, 6).map((topic) => seen('display', 'd1', 'subscribe', topic))
  expect(ruleLines(propose(display))).toEqual(["{ allow: receive, topics: 'room/+/temp', for: user display }"])
  const sensors = rooms.map((topic, i) => seen(`sensor-${i}`, `s${i}`, 'publish', topic))
  expect(ruleLines(propose([...display, ...sensors])).filter((line) => line.includes('display'))).toHaveLength(6)
})

test('learn takes a group that users are in already, and asks about what was seen once', () => {
  const names = ['anna', 'otto', 'emil', 'ida']
  const rows = names.map((name) => seen(name, `phone-${name}`, 'subscribe', 'home/#', { groups: ['family', name] }))
  rows.push(seen('anna', 'phone-anna', 'publish', 'home/alarm', { count: 1, firstAtMs: START_MS, lastAtMs: START_MS }))
  const text = propose(rows)
  expect(text).not.toContain('groups:')
  expect(text).toContain(
    "- { allow: receive, topics: 'home/#', for: group family } # 4 clients, from 2026-11-22 to 2026-11-29",
  )
  expect(text).toContain("topics: 'home/alarm', for: user anna } # seen once, on 2026-11-22: is it wanted?")
})

test('learn says that there is nothing to learn from', () => {
  const text = propose([seen('anna', 'c', 'publish', 'a', { isAllowed: false })])
  expect(text).toBe('# Nothing was seen yet: let the hub run for some days with users.\naccess:\n  rules: []\n')
  expect(rulesOf(text)).toBeInstanceOf(AccessRules)
})

const names = fc.constantFrom(
  'anna',
  'dev-1',
  'dev-2',
  'dev-3',
  'dev-44',
  'dev-55',
  '+',
  '#',
  'a/b',
  '$SYS',
  '__proto__',
  "o'x",
  'a*',
  'group x',
  '%u',
  '007',
  'yes',
  'x: y',
  '# c',
  ' s ',
  '\u202Ebidi',
  'ж',
  'true',
  '-',
  'n\nl',
  '"q"',
  '\\',
)
const levels = fc.oneof(
  names.filter((name) => !/[+#/]/.test(name)),
  fc.constantFrom('home', 'lamp', '', '%', '%%u', '$x', 't1', 't2', 't3', 't4', 't5'),
)
const sightings = fc
  .record({
    user: fc.option(names, { nil: undefined }),
    clientId: names,
    action: fc.constantFrom('publish', 'subscribe'),
    path: fc.array(levels, { minLength: 1, maxLength: 4 }),
    wild: fc.constantFrom('', '+', '#'),
  })
  .map(({ user, clientId, action, path, wild }) => {
    const whole = action === 'subscribe' && wild !== '' ? [...path, wild] : path
    return seen(user, clientId, action, whole.join('/') === '' ? 'x' : whole.join('/'))
  })

test('What learn proposes is read without a mistake, and allows all that was seen, whatever names hold', () => {
  fc.assert(
    fc.property(fc.array(sightings, { maxLength: 60 }), (rows) => {
      const text = propose(rows)
      const rules = rulesOf(text)
      for (const row of rows) {
        const view = rules.viewOf(identityOfSighting(row))
        const isAllowed =
          row.action === 'publish'
            ? view.publish(row.topic).isAllowed
            : view.subscribe(row.topic, false).extent === 'all'
        if (!isAllowed) expect.fail(`${JSON.stringify(row)} is denied by\n${text}`)
      }
    }),
    { numRuns: runs(150) },
  )
})
