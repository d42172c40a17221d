import { expect, test } from 'vitest'
import { accessOf, rule } from '../../support/gate.ts'
import { ask } from '../../support/http-request.ts'
import { People } from '../../support/people.ts'
import { startHubWithHttp } from '../../support/start-hub.ts'

const RULES = accessOf([
  rule('deny publish', 'home/alarm'),
  rule('allow publish', 'home/#', 'anna', { maxQos: 1, mayRetain: false }),
])

async function permissionOf(httpPort: number, topic: string, token?: string): Promise<unknown> {
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` }
  const { text } = await ask(httpPort, { path: `/api/v1/access/publish?topic=${encodeURIComponent(topic)}`, headers })
  return JSON.parse(text)
}

test('Who asks is told what they may publish to a topic, and which rule decides', async () => {
  const people = new People({ anna: { password: 'pw', role: 'viewer' } })
  people.gate.change(people, RULES)
  const { httpPort } = await startHubWithHttp({ gate: people.gate })
  expect(await permissionOf(httpPort, 'home/lamp', 'pw')).toEqual({
    topic: 'home/lamp',
    isAllowed: true,
    maxQos: 1,
    mayRetain: false,
    rule: { place: 'rules:2', text: 'allow publish home/#' },
  })
  expect(await permissionOf(httpPort, 'home/alarm', 'pw')).toMatchObject({
    isAllowed: false,
    rule: { place: 'rules:1', text: 'deny publish home/alarm' },
  })
  expect(await permissionOf(httpPort, 'garden', 'pw')).toMatchObject({ isAllowed: false, rule: null })
  expect(await permissionOf(httpPort, 'home/#', 'pw')).toMatchObject({ status: 400 })
})

test('Without users everything may be published', async () => {
  const { httpPort } = await startHubWithHttp()
  expect(await permissionOf(httpPort, 'a')).toEqual({
    topic: 'a',
    isAllowed: true,
    maxQos: 2,
    mayRetain: true,
    rule: null,
  })
})
