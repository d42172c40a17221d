import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { openLobby, sees, write } from './lobby.ts'
import { connectClient, retain } from './mqtt.ts'
import { openPage } from './open-page.ts'

/** How a sign looks without its colours, in two states of the browser: with forced colours too. */
async function shapeOf(page: Page, script: string): Promise<string> {
  const shapes: string[] = []
  for (const forcedColors of ['none', 'active'] as const) {
    await page.emulateMedia({ forcedColors })
    shapes.push(await page.evaluate(script))
  }
  await page.emulateMedia({ forcedColors: 'none' })
  return shapes.join(' | ')
}

test('Each tick has a shape of its own, whatever its colour', async () => {
  const seen = await openLobby()
  const { page, port, proxy } = seen
  const shapes = new Map<string, string>()
  const see = async (text: string, tick: string): Promise<void> => {
    await sees(page, text, tick)
    const shape = await page.locator('.message', { hasText: text }).locator('.tick svg').innerHTML()
    const dashes = await page.evaluate(
      `[...document.querySelectorAll('[data-tick="${tick}"] path')].map((one) => getComputedStyle(one).strokeDasharray + getComputedStyle(one).d).join()`,
    )
    shapes.set(tick, `${shape.replaceAll(/ class="[^"]*"/g, '')} ${String(dashes)}`)
  }
  await write(page, 'nobody hears', 1)
  await see('nobody hears', 'nobody')
  await write(page, 'only written', 0)
  await see('only written', 'written')
  const kept = { clean: false, properties: { sessionExpiryInterval: 600 } }
  const away = await connectClient(port, 'away', kept)
  await away.subscribeAsync('chat/lobby', { qos: 1 })
  await write(page, 'to all', 1)
  await see('to all', 'delivered')
  await away.endAsync()
  const anna = await connectClient(port, 'anna')
  await anna.subscribeAsync('chat/lobby', { qos: 1 })
  await write(page, 'to some', 1)
  await see('to some', 'partly')
  proxy.hold('PUBACK', 'PUBREC', 'PUBLISH')
  await write(page, 'on its way', 1)
  await see('on its way', 'sent')
  proxy.release('PUBACK')
  await see('on its way', 'taken')
  proxy.release('PUBREC')
  proxy.hold('PUBCOMP')
  await write(page, 'half way', 2)
  await see('half way', 'half')
  proxy.release()
  await sees(page, 'half way', 'partly')
  proxy.answerWith(0x87)
  await write(page, 'not allowed', 1)
  await see('not allowed', 'refused')
  proxy.refuse()
  await page.locator('.banner').waitFor()
  await write(page, 'waits', 1)
  await see('waits', 'waiting')
  await write(page, 'too hasty', 0)
  await see('too hasty', 'not-sent')
  const names = [...shapes.keys()].toSorted()
  expect(names).toEqual(
    ['delivered', 'half', 'nobody', 'not-sent', 'partly', 'refused', 'sent', 'taken', 'waiting', 'written'].toSorted(),
  )
  expect(new Set(shapes.values()).size).toBe(names.length)
})

test('Presence is told by shape: what a device says of itself by its ring, what the hub knows by the dot', async () => {
  const { port, httpPort } = await startHubWithHttp()
  for (const state of ['online', 'asleep', 'offline']) {
    const client = await connectClient(port, `is-${state}`)
    await retain(client, `devices/is-${state}/status`, state)
  }
  const kept = { clean: false, properties: { sessionExpiryInterval: 600 } }
  const away = await connectClient(port, 'away', kept)
  await retain(away, 'devices/away/state', '{}')
  await away.subscribeAsync('a', { qos: 1 })
  await away.endAsync()
  const gone = await connectClient(port, 'gone')
  await retain(gone, 'devices/gone/status', 'online')
  const { page } = await openPage(httpPort, '#/')
  await page.locator('.line[data-id="device/gone"] .dot[data-state="here"]').waitFor()
  await gone.endAsync()
  await page.locator('.line[data-id="device/gone"] .dot[data-state="gone"]').waitFor()
  const ring = async (state: string): Promise<string> =>
    shapeOf(page, `getComputedStyle(document.querySelector('.line .avatar[data-ring="${state}"]')).outlineStyle`)
  // One after the other: each switches the forced colours of the one page.
  const rings = [await ring('online'), await ring('asleep'), await ring('offline')]
  expect(rings).toEqual(['solid | solid', 'dashed | dashed', 'dotted | dotted'])
  /** Dark and light points of the dot, drawn large, in grey. */
  const dot = async (state: string): Promise<string> =>
    shapeOf(
      page,
      `(() => {
        const { backgroundImage, backgroundColor, outlineStyle } = getComputedStyle(document.querySelector('.dot[data-state="${state}"]'))
        const ground = getComputedStyle(document.querySelector('.dot[data-state="${state}"]')).borderTopColor
        return [backgroundImage === 'none' ? 'whole' : 'half', backgroundColor === ground ? 'hollow' : 'full', outlineStyle].join(' ')
      })()`,
    )
  const dots = [await dot('here'), await dot('away'), await dot('gone')]
  expect(new Set(dots).size).toBe(3)
  expect(new Set(dots.map((shape) => shape.split(' | ')[1])).size).toBe(3)
})

