import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { connectClient, retain } from './mqtt.ts'
import { openPage } from './open-page.ts'

/** What has the focus, and whether one sees that. */
async function focused(page: Page): Promise<{ name: string; isMarked: boolean }> {
  return page.evaluate(`(() => {
    const one = document.activeElement
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one.closest('label') ?? one)
    const own = getComputedStyle(one)
    const isOutlined = (style) => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0
    const isMarked = isOutlined(own) || isOutlined({ outlineStyle, outlineWidth }) || boxShadow !== 'none' || own.boxShadow !== 'none'
    return { name: one.getAttribute('aria-label') ?? one.textContent ?? one.tagName, isMarked }
  })()`)
}

test('Tab reaches the list, the stream and the composer, arrows go along in them, and what has the focus is always marked', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'anna')
  await client.publishAsync('chat/lobby', 'hello', { qos: 1 })
  const { page } = await openPage(httpPort, '#/room/lobby')
  await page.locator('.message', { hasText: 'hello' }).waitFor()
  const seen: string[] = []
  const see = async (): Promise<string> => {
    const { name, isMarked } = await focused(page)
    expect({ name, isMarked }).toEqual({ name, isMarked: true })
    seen.push(name)
    return name
  }
  for (let step = 0; step < 40 && !seen.includes('Send'); step++) {
    await page.keyboard.press('Tab')
    const name = await see()
    const isStream = await page.evaluate(`document.activeElement.matches('.stream .scroller')`)
    if (isStream === true) {
      await page.keyboard.press('ArrowUp')
      await see()
    } else if (name === 'Message') await page.keyboard.type('from the keyboard')
  }
  expect(seen.some((name) => name.includes('lobby'))).toBe(true)
  expect(seen).toContain('hello')
  await page.keyboard.press('Enter')
  await page.locator('.message', { hasText: 'from the keyboard' }).waitFor()
})

test('From the search it is at most five Tabs to the message, however many conversations, pins and messages there are', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'lamp-1')
  for (let room = 0; room < 30; room++) await client.publishAsync(`chat/room-${room}`, 'x', { qos: 1 })
  for (const name of ['state', 'status', 'mode']) await retain(client, `devices/lamp-1/${name}`, 'on')
  for (let index = 0; index < 30; index++) await client.publishAsync('devices/lamp-1/event', `${index}`, { qos: 1 })
  const { page } = await openPage(httpPort, '#/device/lamp-1')
  await page.locator('.pin').nth(2).waitFor()
  await page.locator('.message').nth(10).waitFor()
  await page.locator('.jump').focus()
  const isMessage = `document.activeElement.matches('.writing textarea')`
  let tabs = 0
  for (; tabs < 70 && (await page.evaluate(isMessage)) === false; tabs++) await page.keyboard.press('Tab')
  expect(tabs).toBeLessThanOrEqual(5)
})

test('Arrows reach every conversation, tool, pin and message, and the trail of one that was sent here', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'lamp-1')
  for (let room = 10; room < 35; room++) await client.publishAsync(`chat/room-${room}`, 'x', { qos: 1 })
  await retain(client, 'devices/lamp-1/state', 'on')
  const { page } = await openPage(httpPort, '#/device/lamp-1')
  await page.locator('.pin').waitFor()
  await page.locator('.line[data-id="room/room-34"]').waitFor()
  const isAt = (selector: string): Promise<boolean> => page.evaluate(`document.activeElement.matches('${selector}')`)
  await page.locator('.line[data-id="device/lamp-1"]').focus()
  const up = async (): Promise<boolean> => {
    await page.keyboard.press('ArrowUp')
    return isAt('[data-id="room/room-10"]')
  }
  await expect.poll(up, { interval: 20 }).toBe(true)
  await page.locator('.head-tools button').first().focus()
  for (let step = 0; step < 3; step++) await page.keyboard.press('ArrowRight')
  expect(await isAt('[aria-label="Details"]')).toBe(true)
  await page.locator('.pin').focus()
  await page.keyboard.press('ArrowRight')
  expect(await isAt('.day-button')).toBe(true)
  await page.getByRole('textbox', { name: 'Topic' }).fill('devices/lamp-1/note')
  const box = page.getByRole('textbox', { name: 'Message' })
  await box.fill('mine')
  await box.press('Control+Enter')
  await page.locator('[data-tick="nobody"]').waitFor()
  await page.locator('.stream .scroller').focus()
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('ArrowRight')
  expect(await isAt('.tick')).toBe(true)
  await page.keyboard.press('Enter')
  await page.getByRole('dialog', { name: 'Packet trail' }).waitFor()
})

test('Dialogs open by keys, keep the focus inside, and give it back', async () => {
  const { httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort, '#/room/lobby')
  const box = page.getByRole('textbox', { name: 'Message' })
  await box.focus()
  await page.keyboard.press('Control+k')
  await expect.poll(() => page.evaluate(`document.activeElement.matches('dialog [role="combobox"]')`)).toBe(true)
  for (let step = 0; step < 10; step++) {
    await page.keyboard.press('Tab')
    expect(
      await page.evaluate(
        `document.activeElement === document.body || document.activeElement.closest('dialog') !== null`,
      ),
    ).toBe(true)
  }
  await page.keyboard.press('Escape')
  await page.locator('dialog[open]').waitFor({ state: 'detached' })
  expect(await page.evaluate(`document.activeElement.matches('.writing textarea')`)).toBe(true)
  await page.locator('.stream .scroller').focus()
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keys' }).getByText('Ctrl').first().waitFor()
})

