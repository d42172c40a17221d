import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { connectClient, retain } from './mqtt.ts'
import { openLobby } from './lobby.ts'

/** All begin alike, and are no text. */
const HEADER = Buffer.alloc(5000, 0xff)
const PICTURES = 120

test('The conversation of a camera is opened with at most 300 kB, and a picture is fetched when it is looked at', async () => {
  const { port, page, proxy } = await openLobby()
  const camera = await connectClient(port, 'camera-1')
  await retain(camera, 'devices/camera-1/state', { widthPixels: 640 })
  const last = Buffer.concat([HEADER, randomBytes(60_000), Buffer.from('end of picture')])
  for (let index = 1; index < PICTURES; index++) {
    await camera.publishAsync('devices/camera-1/telemetry', Buffer.concat([HEADER, randomBytes(60_000)]), { qos: 1 })
  }
  await camera.publishAsync('devices/camera-1/telemetry', last, { qos: 1 })
  await page.locator('.line[data-id="device/camera-1"]').waitFor()
  const before = proxy.httpBytes
  await page.locator('.line[data-id="device/camera-1"]').click()
  const telemetry = page.locator('.telemetry').last()
  await telemetry.getByText('binary data, 65 kB').waitFor()
  await page.getByRole('button', { name: 'Details' }).click()
  await page.locator('.details .values').getByText('widthPixels').waitFor()
  await page.waitForLoadState('networkidle')
  expect(proxy.httpBytes - before).toBeLessThanOrEqual(300_000)
  await telemetry.locator('.value').click()
  await page.locator('.facts', { hasText: '65 kB' }).waitFor()
  await page.locator('.payload-hex[aria-busy="false"]').waitFor()
  expect(await page.locator('.details-body').evaluate((one) => one.scrollWidth > one.clientWidth)).toBe(false)
  const more = page.locator('.payload-rows').getByRole('button', { name: 'More' })
  while (await more.isVisible()) await more.click()
  // Of so many bytes rows are made, of which the first pages are far behind what a list tells.
  const row = (await page.locator('.payload-row').last().textContent()) ?? ''
  expect(Number.parseInt(row.slice(0, 6), 16)).toBeGreaterThan(30_000)
})

test('A long text of history is there to its end when it is looked at, and those that begin alike are two', async () => {
  const { port, page } = await openLobby()
  const client = await connectClient(port, 'anna')
  const text = 'the same beginning, '.repeat(400)
  for (const end of ['one', 'two']) await client.publishAsync('plant/text', `${text}${end}`, { qos: 1 })
  await page.locator('.line[data-id="channel/plant/#"]').click()
  const rows = page.locator('.message')
  await expect.poll(() => rows.count()).toBe(2)
  expect(await rows.nth(1).getByText('8 kB').count()).toBe(1)
  await rows.nth(0).locator('.value').click()
  await page.locator('.payload-row', { hasText: /, one$/ }).waitFor()
  await rows.nth(1).locator('.value').click()
  await page.locator('.payload-row', { hasText: /, two$/ }).waitFor()
  await page.getByRole('radio', { name: 'Changes' }).check()
  await page.locator('.payload-changes[aria-busy="false"]').waitFor()
})
