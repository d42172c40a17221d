import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Gate } from '../../../src/auth/gate.ts'
import { cursorOf, eachOf, expectProblem, fieldOf } from '../../support/api.ts'
import { BrowserClient } from '../../support/browser.ts'
import { EventSourceClient } from '../../support/event-source.ts'
import { ask } from '../../support/http-request.ts'
import { People } from '../../support/people.ts'
import { type HttpTestHub, startHubWithHttp } from '../../support/start-hub.ts'
import { testUsers } from '../../support/users.ts'

const PASSWORD = 'correct horse'

function people(): People {
  return new People({
    admin: { password: 'staple', role: 'admin' },
    anna: { password: PASSWORD, role: 'operator', groups: ['family'] },
    otto: { password: PASSWORD, role: 'viewer' },
    lamp: { password: 'secret of lamp' },
  })
}

async function startWith(all = people()): Promise<HttpTestHub & { people: People; browser: BrowserClient }> {
  const started = await startHubWithHttp({ gate: all.gate })
  return { ...started, people: all, browser: new BrowserClient(started.httpPort) }
}

async function idOf(client: BrowserClient): Promise<string> {
  return String(Object(fieldOf(await client.ask('GET', '/session'), 'signIn')).id)
}

async function openFeed(browser: BrowserClient): Promise<EventSourceClient> {
  return EventSourceClient.open(Number(new URL(browser.origin).port), { events: 'topics' }, browser.headers)
}

