import { expect, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { goOffline, goOnline } from './lobby.ts'
import { connectClient, retain } from './mqtt.ts'
import { openPage } from './open-page.ts'
import { PageProxy } from './page-proxy.ts'

test('A conversation opens at the first unread message, and Esc marks it read', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'anna')
  await client.publishAsync('chat/lobby', 'read before', { qos: 1 })
  const { page } = await openPage(httpPort, '#/room/lobby')
  await page.locator('.message', { hasText: 'read before' }).waitFor()
  await page.goto(`http://127.0.0.1:${httpPort}/#/room/kitchen`)
  await page.locator('.head h1', { hasText: 'kitchen' }).waitFor()
  for (let index = 1; index <= 120; index++) await client.publishAsync('chat/lobby', `news ${index}`, { qos: 1 })
  await page.locator('.line[data-id="room/lobby"] .unread', { hasText: '120' }).waitFor()
  await page.locator('.line[data-id="room/lobby"]').click()
  const mark = page.locator('.note-unread', { hasText: '120 unread messages' })
  await mark.waitFor()
  expect(await page.locator('.message .value', { hasText: /^news 1$/ }).isVisible()).toBe(true)
  await page.locator('.stream .scroller').focus()
  await page.keyboard.press('Escape')
  await page.locator('.message', { hasText: 'news 120' }).waitFor()
  expect(await mark.count()).toBe(0)
  expect(await page.locator('.unread').count()).toBe(0)
})

test('"/" searches the history of the conversation; Enter shows the hit where it was said, and a link leads back to now', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'anna')
  const say = async (from: number, to: number): Promise<void> => {
    for (let index = from; index < to; index++) await client.publishAsync('chat/lobby', `straw ${index}`, { qos: 1 })
  }
  await say(0, 200)
  await client.publishAsync('chat/lobby', 'a needle', { qos: 1 })
  await say(200, 600)
  const { page } = await openPage(httpPort, '#/room/lobby')
  await page.locator('.message', { hasText: 'straw 599' }).waitFor()
  await page.locator('.stream .scroller').focus()
  await page.keyboard.press('/')
  await page.getByRole('searchbox', { name: 'Search in this conversation' }).fill('NEEDLE')
  await page.getByRole('option', { name: 'a needle' }).waitFor()
  await page.keyboard.press('Enter')
  await page.locator('.message[data-chosen="true"]', { hasText: 'a needle' }).waitFor()
  expect(await page.locator('.message .value', { hasText: /^straw 199$/ }).count()).toBe(1)
  expect(await page.locator('.message').count()).toBeLessThanOrEqual(80)
  await page.keyboard.press('Escape')
  await page.locator('.stream .scroller').hover()
  await page.mouse.wheel(0, 10_000)
  await page.getByRole('button', { name: 'go to the newest' }).click()
  await page.locator('.message', { hasText: 'straw 599' }).waitFor()
})

test('Telemetry is one line with its values, units and a chart; a button shows each message', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const meter = await connectClient(port, 'meter-1')
  const schema = { properties: { powerWatts: { type: 'number', title: 'Power', unit: 'W' } } }
  await retain(meter, 'devices/meter-1/about', {
    id: 'meter-1',
    kind: 'meter',
    name: 'Meter',
    protocol: 5,
    telemetry: { contentType: 'application/json', qos: 1, schema },
    commands: {},
  })
  const { page } = await openPage(httpPort, '#/device/meter-1')
  const measure = async (watts: number): Promise<void> => {
    await meter.publishAsync('devices/meter-1/telemetry', `{"atMs":${watts},"powerWatts":${watts}.10}`, { qos: 1 })
  }
  for (let watts = 1; watts <= 5; watts++) await measure(watts)
  const line = page.locator('.telemetry', { hasText: 'Power 5.10 W' })
  await line.getByText('×5').waitFor()
  await line.locator('.sparkline').waitFor()
  await meter.publishAsync('devices/meter-1/event', 'tripped', { qos: 1 })
  await measure(6)
  await page.locator('.telemetry', { hasText: 'Power 6.10 W' }).waitFor()
  expect(await page.locator('.telemetry').count()).toBe(2)
  await page.getByRole('button', { name: 'Telemetry as one line' }).click()
  await expect.poll(() => page.locator('.message .topic', { hasText: /^telemetry$/ }).count()).toBe(6)
})

