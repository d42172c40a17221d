import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createHub } from '../../src/hub.ts'
import { sharedChromium } from '../support/chromium.ts'
import { freePort } from '../support/free-port.ts'
import { CollectingLog, startHubWithHttp } from '../support/start-hub.ts'
import { watch } from './watch.ts'

const require = createRequire(import.meta.url)
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')
const PAGE = readFileSync(new URL('../../examples/browser/index.html', import.meta.url))
/** Where `npm install --prefix . mqtt` puts the file that the page's import map names. */
const FILES: ReadonlyMap<string, { readonly type: string; readonly bytes: Buffer }> = new Map([
  ['/', { type: 'text/html', bytes: PAGE }],
  [
    '/node_modules/mqtt/dist/mqtt.esm.js',
    {
      type: 'text/javascript',
      bytes: readFileSync(join(require.resolve('mqtt/package.json'), '../dist/mqtt.esm.js')),
    },
  ],
])

let origin = ''
const server = createServer(({ url = '/' }, response) => {
  const file = FILES.get(url.replace(/\?.*/, ''))
  if (file === undefined) response.writeHead(404).end()
  else response.writeHead(200, { 'content-type': file.type }).end(file.bytes)
})

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address !== 'object') throw new Error('the server of the page has no port')
  origin = `http://127.0.0.1:${address.port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

async function openPage(
  httpPort: number,
  { filter = 'home/#', colorScheme = 'light' }: { filter?: string; colorScheme?: 'light' | 'dark' } = {},
): Promise<Page> {
  const browser = await sharedChromium()
  const page = await browser.newPage({ colorScheme, locale: 'en-GB' })
  onTestFinished(() => page.close())
  page.setDefaultTimeout(15_000)
  await page.clock.install()
  await page.addInitScript(RECORD_CUTS)
  const query = new URLSearchParams({ hub: `ws://127.0.0.1:${httpPort}/mqtt`, filter })
  await page.goto(`${origin}/?${query.toString()}`)
  return page
}

async function untilState(page: Page, state: 'connected' | 'cut' | 'refused'): Promise<string> {
  const status = page.locator(`[role=status][data-state=${state}]`)
  await status.waitFor()
  return (await status.textContent()) ?? ''
}

async function valueOf(page: Page, topic: string, value: string): Promise<void> {
  await page.getByRole('row').filter({ hasText: topic }).getByRole('cell', { name: value, exact: true }).waitFor()
}

/** Keeps what the page says while the line is cut: a pause may be too short to be read from outside. */
const RECORD_CUTS = `
  window.cuts = []
  new MutationObserver((changes) => {
    const status = changes.map(({ target }) => target).find((target) => target.role === 'status')
    if (status?.dataset.state === 'cut') window.cuts.push(status.textContent)
  }).observe(document, { subtree: true, childList: true })
`

function pauseSeconds(text: string): number {
  return Number(/Next attempt in (\d+\.\d) s/.exec(text)?.[1])
}

async function pausesOf(page: Page): Promise<number[]> {
  const texts: string[] = await page.evaluate('window.cuts')
  return texts.map(pauseSeconds)
}

/** Lets the pause pass that the page makes now, and no more: its attempt would run out of time as well. */
async function passPause(page: Page): Promise<void> {
  await page.clock.runFor(pauseSeconds(await untilState(page, 'cut')) * 1000 + 100)
}

/** Until the page has told of so many failures. */
async function failAttempts(page: Page, count: number): Promise<void> {
  while ((await pausesOf(page)).length < count) await passPause(page)
}

async function startHubAt(httpPort: number) {
  const config = { port: 0, httpPort, data: 'memory', websocket: { origins: [origin] } }
  const hub = await createHub({ config, log: new CollectingLog() })
  onTestFinished(() => hub.stop())
  return hub
}

