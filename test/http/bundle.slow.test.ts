import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { ApiClient } from '../support/api.ts'
import { ask } from '../support/http-request.ts'
import { startProcess } from '../support/processes.ts'
import { startHubWithHttp } from '../support/start-hub.ts'

const CLI = fileURLToPath(new URL('../../dist/hub/main.js', import.meta.url))

/** The hub as it is shipped, with the packages it is made of in one bundle. */
async function startBundle(): Promise<number> {
  const args = [CLI, '--host', '127.0.0.1', '--port', '0', '--http-port', '0', '--data', 'memory']
  const hub = await startProcess(process.execPath, args, { env: { PATH: process.env['PATH'] } })
  return Number((await hub.untilLine(/HTTP +http:\/\/127\.0\.0\.1:(\d+)/))[1])
}

test('The bundle describes its API as the sources do, and has the page for it', async () => {
  const httpPort = await startBundle()
  const sources = await startHubWithHttp()
  const { status, body } = await new ApiClient(httpPort).get('/openapi.json')
  expect(status).toBe(200)
  expect(body).toEqual((await new ApiClient(sources.httpPort).get('/openapi.json')).body)
  expect((await ask(httpPort, { path: '/api/docs/' })).text).toContain('swagger-ui')
})

test('The bundle checks, answers and searches with the packages that it has inside', async () => {
  const httpPort = await startBundle()
  const api = new ApiClient(httpPort)
  const message = { topic: 'shop/oven', payloadJson: { celsius: 180 }, retain: true, qos: 1 }
  expect((await api.post('/publish', message)).status).toBe(200)
  expect((await api.post('/publish', { ...message, qos: 7 })).status).toBe(400)
  expect((await api.get('/retained', { filter: 'shop/#' })).body).toMatchObject({ messages: [{ topic: 'shop/oven' }] })
  const query = { filter: 'shop/#', where: '@.celsius > 100' }
  const found = { status: 200, body: { messages: [{ topic: 'shop/oven' }] } }
  await expect.poll(() => api.get('/messages', query)).toMatchObject(found)
  expect((await api.get('/messages', { ...query, where: '@.celsius >' })).status).toBe(400)
  expect((await ask(httpPort, { path: '/metrics' })).text).toContain('hubbub_build_info{version=')
  expect((await ask(httpPort, { path: '/' })).text).toContain('<!doctype html>')
})
