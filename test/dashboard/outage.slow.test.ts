import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { startProcess, type TestProcess } from '../support/processes.ts'
import { startHubWithHttp } from '../support/start-hub.ts'
import { goOffline, goOnline, sees, write } from './lobby.ts'
import { connectClient } from './mqtt.ts'
import { openPage } from './open-page.ts'
import { PageProxy } from './page-proxy.ts'

const CLI = fileURLToPath(new URL('../../dist/hub/main.js', import.meta.url))

interface RunningHub {
  readonly running: TestProcess
  readonly port: number
  readonly httpPort: number
}

/** A hub as a process, with its data in `folder`. */
async function runHub(folder: string, port = 0, httpPort = 0): Promise<RunningHub> {
  const flags = ['--port', String(port), '--http-port', String(httpPort), '--data', folder, '--log-level', 'error']
  const running = await startProcess(process.execPath, [CLI, ...flags], { cwd: folder })
  const [, mqtt = ''] = await running.untilLine(/MQTT +mqtt:\/\/localhost:(\d+)/)
  const [, http = ''] = await running.untilLine(/HTTP +http:\/\/localhost:(\d+)/)
  return { running, port: Number(mqtt), httpPort: Number(http) }
}

/** What stands in the stream from its top to its end, each row once. */
async function readStream(page: Page): Promise<string[]> {
  return page.evaluate(`(async () => {
    const scroller = document.querySelector('.stream .scroller')
    const rows = new Map()
    for (let top = 0; top < scroller.scrollHeight; top += 200) {
      scroller.scrollTop = top
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
      for (const row of document.querySelectorAll('.stream .row')) {
        rows.set(Number(row.dataset.index), (row.querySelector('.value') ?? row).textContent)
      }
    }
    return [...rows].sort(([one], [other]) => one - other).map(([, text]) => text)
  })()`)
}

test('When the hub is killed and comes back, the stream has every message once, in order, and a line for the outage', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-outage-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const { running, port, httpPort } = await runHub(folder)
  const { page } = await openPage(httpPort, '#/room/numbers')
  const client = await connectClient(port, 'counter', { reconnectPeriod: 50, clean: false })
  for (let index = 0; index < 40; index++) await client.publishAsync('chat/numbers', `number ${index}`, { qos: 2 })
  await page.locator('.message .value', { hasText: /^number 39$/ }).waitFor()
  await running.end('SIGKILL')
  await page.getByText('No connection to the hub').waitFor()
  const published = Array.from({ length: 40 }, (_, index) =>
    client.publishAsync('chat/numbers', `number ${40 + index}`, { qos: 2 }),
  )
  await runHub(folder, port, httpPort)
  await Promise.all(published)
  await page.locator('.message .value', { hasText: /^number 79$/ }).waitFor()
  await page.getByText('No connection to the hub').waitFor({ state: 'detached' })
  const rows = await readStream(page)
  expect(rows.filter((text) => text.startsWith('number'))).toEqual(
    Array.from({ length: 80 }, (_, index) => `number ${index}`),
  )
  expect(rows.filter((text) => /^Offline \d\d:\d\d:\d\d–\d\d:\d\d:\d\d, /.test(text))).toHaveLength(1)
})

test('When the hub is killed between PUBREC and PUBCOMP, the message has its tick in the end, and a subscriber has it once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-outage-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const { running, port, httpPort } = await runHub(folder)
  const proxy = await PageProxy.start(httpPort)
  const { page } = await openPage(proxy.port, '#/room/lobby')
  const kept = { clean: false, reconnectPeriod: 50, properties: { sessionExpiryInterval: 600 } }
  const anna = await connectClient(port, 'anna', kept)
  const heard: string[] = []
  anna.on('message', (_topic, payload) => heard.push(payload.toString()))
  await anna.subscribeAsync('chat/lobby', { qos: 2 })
  proxy.hold('PUBCOMP', 'PUBLISH')
  await write(page, 'once', 2)
  await sees(page, 'once', 'half')
  await running.end('SIGKILL')
  await page.getByText('No connection to the hub').waitFor()
  await sees(page, 'once', 'half')
  proxy.release()
  await runHub(folder, port, httpPort)
  await expect.poll(() => proxy.trace).toContain('< PUBCOMP')
  // Two ticks if the hub had told its receivers' list before it was killed; that is lost with it.
  await page.locator('[data-tick="taken"], [data-tick="delivered"]').waitFor()
  await write(page, 'after', 2)
  await sees(page, 'after', 'delivered')
  expect(heard).toEqual(['once', 'after'])
  expect(proxy.trace.filter((line) => line === '> PUBLISH')).toHaveLength(2)
  expect(proxy.trace.filter((line) => line === '< PUBCOMP')).toHaveLength(2)
})

