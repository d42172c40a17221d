import type { MqttClient } from 'mqtt'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { goOffline, goOnline, sees, write } from './lobby.ts'
import { connectClient } from './mqtt.ts'
import { openPage } from './open-page.ts'
import { PageProxy } from './page-proxy.ts'

/** All of a flood is recorded. */
const RECORD_ALL = { qos0PerSecondPerTopic: 1e6, qos0PerSecond: 1e6, maxMessagesPerSecond: 1e6 }
/** More than the page keeps while it is paused, or while the newest is looked at. */
const MANY = 22_500
const BATCH = 500

async function count(client: MqttClient, from: number, to: number, topic = 'plant/line'): Promise<void> {
  for (let at = from; at < to; at += BATCH) {
    const values = Array.from({ length: Math.min(BATCH, to - at) }, (_, index) => `value ${at + index}`)
    await Promise.all(values.map((value) => client.publishAsync(topic, value)))
  }
}

/** The rows in sight, by their place in the stream: the numbers that stand there, or the text of a row without. */
async function inSight(page: Page): Promise<{ index: number; said: number | string }[]> {
  return page.evaluate(`[...document.querySelectorAll('.stream .row')].map((row) => {
    const text = (row.querySelector('.value') ?? row).textContent
    const number = /^value (\\d+)$/.exec(text)
    return { index: Number(row.dataset.index), said: number === null ? text : Number(number[1]) }
  })`)
}

/** By how much the number of a row is more than its place: the same for all rows when none is missing, doubled or out of order. */
async function shifts(page: Page): Promise<(number | string)[]> {
  const rows = await inSight(page)
  return [...new Set(rows.map(({ index, said }) => (typeof said === 'number' ? said - index : said)))]
}

async function scrollTo(page: Page, share: number): Promise<void> {
  await page.evaluate(`(async () => {
    const scroller = document.querySelector('.stream .scroller')
    scroller.scrollTop = scroller.scrollHeight * ${share}
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
  })()`)
}

/** Reads upwards until the first message. */
async function readToFirst(page: Page, said: number | string = 0): Promise<void> {
  await expect
    .poll(
      async () => {
        await scrollTo(page, 0)
        return inSight(page)
      },
      { timeout: 20_000 },
    )
    .toContainEqual({ index: 0, said })
}

test('Pause stops the view and not the record: afterwards nothing is missing, and what came is counted meanwhile', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort, '#/channel/plant%2F%23')
  const client = await connectClient(port, 'plant')
  await count(client, 0, 5)
  await page.locator('.message', { hasText: 'value 4' }).waitFor()
  await page.getByRole('button', { name: 'Pause' }).click()
  await count(client, 5, 305)
  await page.getByText('300 new').waitFor()
  expect(await page.locator('.message').count()).toBe(5)
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.locator('.message', { hasText: 'value 304' }).waitFor()
  await page.getByText('300 new').waitFor({ state: 'detached' })
  expect(await shifts(page)).toEqual([0])
  await readToFirst(page)
  expect(await shifts(page)).toEqual([0])
  await count(client, 305, 306)
  await page.getByText('1 new').waitFor()
})

test('After a pause in which more came than the page keeps, history fills the gap, in order', async () => {
  const { port, httpPort } = await startHubWithHttp({ config: { history: RECORD_ALL } })
  const { page } = await openPage(httpPort, '#/channel/plant%2F%23')
  const client = await connectClient(port, 'plant')
  await count(client, 0, 10)
  await page.locator('.message', { hasText: 'value 9' }).waitFor()
  await page.getByRole('button', { name: 'Pause' }).click()
  await count(client, 10, MANY)
  await page.getByText(`${(MANY - 10).toLocaleString('en')} new`).waitFor()
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.locator('.message', { hasText: `value ${MANY - 1}` }).waitFor()
  const seen: (number | string)[] = []
  for (let share = 1; share >= 0; share -= 0.05) {
    await scrollTo(page, share)
    seen.push(...(await shifts(page)))
  }
  expect([...new Set(seen)]).toHaveLength(1)
  await readToFirst(page)
  await scrollTo(page, 1)
  expect(await shifts(page)).toEqual([0])
})

