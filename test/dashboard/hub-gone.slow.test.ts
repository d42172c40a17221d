import type { Locator, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { goOffline, goOnline } from './lobby.ts'
import { connectClient, retain } from './mqtt.ts'
import { openPage } from './open-page.ts'
import { PageProxy } from './page-proxy.ts'

/** Counts how often an element that matches comes and goes from now on. */
async function countChanges(page: Page, selector: string): Promise<() => Promise<number>> {
  await page.evaluate(`{
    window.changes = 0
    let isThere = document.querySelector('${selector}') !== null
    new MutationObserver(() => {
      const isNow = document.querySelector('${selector}') !== null
      if (isNow !== isThere) window.changes++
      isThere = isNow
    }).observe(document.body, { childList: true, subtree: true })
  }`)
  return () => page.evaluate<number>('window.changes')
}

async function topOf(one: Locator): Promise<number | undefined> {
  return (await one.boundingBox())?.y
}

test('The banner stays through all attempts to connect, in a row of its own, and the row one reads stays where it is', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const proxy = await PageProxy.start(httpPort)
  const { page } = await openPage(proxy.port, '#/channel/plant%2F%23')
  const client = await connectClient(port, 'plant')
  for (let index = 0; index < 200; index++) await client.publishAsync('plant/line', `value ${index}`, { qos: 1 })
  await page.locator('.message', { hasText: 'value 199' }).waitFor()
  await page.locator('.stream .scroller').hover()
  await page.mouse.wheel(0, -1500)
  await page.locator('.message', { hasText: 'value 199' }).waitFor({ state: 'detached' })
  const text = await page.locator('.message .value').nth(12).textContent()
  const read = page.locator('.message .value', { hasText: new RegExp(`^${text ?? ''}$`) })
  const before = await topOf(read)
  const changes = await countChanges(page, '.banner')
  await goOffline({ page, proxy })
  expect(await topOf(read)).toBe(before)
  const banner = await page.locator('.banner').boundingBox()
  const columns = await page.locator('.columns').boundingBox()
  expect(banner).toMatchObject({ x: 0, y: 0, width: 1280 })
  expect(columns?.y).toBe(banner?.height)
  const refused = proxy.refusals
  await expect.poll(() => proxy.refusals - refused).toBeGreaterThanOrEqual(6)
  expect(await changes()).toBe(1)
  expect(await page.locator('.banner').boundingBox()).toEqual(banner)
  await goOnline({ page, proxy })
  await page.locator('.banner').waitFor({ state: 'detached' })
  expect(await topOf(read)).toBe(before)
  expect(await topOf(page.locator('.columns'))).toBe(0)
})

test('Who follows the newest message still does when the banner comes and goes', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const proxy = await PageProxy.start(httpPort)
  const { page } = await openPage(proxy.port, '#/room/lobby')
  const client = await connectClient(port, 'anna')
  for (let index = 0; index < 60; index++) await client.publishAsync('chat/lobby', `line ${index}`, { qos: 1 })
  const newest = page.locator('.message', { hasText: 'line 59' })
  await newest.waitFor()
  const before = await topOf(newest)
  await goOffline({ page, proxy })
  expect(await topOf(newest)).toBe(before)
  await goOnline({ page, proxy })
  await page.locator('.banner').waitFor({ state: 'detached' })
  await client.publishAsync('chat/lobby', 'line 60', { qos: 1 })
  await page.locator('.message', { hasText: 'line 60' }).waitFor()
})

test('Without the hub presence is not known, and what the page says of a device is of before', async () => {
  const { hub, port, httpPort } = await startHubWithHttp()
  const lamp = await connectClient(port, 'lamp-1', { reconnectPeriod: 0 })
  await retain(lamp, 'devices/lamp-1/status', 'online')
  const { page } = await openPage(httpPort, '#/device/lamp-1')
  const avatar = page.locator('.head .avatar')
  await page.locator('.head .avatar[data-ring="online"] .dot[data-state="here"]').waitFor()
  await page.getByRole('button', { name: 'Details' }).click()
  await page.locator('.details dd', { hasText: 'connected' }).waitFor()
  await hub.stop()
  await page.locator('.head .dot[data-state="unknown"]').waitFor()
  expect(await avatar.getAttribute('data-ring')).toBe(null)
  expect(await avatar.getAttribute('title')).toBe('not known whether it is online: no connection')
  await page.locator('.details .as-of', { hasText: /^\d+\ss ago, \d\d:\d\d:\d\d$/ }).waitFor()
  expect(await page.locator('.details dd', { hasText: 'connected' }).count()).toBe(0)
  expect(await page.getByText('The hub has no client with this name').count()).toBe(0)
})