test('What was not sent and what was being written outlive a reload', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const anna = await connectClient(port, 'anna')
  const heard: string[] = []
  anna.on('message', (_topic, payload) => heard.push(payload.toString()))
  await anna.subscribeAsync('chat/lobby', { qos: 1 })
  const proxy = await PageProxy.start(httpPort)
  const { page } = await openPage(proxy.port, '#/room/lobby')
  proxy.refuse()
  await page.getByText('No connection to the hub').waitFor()
  const box = page.getByRole('textbox', { name: 'Message' })
  await box.fill('said in the dark')
  await box.press('Enter')
  await page.locator('[data-tick="waiting"]').waitFor()
  await box.fill('half a sentence')
  await page.reload()
  await expect.poll(() => box.inputValue()).toBe('half a sentence')
  expect(heard).toEqual([])
  proxy.allow()
  await page.locator('.message', { hasText: 'said in the dark' }).locator('[data-tick="delivered"]').waitFor()
  expect(heard).toEqual(['said in the dark'])
})

test('Unsent messages outlive reloads while offline, whatever else is written then, and are in sight all the time', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const anna = await connectClient(port, 'anna')
  const heard: string[] = []
  anna.on('message', (_topic, payload) => heard.push(payload.toString()))
  await anna.subscribeAsync('chat/lobby', { qos: 1 })
  const proxy = await PageProxy.start(httpPort)
  const { page } = await openPage(proxy.port, '#/room/lobby')
  await goOffline({ page, proxy })
  await write(page, 'the first', 1)
  await sees(page, 'the first', 'waiting')
  await page.reload()
  await sees(page, 'the first', 'waiting')
  await write(page, 'too hasty', 0)
  await sees(page, 'too hasty', 'not-sent')
  await write(page, 'the second', 2)
  await sees(page, 'the second', 'waiting')
  await page.goto(`http://127.0.0.1:${proxy.port}/#/room/kitchen`)
  await page.locator('.head h1', { hasText: 'kitchen' }).waitFor()
  expect(await page.locator('[data-tick]').count()).toBe(0)
  await page.goto(`http://127.0.0.1:${proxy.port}/#/room/lobby`)
  await sees(page, 'the second', 'waiting')
  await page.reload()
  await sees(page, 'the second', 'waiting')
  await goOnline({ page, proxy })
  await sees(page, 'the first', 'delivered')
  await sees(page, 'the second', 'delivered')
  expect(await page.locator('.message .value').allTextContents()).toEqual(['the first', 'the second'])
  expect(heard).toEqual(['the first', 'the second'])
})

test('A tab that is a copy of another does not send what the other has not sent yet', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const anna = await connectClient(port, 'anna')
  const heard: string[] = []
  anna.on('message', (_topic, payload) => heard.push(payload.toString()))
  await anna.subscribeAsync('chat/lobby', { qos: 1 })
  const proxy = await PageProxy.start(httpPort)
  const { page } = await openPage(proxy.port, '#/room/lobby')
  await goOffline({ page, proxy })
  await write(page, 'only once', 1)
  await sees(page, 'only once', 'waiting')
  // What a page opens has a copy of its storage, as a duplicated tab has.
  const opened = page.waitForEvent('popup')
  await page.evaluate(`void open(location.href)`)
  const copy = await opened
  await copy.getByText('No connection to the hub').waitFor()
  await copy.locator('.head h1', { hasText: 'lobby' }).waitFor()
  proxy.allow()
  await copy.evaluate(`dispatchEvent(new Event('online'))`)
  await copy.locator('[data-link="online"]').waitFor()
  await write(copy, 'from the copy', 1)
  await sees(copy, 'from the copy', 'delivered')
  await goOnline({ page, proxy })
  await sees(page, 'only once', 'delivered')
  expect(heard.toSorted()).toEqual(['from the copy', 'only once'])
})
