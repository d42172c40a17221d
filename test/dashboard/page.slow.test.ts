import { type MqttClient, connectAsync } from 'mqtt'
import { expect, onTestFinished, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { openPage } from './open-page.ts'

async function connect(port: number, clientId: string): Promise<MqttClient> {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, clientId })
  onTestFinished(() => client.endAsync(true))
  return client
}

test('A message that is published to a room appears there, and the browser has nothing to complain about', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const { page, complaints } = await openPage(httpPort, '#/room/lobby')
  const client = await connect(port, 'anna')
  await client.publishAsync('chat/lobby', 'Привет 🎉 from the command line', { qos: 1 })
  await page.locator('.message', { hasText: 'Привет 🎉 from the command line' }).waitFor()
  await page.locator('.line[data-id="room/lobby"]', { hasText: 'Привет' }).waitFor()
  await client.publishAsync('chat/lobby', '{"from":"helper","text":"I am a program","isBot":true}', { qos: 1 })
  await page.locator('.message', { hasText: 'I am a program' }).getByText('bot', { exact: true }).waitFor()
  await client.publishAsync('chat/lobby', '{"from":"Anna","text":"I am not"}', { qos: 1 })
  expect(await page.locator('.message', { hasText: 'I am not' }).getByText('bot', { exact: true }).count()).toBe(0)
  expect(complaints).toEqual([])
})

test('What is written in Russian arrives as it was, with one receiver two ticks, and the trail names who has it', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connect(port, 'anna')
  await client.subscribeAsync('chat/lobby', { qos: 1 })
  const { page } = await openPage(httpPort, '#/room/lobby')
  const received = new Promise<string>((resolve) => {
    client.once('message', (_topic, payload) => resolve(payload.toString()))
  })
  await page.getByRole('textbox', { name: 'Message' }).fill('Как дела? 👋')
  await page.keyboard.press('Control+Enter')
  expect(await received).toBe('Как дела? 👋')
  const tick = page.locator('[data-tick="delivered"]')
  await tick.click()
  await page.getByRole('dialog', { name: 'Packet trail' }).getByText('anna').waitFor()
})

test('A message that nobody subscribes to says so: the page is no receiver of its own messages', async () => {
  const { httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort, '#/room/lobby')
  await page.getByRole('textbox', { name: 'Message' }).fill('anybody?')
  await page.keyboard.press('Enter')
  await page.locator('[data-tick="nobody"]').waitFor()
})

test('A message at QoS 0 has a hollow tick and never more without a receiver', async () => {
  const { httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort, '#/room/lobby')
  await page.getByRole('radio', { name: 'QoS 0' }).check()
  await page.getByRole('textbox', { name: 'Message' }).fill('into the blue')
  await page.keyboard.press('Enter')
  await page.locator('[data-tick="written"]').waitFor()
})

test('A command is sent from the form a device announces, and its reply is shown with the latency', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const lamp = await connect(port, 'lamp-1')
  await lamp.subscribeAsync('devices/lamp-1/cmd/+', { qos: 1 })
  const about = { commands: { set: { properties: { brightness: { type: 'number', default: 40 } } } } }
  await lamp.publishAsync('devices/lamp-1/about', JSON.stringify(about), { qos: 1, retain: true })
  lamp.on('message', (_topic, payload, { properties = {} }) => {
    const { responseTopic = '', correlationData = Buffer.alloc(0) } = properties
    lamp.publish(responseTopic, `took ${payload.toString()}`, { qos: 1, properties: { correlationData } })
  })
  const { page } = await openPage(httpPort, '#/device/lamp-1')
  await page.getByRole('button', { name: 'Details' }).click()
  await page.getByLabel('brightness').fill('70')
  await page.getByRole('button', { name: 'Run' }).click()
  await page.locator('[data-tick="answered"]').waitFor()
  await page.locator('.reply', { hasText: /took \{"brightness":70\}.*\sms/ }).waitFor()
})

test('Equal payloads in a row fold into one line with their number', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort, '#/device/lamp-1')
  const client = await connect(port, 'lamp-1')
  await client.publishAsync('devices/lamp-1/event', 'first', { qos: 1 })
  await page.locator('.message', { hasText: 'first' }).waitFor()
  for (let index = 0; index < 37; index++) await client.publishAsync('devices/lamp-1/event', 'click', { qos: 1 })
  await page.locator('.message', { hasText: 'click' }).getByText('×37').waitFor()
  expect(await page.locator('.message').count()).toBe(2)
})

test('Without the hub a banner says so, and what was written goes when the hub is back', async () => {
  const { hub, httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort, '#/room/lobby')
  await page.getByRole('textbox', { name: 'Message' }).fill('before')
  await page.keyboard.press('Enter')
  await page.locator('[data-tick="nobody"]').waitFor()
  await hub.stop()
  await page.getByText('No connection to the hub').waitFor()
  await page.getByRole('textbox', { name: 'Message' }).fill('while it is away')
  await page.keyboard.press('Enter')
  await page.locator('[data-tick="waiting"]').waitFor()
  const again = await startHubWithHttp({ config: { httpPort } })
  expect(again.httpPort).toBe(httpPort)
  await page.locator('.message', { hasText: 'while it is away' }).locator('[data-tick="nobody"]').waitFor()
  await page.getByText('No connection to the hub').waitFor({ state: 'detached' })
})

test('The row one reads stays to the pixel while messages come, which are counted; the way down leads to the newest', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort, '#/channel/plant%2F%23')
  const client = await connect(port, 'plant')
  const publish = async (from: number, to: number): Promise<void> => {
    for (let index = from; index < to; index++) await client.publishAsync('plant/line', `value ${index}`, { qos: 1 })
  }
  await publish(0, 200)
  await page.locator('.message', { hasText: 'value 199' }).waitFor()
  await page.locator('.stream .scroller').hover()
  await page.mouse.wheel(0, -1500)
  const newest = page.locator('.message', { hasText: /value 199/ })
  await newest.waitFor({ state: 'detached' })
  const read = page.locator('.message').nth(10)
  const text = await read.locator('.value').textContent()
  const row = page.locator('.message', { has: page.getByText(text ?? '', { exact: true }) })
  const before = await row.boundingBox()
  await publish(200, 700)
  await page.getByText('500 new').waitFor()
  expect(await row.boundingBox()).toEqual(before)
  expect(await page.locator('.message').count()).toBeLessThanOrEqual(80)
  await page.getByText('500 new').click()
  await page.locator('.message', { hasText: 'value 699' }).waitFor()
})

test('At 1920 × 1080 at least 30 messages are in sight, and on a laptop nothing lies beside the window', async () => {
  const { hub, httpPort } = await startHubWithHttp()
  for (let index = 0; index < 80; index++) await hub.publish('chat/lobby', `message ${index}`, { qos: 1 })
  const { page } = await openPage(httpPort, '#/room/lobby')
  await page.setViewportSize({ width: 1920, height: 1080 })
  await page.locator('.message', { hasText: 'message 79' }).waitFor()
  const inSight = `(() => {
    const { top, bottom } = document.querySelector('.stream').getBoundingClientRect()
    const boxes = [...document.querySelectorAll('.stream .message')].map((one) => one.getBoundingClientRect())
    return boxes.filter((box) => box.top >= top && box.bottom <= bottom).length
  })()`
  await expect.poll(() => page.evaluate<number>(inSight)).toBeGreaterThanOrEqual(30)
  await page.setViewportSize({ width: 1280, height: 720 })
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(1280)
})
