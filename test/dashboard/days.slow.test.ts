import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { goOffline, goOnline } from './lobby.ts'
import { connectClient } from './mqtt.ts'
import { openPage } from './open-page.ts'
import { PageProxy } from './page-proxy.ts'

const DAYS = 5
const NOON = { hours: 12, minutes: 43, seconds: 11, ms: 42 }

/** A time of day, so many days ago, where the test and the browser are. */
function daysAgo(days: number, addedMs = 0): Date {
  const now = new Date()
  const { hours, minutes, seconds, ms } = NOON
  const at = new Date(now.getFullYear(), now.getMonth(), now.getDate() - days, hours, minutes, seconds, ms)
  return new Date(at.getTime() + addedMs)
}

/** Messages of the last days, but not of today: `day 5, 0` is the oldest. */
async function importDays(httpPort: number, perDay: number): Promise<void> {
  const lines: string[] = []
  for (let days = DAYS; days > 0; days--) {
    for (let index = 0; index < perDay; index++) {
      const payload = `day ${days}, ${index}`
      const time = daysAgo(days, index * 1000).toISOString()
      lines.push(JSON.stringify({ time, topic: 'chat/lobby', payload, qos: 1, retain: false, publisher: 'anna' }))
    }
  }
  const answer = await fetch(`http://127.0.0.1:${httpPort}/api/v1/history/import`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-ndjson' },
    body: `${lines.join('\n')}\n`,
  })
  expect(await answer.json()).toMatchObject({ imported: lines.length, faulty: 0 })
}

/** `Friday 27 November`. */
function nameOf(days: number): string {
  const form = { weekday: 'long', day: 'numeric', month: 'long' } as const
  const name = daysAgo(days).toLocaleDateString('en-GB', form)
  return days === 0 ? `Today, ${name}` : days === 1 ? `Yesterday, ${name}` : name
}

function shortDay(days: number): string {
  return daysAgo(days).toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
}

function bubble(page: Page, text: string) {
  return page.locator('.message', { has: page.getByText(text, { exact: true }) })
}

test('A history of days has a line where each day begins, and says which day one reads', async () => {
  const { hub, httpPort } = await startHubWithHttp()
  await importDays(httpPort, 2)
  const { page } = await openPage(httpPort, '#/room/lobby')
  await hub.publish('chat/lobby', 'of today', { qos: 1 })
  await bubble(page, 'of today').waitFor()
  expect(await page.locator('.stream .day').allTextContents()).toEqual([4, 3, 2, 1, 0].map(nameOf))
  expect(await page.locator('.day-bar').textContent()).toBe(nameOf(DAYS))
  const line = await page.locator('.stream .day').last().boundingBox()
  expect((await bubble(page, 'day 1, 1').boundingBox())?.y).toBeLessThan(line?.y ?? 0)
  expect((await bubble(page, 'of today').boundingBox())?.y).toBeGreaterThan(line?.y ?? 0)
})

test('What a device measures is one line a day, not one for all days', async () => {
  const { httpPort } = await startHubWithHttp()
  const lines = [3, 2, 1].flatMap((days) =>
    [0, 1].map((index) =>
      JSON.stringify({
        time: daysAgo(days, index * 1000).toISOString(),
        topic: 'devices/meter/telemetry',
        payload: `{"watts":${days}${index}}`,
        qos: 0,
        retain: false,
        publisher: 'meter',
      }),
    ),
  )
  await fetch(`http://127.0.0.1:${httpPort}/api/v1/history/import`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-ndjson' },
    body: `${lines.join('\n')}\n`,
  })
  const { page } = await openPage(httpPort, '#/device/meter')
  await page.locator('.telemetry', { hasText: '11' }).waitFor()
  expect(await page.locator('.telemetry .measurement bdi').allTextContents()).toEqual(['31', '21', '11'])
  expect(await page.locator('.stream .day').allTextContents()).toEqual([nameOf(2), nameOf(1)])
})

