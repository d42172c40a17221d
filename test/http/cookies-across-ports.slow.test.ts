import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { addressOf } from '../../src/listeners/listener.ts'
import { sharedChromium } from '../support/chromium.ts'
import { People } from '../support/people.ts'
import { startHubWithHttp } from '../support/start-hub.ts'

const PEOPLE = { anna: { password: 'secret-of-anna', role: 'operator' } } as const

/** Somebody else's program on the same machine, which keeps the cookies that browsers send it. */
async function startNeighbour(): Promise<{ url: string; cookies: string[] }> {
  const cookies: string[] = []
  const server = createServer(({ headers: { cookie } }, response) => {
    if (cookie !== undefined) cookies.push(cookie)
    response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>neighbour</title>')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = addressOf(server, 'neighbour')
  return { url: `http://127.0.0.1:${port}`, cookies }
}

/** Publishes over the API from a page, as a form would if `isSimple`. */
async function publishFrom(page: Page, hubUrl: string, isSimple: boolean): Promise<void> {
  await page.evaluate(
    async ({ url, simple }) => {
      const body = JSON.stringify({ topic: 'a', payload: '1' })
      const headers: Record<string, string> = simple ? {} : { 'Content-Type': 'application/json', 'X-Hubbub': '1' }
      const mode = simple ? 'no-cors' : 'cors'
      await fetch(`${url}/api/v1/publish`, { method: 'POST', credentials: 'include', mode, headers, body }).catch(
        () => undefined,
      )
    },
    { url: hubUrl, simple: isSimple },
  )
}

/** The answer to a CONNECT of MQTT 5 without a user name, in hexadecimal; undefined: the WebSocket did not open or was closed. */
function connectFrom(page: Page, hubUrl: string): Promise<string | undefined> {
  return page.evaluate(
    async (url) =>
      new Promise<string | undefined>((resolve) => {
        const webSocket = new WebSocket(`${url.replace('http', 'ws')}/mqtt`, ['mqtt'])
        webSocket.binaryType = 'arraybuffer'
        webSocket.addEventListener('open', () => {
          const clientId = [0x70, 0x61, 0x67, 0x65]
          webSocket.send(new Uint8Array([0x10, 17, 0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 2, 0, 60, 0, 0, 4, ...clientId]))
        })
        webSocket.addEventListener('message', (event) => {
          const data: unknown = event.data
          const [, , , reasonCode = 0] = data instanceof ArrayBuffer ? new Uint8Array(data) : []
          webSocket.close()
          resolve(reasonCode.toString(16))
        })
        webSocket.addEventListener('close', () => resolve(undefined))
      }),
    hubUrl,
  )
}

test('A page of another port of the machine can do nothing with the cookie, though Chromium sends it along', async () => {
  const people = new People(PEOPLE)
  // The worst case: all pages may open a WebSocket.
  const { hub, httpPort } = await startHubWithHttp({ gate: people.gate, config: { websocket: { origins: ['*'] } } })
  const published: string[] = []
  hub.subscribe('a', ({ payload }) => published.push(payload.toString()))
  const hubUrl = `http://127.0.0.1:${httpPort}`
  const neighbour = await startNeighbour()
  const context = await (await sharedChromium()).newContext()
  onTestFinished(() => context.close())
  const page = await context.newPage()
  await page.goto(`${hubUrl}/healthz`)
  const role = await page.evaluate(async () => {
    const headers = { 'Content-Type': 'application/json', 'X-Hubbub': '1' }
    const body = JSON.stringify({ user: 'anna', password: 'secret-of-anna' })
    const answer = await fetch('/api/v1/session', { method: 'POST', headers, body })
    const session: unknown = await answer.json()
    return Object(session).role
  })
  expect(role).toBe('operator')
  await publishFrom(page, hubUrl, false)
  expect(published).toEqual(['1'])
  expect(await connectFrom(page, hubUrl)).toBe('0')

  await page.goto(neighbour.url)
  expect(neighbour.cookies.join()).toContain(`hubbub-${httpPort}=`)
  await publishFrom(page, hubUrl, true)
  await publishFrom(page, hubUrl, false)
  expect(await connectFrom(page, hubUrl)).not.toBe('0')
  expect(published).toEqual(['1'])
  expect(await page.evaluate<string>('document.cookie')).toBe('')
})
