import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { connectClient } from './mqtt.ts'
import { openPage } from './open-page.ts'
import { PageProxy } from './page-proxy.ts'

/** The lobby, seen through a proxy that counts packets. */
async function openLobby(
  options: Parameters<typeof startHub>[0] = {},
): Promise<TestHub & { page: Page; proxy: PageProxy }> {
  const started = await startHub(options)
  const proxy = await PageProxy.start(started.httpPort)
  const { page } = await openPage(proxy.port, '#/room/lobby')
  return { ...started, page, proxy }
}

async function write(page: Page, text: string, qos: 0 | 1 | 2): Promise<void> {
  await page.getByRole('radio', { name: `QoS ${qos}` }).check()
  await page.getByRole('textbox', { name: 'Message' }).fill(text)
  await page.keyboard.press('Enter')
}

/** Waits for the sign of a message. */
async function sees(page: Page, text: string, tick: string): Promise<void> {
  await page.locator('.message', { hasText: text }).locator(`[data-tick="${tick}"]`).waitFor()
}

/** What went by of acknowledgements of what the page published; it acknowledges receipts too. */
function acknowledgements({ trace }: PageProxy): string[] {
  return trace.filter((line) => /< PUB(?:ACK|REC|COMP)|> PUBREL/.test(line))
}