test('A chart has no line over hours without data', async () => {
  const { httpPort } = await startHubWithHttp()
  const startMs = Date.now() - 10 * 3_600_000
  const lines = Array.from({ length: 40 }, (_, index) => {
    const atMs = startMs + index * 60_000 + (index < 20 ? 0 : 8 * 3_600_000)
    const time = new Date(atMs).toISOString()
    const payload = JSON.stringify({ level: index % 5 })
    return JSON.stringify({ time, topic: 'plant/tank', payload, qos: 1, retain: false, publisher: 'plc' })
  })
  await fetch(`http://127.0.0.1:${httpPort}/api/v1/history/import`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-ndjson' },
    body: `${lines.join('\n')}\n`,
  })
  const { page } = await openPage(httpPort, '#/channel/plant%2F%23')
  await page.locator('.message .value').last().click()
  await page.getByRole('button', { name: '4', exact: true }).click()
  const canvas = page.getByRole('img', { name: 'Chart of level' }).locator('canvas')
  await canvas.waitFor()
  /** In each tenth of the width, whether the colour of the line is anywhere. */
  const tenths = `(() => {
    const canvas = document.querySelector('.path-chart canvas')
    const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    const isBlue = (at) => data[at + 3] > 200 && data[at + 2] - data[at] > 80
    const found = Array(10).fill(false)
    for (let x = 0; x < width; x++) {
      for (let y = 0; y < height; y++) if (isBlue((y * width + x) * 4)) found[Math.floor((x * 10) / width)] = true
    }
    return found
  })()`
  await expect.poll(async () => (await page.evaluate<boolean[]>(tenths)).some(Boolean)).toBe(true)
  const found = await page.evaluate<boolean[]>(tenths)
  expect(found.slice(4, 8)).toEqual([false, false, false, false])
  expect(found.slice(0, 4)).toContain(true)
  expect(found.slice(8)).toContain(true)
})

test('The little chart of telemetry is parted where there was no data for long', async () => {
  const { httpPort } = await startHubWithHttp()
  const noon = new Date(new Date().getFullYear(), new Date().getMonth(), new Date().getDate() - 1, 8).getTime()
  const lines = Array.from({ length: 20 }, (_, index) => {
    const time = new Date(noon + index * 10_000 + (index < 10 ? 0 : 6 * 3_600_000)).toISOString()
    const payload = JSON.stringify({ watts: index })
    const topic = 'devices/meter/telemetry'
    return JSON.stringify({ time, topic, payload, qos: 0, retain: false, publisher: 'meter' })
  })
  await fetch(`http://127.0.0.1:${httpPort}/api/v1/history/import`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-ndjson' },
    body: `${lines.join('\n')}\n`,
  })
  const { page } = await openPage(httpPort, '#/device/meter')
  await page.locator('.telemetry .sparkline').waitFor()
  expect(await page.locator('.telemetry .sparkline polyline').count()).toBe(2)
})

test('On a phone Back closes the details, then leaves the conversation, and details do not follow to another', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'anna')
  await client.publishAsync('chat/a', 'in a', { qos: 1 })
  await client.publishAsync('chat/b', 'in b', { qos: 1 })
  const { page } = await openPage(httpPort, '#/')
  await page.setViewportSize({ width: 390, height: 844 })
  await page.locator('.line[data-id="room/a"]').click()
  await page.locator('.message', { hasText: 'in a' }).waitFor()
  await page.getByRole('button', { name: 'Details' }).click()
  await page.locator('.details').waitFor()
  await page.goBack()
  await page.locator('.details').waitFor({ state: 'detached' })
  await page.locator('.head h1', { hasText: /^a$/ }).waitFor()
  await page.goBack()
  await page.locator('.line[data-id="room/b"]').click()
  await page.locator('.message', { hasText: 'in b' }).waitFor()
  await page.getByRole('button', { name: 'Details' }).click()
  await page.locator('.details').waitFor()
  await page.keyboard.press('Alt+ArrowUp')
  await page.locator('.head h1', { hasText: /^a$/ }).waitFor()
  expect(await page.locator('.details').count()).toBe(0)
})

test('On a phone the way back to the list is no step forward: Back does not lead into the conversation again', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'anna')
  await client.publishAsync('chat/a', 'in a', { qos: 1 })
  const { page } = await openPage(httpPort, '#/overview')
  await page.setViewportSize({ width: 390, height: 844 })
  await page.getByRole('link', { name: 'Back to the conversations' }).click()
  await page.locator('.line[data-id="room/a"]').click()
  await page.locator('.message', { hasText: 'in a' }).waitFor()
  const entries = await page.evaluate<number>('history.length')
  await page.getByRole('link', { name: 'Back to the conversations' }).click()
  await page.locator('.line[data-id="room/a"]').waitFor()
  await page.locator('.line[data-id="room/a"]').click()
  await page.locator('.message', { hasText: 'in a' }).waitFor()
  expect(await page.evaluate<number>('history.length')).toBe(entries)
})
