import { expect, test } from 'vitest'
import { AccessRules } from '../../../src/auth/rules/access-rules.ts'
import { RuleFaults } from '../../../src/auth/rules/faults.ts'
import { Groups } from '../../../src/auth/rules/groups.ts'
import { readMosquittoAcl } from '../../../src/auth/rules/mosquitto-acl.ts'
import type { Identity } from '../../../src/auth/identity.ts'
import type { View } from '../../../src/auth/view.ts'
import { somebody } from './identities.ts'

function view(acl: string, who: Partial<Identity>): View {
  const faults = new RuleFaults()
  const rules = readMosquittoAcl(acl, 'acl', faults)
  expect(faults.errors).toEqual([])
  return new AccessRules({ rules, groups: new Groups(new Map()), isFiltering: true }).viewOf(somebody(who))
}

test('readMosquittoAcl keeps a name within one level, as Mosquitto 2.1 does and 2.0 does not', () => {
  const acl = 'pattern readwrite dev/%c/#\npattern read user/%u'
  for (const name of ['a/b', '+', '#', 'a/#', '$SYS']) {
    const odd = view(acl, { user: name, clientId: name })
    for (const topic of ['dev/a/b/x', 'dev/a/b', 'dev/x', 'user/a/b', 'user/x']) {
      expect(odd.publish(topic).isAllowed, `${name} ${topic}`).toBe(false)
      expect(odd.receive(topic).isAllowed, `${name} ${topic}`).toBe(false)
    }
  }
  expect(view('pattern readwrite %c/#', { clientId: '$SYS' }).receive('$SYS/x').isAllowed).toBe(false)
})

test('readMosquittoAcl grants a filter that is wider than the rules in part, and names line and text of what decides', () => {
  const alice = view('user alice\r\ntopic read a/+\r\n\r\ntopic deny a/secret\r\n', { user: 'alice' })
  expect(alice.subscribe('#', false)).toMatchObject({
    extent: 'some',
    witness: 'a/secret',
    rule: { file: 'acl', line: 4 },
  })
  expect(alice.receive('a/b')).toMatchObject({ isAllowed: true, rule: { line: 2, text: 'topic read a/+' } })
  expect(alice.subscribe('b/#', false)).toMatchObject({ extent: 'none', witness: 'b/#' })
})

test.each([
  ['topic a b', 'a topic with a blank in it needs read, write, readwrite or deny before it, it is "a b"'],
  ['topic raed a', 'it is "raed a"; did you mean "read"?'],
  ['topic', '"topic" must have a topic filter after it'],
  ['pattern  ', '"pattern" must have a topic filter after it'],
  ['user', '"user" must have a name after it'],
  ['usr alice', 'it begins with "usr"; did you mean "user"?'],
  ['\ttopic a', 'it begins with "\\ttopic"'],
  ['topic\ta', 'it begins with "topic\\ta"'],
  [' # no comment', 'it begins with "#"'],
  ['topic a/#/b', 'the topic filter must have "#" as the whole of its last level only'],
  ['topic read a+/b', 'the topic filter must have "+" as the whole of a level only'],
  ['topic a\0b', 'it must not contain U+0000'],
])('readMosquittoAcl refuses %j with its line', (line, what) => {
  const faults = new RuleFaults()
  readMosquittoAcl(`# first\n${line}\n`, 'acl', faults)
  expect(faults.errors).toEqual([{ place: 'acl:2', what: expect.stringContaining(what) }])
})

test('readMosquittoAcl tells all mistakes at once, and warns where a word is taken for a topic', () => {
  const faults = new RuleFaults()
  readMosquittoAcl('usr\ntopic read\npattern\n', 'acl', faults)
  expect(faults.errors.map(({ place }) => place)).toEqual(['acl:1', 'acl:3'])
  expect(faults.warnings).toEqual([{ place: 'acl:2', what: 'this is the topic named "read"; no topic is after it' }])
})