test('A message shows what changed since the one before, and a chart of any of its numbers', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'plc')
  for (const pressure of [1, 2, 3]) {
    const payload = JSON.stringify({ line: { pressure, name: 'north' }, ok: pressure < 3 })
    await client.publishAsync('plant/press', payload, { qos: 1 })
  }
  const { page, complaints } = await openPage(httpPort, '#/channel/plant%2F%23')
  await page.locator('.message .value', { hasText: '"pressure":3' }).click()
  await page.getByRole('radio', { name: 'Changes' }).check()
  await page.locator('.payload-changed', { hasText: 'line › pressure2 → 3' }).waitFor()
  expect(await page.locator('.payload-row').allTextContents()).toEqual(['line › pressure2 → 3', 'oktrue → false'])
  await page.getByRole('radio', { name: 'Tree' }).check()
  await page.getByRole('button', { name: '3', exact: true }).click()
  await page.getByRole('img', { name: 'Chart of line › pressure' }).locator('canvas').waitFor()
  expect(complaints).toEqual([])
})

test('Saved messages are buttons that send, also after a reload; Up takes the last one back', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'anna')
  const heard: string[] = []
  client.on('message', (_topic, payload) => heard.push(payload.toString()))
  await client.subscribeAsync('chat/lobby', { qos: 1 })
  const { page } = await openPage(httpPort, '#/room/lobby')
  const box = page.getByRole('textbox', { name: 'Message' })
  await box.fill('Как дела?')
  await page.getByRole('button', { name: 'Save as quick message' }).click()
  await box.press('Enter')
  // Unconfirmed, it would be sent once more after the reload.
  await page.locator('[data-tick="delivered"]').waitFor()
  await box.press('ArrowUp')
  expect(await box.inputValue()).toBe('Как дела?')
  await page.reload()
  await page.locator('[data-link="online"]').waitFor()
  await page
    .getByRole('list', { name: 'Quick messages' })
    .getByRole('button', { name: 'Как дела?', exact: true })
    .click()
  await expect.poll(() => heard).toEqual(['Как дела?', 'Как дела?'])
  await page.getByRole('button', { name: 'Remove quick message: Как дела?' }).click()
  expect(await page.getByRole('list', { name: 'Quick messages' }).count()).toBe(0)
})

test('Payloads of equal length that differ only in the middle are not folded', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort, '#/channel/plant%2F%23')
  const client = await connectClient(port, 'plc')
  for (const middle of 'abc') {
    await client.publishAsync('plant/x', `${'h'.repeat(3000)}${middle}${'t'.repeat(3000)}`, { qos: 1 })
  }
  await client.publishAsync('plant/x', 'mark', { qos: 1 })
  await page.locator('.message', { hasText: 'mark' }).waitFor()
  expect(await page.locator('.message').count()).toBe(4)
})

test('After an outage that its session did not outlive, all that was said meanwhile comes from history, and the line counts it', async () => {
  const { port, httpPort, log } = await startHubWithHttp({ config: { limits: { maxSessionExpirySeconds: 1 } } })
  const proxy = await PageProxy.start(httpPort)
  const { page } = await openPage(proxy.port, '#/room/lobby')
  const client = await connectClient(port, 'anna')
  await client.publishAsync('chat/lobby', 'before', { qos: 1 })
  await page.locator('.message', { hasText: 'before' }).waitFor()
  await goOffline({ page, proxy })
  for (let index = 1; index <= 2500; index++) client.publish('chat/lobby', `missed ${index}`, { qos: 1 })
  await client.publishAsync('chat/lobby', 'the last', { qos: 1 })
  await expect.poll(() => log.lines.items.some(({ text }) => text.includes('expired')), { timeout: 5000 }).toBe(true)
  await goOnline({ page, proxy })
  await page.locator('.message', { hasText: 'the last' }).waitFor()
  await page.locator('.message', { hasText: 'missed 2500' }).waitFor()
  await page.locator('.stream .scroller').hover()
  await page.mouse.wheel(0, -100_000)
  await page.locator('.note-outage', { hasText: /2,501 messages from history/ }).waitFor()
})
