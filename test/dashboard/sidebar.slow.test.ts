import type { Locator, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { connectClient, retain } from './mqtt.ts'
import { openPage } from './open-page.ts'

const TOPICS = 100_000

/** The ids of the lines in sight, from the top. */
async function idsOf(page: Page): Promise<(string | null)[]> {
  const lines = await page.locator('.line').all()
  const placed = await Promise.all(
    lines.map(async (line) => ({ id: await line.getAttribute('data-id'), y: (await line.boundingBox())?.y ?? 0 })),
  )
  return placed.toSorted((one, other) => one.y - other.y).map(({ id }) => id)
}

/** How many messages of the kitchen are unread, in a tab. */
function unreadIn(tab: Page): Locator {
  return tab.locator('.line[data-id="room/kitchen"] .unread')
}

test('The list is by name with numbers as numbers, pinned first, and stays so whatever is said', async () => {
  const { hub, httpPort } = await startHubWithHttp()
  for (const name of ['lamp-10', 'lamp-2', 'lamp-1']) await hub.publish(`devices/${name}/event`, 'x')
  const { page } = await openPage(httpPort, '#/device/lamp-10')
  await page.locator('.line').nth(3).waitFor()
  expect(await idsOf(page)).toEqual(['room/lobby', 'device/lamp-1', 'device/lamp-2', 'device/lamp-10'])
  await page.getByRole('button', { name: 'Details' }).click()
  await page.getByRole('button', { name: 'Pin to the top' }).click()
  await hub.publish('devices/lamp-2/event', 'y')
  await page.locator('.line[data-id="device/lamp-2"] .unread').waitFor()
  expect(await idsOf(page)).toEqual(['device/lamp-10', 'room/lobby', 'device/lamp-1', 'device/lamp-2'])
})

test('"Recent" has the newest first, but holds still while the pointer is inside', async () => {
  const { hub, httpPort } = await startHubWithHttp()
  for (const name of ['a', 'b', 'c']) await hub.publish(`devices/${name}/event`, 'x')
  const { page } = await openPage(httpPort)
  await page.getByRole('radio', { name: 'Recent' }).check()
  await page.locator('.line[data-id="device/c"]').hover()
  const before = await idsOf(page)
  for (let index = 0; index < 100; index++) await hub.publish('devices/b/event', 'new')
  // Rates are told at the moment at which the list would be sorted anew.
  await page.locator('.line[data-id="device/b"] .line-when', { hasText: '/s' }).waitFor()
  expect(await idsOf(page)).toEqual(before)
  await page.locator('.conversation, .page').first().hover()
  await expect.poll(async () => (await idsOf(page))[0]).toBe('device/b')
})

test('Unread counts what is said while one is elsewhere: no retained replay, no telemetry, and nothing once it is opened', async () => {
  const { hub, port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'anna')
  await retain(client, 'chat/kitchen', 'from long ago')
  const { page } = await openPage(httpPort, '#/room/lobby')
  const line = page.locator('.line[data-id="room/kitchen"]')
  await line.getByText('from long ago').waitFor()
  expect(await line.locator('.unread').count()).toBe(0)
  await hub.publish('devices/lamp-1/telemetry', '1')
  await client.publishAsync('chat/kitchen', 'one', { qos: 1 })
  await client.publishAsync('chat/kitchen', 'two', { qos: 1 })
  // A room of which nobody has heard is news from its first message on.
  await client.publishAsync('chat/cellar', 'hello', { qos: 1 })
  await line.locator('.unread', { hasText: /^2$/ }).waitFor()
  await page.locator('.line[data-id="room/cellar"] .unread', { hasText: /^1$/ }).waitFor()
  await page.locator('.line[data-id="device/lamp-1"]').waitFor()
  expect(await page.locator('.line[data-id="device/lamp-1"] .unread').count()).toBe(0)
  await line.click()
  await line.locator('.unread').waitFor({ state: 'detached' })
})

test('Unread outlives the page, counts what is said while it is closed or the hub is started anew, and is the same in all tabs', async () => {
  const { hub, httpPort } = await startHubWithHttp()
  const say = (one: typeof hub, text: string) => one.publish('chat/kitchen', text)
  await say(hub, 'from before the first visit')
  const { page } = await openPage(httpPort, '#/room/lobby')
  await page.locator('.line[data-id="room/kitchen"]').waitFor()
  expect(await unreadIn(page).count()).toBe(0)
  await say(hub, 'one')
  await say(hub, 'two')
  await unreadIn(page).getByText('2', { exact: true }).waitFor()
  await page.reload()
  await unreadIn(page).getByText('2', { exact: true }).waitFor()
  await page.goto('about:blank')
  await say(hub, 'three')
  await hub.publish('chat/cellar', 'a room that nobody knew')
  await page.goto(`http://127.0.0.1:${httpPort}/#/room/lobby`)
  await unreadIn(page).getByText('3', { exact: true }).waitFor()
  await page.locator('.line[data-id="room/cellar"] .unread').getByText('1', { exact: true }).waitFor()

  await page.goto('about:blank')
  await hub.stop()
  const again = await startHubWithHttp({ config: { httpPort } })
  await say(again.hub, 'four')
  await page.goto(`http://127.0.0.1:${httpPort}/#/room/lobby`)
  await unreadIn(page).getByText('4', { exact: true }).waitFor()

  const other = await page.context().newPage()
  await other.goto(`http://127.0.0.1:${httpPort}/#/room/lobby`)
  await unreadIn(other).getByText('4', { exact: true }).waitFor()
  await other.locator('.line[data-id="room/kitchen"]').click()
  await unreadIn(page).waitFor({ state: 'detached' })
  await say(again.hub, 'five')
  await other.getByText('five').first().waitFor()
  await page.locator('.line[data-id="room/kitchen"]').getByText('five').waitFor()
  await other.close()
  await say(again.hub, 'six')
  await unreadIn(page).getByText('1', { exact: true }).waitFor()

  await again.hub.stop()
  const third = await startHubWithHttp({ config: { httpPort } })
  await say(third.hub, 'seven')
  await unreadIn(page).getByText('2', { exact: true }).waitFor()
  await page.locator('[data-link="online"]').waitFor()
  await page.reload()
  await unreadIn(page).getByText('2', { exact: true }).waitFor()
})

test('What another tab has read is no news in one that hears of it later', async () => {
  const { hub, httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort, '#/room/lobby')
  await hub.publish('chat/kitchen', 'one')
  await unreadIn(page).getByText('1', { exact: true }).waitFor()
  // As a tab does that has read this one, and two that have not come here yet.
  await page.evaluate(`{
    const kept = JSON.parse(localStorage.getItem('hubbub.read'))
    kept.read['room/kitchen'] = 3
    localStorage.setItem('hubbub.read', JSON.stringify(kept))
    dispatchEvent(new StorageEvent('storage', { key: 'hubbub.read' }))
  }`)
  await unreadIn(page).waitFor({ state: 'detached' })
  for (const text of ['two', 'three']) await hub.publish('chat/kitchen', text)
  await page.locator('.line[data-id="room/kitchen"]').getByText('three').waitFor()
  expect(await unreadIn(page).count()).toBe(0)
  await hub.publish('chat/kitchen', 'four')
  await unreadIn(page).getByText('1', { exact: true }).waitFor()
})

test('A tab does not forget how far another has read a channel that it does not have itself', async () => {
  const { hub, httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort, '#/room/lobby')
  const other = await page.context().newPage()
  await other.goto(`http://127.0.0.1:${httpPort}/#/channel/${encodeURIComponent('plant/+/speed')}`)
  await hub.publish('plant/line-1/speed', 'fast')
  await other.locator('.message', { hasText: 'fast' }).waitFor()
  await other.close()
  const read = (): Promise<unknown> => page.evaluate(`JSON.parse(localStorage.getItem('hubbub.read')).read`)
  await expect.poll(read).toMatchObject({ 'channel/plant/+/speed': 1 })
  await page.locator('.line[data-id="channel/plant/#"]').click()
  await expect.poll(read).toMatchObject({ 'channel/plant/#': 1, 'channel/plant/+/speed': 1 })
})

test('A busy topic shows a rate, which goes when it falls silent', async () => {
  const { hub, httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort)
  const timer = setInterval(() => {
    for (let index = 0; index < 20; index++) void hub.publish('plant/line/speed', String(index))
  }, 100)
  const line = page.locator('.line[data-id="channel/plant/#"]')
  await line.locator('.line-when', { hasText: '/s' }).waitFor()
  clearInterval(timer)
  await line.locator('.line-when', { hasText: ':' }).waitFor()
})

test('A channel is a saved filter: it gathers what matches at once, outlives the page, and can be removed', async () => {
  const { hub, httpPort } = await startHubWithHttp()
  await hub.publish('devices/lamp-1/alarm', 'smoke')
  const { page } = await openPage(httpPort)
  await page.getByRole('button', { name: 'New room or channel' }).click()
  const name = page.getByLabel('Name of the room, or a topic filter')
  await name.fill('devices/a+/alarm')
  await page.getByText('+ and # must be alone in a level').waitFor()
  await name.fill('devices/+/alarm')
  await page.keyboard.press('Enter')
  const line = page.locator('.line[data-id="channel/devices/+/alarm"]')
  await line.getByText('lamp-1: smoke').waitFor()
  await page.reload()
  await line.getByText('lamp-1: smoke').waitFor()
  await page.getByRole('button', { name: 'Details' }).click()
  await page.getByRole('button', { name: 'Remove from the list' }).click()
  await line.waitFor({ state: 'detached' })
  await page.reload()
  await page.locator('.line[data-id="device/lamp-1"]').waitFor()
  expect(await line.count()).toBe(0)
})

test('With 100,000 topics of as many devices the list is there at once, and only what is in sight is in the page', async () => {
  const limits = { maxTopics: 2 * TOPICS, maxTopicMemoryBytes: 64 * 1024 ** 2 }
  const { hub, httpPort } = await startHubWithHttp({ config: { limits } })
  for (let index = 0; index < TOPICS; index++)
    await hub.publish(`devices/meter-${index}/telemetry`, `{"watts":${index}}`)
  const { page, complaints } = await openPage(httpPort)
  await page.locator('.line[data-id="device/meter-0"]').waitFor()
  const paintMs = await page.evaluate('performance.getEntriesByName("first-contentful-paint")[0].startTime')
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox').fill('meter-99999')
  const found = page.locator('#jump-list li', { hasText: 'meter-99999' })
  await found.waitFor()
  expect(await found.count()).toBe(1)
  const doneMs = await page.evaluate('performance.now()')
  await page.keyboard.press('Enter')
  await page.locator('.head h1', { hasText: 'meter-99999' }).waitFor()
  expect(await page.locator('.line').count()).toBeLessThanOrEqual(40)
  expect(complaints).toEqual([])
  console.log(`first paint after ${Math.round(Number(paintMs))} ms, all listed after ${Math.round(Number(doneMs))} ms`)
})

test('Long names and 300 conversations keep every line as high as the others, and nothing wider than the list', async () => {
  const { hub, httpPort } = await startHubWithHttp()
  const long = 'sehr-langer-name-'.repeat(12)
  for (let index = 0; index < 300; index++) await hub.publish(`devices/${long}${index}/event`, 'text '.repeat(100))
  const { page } = await openPage(httpPort)
  await page.locator('.line').nth(5).waitFor()
  const boxes = await Promise.all((await page.locator('.line').all()).map((line) => line.boundingBox()))
  for (const box of boxes) expect(box?.height).toBe(60)
  expect(
    await page.evaluate(
      'document.querySelector(".sidebar .scroller").scrollWidth <= document.querySelector(".sidebar").clientWidth',
    ),
  ).toBe(true)
})