describe('The page', () => {
  test('shows values as they come, a row a topic in order, and no payload as markup', async () => {
    const { port, httpPort } = await startHubWithHttp({ config: { websocket: { origins: [origin] } } })
    const speaker = await watch(port)
    speaker.publish('home/kitchen/light', 'on', true)
    const page = await openPage(httpPort)
    expect(await untilState(page, 'connected')).toBe('Connected')
    await valueOf(page, 'home/kitchen/light', 'on')
    speaker.publish('home/attic/light', '<img src="x" onerror="document.title = 1">')
    speaker.publish('home/kitchen/light', 'off')
    await valueOf(page, 'home/kitchen/light', 'off')
    await valueOf(page, 'home/attic/light', '<img src="x" onerror="document.title = 1">')
    expect(await page.locator('#values th').allTextContents()).toEqual(['home/attic/light', 'home/kitchen/light'])
    expect(await page.locator('img').count()).toBe(0)
    await page.getByLabel('Topic filter').fill('home/attic/#')
    await page.getByRole('button', { name: 'Connect' }).click()
    await untilState(page, 'connected')
    expect(new URL(page.url()).searchParams.get('filter')).toBe('home/attic/#')
  })

  test('says that the line is cut, waits longer each time, and comes back by itself', async () => {
    const httpPort = await freePort()
    const first = await startHubAt(httpPort)
    const page = await openPage(httpPort)
    await untilState(page, 'connected')
    await first.stop()
    expect(await untilState(page, 'cut')).toMatch(
      /^The line was cut at \d\d:\d\d:\d\d: the values are of before\. Next attempt/,
    )
    await failAttempts(page, 8)
    const pauses = await pausesOf(page)
    expect(pauses[0]).toBeLessThanOrEqual(1)
    expect(pauses.slice(0, 6)).toEqual(pauses.slice(0, 6).toSorted((a, b) => a - b))
    expect(new Set(pauses.slice(0, 6)).size).toBe(6)
    for (const pause of pauses.slice(6)) expect(pause).toBeGreaterThanOrEqual(45)
    for (const pause of pauses) expect(pause).toBeLessThanOrEqual(60)
    const second = await startHubAt(httpPort)
    await passPause(page)
    await untilState(page, 'connected')
    await second.publish('home/hall', 'back')
    await valueOf(page, 'home/hall', 'back')
  })

  test('connects at once when it is told to', async () => {
    const httpPort = await freePort()
    const page = await openPage(httpPort)
    expect(await untilState(page, 'cut')).toMatch(/^The hub cannot be reached, or does not take pages of this origin\./)
    // From then on it pauses so long that it does not come back by itself.
    await failAttempts(page, 8)
    await startHubAt(httpPort)
    await page.getByRole('button', { name: 'Try now' }).click()
    await untilState(page, 'connected')
    expect(await page.getByRole('button', { name: 'Try now' }).isVisible()).toBe(false)
  })

  test('of an origin that the hub does not know is not let in, and says what it may be', async () => {
    const { httpPort, log } = await startHubWithHttp()
    const page = await openPage(httpPort)
    expect(await untilState(page, 'cut')).toMatch(/does not take pages of this origin/)
    expect(log.lines.items.map(({ text }) => text).join('\n')).toMatch(/websocket\.origins/)
  })

  test('says when the hub does not take its filter', async () => {
    const { httpPort } = await startHubWithHttp({ config: { websocket: { origins: [origin] } } })
    const page = await openPage(httpPort, { filter: 'a/#/b' })
    expect(await untilState(page, 'refused')).toMatch(/^Cannot subscribe: /)
  })

  test.each(['light', 'dark'] as const)('has nothing that axe objects to, in %s', async (colorScheme) => {
    const { port, httpPort } = await startHubWithHttp({ config: { websocket: { origins: [origin] } } })
    const speaker = await watch(port)
    speaker.publish('home/kitchen/light', 'on', true)
    const page = await openPage(httpPort, { colorScheme })
    await valueOf(page, 'home/kitchen/light', 'on')
    expect(await violationsOf(page)).toEqual([])
    const unreachable = await openPage(await freePort(), { colorScheme })
    await untilState(unreachable, 'cut')
    expect(await violationsOf(unreachable)).toEqual([])
  })
})

async function violationsOf(page: Page): Promise<string[]> {
  if (await page.evaluate(`typeof axe === 'undefined'`)) await page.evaluate(AXE)
  return page.evaluate(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, nodes }) => id + ' ' + nodes[0].html))`,
  )
}
