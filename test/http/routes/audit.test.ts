import { describe, expect, test } from 'vitest'
import { cursorOf, eachOf, fieldOf } from '../../support/api.ts'
import { BrowserClient } from '../../support/browser.ts'
import { People } from '../../support/people.ts'
import { startHubWithHttp } from '../../support/start-hub.ts'

const PASSWORD = 'correct horse'

async function startWith() {
  const people = new People({
    admin: { password: 'staple', role: 'admin' },
    anna: { password: PASSWORD, role: 'operator' },
  })
  const started = await startHubWithHttp({ gate: people.gate })
  const [anna, admin] = [new BrowserClient(started.httpPort), new BrowserClient(started.httpPort)]
  await anna.signIn('anna', PASSWORD)
  await admin.signIn('admin', 'staple')
  return { ...started, people, anna, admin }
}

describe('The audit log', () => {
  test('tells an admin who changed or deleted what, from where, and how it ended', async () => {
    const { anna, admin } = await startWith()
    await anna.ask('POST', '/publish', { topic: 'home/lamp', payload: 'a secret payload', retain: true })
    await anna.ask('DELETE', '/retained?filter=home/%23')
    await anna.ask('POST', '/history/import')
    await anna.ask('DELETE', '/clients/nobody/session')
    const answer = await admin.ask('GET', '/audit?user=anna')
    expect(fieldOf(answer, 'entries')).toMatchObject([
      { action: 'DELETE /api/v1/clients/:clientId/session', what: { clientId: 'nobody' }, outcome: 'failed' },
      { action: 'POST /api/v1/history/import', outcome: 'refused' },
      { action: 'DELETE /api/v1/retained', what: { filter: 'home/#' }, outcome: 'done' },
      {
        user: 'anna',
        host: '127.0.0.1',
        action: 'POST /api/v1/publish',
        what: { topic: 'home/lamp' },
        outcome: 'done',
        times: 1,
      },
    ])
    expect(JSON.stringify(answer.body)).not.toContain('secret payload')
    expect((await anna.ask('GET', '/audit')).status).toBe(403)
  })

  test('has neither passwords nor the names that were typed with a wrong one', async () => {
    const { admin, anna, log, httpPort } = await startWith()
    await new BrowserClient(httpPort).signIn('a password in the wrong field', 'wrong password')
    await anna.signOut()
    const answer = await admin.ask('GET', '/audit')
    expect(fieldOf(answer, 'entries')).toMatchObject([
      { user: 'anna', action: 'DELETE /api/v1/session', outcome: 'done' },
      { user: null, action: 'POST /api/v1/session', what: {}, outcome: 'refused' },
      { user: null, action: 'POST /api/v1/session', what: { user: 'admin' }, outcome: 'done' },
      { user: null, action: 'POST /api/v1/session', what: { user: 'anna' }, outcome: 'done' },
    ])
    for (const text of [JSON.stringify(answer.body), JSON.stringify(log.lines.items)])
      expect(text).not.toMatch(/wrong field|wrong password|correct horse|staple/)
  })

  test('has what was changed beside the API, and comes in pages', async () => {
    const { admin, anna, people } = await startWith()
    people.change('otto', { password: 'o', role: 'viewer' })
    for (let i = 0; i < 3; i++) await anna.ask('DELETE', `/retained?filter=${i}`)
    await anna.ask('POST', '/publish', { topic: 'a' })
    const first = await admin.ask('GET', '/audit?limit=2')
    const rest = await admin.ask('GET', `/audit?cursor=${cursorOf(first)}`)
    const actions = [...eachOf(first, 'entries', 'action'), ...eachOf(rest, 'entries', 'action')]
    expect(actions).toEqual([
      'POST /api/v1/publish',
      'DELETE /api/v1/retained',
      'DELETE /api/v1/retained',
      'DELETE /api/v1/retained',
      'users or access rules have changed',
      'POST /api/v1/session',
      'POST /api/v1/session',
    ])
  })

  test('has nothing where there are no users', async () => {
    const { hub, log, httpPort } = await startHubWithHttp()
    const browser = new BrowserClient(httpPort)
    await hub.publish('a', '1', { retain: true })
    await browser.ask('DELETE', '/retained?filter=a')
    expect((await browser.ask('GET', '/audit')).body).toEqual({ entries: [], nextCursor: null })
    expect(log.lines.items.filter(({ text }) => text === 'audit')).toEqual([])
  })
})
