import { expect, test } from 'vitest'
import { Gate } from '../../../src/auth/gate.ts'
import { ApiClient, expectProblem, fieldOf } from '../../support/api.ts'
import { BrowserClient } from '../../support/browser.ts'
import { accessOf, rule } from '../../support/gate.ts'
import { People } from '../../support/people.ts'
import { startHubWithHttp } from '../../support/start-hub.ts'

const RULES = [
  rule('deny publish', 'home/alarm/#', 'anna'),
  rule('allow both', 'home/#', 'anna'),
  rule('allow both', 'dev/#', 'lamp'),
]

async function signedIn() {
  const people = new People({
    anna: { password: 'a', role: 'operator', groups: ['family'] },
    boss: { password: 'b', role: 'admin' },
    lamp: { password: 'c' },
  })
  const { httpPort } = await startHubWithHttp({ gate: new Gate(people, accessOf(RULES)) })
  const [anna, boss] = [new BrowserClient(httpPort), new BrowserClient(httpPort)]
  await anna.signIn('anna', 'a')
  await boss.signIn('boss', 'b')
  return { anna, boss }
}

test('GET /access/explain tells who asks which rule decides, and not the rules of others', async () => {
  const { anna } = await signedIn()
  const { body } = await anna.ask('GET', '/access/explain?action=publish&topic=home/alarm/off')
  expect(body).toMatchObject({
    hasRules: true,
    isAllowed: false,
    rule: { file: 'rules', line: 1, text: 'deny publish home/alarm/#' },
    groups: ['family'],
    missed: [],
    summary: [
      'User "anna" may not publish "home/alarm/off".',
      'rules:1 decides: deny publish home/alarm/#',
      'Groups: family.',
    ],
  })
  const wide = await anna.ask('GET', '/access/explain?action=subscribe&topic=$share/g/%23&clientId=c')
  expect(wide.body).toMatchObject({ isAllowed: false, witness: '#', rule: null, missed: [] })
  expectProblem(await anna.ask('GET', '/access/explain?action=publish&topic=dev/x&user=lamp'), 403)
})

test('GET /access/explain tells an admin of anybody, with the rules that nearly matched', async () => {
  const { boss } = await signedIn()
  const lamp = await boss.ask('GET', '/access/explain?action=publish&topic=home/lamp&user=lamp')
  expect(lamp.body).toMatchObject({
    isAllowed: false,
    missed: [{ rule: { line: 2 }, why: 'it is for user anna only' }],
  })
  const stranger = await boss.ask('GET', '/access/explain?action=receive&topic=x&user=stranger')
  expect(fieldOf(stranger, 'summary')).toContain('This user is not known here; a token may know more of him.')
  for (const wrong of ['topic=a/%23', 'topic=a&address=here']) {
    expectProblem(await boss.ask('GET', `/access/explain?action=publish&${wrong}`), 400)
  }
})

test('GET /access/explain says that there are no rules where there are no users', async () => {
  const { httpPort } = await startHubWithHttp()
  const answer = await new ApiClient(httpPort).get('/access/explain', { action: 'publish', topic: 'a', user: 'x' })
  expect(answer.body).toMatchObject({ hasRules: false, isAllowed: true, rule: null })
})
