import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { connectClient, retain } from './mqtt.ts'
import { openPage } from './open-page.ts'

/** Types into the field for jumping, with nothing but the keyboard. */
async function jumpFor(page: Page, text: string): Promise<void> {
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Jump to anything' }).fill(text)
}

function focusedName(page: Page): Promise<unknown> {
  return page.evaluate('document.activeElement?.getAttribute("role") ?? document.activeElement?.tagName')
}

test('One jumps to what a device calls itself, to a topic, and to a word that was said, and stands in what is opened', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const anna = await connectClient(port, 'anna')
  await retain(anna, 'devices/x-17/about', JSON.stringify({ name: 'Kitchen kettle', commands: [] }))
  await anna.publishAsync('plant/line-4/torque', '12', { qos: 1 })
  for (let index = 0; index < 300; index++) {
    const text = index === 20 ? 'where is the soldering iron?' : `line ${index}`
    await anna.publishAsync('chat/workshop', JSON.stringify({ from: 'anna', text }), { qos: 1 })
  }
  const { page, complaints } = await openPage(httpPort, '#/room/lobby')

  await jumpFor(page, 'kettle')
  await page.getByRole('option', { name: 'Kitchen kettle' }).waitFor()
  await page.keyboard.press('Enter')
  await page.locator('.head h1', { hasText: 'x-17' }).waitFor()
  await expect.poll(() => focusedName(page)).toBe('log')

  await jumpFor(page, 'TORQUE')
  await page.getByRole('option', { name: 'plant/line-4/torque' }).waitFor()
  await page.keyboard.press('Enter')
  await page.locator('.head h1', { hasText: 'plant/line-4/torque' }).waitFor()
  await page.locator('.message', { hasText: '12' }).waitFor()

  await jumpFor(page, 'soldering')
  await page.getByRole('option', { name: 'where is the soldering iron?' }).waitFor()
  await page.keyboard.press('Enter')
  await page.locator('.head h1', { hasText: 'workshop' }).waitFor()
  await page.locator('.message', { hasText: 'where is the soldering iron?' }).waitFor()
  await expect.poll(() => focusedName(page)).toBe('log')
  expect(complaints).toEqual([])
})

test('Escape from the field for jumping goes back to where one was', async () => {
  const { httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort, '#/room/lobby')
  const field = page.getByRole('textbox', { name: 'Message' })
  await field.focus()
  await jumpFor(page, 'lobby')
  await page.keyboard.press('Escape')
  await expect.poll(() => field.evaluate((element) => element.matches(':focus'))).toBe(true)
})

test('Of a filter that is none, nothing is promised: neither when one looks for it nor where it would be', async () => {
  const { httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort)
  await jumpFor(page, 'home/#/lamp')
  await page.getByRole('dialog').getByText('+ and # must be alone in a level, and # must be last').waitFor()
  expect(await page.getByRole('option').count()).toBe(0)
  await page.keyboard.press('Escape')
  await page.goto(`http://127.0.0.1:${httpPort}/#/channel/${encodeURIComponent('home/#/lamp')}`)
  await page.getByRole('log').getByText('+ and # must be alone in a level, and # must be last').waitFor()
  expect(await page.getByText('New messages appear here at once').count()).toBe(0)
})
