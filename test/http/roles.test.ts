import { describe, expect, test } from 'vitest'
import { ROLES } from '../../src/auth/identity.ts'
import { ask, askUpgrade } from '../support/http-request.ts'
import { People } from '../support/people.ts'
import { startHubWithHttp } from '../support/start-hub.ts'
import { fastify } from 'fastify'
import { requireRoles } from '../../src/http/roles.ts'

/** By the token that each sends. A device is a user without a role. */
const PEOPLE = {
  device: { password: 'token-of-device' },
  viewer: { password: 'token-of-viewer', role: 'viewer' },
  operator: { password: 'token-of-operator', role: 'operator' },
  admin: { password: 'token-of-admin', role: 'admin' },
} as const

type Who = keyof typeof PEOPLE | 'nobody'

const EVERYBODY: readonly Who[] = ['nobody', 'device', 'viewer', 'operator', 'admin']

/** What is outside of the API, which its document does not list. */
const OTHERS: Readonly<Record<string, Role>> = {
  'GET /': 'viewer',
  'GET /api/docs': 'viewer',
  'GET /api/docs/static/index.css': 'viewer',
  'GET /api/v1/openapi.json': 'viewer',
  'GET /sign-in': 'open',
  'GET /sign-in.js': 'open',
  'GET /sign-in.css': 'open',
  'GET /metrics': 'viewer',
  'GET /healthz': 'viewer',
  'GET /readyz': 'viewer',
  'HEAD /': 'viewer',
  'HEAD /api/v1/clients': 'viewer',
  'GET /api/v1/nothing': 'viewer',
  'PUT /api/v1/clients': 'viewer',
}

type Role = 'open' | (typeof ROLES)[number]

function headersOf(who: Who): Record<string, string> {
  return who === 'nobody' ? {} : { Authorization: `Bearer ${PEOPLE[who].password}` }
}

/** Each route with the role that its row says, as the OpenAPI document has it. */
async function rolesByRoute(httpPort: number): Promise<Record<string, Role>> {
  const { text } = await ask(httpPort, { path: '/api/v1/openapi.json', headers: headersOf('admin') })
  const roles: Record<string, Role> = {}
  for (const [path, operations] of Object.entries(Object(JSON.parse(text)).paths)) {
    for (const [method, operation] of Object.entries(Object(operations)))
      roles[`${method.toUpperCase()} ${path}`] = Object(operation)['x-role']
  }
  return roles
}

/** 401, 403, or undefined when the request got to the route. A feed is asked for so that it ends at once. */
async function refusalOf(httpPort: number, route: string, who: Who): Promise<number | undefined> {
  const [method = '', path = ''] = route.split(' ')
  const query = path.endsWith('/feed') ? '?events=none' : ''
  const asked = `${path.replaceAll(/\{\w+\}/g, 'nobody')}${query}`
  const { status } = await ask(httpPort, { method, path: asked, headers: headersOf(who) })
  return status === 401 || status === 403 ? status : undefined
}

/** What only admins may do for others: the table asks it of somebody else. */
const OF_ONESELF = /^(GET|DELETE) .*\/users\/\{name\}\/tokens/

function expectedOf(route: string, row: Role, who: Who): number | undefined {
  const role = OF_ONESELF.test(route) ? 'admin' : row
  if (role === 'open') return undefined
  if (who === 'nobody') return 401
  const roles: readonly string[] = ROLES
  return roles.indexOf(who) >= roles.indexOf(role) ? undefined : 403
}