describe('Signing in', () => {
  test('gives a cookie that scripts and other sites do not get, and says who one is', async () => {
    const { browser, httpPort } = await startWith()
    const answer = await browser.signIn('anna', PASSWORD)
    expect(answer).toMatchObject({
      status: 200,
      body: {
        isSignInNeeded: true,
        user: 'anna',
        role: 'operator',
        groups: ['family'],
        isEncrypted: false,
        signIn: { isThis: true },
      },
    })
    const pattern = `^hubbub-${httpPort}=[\\w-]{43}; Max-Age=604800; Path=/; HttpOnly; SameSite=Strict$`
    expect(answer.headers.get('set-cookie')).toMatch(new RegExp(pattern))
    expect((await browser.ask('GET', '/session')).body).toMatchObject({ user: 'anna', signIn: { isThis: true } })
    expect(await browser.ask('POST', '/publish', { topic: 'a', payload: '1' })).toMatchObject({ status: 200 })
    expectProblem(await browser.ask('POST', '/history/import'), 403)
  })

  test('takes no token, whose limits a sign-in would not have', async () => {
    const { users } = await testUsers()
    await users.changes.add('anna', 'secret', { role: 'admin' })
    const { token } = await users.changes.addToken('anna', { role: 'admin', expiresAtMs: Date.now() + 60_000 })
    const { httpPort } = await startHubWithHttp({ gate: new Gate(users) })
    const browser = new BrowserClient(httpPort)
    expectProblem(await browser.signIn('anna', token), 403)
    expect(browser.cookie).toBeUndefined()
  })

  test('is told to those who have not, and needs none where there are no users', async () => {
    const { browser } = await startWith()
    expect((await browser.ask('GET', '/session')).body).toEqual({
      isSignInNeeded: true,
      user: null,
      role: null,
      groups: [],
      signIn: null,
      isEncrypted: false,
    })
    const open = new BrowserClient((await startHubWithHttp()).httpPort)
    expect((await open.ask('GET', '/session')).body).toMatchObject({ isSignInNeeded: false, user: null, role: 'admin' })
    expectProblem(await open.signIn('anna', PASSWORD), 409)
  })

  test('gives the same answer for an unknown name and a wrong password, and no cookie', async () => {
    const { browser } = await startWith()
    const [unknown, wrong] = [await browser.signIn('nobody', PASSWORD), await browser.signIn('anna', 'wrong')]
    expect(unknown).toMatchObject({ status: 401, body: { detail: 'The name or the password is not right.' } })
    expect(wrong.body).toEqual(unknown.body)
    expect(wrong.headers.get('set-cookie')).toBeNull()
  })

  test('is not for devices, nor for those whom the gate slows down', async () => {
    const { browser, people: all } = await startWith()
    expectProblem(await browser.signIn('lamp', 'secret of lamp'), 403)
    all.refusal = 'busy'
    expectProblem(await browser.signIn('anna', PASSWORD), 503)
    all.refusal = 'banned'
    expectProblem(await browser.signIn('anna', PASSWORD), 429)
    expect(browser.cookie).toBeUndefined()
  })

  test('gives another identifier each time, and ends the one before in the same browser', async () => {
    const { browser } = await startWith()
    await browser.signIn('anna', PASSWORD)
    const first = browser.cookie ?? ''
    await browser.signIn('anna', PASSWORD)
    expect(browser.cookie).not.toBe(first)
    expect((await browser.ask('GET', '/session', undefined, { Cookie: first })).body).toMatchObject({ user: null })
    expect(eachOf(await browser.ask('GET', '/sessions'), 'sessions', 'user')).toEqual(['anna'])
  })

  test('takes the cookie of a proxy that speaks TLS as one that only TLS can set', async () => {
    const { gate } = people()
    const { httpPort } = await startHubWithHttp({ gate, config: { http: { publicUrl: 'https://hub.example' } } })
    const browser = new BrowserClient(httpPort)
    const answer = await browser.ask(
      'POST',
      '/session',
      { user: 'anna', password: PASSWORD },
      { Origin: 'https://hub.example' },
    )
    const cookie = answer.headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/^__Host-hubbub=[\w-]{43}; Max-Age=604800; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
    browser.cookie = cookie.slice(0, cookie.indexOf(';'))
    expect((await browser.ask('GET', '/session')).body).toMatchObject({ user: 'anna' })
  })

  test('is not for a request without the header of the hub, or of a page of elsewhere', async () => {
    const { browser, httpPort } = await startWith()
    const statusWith = async (headers: Record<string, string>): Promise<number> =>
      (await browser.ask('POST', '/session', { user: 'anna', password: PASSWORD }, headers)).status
    expect(await statusWith({ 'X-Hubbub': '' })).toBe(403)
    expect(await statusWith({ Origin: 'http://127.0.0.1:1' })).toBe(403)
    expect(await statusWith({ Origin: 'null' })).toBe(403)
    expect(await statusWith({ 'Content-Type': 'text/plain' })).toBe(415)
    expect(await statusWith({ 'Content-Type': 'application/x-www-form-urlencoded' })).toBe(415)
    expect(await statusWith({})).toBe(200)
    // A program has no origin.
    const headers = { 'X-Hubbub': '1', 'Content-Type': 'application/json' }
    const body = JSON.stringify({ user: 'anna', password: PASSWORD })
    const { status } = await fetch(`http://127.0.0.1:${httpPort}/api/v1/session`, { method: 'POST', headers, body })
    expect(status).toBe(200)
  })
})

