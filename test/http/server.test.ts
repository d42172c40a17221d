import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { fastify } from 'fastify'
import { staticSide } from '../../src/http/static-side.ts'
import { MemoryStore } from '../../src/store/memory/memory-store.ts'
import { ApiClient, expectProblem } from '../support/api.ts'
import { until } from '../support/guard.ts'
import { ask, exchange } from '../support/http-request.ts'
import { openRawWebSocketClient } from '../support/raw-client.ts'
import { join as joinClient } from '../support/steps.ts'
import { startHubWithHttp } from '../support/start-hub.ts'

async function problemOf(httpPort: number, path: string): Promise<readonly [status: number, type: unknown]> {
  const { status, text } = await ask(httpPort, { path })
  const problem: unknown = JSON.parse(text)
  return [status, problem instanceof Object && 'type' in problem ? problem.type : undefined]
}

class FailingStore extends MemoryStore {
  override get isFailing(): boolean {
    return true
  }
}

const JSON_TYPE = { 'Content-Type': 'application/json' }

describe('The HTTP side', () => {
  test('answers with a problem document where there is nothing', async () => {
    const { httpPort } = await startHubWithHttp()
    expectProblem(await new ApiClient(httpPort).get('/nothing'), 404)
    expect(await ask(httpPort, { path: '/favicon.ico' })).toMatchObject({ status: 404 })
    expect(await ask(httpPort, { path: '/api/v1/clients', method: 'PUT' })).toMatchObject({ status: 404 })
    for (const path of [
      '/../../etc/passwd',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/assets/..%2f..%2fpasswd',
      '/%00',
      '/..%5cx',
    ]) {
      expect([path, ...(await problemOf(httpPort, path))]).toEqual([path, 404, 'urn:hubbub:problem:not-found'])
    }
    for (const path of ['/api/v1/clients/%E0%A4%A', '/%']) {
      expect([path, ...(await problemOf(httpPort, path))]).toEqual([path, 400, 'urn:hubbub:problem:path-invalid'])
    }
  })

  test('keeps browsers from doing harm with what it serves', async () => {
    const { httpPort } = await startHubWithHttp()
    for (const path of ['/', '/api/v1/clients', '/nothing', '/healthz']) {
      const { headers } = await ask(httpPort, { path })
      expect(headers['content-security-policy']).toMatch(/^default-src 'self'; .*frame-ancestors 'none'$/)
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['referrer-policy']).toBe('no-referrer')
    }
    expect((await ask(httpPort, { path: '/api/v1/clients' })).headers['cache-control']).toBe('no-store')
  })

  test('answers by names that no stranger can have, and by no others', async () => {
    const { httpPort } = await startHubWithHttp({ config: { websocket: { origins: ['https://hub.example'] } } })
    const statusBy = async (host: string, path = '/api/v1/clients'): Promise<number> =>
      (await ask(httpPort, { path, headers: { Host: host } })).status
    for (const host of ['127.0.0.1', 'localhost:80', '[::1]:8080', 'hub', 'pi.local', '192.168.1.7', 'hub.example']) {
      expect([host, await statusBy(host)]).toEqual([host, 200])
    }
    for (const host of ['evil.example', 'hub.example.evil', '127.0.0.1.evil.example', 'local.evil']) {
      expect([host, await statusBy(host)]).toEqual([host, 421])
    }
    for (const path of ['/healthz', '/readyz', '/metrics']) expect(await statusBy('hub.monitoring.svc', path)).toBe(200)
  })

  test('lets no page of another site change anything', async () => {
    const { hub, httpPort } = await startHubWithHttp({ config: { websocket: { origins: ['https://panel.example'] } } })
    const statusFrom = async (headers: Readonly<Record<string, string>>): Promise<number> => {
      const url = `http://127.0.0.1:${httpPort}/api/v1/clients/nobody/disconnect`
      return (await fetch(url, { method: 'POST', headers })).status
    }
    expect(await statusFrom({})).toBe(404)
    expect(await statusFrom({ Origin: `http://127.0.0.1:${httpPort}` })).toBe(404)
    expect(await statusFrom({ Origin: 'https://panel.example' })).toBe(404)
    expect(await statusFrom({ Origin: 'http://evil.example' })).toBe(403)
    expect(await statusFrom({ Origin: 'null' })).toBe(403)
    expect(hub.ledger.matched).toBe(0)
  })

  test('lets no page of another site ask the API, be it by an image, however the path is spelled', async () => {
    const { httpPort } = await startHubWithHttp({ config: { websocket: { origins: ['https://panel.example'] } } })
    const statusFor = async (headers: Readonly<Record<string, string>>, path = '/api/v1/messages'): Promise<number> =>
      (await ask(httpPort, { path, headers })).status
    expect(await statusFor({})).toBe(200)
    expect(await statusFor({ 'Sec-Fetch-Site': 'same-origin' })).toBe(200)
    expect(await statusFor({ 'Sec-Fetch-Site': 'none' })).toBe(200)
    expect(await statusFor({ 'Sec-Fetch-Site': 'cross-site', Origin: 'https://panel.example' })).toBe(200)
    expect(await statusFor({ Origin: 'http://evil.example' })).toBe(403)
    expect(await statusFor({ 'Sec-Fetch-Site': 'cross-site' })).toBe(403)
    // Of another port of the same host.
    expect(await statusFor({ 'Sec-Fetch-Site': 'same-site' })).toBe(403)
    for (const path of ['/%61pi/v1/messages', '/api/%761/messages'])
      expect([path, await statusFor({ 'Sec-Fetch-Site': 'cross-site' }, path)]).not.toEqual([path, 200])
    // A link to the page, or to the documentation.
    for (const path of ['/', '/api/docs/', '/healthz'])
      expect([path, await statusFor({ 'Sec-Fetch-Site': 'cross-site' }, path)]).toEqual([path, 200])
  })

  test('says with a problem document what is wrong with bytes that are no request', async () => {
    const { httpPort } = await startHubWithHttp()
    const cases = [
      ['GET / HTTP/9.9\r\n\r\n', '400', 'request-invalid'],
      [`GET / HTTP/1.1\r\nX: ${'x'.repeat(300_000)}\r\n\r\n`, '431', 'headers-too-large'],
    ] as const
    for (const [request, status, kind] of cases) {
      const answer = await exchange(httpPort, request)
      expect(answer).toMatch(
        new RegExp(`^HTTP/1.1 ${status} [^]*application/problem\\+json[^]*urn:hubbub:problem:${kind}`),
      )
    }
    expect(await ask(httpPort, { path: '/healthz' })).toMatchObject({ status: 200 })
  })

  test('ends a connection with bytes that are no request in the middle of an answer, and answers them not within it', async () => {
    const { httpPort } = await startHubWithHttp()
    const socket = connect(httpPort, '127.0.0.1').setEncoding('utf8')
    onTestFinished(() => void socket.destroy())
    let text = ''
    socket.on('data', (chunk: string) => (text += chunk))
    const closed = once(socket, 'close')
    socket.write('GET /api/v1/feed HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await until(
      () => text.includes('event:'),
      () => 'the feed to begin',
    )
    socket.write('this is no request\r\n\r\n')
    await closed
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200'])
  })

  test('compresses answers of more than 1 kB for who takes gzip', async () => {
    const { hub, httpPort } = await startHubWithHttp()
    for (let i = 0; i < 20; i++) await hub.publish(`t/${i}`, 'x'.repeat(2000), { retain: true })
    const headers = { 'Accept-Encoding': 'gzip, br' }
    const headersOf = async (path: string) => (await ask(httpPort, { path, headers })).headers
    expect((await headersOf('/api/v1/retained'))['content-encoding']).toBe('gzip')
    expect((await headersOf('/api/v1/topics?prefix=t/'))['content-encoding']).toBe('gzip')
    expect((await headersOf('/api/v1/limits'))['content-encoding']).toBeUndefined()
    const plain = await ask(httpPort, { path: '/api/v1/retained' })
    expect(plain.headers['content-encoding']).toBeUndefined()
    const unpacked = await new ApiClient(httpPort).get('/retained')
    expect(unpacked.headers.get('content-encoding')).toBe('gzip')
    expect(unpacked.body).toEqual(JSON.parse(plain.text))
  })

  test('says whether it is alive and ready', async () => {
    const { httpPort } = await startHubWithHttp()
    expect(await ask(httpPort, { path: '/healthz' })).toMatchObject({ status: 200, text: 'alive\n' })
    expect(await ask(httpPort, { path: '/readyz' })).toMatchObject({ status: 200, text: 'ready\n' })
  })

  test('is not ready while the store cannot write', async () => {
    const { httpPort } = await startHubWithHttp({ store: new FailingStore() })
    expect(await ask(httpPort, { path: '/readyz' })).toMatchObject({
      status: 503,
      text: 'the store cannot write (see the log)\n',
    })
    expect(await new ApiClient(httpPort).get('/overview')).toMatchObject({
      body: { faults: ['the store cannot write (see the log)'] },
    })
    expectProblem(await new ApiClient(httpPort).post('/publish', { topic: 'a', qos: 1 }), 409)
  })

  test('has metrics', async () => {
    const { httpPort } = await startHubWithHttp()
    const { headers, text } = await ask(httpPort, { path: '/metrics' })
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(text).toContain('hubbub_connections')
  })

  test('serves everything below a base path', async () => {
    const { httpPort } = await startHubWithHttp({ config: { http: { basePath: '/hub/' } } })
    expect(await new ApiClient(httpPort, '/hub').get('/clients')).toMatchObject({ status: 200 })
    for (const path of ['/hub/healthz', '/hub/', '/hub/api/docs/', '/hub/metrics']) {
      expect([path, (await ask(httpPort, { path })).status]).toEqual([path, 200])
    }
    for (const path of ['/healthz', '/', '/api/v1/clients']) {
      expect([path, (await ask(httpPort, { path })).status]).toEqual([path, 404])
    }
    const client = await openRawWebSocketClient(httpPort, 4, '/hub/mqtt')
    await client.connect()
  })

  test('ends a request that waits when the hub stops', async () => {
    const { hub, port, httpPort } = await startHubWithHttp()
    await (await joinClient(port, 'mute')).subscribe(['mute', 0])
    const waiting = fetch(`http://127.0.0.1:${httpPort}/api/v1/request`, {
      method: 'POST',
      headers: JSON_TYPE,
      body: JSON.stringify({ topic: 'mute', timeoutMs: 60_000 }),
    }).catch((error: unknown) => error)
    await expect.poll(() => hub.ledger.matched).toBe(1)
    await hub.stop()
    expect(await waiting).toBeInstanceOf(Error)
  })
})

