import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { cursorOf, eachOf, expectProblem, fieldOf } from '../../support/api.ts'
import { BrowserClient } from '../../support/browser.ts'
import { connectRawClient } from '../../support/raw-client.ts'
import { type HttpTestHub, startHubWithHttp } from '../../support/start-hub.ts'

const PASSWORD = 'correct horse'
const NEW_PASSWORD = 'battery staple'
const DAY_MS = 86_400_000

interface Peopled extends HttpTestHub {
  readonly file: string
  readonly admin: BrowserClient
}

/** A hub with a users file and its first user, an admin, who has been added over the API and has signed in. */
async function startPeopled(): Promise<Peopled> {
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-users-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'users')
  const started = await startHubWithHttp({ config: { users: { file } } })
  const admin = new BrowserClient(started.httpPort)
  const added = await admin.ask('POST', '/users', { name: 'admin', password: PASSWORD })
  expect(added.body).toMatchObject({ user: { name: 'admin', role: 'admin' }, secret: null })
  await admin.signIn('admin', PASSWORD)
  return { ...started, file, admin }
}

async function addPerson({ admin, httpPort }: Peopled, name: string, role: string): Promise<BrowserClient> {
  expect((await admin.ask('POST', '/users', { name, password: PASSWORD, role })).status).toBe(200)
  const browser = new BrowserClient(httpPort)
  await browser.signIn(name, PASSWORD)
  return browser
}

async function statusWith(
  { httpPort }: HttpTestHub,
  token: string,
  path = '/overview',
  method = 'GET',
): Promise<number> {
  const headers = { Authorization: `Bearer ${token}` }
  return (await fetch(`http://127.0.0.1:${httpPort}/api/v1${path}`, { method, headers })).status
}

