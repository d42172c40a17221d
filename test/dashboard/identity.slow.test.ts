import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { openLobby, sees, write } from './lobby.ts'
import { connectClient } from './mqtt.ts'
import { openPage } from './open-page.ts'

const KEPT = { clean: false, properties: { sessionExpiryInterval: 600 } }

/** Another tab of the same browser, at the same place. */
async function openTab(page: Page): Promise<Page> {
  const tab = await page.context().newPage()
  tab.setDefaultTimeout(40_000)
  await tab.goto(page.url())
  await tab.locator('[data-link="online"]').waitFor()
  return tab
}

function row(page: Page, text: string) {
  return page.locator('.message', { hasText: text })
}

test('After a reload what one said is still one’s own, with its tick, which goes on changing', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const anna = await connectClient(port, 'anna')
  await anna.subscribeAsync('chat/lobby', { qos: 1 })
  const boris = await connectClient(port, 'boris', KEPT)
  await boris.subscribeAsync('chat/lobby', { qos: 1 })
  await boris.endAsync()
  const { page } = await openPage(httpPort, '#/room/lobby')
  await write(page, 'to both', 1)
  await sees(page, 'to both', 'partly')
  await page.reload()
  await sees(page, 'to both', 'partly')
  expect(await row(page, 'to both').getAttribute('data-mine')).toBe('true')
  expect(await row(page, 'to both').locator('.who').textContent()).toBe('you')
  await connectClient(port, 'boris', KEPT)
  await sees(page, 'to both', 'delivered')
  // What the page itself has forgotten the hub still knows whose it is.
  await page.addInitScript(`for (const key of Object.keys(localStorage)) {
    if (key.startsWith('hubbub.sends')) localStorage.removeItem(key)
  }`)
  await page.reload()
  await row(page, 'to both').getByRole('img', { name: 'The hub has it' }).waitFor()
  expect(await row(page, 'to both').getAttribute('data-mine')).toBe('true')
})

test('A message too long to be kept over a reload takes the ticks of no others with it', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const anna = await connectClient(port, 'anna')
  await anna.subscribeAsync('chat/lobby', { qos: 1 })
  const { page } = await openPage(httpPort, '#/room/lobby')
  await write(page, 'a short one', 1)
  await sees(page, 'a short one', 'delivered')
  await write(page, `a long one ${'x'.repeat(200_000)}`, 1)
  await sees(page, 'a long one', 'delivered')
  await page.reload()
  await sees(page, 'a short one', 'delivered')
})

test('Tabs of a browser are one person: what one says is its own in the other, and no news', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const anna = await connectClient(port, 'anna')
  await anna.subscribeAsync('chat/lobby', { qos: 1 })
  const { page } = await openPage(httpPort, '#/room/lobby')
  const tab = await openTab(page)
  const { page: stranger } = await openPage(httpPort, '#/room/lobby')
  await write(page, 'hello from here', 1)
  await sees(page, 'hello from here', 'delivered')
  await sees(tab, 'hello from here', 'delivered')
  expect(await row(tab, 'hello from here').getAttribute('data-mine')).toBe('true')
  await row(stranger, 'hello from here').waitFor()
  expect(await row(stranger, 'hello from here').getAttribute('data-mine')).toBe('false')
  await tab.goto(`http://127.0.0.1:${httpPort}/#/room/kitchen`)
  await stranger.goto(`http://127.0.0.1:${httpPort}/#/room/kitchen`)
  await tab.locator('.head h1', { hasText: 'kitchen' }).waitFor()
  await stranger.locator('.head h1', { hasText: 'kitchen' }).waitFor()
  await write(page, 'and again', 1)
  await stranger.locator('.line[data-id="room/lobby"] .unread').waitFor()
  expect(await tab.locator('.line[data-id="room/lobby"] .unread').count()).toBe(0)
})

test('What a tab sent that was closed before it heard of it has the tick of what the hub has, since it has it', async () => {
  const { page, proxy } = await openLobby()
  // The receipt too.
  proxy.hold('PUBACK', 'PUBLISH')
  await write(page, 'and good night', 1)
  await sees(page, 'and good night', 'sent')
  const tab = await page.context().newPage()
  await page.close()
  await tab.goto(`http://127.0.0.1:${proxy.port}/#/room/lobby`)
  await row(tab, 'and good night').getByRole('img', { name: 'The hub has it' }).waitFor()
  expect(await row(tab, 'and good night').getAttribute('data-mine')).toBe('true')
})

test('The session of a closed tab ends at once: nobody waits for it, and no receipt counts it', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const anna = await connectClient(port, 'anna')
  await anna.subscribeAsync('chat/lobby', { qos: 1 })
  const { page } = await openPage(httpPort, '#/room/lobby')
  const tab = await openTab(page)
  await write(page, 'to two', 1)
  await row(page, 'to two').locator('[aria-label$="2 of 2 have it"]').waitFor()
  await tab.close()
  const pages = async (): Promise<number> => {
    const clients = await (await fetch(`http://127.0.0.1:${httpPort}/api/v1/clients`)).text()
    return clients.match(/"clientId":"dashboard-/g)?.length ?? 0
  }
  await expect.poll(pages).toBe(1)
  await write(page, 'to one', 1)
  await row(page, 'to one').locator('[aria-label$="1 of 1 have it"]').waitFor()
  await page.reload()
  await page.locator('[data-link="online"]').waitFor()
  expect(await pages()).toBe(1)
})
