import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, test } from 'vitest'
import { ApiClient, fieldOf } from '../support/api.ts'
import { ask } from '../support/http-request.ts'
import { startHubWithHttp } from '../support/start-hub.ts'

/** What the document says of each route. */
function operationsOf(paths: unknown): [route: string, operation: Record<string, unknown>][] {
  return Object.entries(Object(paths)).flatMap(([path, methods]) =>
    Object.entries(Object(methods)).map(([method, operation]): [string, Record<string, unknown>] => [
      `${method.toUpperCase()} ${path}`,
      Object(operation),
    ]),
  )
}

describe('The OpenAPI document', () => {
  test('is valid', async () => {
    const { httpPort } = await startHubWithHttp()
    const { body } = await new ApiClient(httpPort).get('/openapi.json')
    const result = await new Validator().validate(Object(body))
    expect(result.errors).toBeUndefined()
    expect(result.valid).toBe(true)
  })

  test('says of each route what it is for and what it answers, and describes each parameter', async () => {
    const { httpPort } = await startHubWithHttp()
    const answer = await new ApiClient(httpPort).get('/openapi.json')
    const operations = operationsOf(fieldOf(answer, 'paths')).filter(([route]) => route.includes('/api/v1/'))
    expect(operations.length).toBeGreaterThan(18)
    for (const [route, { summary, responses, tags, parameters }] of operations) {
      expect([route, summary]).toEqual([route, expect.stringMatching(/\w{3,}/)])
      expect([route, tags]).toEqual([route, [expect.any(String)]])
      const codes = Object.keys(Object(responses))
      expect([route, codes.some((code) => code.startsWith('2'))]).toEqual([route, true])
      for (const parameter of Array.isArray(parameters) ? parameters : []) {
        expect([route, parameter]).toEqual([route, expect.objectContaining({ schema: expect.anything() })])
      }
    }
  })

  test('lists no route that fails when it is asked for the first time', async () => {
    const { log, httpPort } = await startHubWithHttp()
    const answer = await new ApiClient(httpPort).get('/openapi.json')
    for (const [route] of operationsOf(fieldOf(answer, 'paths'))) {
      const [method = '', path = ''] = route.split(' ')
      // One that never ends.
      const query = path.endsWith('/feed') ? '?events=none' : ''
      const { status } = await ask(httpPort, { method, path: `${path.replace('{clientId}', 'nobody')}${query}` })
      expect([route, status < 500]).toEqual([route, true])
    }
    expect(log.lines.items.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('says that what has a default may be left out', async () => {
    const { httpPort } = await startHubWithHttp()
    const answer = await new ApiClient(httpPort).get('/openapi.json')
    const parameters = operationsOf(fieldOf(answer, 'paths')).flatMap(([, operation]) =>
      Array.isArray(operation['parameters']) ? operation['parameters'].map(Object) : [],
    )
    const byDefault = parameters.filter(({ schema }) => 'default' in schema)
    expect(byDefault.length).toBeGreaterThan(8)
    expect(byDefault.filter(({ required }) => required !== false)).toEqual([])
    const paths = Object(fieldOf(answer, 'paths'))
    const { schema } = paths['/api/v1/request'].post.requestBody.content['application/json']
    expect(schema.properties.timeoutMs.default).toBe(5000)
    expect(schema.required).toEqual(['topic'])
  })

  test('says of problems what they are sent as, and of events what their data are', async () => {
    const { httpPort } = await startHubWithHttp()
    const answer = await new ApiClient(httpPort).get('/openapi.json')
    for (const [route, { responses }] of operationsOf(fieldOf(answer, 'paths'))) {
      if (!route.includes('/api/v1/')) continue
      expect([route, Object.keys(Object(responses)['4XX'].content)]).toEqual([route, ['application/problem+json']])
    }
    const { schemas } = Object(fieldOf(answer, 'components'))
    expect(Object.keys(schemas)).toEqual(['Topic', 'ShortTopic', 'Presence', 'Overview', 'Ready'])
  })

  test('writes tuples as JSON Schema 2020-12 has them', async () => {
    const { httpPort } = await startHubWithHttp()
    const { body } = await new ApiClient(httpPort).get('/openapi.json')
    const { received } = Object(body).components.schemas.Overview.properties
    expect(received.prefixItems).toHaveLength(3)
    expect(received.items).toBe(false)
    expect(JSON.stringify(body)).not.toMatch(/"items":\[|additionalItems/)
  })

  test('is a page at /api/docs that loads nothing from elsewhere', async () => {
    const { httpPort } = await startHubWithHttp()
    const { status, headers, text } = await ask(httpPort, { path: '/api/docs/' })
    expect(status).toBe(200)
    expect(headers['content-security-policy']).toContain("default-src 'self'")
    expect(text).toContain('swagger-ui')
    const addresses = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address)
    expect(addresses.length).toBeGreaterThan(3)
    for (const address of addresses) {
      expect(address).not.toMatch(/^(https?:)?\/\//)
      const path = new URL(address, `http://localhost/api/docs/`).pathname
      expect([address, (await ask(httpPort, { path })).status]).toEqual([address, 200])
    }
  })
})