describe('With users', () => {
  test('each route lets in the roles of its row and nobody else', async () => {
    const { httpPort } = await startHubWithHttp({
      gate: new People(PEOPLE).gate,
      // The files of the dashboard are open to all.
      config: { http: { probes: 'nobody' }, dashboard: { enabled: false } },
    })
    const roles = { ...(await rolesByRoute(httpPort)), ...OTHERS }
    expect(Object.keys(roles).length).toBeGreaterThan(30)
    const refusals = Object.fromEntries(
      await Promise.all(
        Object.keys(roles).map(async (route) => {
          const ofAll = EVERYBODY.map(async (who) => [who, await refusalOf(httpPort, route, who)] as const)
          return [route, Object.fromEntries(await Promise.all(ofAll))] as const
        }),
      ),
    )
    const expected = Object.fromEntries(
      Object.entries(roles).map(([route, role]) => [
        route,
        Object.fromEntries(EVERYBODY.map((who) => [who, expectedOf(route, role, who)])),
      ]),
    )
    expect(refusals).toEqual(expected)
  })

  test('who may change what is as the design says', async () => {
    const { httpPort } = await startHubWithHttp({ gate: new People(PEOPLE).gate })
    const roles = await rolesByRoute(httpPort)
    const routesOf = (wanted: Role): string[] =>
      Object.keys(roles)
        .filter((route) => roles[route] === wanted && !route.startsWith('GET '))
        .map((route) => route.replace('/api/v1', ''))
        .toSorted()
    expect(routesOf('operator')).toEqual([
      'DELETE /retained',
      'POST /clients/{clientId}/disconnect',
      'POST /publish',
      'POST /publish/many',
      'POST /request',
      'POST /retained/undo',
    ])
    expect(routesOf('admin')).toEqual([
      'DELETE /users/{name}',
      'POST /config/reload',
      'POST /history/import',
      'POST /users',
      'POST /users/{name}',
      'POST /users/{name}/secret',
    ])
    expect(routesOf('viewer')).toEqual([
      'DELETE /clients/{clientId}/session',
      'DELETE /sessions/{id}',
      'DELETE /users/{name}/tokens/{id}',
      'POST /users/{name}/password',
      'POST /users/{name}/tokens',
    ])
    expect(routesOf('open')).toEqual(['DELETE /session', 'POST /session'])
  })

  test('a refusal is a problem document, and says how to sign in', async () => {
    const { httpPort } = await startHubWithHttp({ gate: new People(PEOPLE).gate })
    const nobody = await ask(httpPort, { path: '/api/v1/clients' })
    expect(nobody).toMatchObject({
      status: 401,
      headers: {
        'content-type': expect.stringContaining('application/problem+json'),
        'www-authenticate': 'Bearer realm="hubbub"',
      },
    })
    expect(JSON.parse(nobody.text)).toMatchObject({ type: 'urn:hubbub:problem:unauthorized', status: 401 })
    const viewer = await ask(httpPort, { method: 'POST', path: '/api/v1/publish', headers: headersOf('viewer') })
    expect(JSON.parse(viewer.text)).toMatchObject({
      type: 'urn:hubbub:problem:forbidden',
      detail: 'This needs the role operator; viewer has the role viewer.',
    })
  })

  test('a wrong token is refused even where nobody need sign in, and other kinds of credentials are not taken', async () => {
    const { httpPort } = await startHubWithHttp({ gate: new People(PEOPLE).gate })
    const statusWith = async (authorization: string, path = '/api/v1/clients'): Promise<number> =>
      (await ask(httpPort, { path, headers: { Authorization: authorization } })).status
    expect(await statusWith('Bearer token-of-viewer')).toBe(200)
    expect(await statusWith('bearer token-of-viewer')).toBe(200)
    expect(await statusWith('Bearer wrong')).toBe(401)
    expect(await statusWith('Bearer wrong', '/healthz')).toBe(401)
    expect(await statusWith(`Basic ${btoa('viewer:token-of-viewer')}`)).toBe(401)
    expect(await statusWith('Bearer')).toBe(401)
    for (const query of ['access_token', 'token'])
      expect((await ask(httpPort, { path: `/api/v1/overview?${query}=token-of-viewer` })).status).toBe(401)
  })

  test('one who is slowed down or comes when too many do is told so', async () => {
    const people = new People(PEOPLE)
    const { httpPort } = await startHubWithHttp({ gate: people.gate })
    const statusNow = async (): Promise<number> =>
      (await ask(httpPort, { path: '/api/v1/clients', headers: headersOf('admin') })).status
    people.refusal = 'busy'
    expect(await statusNow()).toBe(503)
    people.refusal = 'banned'
    expect(await statusNow()).toBe(429)
    people.refusal = undefined
    expect(await statusNow()).toBe(200)
  })

  test.each([
    ['loopback', 200, 401],
    ['everybody', 200, 200],
    ['nobody', 401, 401],
  ] as const)('probes of this machine, and through a proxy, with http.probes: %s', async (probes, here, proxied) => {
    const { httpPort } = await startHubWithHttp({ gate: new People(PEOPLE).gate, config: { http: { probes } } })
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      expect([path, (await ask(httpPort, { path })).status]).toEqual([path, here])
      const headers = { 'X-Forwarded-For': '192.0.2.7' }
      expect([path, (await ask(httpPort, { path, headers })).status]).toEqual([path, proxied])
      expect([path, (await ask(httpPort, { path, headers: headersOf('viewer') })).status]).toEqual([path, 200])
    }
    expect((await ask(httpPort, { path: '/api/v1/overview' })).status).toBe(401)
  })

  test('only a page leads to where one signs in, and only within the hub', async () => {
    const { httpPort } = await startHubWithHttp({
      gate: new People(PEOPLE).gate,
      config: { http: { basePath: '/hub' }, dashboard: { enabled: false } },
    })
    const locationOf = async (path: string): Promise<unknown> =>
      (await ask(httpPort, { path, headers: { Accept: 'text/html,*/*;q=0.8' } })).headers['location']
    expect(await locationOf('/hub/')).toBe('sign-in?to=.%2F')
    expect(await locationOf('/hub/api/docs')).toBe('../sign-in?to=.%2Fapi%2Fdocs')
    expect(await locationOf('/hub/api/v1/clients')).toBeUndefined()
    expect(await locationOf('/hub/metrics')).toBeUndefined()
  })

  test('MQTT over WebSocket stays open: its CONNECT says who it is', async () => {
    const { httpPort } = await startHubWithHttp({ gate: new People(PEOPLE).gate })
    expect(await askUpgrade(httpPort, '/mqtt', { 'Sec-WebSocket-Protocol': 'mqtt' })).toMatchObject({ status: 101 })
  })
})

test('Without users everybody is an admin', async () => {
  const { httpPort } = await startHubWithHttp()
  const roles = { ...(await rolesByRoute(httpPort)), ...OTHERS }
  for (const route of Object.keys(roles))
    expect([route, await refusalOf(httpPort, route, 'nobody')]).toEqual([route, undefined])
})

test('An application with a route that does not say who may ask it does not start', async () => {
  const app = fastify()
  requireRoles(app)
  app.get('/open', { config: { role: 'open' } }, () => 'open')
  app.get('/forgotten', () => 'forgotten')
  await expect(app.ready()).rejects.toThrow('the route GET /forgotten must say who may ask it, it does not')
})