describe('People and devices', () => {
  test('begin with an admin, and from then on nobody is let in without a name', async () => {
    const { admin, httpPort } = await startPeopled()
    expect((await admin.ask('GET', '/session')).body).toMatchObject({ user: 'admin', role: 'admin' })
    expectProblem(await new BrowserClient(httpPort).ask('GET', '/users'), 401)
  })

  test('do not begin from elsewhere: who adds the first one has the hub', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hubbub-users-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const { httpPort } = await startHubWithHttp({ config: { users: { file: join(folder, 'users') } } })
    const stranger = new BrowserClient(httpPort)
    const proxied = { 'X-Forwarded-For': '192.0.2.7' }
    expectProblem(await stranger.ask('POST', '/users', { name: 'eve', password: PASSWORD }, proxied), 403)
    expect((await stranger.ask('GET', '/session')).body).toMatchObject({ isSignInNeeded: false })
  })

  test('are added, listed page by page, changed and removed', async () => {
    const { admin } = await startPeopled()
    for (const name of ['otto', 'anna', 'lamp'])
      await admin.ask('POST', '/users', { name, groups: ['house'], note: `is ${name}` })
    const first = await admin.ask('GET', '/users?limit=2')
    expect(eachOf(first, 'users', 'name')).toEqual(['admin', 'anna'])
    expect(eachOf(await admin.ask('GET', `/users?cursor=${cursorOf(first)}`), 'users', 'name')).toEqual([
      'lamp',
      'otto',
    ])
    expect(eachOf(await admin.ask('GET', '/users?q=IS%20LA'), 'users', 'name')).toEqual(['lamp'])
    const changed = await admin.ask('POST', '/users/anna', { role: 'viewer', groups: ['family'] })
    expect(changed.body).toMatchObject({
      name: 'anna',
      role: 'viewer',
      groups: ['family'],
      note: 'is anna',
      credential: 'secret',
    })
    expect((await admin.ask('POST', '/users/anna', { role: null })).body).toMatchObject({
      role: null,
      groups: ['family'],
    })
    expect((await admin.ask('DELETE', '/users/anna')).status).toBe(204)
    expectProblem(await admin.ask('GET', '/users/anna'), 404)
    expectProblem(await admin.ask('DELETE', '/users/anna'), 404)
    expectProblem(await admin.ask('POST', '/users', { name: 'otto' }), 409)
    expectProblem(await admin.ask('POST', '/users', { name: 'a\nb' }), 400)
    expectProblem(await admin.ask('POST', '/users', { name: 'short', password: 'short' }), 400)
    // There must be an admin.
    expectProblem(await admin.ask('DELETE', '/users/admin'), 400)
    expectProblem(await admin.ask('POST', '/users/admin', { role: 'viewer' }), 400)
  })

  test('that are devices get a secret once, which is not in the file and lets them in over MQTT', async () => {
    const peopled = await startPeopled()
    const { admin, port, file } = peopled
    const secret = String(
      fieldOf(
        await admin.ask('POST', '/users', { name: 'lamp', rules: ['{ allow: publish, topics: "lamp/#" }'] }),
        'secret',
      ),
    )
    expect(secret).toMatch(/^\w{20,}$/)
    expect(readFileSync(file, 'utf8')).not.toContain(secret)
    expect(JSON.stringify((await admin.ask('GET', '/users/lamp')).body)).not.toContain(secret)
    await connectRawClient(port, { clientId: 'lamp', userName: 'lamp', password: secret })
    expect((await admin.ask('GET', '/users/lamp')).body).toMatchObject({
      lastSeenAtMs: expect.any(Number),
      lastSeenHost: '127.0.0.1',
      failures: 0,
    })
    const next = String(fieldOf(await admin.ask('POST', '/users/lamp/secret'), 'secret'))
    expect(next).not.toBe(secret)
    await expect(connectRawClient(port, { clientId: 'lamp', userName: 'lamp', password: secret })).rejects.toThrow(
      'refused',
    )
    expect((await admin.ask('GET', '/users/lamp')).body).toMatchObject({ failures: 1, lastFailureHost: '127.0.0.1' })
    await connectRawClient(port, { clientId: 'lamp', userName: 'lamp', password: next })
  })

  test('change their own password by the one that they have, which ends their other sign-ins', async () => {
    const peopled = await startPeopled()
    const { httpPort } = peopled
    const anna = await addPerson(peopled, 'anna', 'viewer')
    const other = new BrowserClient(httpPort)
    await other.signIn('anna', PASSWORD)
    expectProblem(await anna.ask('POST', '/users/anna/password', { password: NEW_PASSWORD }), 403)
    expectProblem(
      await anna.ask('POST', '/users/anna/password', { password: NEW_PASSWORD, currentPassword: 'wrong' }),
      403,
    )
    expectProblem(
      await anna.ask('POST', '/users/admin/password', { password: NEW_PASSWORD, currentPassword: PASSWORD }),
      403,
    )
    const changed = await anna.ask('POST', '/users/anna/password', {
      password: NEW_PASSWORD,
      currentPassword: PASSWORD,
    })
    expect(changed.status).toBe(204)
    expectProblem(await other.ask('GET', '/overview'), 401)
    const before = { Cookie: anna.cookie ?? '' }
    anna.keep(changed)
    expect((await anna.ask('GET', '/session')).body).toMatchObject({ user: 'anna', role: 'viewer' })
    expectProblem(await anna.ask('GET', '/overview', undefined, before), 401)
    expect((await other.signIn('anna', NEW_PASSWORD)).status).toBe(200)
  })

  test('are given another password by an admin, who need not know the one before', async () => {
    const peopled = await startPeopled()
    const anna = await addPerson(peopled, 'anna', 'viewer')
    expect((await peopled.admin.ask('POST', '/users/anna/password', { password: NEW_PASSWORD })).status).toBe(204)
    expectProblem(await anna.ask('GET', '/overview'), 401)
    expectProblem(await peopled.admin.ask('POST', '/users/admin/password', { password: NEW_PASSWORD }), 403)
    expect((await peopled.admin.ask('GET', '/overview')).status).toBe(200)
  })

  test('who are removed are signed out, and disconnected', async () => {
    const peopled = await startPeopled()
    const anna = await addPerson(peopled, 'anna', 'operator')
    const client = await connectRawClient(peopled.port, { clientId: 'anna', userName: 'anna', password: PASSWORD })
    await peopled.admin.ask('DELETE', '/users/anna')
    expectProblem(await anna.ask('GET', '/overview'), 401)
    await client.untilClosed()
  })

  test('cannot be there when all data are in memory', async () => {
    const { httpPort } = await startHubWithHttp()
    expectProblem(await new BrowserClient(httpPort).ask('POST', '/users', { name: 'anna', password: PASSWORD }), 409)
  })
})