test('Rows that the page let go of while it followed the newest come back when one reads upwards', async () => {
  const { port, httpPort } = await startHubWithHttp({ config: { history: RECORD_ALL } })
  const { page } = await openPage(httpPort, '#/channel/plant%2F%23')
  const client = await connectClient(port, 'plant')
  await count(client, 0, 10)
  await page.locator('.message', { hasText: 'value 9' }).waitFor()
  await count(client, 10, MANY)
  await page.locator('.message', { hasText: `value ${MANY - 1}` }).waitFor()
  const [newest] = (await inSight(page)).toReversed()
  expect(newest?.index).toBeLessThan(20_000)
  await readToFirst(page)
  expect(await shifts(page)).toEqual([0])
  for (let share = 0; share <= 1; share += 0.05) {
    await scrollTo(page, share)
    expect(await shifts(page)).toEqual([0])
  }
})

test('A reply that stands where it came is not there twice when its command is read again', async () => {
  const { port, httpPort } = await startHubWithHttp({ config: { history: RECORD_ALL } })
  const client = await connectClient(port, 'plant')
  const requests: { topic: string; correlationData: Buffer }[] = []
  client.on('message', (_topic, _payload, { properties = {} }) => {
    const { responseTopic: topic = '', correlationData = Buffer.alloc(0) } = properties
    requests.push({ topic, correlationData })
  })
  await client.subscribeAsync('devices/plant/cmd/+', { qos: 1 })
  const { page } = await openPage(httpPort, '#/device/plant')
  await page.getByRole('textbox', { name: 'Topic' }).fill('devices/plant/cmd/set')
  await write(page, 'begin', 1)
  await sees(page, 'begin', 'delivered')
  const half = MANY / 2
  await count(client, 0, half, 'devices/plant/line')
  await page.locator('.message', { hasText: `value ${half - 1}` }).waitFor()
  const [request] = requests
  if (request === undefined) throw new Error('the plant got no request')
  const { topic, correlationData } = request
  await client.publishAsync(topic, 'done', { properties: { correlationData } })
  await page.locator('.reply').waitFor()
  await count(client, half, MANY, 'devices/plant/line')
  await page.locator('.message', { hasText: `value ${MANY - 1}` }).waitFor()
  const [newest] = (await inSight(page)).toReversed()
  expect(newest?.index).toBeLessThan(20_000)
  await readToFirst(page, 'begin')
  await scrollTo(page, 1)
  const end = { index: MANY + 1, said: MANY - 1 }
  // Above it: the command, the other values, and one reply.
  await expect.poll(async () => (await inSight(page)).at(-1)).toEqual(end)
})

test('What neither the page nor history has of a pause is counted', async () => {
  const { port, httpPort } = await startHubWithHttp({ config: { history: { qos0PerSecondPerTopic: 0 } } })
  const { page } = await openPage(httpPort, '#/channel/plant%2F%23')
  const client = await connectClient(port, 'plant')
  await count(client, 0, 10)
  await page.locator('.message', { hasText: 'value 9' }).waitFor()
  await page.getByRole('button', { name: 'Pause' }).click()
  await count(client, 10, MANY)
  await page.getByText(`${(MANY - 10).toLocaleString('en')} new`).waitFor()
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.locator('.message', { hasText: `value ${MANY - 1}` }).waitFor()
  // 20,000 of the first and 1,000 of the last are kept.
  const note = page.locator('.note-not-shown', { hasText: '1,490 messages' })
  await page.evaluate(`{
    const scroller = document.querySelector('.stream .scroller')
    scroller.scrollTop = scroller.scrollHeight - 1010 * 28
  }`)
  await note.waitFor()
})