describe('Signing out', () => {
  test('ends the sign-in at once, also for who has copied the cookie, and may be done twice', async () => {
    const { browser } = await startWith()
    await browser.signIn('anna', PASSWORD)
    const stolen = { Cookie: browser.cookie ?? '' }
    const [one, other] = await Promise.all([browser.ask('DELETE', '/session'), browser.ask('DELETE', '/session')])
    expect([one.status, other.status]).toEqual([204, 204])
    expect(one.headers.get('set-cookie')).toMatch(/^hubbub-\d+=; Max-Age=0; Path=\/; HttpOnly; SameSite=Strict$/)
    expectProblem(await browser.ask('GET', '/overview', undefined, stolen), 401)
    expect((await browser.ask('DELETE', '/session', undefined, stolen)).status).toBe(204)
  })

  test('is for oneself alone; an admin ends anybody', async () => {
    const { browser: anna, httpPort } = await startWith()
    const [otto, admin] = [new BrowserClient(httpPort), new BrowserClient(httpPort)]
    await anna.signIn('anna', PASSWORD)
    await otto.signIn('otto', PASSWORD)
    await admin.signIn('admin', 'staple')
    expect(eachOf(await anna.ask('GET', '/sessions'), 'sessions', 'user')).toEqual(['anna'])
    expect(eachOf(await anna.ask('GET', '/sessions?user=otto'), 'sessions', 'user')).toEqual(['anna'])
    expect(eachOf(await admin.ask('GET', '/sessions?user=otto'), 'sessions', 'user')).toEqual(['otto'])
    expect(new Set(eachOf(await admin.ask('GET', '/sessions'), 'sessions', 'user'))).toEqual(
      new Set(['admin', 'anna', 'otto']),
    )
    expectProblem(await anna.ask('DELETE', `/sessions/${await idOf(otto)}`), 404)
    expect((await otto.ask('GET', '/overview')).status).toBe(200)
    expect((await admin.ask('DELETE', `/sessions/${await idOf(otto)}`)).status).toBe(204)
    expectProblem(await otto.ask('GET', '/overview'), 401)
    expect((await anna.ask('DELETE', `/sessions/${await idOf(anna)}`)).status).toBe(204)
    expectProblem(await anna.ask('GET', '/overview'), 401)
  })

  test('shows where one is signed in page by page', async () => {
    const { browser, httpPort } = await startWith()
    for (let i = 0; i < 5; i++) await new BrowserClient(httpPort).signIn('otto', PASSWORD)
    await browser.signIn('admin', 'staple')
    const ids: unknown[] = []
    let cursor = ''
    do {
      const page = await browser.ask('GET', `/sessions?user=otto&limit=2${cursor}`)
      ids.push(...eachOf(page, 'sessions', 'id'))
      const next = fieldOf(page, 'nextCursor')
      cursor = next === null ? '' : `&cursor=${cursorOf(page)}`
    } while (cursor !== '')
    expect(new Set(ids).size).toBe(5)
    expect(ids).toHaveLength(5)
  })
})

describe('The cookie', () => {
  test('changes nothing for pages of elsewhere, and does not let another port ask', async () => {
    const { browser, hub } = await startWith()
    await browser.signIn('anna', PASSWORD)
    const statusWith = async (headers: Record<string, string>): Promise<number> =>
      (await browser.ask('POST', '/publish', { topic: 'a', payload: '1' }, headers)).status
    expect(await statusWith({})).toBe(200)
    for (const origin of [
      'http://127.0.0.1:1',
      'https://evil.example',
      'null',
      browser.origin.replace('http', 'https'),
    ])
      expect([origin, await statusWith({ Origin: origin })]).toEqual([origin, 403])
    expect(await statusWith({ 'X-Hubbub': '' })).toBe(403)
    const withoutOrigin = { 'Content-Type': 'application/json', 'X-Hubbub': '1', Cookie: browser.cookie ?? '' }
    const url = `${browser.origin}/api/v1/retained?filter=a`
    expect((await fetch(url, { method: 'DELETE', headers: withoutOrigin })).status).toBe(403)
    expect(hub.ledger.received[0]).toBe(0)
  })

  test('does not let a page of a listed origin change anything', async () => {
    const { gate } = people()
    const origins = ['https://panel.example', '*']
    const { httpPort } = await startHubWithHttp({ gate, config: { websocket: { origins } } })
    const browser = new BrowserClient(httpPort)
    await browser.signIn('anna', PASSWORD)
    const answer = await browser.ask('POST', '/publish', { topic: 'a' }, { Origin: 'https://panel.example' })
    expectProblem(answer, 403)
  })

  test('is nothing that a token needs: a program sends neither an origin nor a header of the hub', async () => {
    const { httpPort } = await startWith()
    const headers = { Authorization: 'Bearer staple', 'Content-Type': 'application/json' }
    const url = `http://127.0.0.1:${httpPort}/api/v1/publish`
    const { status } = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ topic: 'a' }) })
    expect(status).toBe(200)
  })

  test('of a removed user, or of one with another password, is good for nothing', async () => {
    const { browser, people: all, httpPort } = await startWith()
    const otto = new BrowserClient(httpPort)
    await browser.signIn('anna', PASSWORD)
    await otto.signIn('otto', PASSWORD)
    all.change('anna', undefined)
    expectProblem(await browser.ask('GET', '/overview'), 401)
    expect((await otto.ask('GET', '/overview')).status).toBe(200)
  })

  test('that is garbage is that of nobody', async () => {
    const { httpPort } = await startWith()
    for (const cookie of [
      '',
      'x',
      `hubbub-${httpPort}=`,
      `hubbub-${httpPort}=%E0%A4%A`,
      '__Host-hubbub=x',
      '=;;=',
      '__proto__=1',
    ]) {
      const { status } = await ask(httpPort, { path: '/api/v1/overview', headers: { Cookie: cookie } })
      expect([cookie, status]).toEqual([cookie, 401])
    }
  })
})