test('The row one reads stays to the pixel when older days are read above it', async () => {
  const { httpPort } = await startHubWithHttp()
  await importDays(httpPort, 60)
  // Older ones come when it is known where the row is.
  const held: (() => void)[] = []
  const { page } = await openPage(httpPort, '#/room/lobby', async (one) => {
    await one.route(/api\/v1\/messages\?.*cursor=/, async (route) => {
      await new Promise<void>((resolve) => held.push(resolve))
      await route.continue()
    })
  })
  await bubble(page, 'day 1, 59').waitFor()
  const before: { text: string; top: number; index: number } = await page.evaluate(`(async () => {
    const scroller = document.querySelector('.stream .scroller')
    scroller.scrollTop = 280
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
    const row = [...document.querySelectorAll('.stream .row')].find((one) => one.getBoundingClientRect().top > 300)
    const message = row.querySelector('.message')
    return {
      text: message.querySelector('.value').textContent,
      top: message.getBoundingClientRect().top,
      index: Number(row.dataset.index),
    }
  })()`)
  const row = page.locator('.row', { has: page.getByText(before.text, { exact: true }) })
  await expect.poll(() => held.length).toBe(1)
  for (const goOn of held) goOn()
  await expect.poll(async () => Number(await row.getAttribute('data-index'))).toBeGreaterThanOrEqual(before.index + 100)
  expect((await bubble(page, before.text).boundingBox())?.y).toBe(before.top)
})

test('Each time says its date, seconds and zone when one points at it, and so do details and search hits', async () => {
  const { httpPort } = await startHubWithHttp()
  await importDays(httpPort, 1)
  const { page } = await openPage(httpPort, '#/room/lobby')
  const row = bubble(page, 'day 3, 0')
  await row.locator('.at').hover()
  const form = { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' } as const
  const day = daysAgo(3).toLocaleDateString('en-GB', form)
  const title = await row.locator('.at').getAttribute('title')
  expect(title?.startsWith(`${day}, 12:43:11.042 `)).toBe(true)
  expect(title).toMatch(/ [A-Z]{2,4}(?:[+-]\d+)?$/)
  await row.locator('.value').click()
  await page
    .locator('.details dd')
    .getByText(title ?? '', { exact: true })
    .waitFor()
  await page.getByRole('button', { name: 'Search in this conversation' }).click()
  await page.locator('.finder input').fill('day 3')
  await page
    .getByRole('option')
    .getByText(`${shortDay(3)}, 12:43:11`)
    .waitFor()
})

test('The time of a line in the list says the date of the message that is the last now', async () => {
  const { hub, httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort, '#/room/lobby')
  await hub.publish('chat/kitchen', 'first')
  const line = page.locator('.line[data-id="room/kitchen"]')
  const time = line.locator('time')
  await line.getByText('first').waitFor()
  await time.hover()
  const before = await time.getAttribute('title')
  await hub.publish('chat/kitchen', 'second')
  await line.getByText('second').waitFor()
  await page.locator('.head').hover()
  await time.hover()
  await expect.poll(() => time.getAttribute('title')).not.toBe(before)
})

test('With the keyboard one jumps to a date, and reads on from where that day begins', async () => {
  const { httpPort } = await startHubWithHttp()
  await importDays(httpPort, 60)
  const { page } = await openPage(httpPort, '#/room/lobby')
  await bubble(page, 'day 1, 59').waitFor()
  const button = page.getByRole('button', { name: 'Jump to a date' })
  const height = (await page.locator('.stream').boundingBox())?.height
  await button.press('Enter')
  const field = page.getByLabel('Jump to a date')
  await expect.poll(() => field.evaluate((one) => one.matches(':focus'))).toBe(true)
  expect((await page.locator('.stream').boundingBox())?.height).toBe(height)
  await page.keyboard.press('Escape')
  await expect.poll(() => button.evaluate((one) => one.matches(':focus'))).toBe(true)
  await page.keyboard.press('Enter')
  const at = daysAgo(4)
  // Swedes write dates as the field has them.
  await field.fill(at.toLocaleDateString('sv'))
  await field.press('Enter')
  await bubble(page, 'day 4, 0').waitFor()
  await expect.poll(() => page.locator('.day-bar').textContent()).toBe(nameOf(4))
  expect(await page.evaluate(`document.activeElement.matches('.stream .scroller')`)).toBe(true)
  await page.locator('.stream .scroller').hover()
  await page.mouse.wheel(0, 10_000)
  await page.getByRole('button', { name: 'go to the newest' }).click()
  await bubble(page, 'day 1, 59').waitFor()
})

test('The line of an outage says from when to when, and that nothing was missed when nothing was', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const proxy = await PageProxy.start(httpPort)
  const { page } = await openPage(proxy.port, '#/room/lobby')
  const client = await connectClient(port, 'anna')
  await client.publishAsync('chat/lobby', 'before', { qos: 1 })
  await bubble(page, 'before').waitFor()
  await goOffline({ page, proxy })
  await goOnline({ page, proxy })
  await page.locator('.note-outage', { hasText: /^Offline \d\d:\d\d:\d\d–\d\d:\d\d:\d\d, nothing missed$/ }).waitFor()
})