describe('The static side', () => {
  test('serves pages anew and assets for ever, compressed ahead', async () => {
    const pages = mkdtempSync(join(tmpdir(), 'hubbub-pages-'))
    onTestFinished(() => rmSync(pages, { recursive: true }))
    mkdirSync(join(pages, 'assets'))
    writeFileSync(join(pages, 'index.html'), '<!doctype html>')
    writeFileSync(join(pages, 'assets', 'index-abc.js'), 'plain')
    writeFileSync(join(pages, 'assets', 'index-abc.js.br'), 'brotli')
    const app = fastify()
    onTestFinished(async () => app.close())
    await staticSide(app, pages)
    const page = await app.inject('/')
    expect(page).toMatchObject({ statusCode: 200, body: '<!doctype html>' })
    expect(page.headers['cache-control']).toBe('no-cache')
    expect(page.headers.etag).toBeDefined()
    // As every browser asks.
    const asked = { url: '/', headers: { 'accept-encoding': 'gzip, deflate, br' } }
    expect(await app.inject(asked)).toMatchObject({ statusCode: 200, body: '<!doctype html>' })
    writeFileSync(join(pages, 'index.html.br'), 'page in brotli')
    expect(await app.inject(asked)).toMatchObject({ statusCode: 200, body: 'page in brotli' })
    const compressed = await app.inject({ url: '/assets/index-abc.js', headers: { 'accept-encoding': 'br, gzip' } })
    expect(compressed).toMatchObject({ statusCode: 200, body: 'brotli' })
    expect(compressed.headers).toMatchObject({
      'content-encoding': 'br',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': expect.stringContaining('javascript'),
    })
    expect((await app.inject({ url: '/assets/index-abc.js' })).body).toBe('plain')
    expect((await app.inject({ url: '/../../package.json' })).statusCode).toBeGreaterThanOrEqual(400)
  })
})