test('When the hub is back, presence is what it is now, not what it was', async () => {
  const { hub, port, httpPort } = await startHubWithHttp()
  const lamp = await connectClient(port, 'lamp-1', { reconnectPeriod: 0 })
  await lamp.publishAsync('devices/lamp-1/state', 'on', { qos: 1 })
  const { page } = await openPage(httpPort, '#/device/lamp-1')
  await page.locator('.head .dot[data-state="here"]').waitFor()
  await hub.stop()
  await page.locator('.head .dot[data-state="unknown"]').waitFor()
  await startHubWithHttp({ config: { httpPort } })
  await page.locator('.banner').waitFor({ state: 'detached' })
  await page.locator('.head .dot').waitFor({ state: 'detached' })
})

test('While the hub cannot be asked who is here, presence is not known, and it is asked again', async () => {
  const { hub, port, httpPort } = await startHubWithHttp()
  const lamp = await connectClient(port, 'lamp-1', { reconnectPeriod: 0 })
  await lamp.publishAsync('devices/lamp-1/state', 'on', { qos: 1 })
  const { page } = await openPage(httpPort, '#/device/lamp-1')
  await page.locator('.head .dot[data-state="here"]').waitFor()
  await hub.stop()
  await page.locator('.head .dot[data-state="unknown"]').waitFor()
  await page.route(/api\/v1\/clients\?/, (route) => route.abort())
  const failed = page.waitForEvent('requestfailed', (request) => request.url().includes('/clients?'))
  await startHubWithHttp({ config: { httpPort } })
  await page.locator('.banner').waitFor({ state: 'detached' })
  await failed
  // What followed is drawn.
  await page.evaluate(`new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))`)
  expect(await page.locator('.head .dot[data-state="unknown"]').count()).toBe(1)
  await page.unrouteAll()
  await page.locator('.head .dot').waitFor({ state: 'detached' })
})

test('Without the hub the numbers of the overview have an age, and it does not say that all is well', async () => {
  const { hub, httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort, '#/overview')
  await page.getByText('No slow clients').waitFor()
  await hub.stop()
  const health = page.locator('.card', { hasText: 'Not known: no connection.' })
  await health.locator('.as-of', { hasText: /^\d+\ss ago, \d\d:\d\d:\d\d$/ }).waitFor()
  expect(await page.locator('.rate .as-of').count()).toBe(4)
  for (const claim of ['All is well', 'Nothing was dropped.', 'No slow clients', 'No traffic right now']) {
    expect(await page.getByText(claim).count()).toBe(0)
  }
  await startHubWithHttp({ config: { httpPort } })
  await page.getByRole('heading', { name: 'All is well' }).waitFor()
  expect(await page.locator('.as-of').count()).toBe(0)
})

test('Without the hub the retained messages are not said to be none, and are there again with it', async () => {
  const { hub, httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort, '#/room/lobby')
  await hub.stop()
  await page.locator('.banner').waitFor()
  await page.getByRole('link', { name: 'Retained messages' }).click()
  await page.getByText('Not known: no connection.').waitFor()
  expect(await page.getByText('No retained message').count()).toBe(0)
  const again = await startHubWithHttp({ config: { httpPort } })
  await again.hub.publish('home/lamp', 'on', { retain: true })
  await page.locator('.rows').getByText('home/lamp').waitFor()
  await again.hub.stop()
  await page.locator('.page-head .as-of').waitFor()
  await page.getByLabel('Topic filter').fill('home/#')
  expect(await page.locator('.rows').getByText('home/lamp').isVisible()).toBe(true)
  expect(await page.getByRole('button', { name: 'Delete all of these' }).isDisabled()).toBe(true)
})

test('A conversation that is opened without the hub says that it does not know, and fills when the hub is back', async () => {
  const { hub, httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort, '#/room/lobby')
  await hub.stop()
  await page.locator('.banner').waitFor()
  await page.goto(`http://127.0.0.1:${httpPort}/#/room/kitchen`)
  await page.locator('.stream').getByText('Not known: no connection.').waitFor()
  expect(await page.getByText('No messages yet').count()).toBe(0)
  const again = await startHubWithHttp({ config: { httpPort } })
  await again.hub.publish('chat/kitchen', 'tea is ready', { qos: 1 })
  await page.locator('.message', { hasText: 'tea is ready' }).waitFor()
})