describe('API tokens', () => {
  test('that have rules make no other and change nobody, whatever their role', async () => {
    const { admin, httpPort } = await startPeopled()
    const rules = ['{allow: receive, topics: "public/#"}']
    const token = String(fieldOf(await admin.ask('POST', '/users/admin/tokens', { role: 'admin', rules }), 'token'))
    const program = new BrowserClient(httpPort)
    const headers = { Authorization: `Bearer ${token}` }
    expect(await program.ask('GET', '/users', undefined, headers)).toMatchObject({ status: 200 })
    for (const [method, path, body] of [
      ['POST', '/users/admin/tokens', { role: 'admin' }],
      ['POST', '/users', { name: 'evil', password: PASSWORD, role: 'admin' }],
      ['POST', '/users/admin', { groups: ['all'] }],
      ['POST', '/users/admin/secret', undefined],
    ] as const) {
      expect([path, (await program.ask(method, path, body, headers)).status]).toEqual([path, 403])
    }
  })

  test('act as their user with at most the role that was said, and are shown once', async () => {
    const peopled = await startPeopled()
    const anna = await addPerson(peopled, 'anna', 'operator')
    const made = await anna.ask('POST', '/users/anna/tokens', { note: 'for Grafana', role: 'viewer' })
    const token = String(fieldOf(made, 'token'))
    expect(token).toMatch(/^hbb_\w{30,}$/)
    expect(Number(fieldOf(made, 'expiresAtMs'))).toBeGreaterThan(Date.now() + 89 * DAY_MS)
    expect(await statusWith(peopled, token)).toBe(200)
    expect(await statusWith(peopled, token, '/publish', 'POST')).toBe(403)
    expect(readFileSync(peopled.file, 'utf8')).not.toContain(token)
    const listed = await anna.ask('GET', '/users/anna/tokens')
    expect(fieldOf(listed, 'tokens')).toMatchObject([
      { note: 'for Grafana', role: 'viewer', lastSeenHost: '127.0.0.1' },
    ])
    expect(JSON.stringify(listed.body)).not.toContain(token)
  })

  test('end when they are ended, when their user is removed, and at their time', async () => {
    const peopled = await startPeopled()
    const anna = await addPerson(peopled, 'anna', 'viewer')
    const makeToken = async () => {
      const { body } = await anna.ask('POST', '/users/anna/tokens', {})
      return { id: String(Object(body).id), token: String(Object(body).token) }
    }
    const [first, second] = [await makeToken(), await makeToken()]
    expect((await anna.ask('DELETE', `/users/anna/tokens/${first.id}`)).status).toBe(204)
    expectProblem(await anna.ask('DELETE', `/users/anna/tokens/${first.id}`), 404)
    expect(await statusWith(peopled, first.token)).toBe(401)
    expect(await statusWith(peopled, second.token)).toBe(200)
    await peopled.admin.ask('DELETE', '/users/anna')
    expect(await statusWith(peopled, second.token)).toBe(401)
    expectProblem(await peopled.admin.ask('POST', '/users/admin/tokens', { expiresAtMs: Date.now() - 1 }), 400)
    expectProblem(
      await peopled.admin.ask('POST', '/users/admin/tokens', { expiresAtMs: Date.now() + 400 * DAY_MS }),
      400,
    )
  })

  test('are no way to more than one has', async () => {
    const peopled = await startPeopled()
    const anna = await addPerson(peopled, 'anna', 'viewer')
    expectProblem(await anna.ask('POST', '/users/anna/tokens', { role: 'operator' }), 403)
    expectProblem(await anna.ask('POST', '/users/anna/tokens', { rules: ['{ allow: publish, topics: "#" }'] }), 403)
    expectProblem(await anna.ask('POST', '/users/admin/tokens', {}), 403)
    expectProblem(await anna.ask('GET', '/users/admin/tokens'), 403)
    const token = String(fieldOf(await anna.ask('POST', '/users/anna/tokens', {}), 'token'))
    for (const path of ['/users/anna/tokens', '/users/anna/password']) {
      const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
      const body = JSON.stringify(path.endsWith('tokens') ? {} : { password: NEW_PASSWORD, currentPassword: PASSWORD })
      const url = `http://127.0.0.1:${peopled.httpPort}/api/v1${path}`
      expect([path, (await fetch(url, { method: 'POST', headers, body })).status]).toEqual([path, 403])
    }
    // Of an admin that may do no more than a viewer.
    const weak = String(fieldOf(await peopled.admin.ask('POST', '/users/admin/tokens', { role: 'viewer' }), 'token'))
    expect(await statusWith(peopled, weak, '/users')).toBe(403)
    expect(await statusWith(peopled, weak, '/users/admin/tokens/x', 'DELETE')).toBe(403)
  })

  test('are not taken from an address', async () => {
    const peopled = await startPeopled()
    const token = String(fieldOf(await peopled.admin.ask('POST', '/users/admin/tokens', {}), 'token'))
    for (const name of ['token', 'access_token', 'authorization'])
      expect((await fetch(`${peopled.admin.origin}/api/v1/overview?${name}=${token}`)).status).toBe(401)
  })
})
