import { expect, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { sees, write } from './lobby.ts'
import { connectClient, retain } from './mqtt.ts'
import { openPage } from './open-page.ts'

test('An empty retained message deletes one: it is counted, asked and can be undone, as on the page of retained messages', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const anna = await connectClient(port, 'anna')
  await retain(anna, 'home/lamp/state', 'on')
  await retain(anna, 'home/lamp/state/more', 'stays')
  const heard: string[] = []
  anna.on('message', (topic, payload, { retain: isRetained }) => {
    if (!isRetained) heard.push(`${topic} ${payload.toString()}`)
  })
  await anna.subscribeAsync('home/#', { qos: 1 })
  const { page } = await openPage(httpPort, '#/channel/home/%23')
  await page
    .getByRole('region', { name: /Pinned/ })
    .getByRole('button', { name: 'on', exact: false })
    .first()
    .waitFor()
  await page.getByRole('textbox', { name: 'Topic' }).fill('home/lamp/state')
  const retainChip = page.getByRole('button', { name: 'Retain', exact: true })
  await retainChip.click()
  const send = page.getByRole('button', { name: 'Send' })
  await send.click()
  await page.getByText('Delete 1 message?').waitFor()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByText('Delete 1 message?').waitFor({ state: 'detached' })
  expect(heard).toEqual([])
  await page.getByRole('textbox', { name: 'Message' }).press('Control+Enter')
  await page.getByText('Delete 1 message?').waitFor()
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await page.getByText('Deleted 1 message.').waitFor()
  await expect.poll(() => heard).toEqual(['home/lamp/state '])
  expect(await retainChip.getAttribute('aria-pressed')).toBe('false')
  const pin = page.locator('.pin[title="home/lamp/state"]')
  await pin.waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Undo' }).click()
  await page.getByText('Restored 1 message.').waitFor()
  await expect.poll(() => heard).toEqual(['home/lamp/state ', 'home/lamp/state on'])
  await pin.waitFor()
  // Where nothing is retained there is nothing to delete, nor to send.
  await page.getByRole('textbox', { name: 'Topic' }).fill('home/nothing')
  await retainChip.click()
  await send.click()
  await page.getByText('No retained message matches this filter.').waitFor()
  expect(heard).toHaveLength(2)
})

test('Send is off for a topic that is not finished and for a command without a word', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const lamp = await connectClient(port, 'lamp-1')
  const heard: string[] = []
  lamp.on('message', (topic, payload) => heard.push(`${topic} ${payload.toString()}`))
  await lamp.subscribeAsync('devices/lamp-1/cmd/#', { qos: 1 })
  const { page } = await openPage(httpPort, '#/device/lamp-1')
  const [topic, message] = [
    page.getByRole('textbox', { name: 'Topic' }),
    page.getByRole('textbox', { name: 'Message' }),
  ]
  const send = page.getByRole('button', { name: 'Send' })
  await message.waitFor()
  expect(await topic.inputValue()).toBe('devices/lamp-1/cmd/')
  expect(await send.isDisabled()).toBe(true)
  await message.press('Control+Enter')
  await message.fill('{}')
  await page.getByText('The topic is not finished: it ends with /').waitFor()
  expect(await send.isDisabled()).toBe(true)
  await message.press('Control+Enter')
  await topic.fill('devices/lamp-1/cmd/blink')
  await expect.poll(() => send.isDisabled()).toBe(false)
  await message.fill('')
  await expect.poll(() => send.isDisabled()).toBe(true)
  expect(await message.getAttribute('placeholder')).toBe('Parameters as JSON; {} for none')
  await message.press('Control+Enter')
  await message.fill('{"times":2}')
  await message.press('Control+Enter')
  await expect.poll(() => heard).toEqual(['devices/lamp-1/cmd/blink {"times":2}'])
})

test('One writes, sends and reads on when the browser has no more room to keep anything', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const anna = await connectClient(port, 'anna')
  await anna.subscribeAsync('chat/lobby', { qos: 1 })
  const { page, complaints } = await openPage(httpPort, '#/room/lobby', async (one) => {
    await one.addInitScript(`Storage.prototype.setItem = () => {
      throw new DOMException('The quota has been exceeded.', 'QuotaExceededError')
    }`)
  })
  await write(page, 'no room', 1)
  await sees(page, 'no room', 'delivered')
  await anna.publishAsync('chat/kitchen', 'is there tea?', { qos: 1 })
  await page.locator('.line[data-id="room/kitchen"]').click()
  await page.locator('.head h1', { hasText: 'kitchen' }).waitFor()
  await page.getByRole('textbox', { name: 'Message' }).fill('there is')
  await page.locator('.line[data-id="room/lobby"]').click()
  await page.locator('.head h1', { hasText: 'lobby' }).waitFor()
  await page.locator('.line[data-id="room/kitchen"]').click()
  await expect.poll(() => page.getByRole('textbox', { name: 'Message' }).inputValue()).toBe('there is')
  expect(complaints).toEqual([])
})