test('Alt and the arrows move through the conversations', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'anna')
  for (const room of ['a', 'b', 'c']) await client.publishAsync(`chat/${room}`, 'x', { qos: 1 })
  const { page } = await openPage(httpPort, '#/room/a')
  await page.locator('.line[data-id="room/c"]').waitFor()
  await page.keyboard.press('Alt+ArrowDown')
  await page.locator('.head h1', { hasText: /^b$/ }).waitFor()
  await page.keyboard.press('Alt+ArrowUp')
  await page.locator('.head h1', { hasText: /^a$/ }).waitFor()
})

test('At 200 % nothing is cut off sideways, and nothing moves for who does not want it', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'anna')
  await client.publishAsync('chat/lobby', 'a long message '.repeat(20), { qos: 1 })
  const { page } = await openPage(httpPort, '#/room/lobby')
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.setViewportSize({ width: 640, height: 360 })
  await page.locator('.message').first().waitFor()
  for (const place of ['#/room/lobby', '#/overview', '#/retained', '#/']) {
    await page.goto(`http://127.0.0.1:${httpPort}/${place}`)
    await page.locator('main').waitFor({ state: 'attached' })
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
  }
  await page.goto(`http://127.0.0.1:${httpPort}/#/room/lobby`)
  const send = await page.getByRole('button', { name: 'Send' }).boundingBox()
  expect((send?.x ?? 999) + (send?.width ?? 0)).toBeLessThanOrEqual(640)
  expect((send?.y ?? 999) + (send?.height ?? 0)).toBeLessThanOrEqual(360)
  await page.keyboard.press('Control+k')
  await page.locator('dialog[open]').waitFor()
  expect(
    await page.evaluate(`document.getAnimations().filter(({ effect }) => effect.getTiming().duration > 1).length`),
  ).toBe(0)
})

test('On a phone the details cover the page, take the focus, and Esc goes back to the message, then to the talk', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'anna')
  await client.publishAsync('chat/lobby', 'look at this', { qos: 1 })
  const { page, complaints } = await openPage(httpPort, '#/room/lobby')
  await page.setViewportSize({ width: 390, height: 844 })
  const message = page.locator('button.value', { hasText: 'look at this' })
  await message.focus()
  await page.keyboard.press('Enter')
  await page.getByRole('complementary', { name: 'Details' }).getByText('anna').waitFor()
  for (let step = 0; step < 12; step++) {
    const isInside = `document.activeElement === document.body || document.activeElement.closest('.details') !== null`
    expect(await page.evaluate(isInside)).toBe(true)
    await page.keyboard.press('Tab')
  }
  await page.getByRole('button', { name: 'Close' }).focus()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Pin to the top' }).waitFor()
  await page.keyboard.press('Escape')
  await page.locator('.details').waitFor({ state: 'detached' })
  await expect.poll(() => message.evaluate((one) => one.matches(':focus'))).toBe(true)
  expect(complaints).toEqual([])
})

test('"?" lists the keys, in each language, and does not come while one writes', async () => {
  const { httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort, '#/room/lobby')
  const box = page.getByRole('textbox', { name: 'Message' })
  await box.focus()
  await page.keyboard.press('?')
  expect(await box.inputValue()).toBe('?')
  await box.fill('')
  const keys = ['↑ ↓', 'Ctrl+K', 'Alt+↑ Alt+↓', '/', 'Ctrl+Enter', '↑', 'Esc', '?']
  await page.locator('.stream .scroller').focus()
  await page.keyboard.press('?')
  const list = page.getByRole('dialog', { name: 'Keys' })
  await list.waitFor()
  expect(await list.locator('kbd').allTextContents()).toEqual(keys)
  await list.getByText('edit the last message you sent').waitFor()
  await page.evaluate(`localStorage.setItem('hubbub.language', 'ru')`)
  await page.reload()
  await page.locator('.stream .scroller').focus()
  await page.keyboard.press('?')
  const dialog = page.locator('dialog[open]')
  await dialog.waitFor()
  expect(await dialog.locator('kbd').allTextContents()).toEqual(keys)
  expect((await dialog.locator('dd').allTextContents()).filter((text) => !/[а-яё]/.test(text))).toEqual([])
})

test('Up in an empty composer brings back the last message with its topic and QoS, to be changed and sent again', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const lamp = await connectClient(port, 'lamp-1')
  const heard: string[] = []
  lamp.on('message', (topic, payload, { qos }) => heard.push(`${topic} ${payload.toString()} QoS ${qos}`))
  await lamp.subscribeAsync('devices/lamp-1/cmd/#', { qos: 2 })
  const { page } = await openPage(httpPort, '#/device/lamp-1')
  const box = page.getByRole('textbox', { name: 'Message' })
  const topic = page.getByRole('textbox', { name: 'Topic' })
  await topic.fill('devices/lamp-1/cmd/dim')
  await page.getByRole('radio', { name: 'QoS 2' }).check()
  await box.fill('40')
  await box.press('Control+Enter')
  await expect.poll(() => heard).toEqual(['devices/lamp-1/cmd/dim 40 QoS 2'])
  await topic.fill('devices/lamp-1/cmd/set')
  await page.getByRole('radio', { name: 'QoS 0' }).check()
  await box.press('ArrowUp')
  expect(await box.inputValue()).toBe('40')
  expect(await topic.inputValue()).toBe('devices/lamp-1/cmd/dim')
  expect(await page.getByRole('radio', { name: 'QoS 2' }).isChecked()).toBe(true)
  await box.press('End')
  await box.press('0')
  await box.press('ArrowUp')
  expect(await box.inputValue()).toBe('400')
  await box.press('Control+Enter')
  await expect.poll(() => heard.at(-1)).toBe('devices/lamp-1/cmd/dim 400 QoS 2')
})