test('What comes while history fills the gap of an outage stands below it', async () => {
  const { port, httpPort } = await startHubWithHttp({ config: { history: RECORD_ALL } })
  const proxy = await PageProxy.start(httpPort)
  const { page } = await openPage(proxy.port, '#/channel/plant%2F%23')
  const client = await connectClient(port, 'plant')
  await count(client, 0, 10)
  await page.locator('.message', { hasText: 'value 9' }).waitFor()
  await goOffline({ page, proxy })
  await count(client, 10, 5000)
  let said = 5000
  const isLiveSeen = async (): Promise<boolean> => (await inSight(page)).some((row) => Number(row.said) >= 5000)
  const flow = { isOn: true }
  const flowing = (async () => {
    while (flow.isOn) {
      await count(client, said, (said += 5))
      await page.evaluate('new Promise(requestAnimationFrame)')
    }
  })()
  await goOnline({ page, proxy })
  await expect.poll(isLiveSeen).toBe(true)
  flow.isOn = false
  await flowing
  await page.locator('.message', { hasText: `value ${said - 1}` }).waitFor()
  await readToFirst(page)
  for (let share = 0; share <= 1; share += 0.02) {
    await scrollTo(page, share)
    const numbers = (await inSight(page)).flatMap((row) => (typeof row.said === 'number' ? [row.said] : []))
    expect(numbers).toEqual(numbers.map((_number, index) => (numbers[0] ?? 0) + index))
  }
})

test('What the hub dropped on the way to the page is counted where it is missing', async () => {
  const { port, httpPort } = await startHubWithHttp({
    config: { limits: { maxInflightMessages: 1, maxQueuedMessages: 10 } },
  })
  const { page } = await openPage(httpPort, '#/channel/plant%2F%23')
  const client = await connectClient(port, 'plant')
  for (let from = 0; from < 1000; from += 250) {
    const values = Array.from({ length: 250 }, (_, index) => `value ${from + index}`)
    await Promise.all(values.map((value) => client.publishAsync('plant/line', value, { qos: 1 })))
  }
  const counted = async (): Promise<number> => {
    const rows = await page.evaluate<string[]>(`(async () => {
      const scroller = document.querySelector('.stream .scroller')
      const found = new Map()
      for (let top = 0; top < scroller.scrollHeight; top += 300) {
        scroller.scrollTop = top
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
        for (const row of document.querySelectorAll('.stream .row')) {
          found.set(row.dataset.index, row.querySelector('.message') === null ? row.innerText : '1 message')
        }
      }
      return [...found.values()]
    })()`)
    return rows.reduce((sum, row) => sum + Number.parseInt(row.replace(',', ''), 10), 0)
  }
  await page.locator('.note', { hasText: 'came too fast' }).first().waitFor()
  await expect.poll(counted, { timeout: 15_000 }).toBe(1000)
})

test('What the hub dropped while the page was away, and history has, is not said to be missing', async () => {
  const { port, httpPort } = await startHubWithHttp({ config: { limits: { maxQueuedMessages: 10 } } })
  const proxy = await PageProxy.start(httpPort)
  const { page } = await openPage(proxy.port, '#/channel/plant%2F%23')
  const client = await connectClient(port, 'plant')
  await client.publishAsync('plant/line', 'value 0', { qos: 1 })
  await page.locator('.message', { hasText: 'value 0' }).waitFor()
  await goOffline({ page, proxy })
  // More than the queue takes, and no more than the page shows at once: the line of the outage stays in sight.
  await Promise.all(
    Array.from({ length: 15 }, (_, index) => client.publishAsync('plant/line', `value ${index + 1}`, { qos: 1 })),
  )
  await goOnline({ page, proxy })
  await page.locator('.note-outage', { hasText: '15 messages from history' }).waitFor()
  // The drops have been asked for twice since: once with the connection, once after it.
  for (let times = 0; times < 2; times++) await page.waitForResponse(/api\/v1\/clients\/dashboard-/)
  expect(await page.locator('.note-not-shown').count()).toBe(0)
})

test('What was held in a pause is shown by "Resume" also while there is no connection', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const proxy = await PageProxy.start(httpPort)
  const { page } = await openPage(proxy.port, '#/channel/plant%2F%23')
  const client = await connectClient(port, 'plant')
  await client.publishAsync('plant/line', 'value 0', { qos: 1 })
  await page.locator('.message', { hasText: 'value 0' }).waitFor()
  await page.getByRole('button', { name: 'Pause' }).click()
  await client.publishAsync('plant/line', 'value 1', { qos: 1 })
  await page.getByText('1 new').waitFor()
  await goOffline({ page, proxy })
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.locator('.message', { hasText: 'value 1' }).waitFor()
})