describe('A hub that was restarted', () => {
  test('knows who was signed in, and who has signed out', async () => {
    const data = mkdtempSync(join(tmpdir(), 'hubbub-session-'))
    onTestFinished(() => rmSync(data, { recursive: true }))
    const all = people()
    const first = await startHubWithHttp({ gate: all.gate, config: { data } })
    const [anna, otto] = [new BrowserClient(first.httpPort), new BrowserClient(first.httpPort)]
    await anna.signIn('anna', PASSWORD)
    await otto.signIn('otto', PASSWORD)
    const stolen = otto.cookie ?? ''
    await otto.signOut()
    await first.hub.stop()
    const second = await startHubWithHttp({ gate: all.gate, config: { data, httpPort: first.httpPort } })
    expect(second.httpPort).toBe(first.httpPort)
    expect((await anna.ask('GET', '/session')).body).toMatchObject({ user: 'anna' })
    expect((await anna.ask('GET', '/session', undefined, { Cookie: stolen })).body).toMatchObject({ user: null })
    await second.hub.stop()
  })

  test('does not, when its data are in memory', async () => {
    const all = people()
    const first = await startHubWithHttp({ gate: all.gate })
    const anna = new BrowserClient(first.httpPort)
    await anna.signIn('anna', PASSWORD)
    await first.hub.stop()
    await startHubWithHttp({ gate: all.gate, config: { httpPort: first.httpPort } })
    expect((await anna.ask('GET', '/session')).body).toMatchObject({ user: null })
  })
})

describe('A feed of somebody who has signed in', () => {
  test('ends when they sign out, and with it the sign-in of nobody else', async () => {
    const { browser, httpPort } = await startWith()
    const otto = new BrowserClient(httpPort)
    await browser.signIn('anna', PASSWORD)
    await otto.signIn('otto', PASSWORD)
    const [ofAnna, ofOtto] = [await openFeed(browser), await openFeed(otto)]
    await ofAnna.next('ready')
    await ofOtto.next('ready')
    await browser.signOut()
    await ofAnna.untilEnd()
    await otto.ask('GET', '/overview')
    const ended = ofOtto.untilEnd()
    await otto.signOut()
    await ended
  })

  test('ends when their user is removed, and when the first user comes where nobody had to sign in', async () => {
    const { browser, people: all } = await startWith()
    await browser.signIn('anna', PASSWORD)
    const feed = await openFeed(browser)
    await feed.next('ready')
    all.change('anna', undefined)
    await feed.untilEnd()
    const gate = new Gate()
    const open = new BrowserClient((await startHubWithHttp({ gate })).httpPort)
    const openFeedOfAll = await openFeed(open)
    await openFeedOfAll.next('ready')
    gate.change(all, all)
    await openFeedOfAll.untilEnd()
    expectProblem(await open.ask('GET', '/overview'), 401)
  })
})