describe('The sign of a message is', () => {
  test('a clock while there is no connection, and QoS 0 says at once that it was not sent', async () => {
    const { page, proxy } = await openLobby()
    proxy.refuse()
    await page.getByText('No connection to the hub').waitFor()
    await write(page, 'patient', 1)
    await write(page, 'hasty', 0)
    await sees(page, 'patient', 'waiting')
    await sees(page, 'hasty', 'not-sent')
    const sentBefore = proxy.trace.filter((line) => line === '> PUBLISH').length
    proxy.allow()
    await sees(page, 'patient', 'nobody')
    await sees(page, 'hasty', 'not-sent')
    expect(proxy.trace.filter((line) => line === '> PUBLISH').length - sentBefore).toBe(1)
  })

  test('a clock beyond the Receive Maximum of the hub, and nothing more goes out than that', async () => {
    const { page, proxy } = await openLobby({ config: { limits: { receiveMaximum: 1 } } })
    proxy.hold('PUBREC', 'PUBLISH')
    await write(page, 'first', 2)
    await write(page, 'second', 2)
    await sees(page, 'first', 'sent')
    await sees(page, 'second', 'waiting')
    expect(proxy.trace.filter((line) => line === '> PUBLISH')).toHaveLength(1)
    proxy.release()
    await sees(page, 'second', 'nobody')
  })

  test('hollow for QoS 0: written, and no packet comes for it', async () => {
    const { page, proxy } = await openLobby()
    await write(page, 'into the blue', 0)
    await sees(page, 'into the blue', 'written')
    await write(page, 'a mark', 1)
    await sees(page, 'a mark', 'nobody')
    expect(acknowledgements(proxy)).toEqual(['< PUBACK'])
  })

  test('one tick when the PUBACK is there, not before; two when the hub has told that all have it', async () => {
    const { port, page, proxy } = await openLobby()
    const anna = await connectClient(port, 'anna')
    await anna.subscribeAsync('chat/lobby', { qos: 1 })
    proxy.hold('PUBACK', 'PUBLISH')
    await write(page, 'hello', 1)
    await sees(page, 'hello', 'sent')
    expect(acknowledgements(proxy)).toEqual([])
    proxy.release()
    await sees(page, 'hello', 'delivered')
    proxy.hold('PUBLISH')
    await write(page, 'again', 1)
    await sees(page, 'again', 'taken')
    proxy.release()
    await sees(page, 'again', 'delivered')
  })

  test('half a tick between PUBREC and PUBCOMP, and exactly one message when the connection is lost there', async () => {
    const { port, page, proxy } = await openLobby()
    const anna = await connectClient(port, 'anna')
    const texts: string[] = []
    anna.on('message', (_topic, payload) => texts.push(payload.toString()))
    await anna.subscribeAsync('chat/lobby', { qos: 2 })
    proxy.hold('PUBCOMP', 'PUBLISH')
    await write(page, 'once', 2)
    await sees(page, 'once', 'half')
    expect(acknowledgements(proxy)).toEqual(['< PUBREC', '> PUBREL'])
    proxy.cut()
    proxy.release()
    await sees(page, 'once', 'delivered')
    expect(acknowledgements(proxy).slice(0, 2)).toEqual(['< PUBREC', '> PUBREL'])
    await expect.poll(() => acknowledgements(proxy)).toContain('< PUBCOMP')
    await write(page, 'after', 2)
    await sees(page, 'after', 'delivered')
    expect(texts).toEqual(['once', 'after'])
  })

  test('two outlined when some are away: the label counts them, the trail names who has it queued', async () => {
    const { port, page } = await openLobby()
    const here = await connectClient(port, 'here')
    await here.subscribeAsync('chat/lobby', { qos: 1 })
    const away = await connectClient(port, 'away', { clean: false, properties: { sessionExpiryInterval: 600 } })
    await away.subscribeAsync('chat/lobby', { qos: 1 })
    await away.endAsync()
    await write(page, 'to both', 1)
    await sees(page, 'to both', 'partly')
    const tick = page.locator('[data-tick="partly"]')
    expect(await tick.getAttribute('aria-label')).toContain('1 of 2')
    await tick.click()
    const trail = page.getByRole('dialog', { name: 'Packet trail' })
    expect(await trail.getByRole('listitem').filter({ hasText: 'away' }).textContent()).toMatch(/queued|waits/i)
    await page.keyboard.press('Escape')
    const back = await connectClient(port, 'away', { clean: false, properties: { sessionExpiryInterval: 600 } })
    await sees(page, 'to both', 'delivered')
    expect(back.connected).toBe(true)
  })

  test('two coloured when the device has answered, with the time that took', async () => {
    const { port, httpPort } = await startHub()
    const lamp = await connectClient(port, 'lamp-1')
    await lamp.subscribeAsync('devices/lamp-1/cmd/+', { qos: 1 })
    const requests: { topic: string; correlationData: Buffer }[] = []
    lamp.on('message', (_topic, _payload, { properties = {} }) => {
      const { responseTopic: topic = '', correlationData = Buffer.alloc(0) } = properties
      requests.push({ topic, correlationData })
    })
    const { page } = await openPage(httpPort, '#/device/lamp-1')
    await page.getByRole('textbox', { name: 'Topic' }).fill('devices/lamp-1/cmd/set')
    await page.getByRole('textbox', { name: 'Message' }).fill('{"isOn":true}')
    await page.keyboard.press('Control+Enter')
    await sees(page, '"isOn":true', 'delivered')
    const [request] = requests
    if (request === undefined) throw new Error('the lamp got no request')
    const { topic, correlationData } = request
    await lamp.publishAsync(topic, '{"ok":true}', { properties: { correlationData: Buffer.from('of somebody else') } })
    await lamp.publishAsync(topic, '{"ok":true}', { properties: { correlationData } })
    await sees(page, '"isOn":true', 'answered')
    expect(await page.locator('[data-tick="answered"]').getAttribute('aria-label')).toMatch(/\d\s(?:ms|s)/)
    expect(await page.locator('.reply').count()).toBe(1)
  })

  test('a tick with "nobody listens" for the reason code that the publish callback hides', async () => {
    const { page } = await openLobby()
    await write(page, 'anybody?', 2)
    await sees(page, 'anybody?', 'nobody')
    expect(await page.locator('[data-tick="nobody"]').getAttribute('aria-label')).toMatch(/nobody listens/i)
  })

  test('a red mark with the reason in words when the hub refuses; Retry sends it again, Edit takes it back', async () => {
    const { page, proxy } = await openLobby({ config: { limits: { maxRetainedMessages: 0 } } })
    await page.getByRole('button', { name: 'Retain' }).click()
    await write(page, 'to be kept', 1)
    await sees(page, 'to be kept', 'refused')
    const mark = page.locator('[data-tick="refused"]').first()
    expect(await mark.getAttribute('aria-label')).toMatch(/retained/i)
    await mark.click()
    await page.getByRole('button', { name: 'Retry' }).click()
    await expect.poll(() => page.locator('[data-tick="refused"]').count()).toBe(2)
    expect(acknowledgements(proxy)).toEqual(['< PUBACK', '< PUBACK'])
    await page.locator('[data-tick="refused"]').first().click()
    await page.getByRole('button', { name: 'Edit' }).click()
    expect(await page.getByRole('textbox', { name: 'Message' }).inputValue()).toBe('to be kept')
  })
})

test('A row keeps its height whatever becomes of its message', async () => {
  const { port, page, proxy } = await openLobby()
  const anna = await connectClient(port, 'anna')
  await anna.subscribeAsync('chat/lobby', { qos: 2 })
  const row = page.locator('.message', { hasText: 'steady' })
  proxy.hold('PUBREC', 'PUBCOMP', 'PUBLISH')
  await write(page, 'steady', 2)
  await sees(page, 'steady', 'sent')
  const before = await row.boundingBox()
  proxy.release()
  await sees(page, 'steady', 'delivered')
  const { x, y, width, height } = (await row.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 }
  expect({ x, y, width, height }).toEqual(before)
})
