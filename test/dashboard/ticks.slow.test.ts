import { describe, expect, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { goOffline, goOnline, openLobby, sees, write } from './lobby.ts'
import { connectClient } from './mqtt.ts'
import { openPage } from './open-page.ts'
import type { PageProxy } from './page-proxy.ts'

/** What went by of acknowledgements of what the page published; it acknowledges receipts too. */
function acknowledgements({ trace }: PageProxy): string[] {
  return trace.filter((line) => /< PUB(?:ACK|REC|COMP)|> PUBREL/.test(line))
}

describe('The sign of a message is', () => {
  test('a clock while there is no connection, and QoS 0 says at once that it was not sent', async () => {
    const lobby = await openLobby()
    const { page, proxy } = lobby
    await goOffline(lobby)
    await write(page, 'patient', 1)
    await write(page, 'hasty', 0)
    await sees(page, 'patient', 'waiting')
    await sees(page, 'hasty', 'not-sent')
    const sentBefore = proxy.trace.filter((line) => line === '> PUBLISH').length
    await goOnline(lobby)
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

  test('two outlined when some are away: the label says how many and who, the trail who has it queued and who has it', async () => {
    const { port, page } = await openLobby()
    const kept = { clean: false, properties: { sessionExpiryInterval: 600 } }
    for (const name of ['anna', 'boris', 'clara']) {
      const client = await connectClient(port, name)
      await client.subscribeAsync('chat/lobby', { qos: 1 })
    }
    for (const name of ['dina', 'egor']) {
      const client = await connectClient(port, name, kept)
      await client.subscribeAsync('chat/lobby', { qos: 1 })
      await client.endAsync()
    }
    await write(page, 'to all', 1)
    await sees(page, 'to all', 'partly')
    const tick = page.locator('[data-tick="partly"]')
    const label = 'Delivered to some of them: 3 of 5 have it, 2 offline: dina, egor'
    await expect.poll(() => tick.getAttribute('aria-label')).toBe(label)
    expect(await tick.getAttribute('title')).toBe(label)
    await tick.click()
    const trail = page.getByRole('dialog', { name: 'Packet trail' })
    const outcomes = await trail.locator('ul li').allTextContents()
    const said = outcomes.map((text) => text.replace(/[\d.,]+\s(?:ms|s)$/, '')).toSorted()
    expect(said).toEqual(['annaconfirmed', 'borisconfirmed', 'claraconfirmed', 'dinaqueued', 'egorqueued'])
    expect(outcomes.filter((text) => /\d\s(?:ms|s)$/.test(text))).toHaveLength(5)
    await page.keyboard.press('Escape')
    await connectClient(port, 'dina', kept)
    await expect.poll(() => tick.getAttribute('aria-label')).toMatch(/4 of 5 have it, 1 offline: egor$/)
    await connectClient(port, 'egor', kept)
    await sees(page, 'to all', 'delivered')
  })

  test('two coloured when the device has answered, with the time that took', async () => {
    const { port, httpPort } = await startHubWithHttp()
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

  test('a red mark with the words of the device when it answers no, and what it says is red too', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const lamp = await connectClient(port, 'lamp-1')
    await lamp.subscribeAsync('devices/lamp-1/cmd/+', { qos: 1 })
    const answers = [
      '{"ok":false,"error":{"code":"PARAMETERS_INVALID","message":"brightness must be at most 100"}}',
      '{"ok":true,"result":{}}',
    ]
    lamp.on('message', (_topic, _payload, { properties = {} }) => {
      const { responseTopic = '', correlationData = Buffer.alloc(0) } = properties
      lamp.publish(responseTopic, answers.shift() ?? '', { qos: 1, properties: { correlationData } })
    })
    const { page } = await openPage(httpPort, '#/device/lamp-1')
    await page.getByRole('textbox', { name: 'Topic' }).fill('devices/lamp-1/cmd/set')
    await page.getByRole('textbox', { name: 'Message' }).fill('{"brightness":200}')
    await page.keyboard.press('Control+Enter')
    await sees(page, '"brightness":200', 'declined')
    const mark = page.locator('[data-tick="declined"]')
    expect(await mark.getAttribute('aria-label')).toBe('The device refused: brightness must be at most 100')
    const reply = page.locator('.reply')
    expect(await reply.locator('.value').textContent()).toBe('The device refused: brightness must be at most 100')
    await reply.getByText('PARAMETERS_INVALID').waitFor()
    const [red, ...others] = await page.evaluate<string[]>(`[
      ...document.querySelectorAll('[data-tick="declined"], .reply .value, .reply .badge, .message[data-mine="true"] .badge-refusal'),
    ].map((one) => getComputedStyle(one).color)`)
    expect(others).toEqual([red, red, red, red])
    expect(red).toBe('rgb(192, 36, 52)')
    await mark.click()
    await page.locator('.trail li', { hasText: 'The device refused' }).getByText('at most 100').waitFor()
    await page.locator('.trail').getByRole('button', { name: 'Edit' }).click()
    expect(await page.getByRole('textbox', { name: 'Message' }).inputValue()).toBe('{"brightness":200}')
    await page.getByRole('textbox', { name: 'Message' }).fill('{"brightness":100}')
    await page.keyboard.press('Control+Enter')
    await sees(page, '"brightness":100', 'answered')
    // What was answered outlives the page, and stands below what it answers.
    await page.reload()
    await sees(page, '"brightness":100', 'answered')
    await sees(page, '"brightness":200', 'declined')
    expect(await page.locator('.message .value').allTextContents()).toEqual([
      '{"brightness":200}',
      'The device refused: brightness must be at most 100',
      '{"brightness":100}',
      '{"ok":true,"result":{}}',
    ])
  })

  test('a tick that says "nobody is subscribed" for the reason code that the publish callback hides', async () => {
    const { page } = await openLobby()
    await write(page, 'anybody?', 2)
    await sees(page, 'anybody?', 'nobody')
    expect(await page.locator('[data-tick="nobody"]').getAttribute('aria-label')).toMatch(/nobody is subscribed/i)
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

for (const style of ['lines', 'bubbles']) {
  test(`In ${style} a row is as high in every state of its message`, async () => {
    const lobby = await openLobby({}, '#/device/lamp-1')
    const { port, page, proxy } = lobby
    await page.evaluate(`localStorage.setItem('hubbub.messageStyle', '${style}')`)
    await page.reload()
    await page.locator(`[data-link="online"] .scroller-${style}`).waitFor()
    const kept = { clean: false, properties: { sessionExpiryInterval: 600 } }
    const away = await connectClient(port, 'away', kept)
    await away.subscribeAsync('devices/lamp-1/cmd/set', { qos: 1 })
    await away.endAsync()
    const lamp = await connectClient(port, 'lamp-1')
    const replies: (() => void)[] = []
    lamp.on('message', (_topic, _payload, { properties = {} }) => {
      const { responseTopic = '', correlationData = Buffer.alloc(0) } = properties
      replies.push(() => lamp.publish(responseTopic, 'done', { qos: 1, properties: { correlationData } }))
    })
    await lamp.subscribeAsync('devices/lamp-1/cmd/set', { qos: 1 })
    const heights: Record<string, number | undefined> = {}
    const measure = async (text: string, tick: string): Promise<void> => {
      await sees(page, text, tick)
      heights[tick] = (await page.locator('.row', { hasText: text }).first().boundingBox())?.height
    }
    const topic = page.getByRole('textbox', { name: 'Topic' })
    await topic.fill('devices/lamp-1/cmd/set')
    await goOffline(lobby)
    await write(page, 'goes through all', 2)
    await measure('goes through all', 'waiting')
    await write(page, 'goes too soon', 0)
    await measure('goes too soon', 'not-sent')
    proxy.hold('PUBREC', 'PUBCOMP', 'PUBLISH')
    await goOnline(lobby)
    await measure('goes through all', 'sent')
    proxy.release('PUBREC')
    await measure('goes through all', 'half')
    proxy.release('PUBCOMP')
    await measure('goes through all', 'taken')
    proxy.release('PUBLISH')
    await measure('goes through all', 'partly')
    await connectClient(port, 'away', kept)
    await measure('goes through all', 'delivered')
    for (const reply of replies) reply()
    await measure('goes through all', 'answered')
    proxy.answerWith(0x87)
    await write(page, 'goes nowhere', 1)
    await measure('goes nowhere', 'refused')
    await topic.fill('devices/lamp-1/cmd/other')
    await write(page, 'goes unheard', 1)
    await measure('goes unheard', 'nobody')
    await write(page, 'goes blindly', 0)
    await measure('goes blindly', 'written')
    const { waiting } = heights
    expect(waiting).toBeGreaterThanOrEqual(28)
    expect(heights).toEqual(Object.fromEntries(Object.keys(heights).map((tick) => [tick, waiting])))
    expect(Object.keys(heights)).toHaveLength(11)
  })
}
