import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { connectClient } from './mqtt.ts'
import { goOffline, goOnline, openLobby, sees, write } from './lobby.ts'

/** The page takes the limits for wider than they are, as when the hub got narrower ones since: it does not stop what is too large. */
async function believeInWideLimits(page: Page): Promise<void> {
  const json = { maxTopicBytes: 65_535, maxTopicLevels: 1000, maxPacketBytes: 268_435_455 }
  await page.route('**/api/v1/limits', (route) => route.fulfill({ json }))
}

/** What a client hears in the lobby. */
async function listen(port: number): Promise<string[]> {
  const anna = await connectClient(port, 'anna')
  const heard: string[] = []
  anna.on('message', (_topic, payload) => heard.push(payload.toString()))
  await anna.subscribeAsync('chat/#', { qos: 2 })
  return heard
}

for (const { reasonCode, meaning } of [
  { reasonCode: '0x80', meaning: 'unspecified error' },
  { reasonCode: '0x83', meaning: 'an internal reason of the server' },
  { reasonCode: '0x87', meaning: 'you are not allowed to publish here' },
]) {
  for (const qos of [1, 2] as const) {
    test(`${reasonCode} at QoS ${qos} is a red mark that says it in words; Retry sends it again, Edit brings it back to be changed`, async () => {
      const { page, proxy } = await openLobby()
      proxy.answerWith(Number(reasonCode))
      await write(page, 'unwelcome', qos)
      await sees(page, 'unwelcome', 'refused')
      const mark = page.locator('[data-tick="refused"]')
      expect(await mark.getAttribute('aria-label')).toBe(`Refused: ${meaning} (${reasonCode})`)
      await mark.click()
      await page.getByRole('dialog', { name: 'Packet trail' }).getByText(meaning).waitFor()
      await page.getByRole('button', { name: 'Retry' }).click()
      await sees(page, 'unwelcome', 'nobody')
      await mark.click()
      await page.getByRole('button', { name: 'Edit' }).click()
      const box = page.getByRole('textbox', { name: 'Message' })
      expect(await box.inputValue()).toBe('unwelcome')
      await box.fill('better put')
      await box.press('Enter')
      await sees(page, 'better put', 'nobody')
      expect(proxy.trace.filter((line) => line === '> PUBLISH')).toHaveLength(3)
    })
  }
}

test('A refusal in words is in the language of the page', async () => {
  const { page, proxy } = await openLobby()
  await page.evaluate(`localStorage.setItem('hubbub.language', 'ru')`)
  await page.reload()
  await page.locator('[data-link="online"]').waitFor()
  proxy.answerWith(0x87)
  await page.getByRole('textbox', { name: 'Сообщение' }).fill('нельзя')
  await page.keyboard.press('Enter')
  await sees(page, 'нельзя', 'refused')
  expect(await page.locator('[data-tick="refused"]').getAttribute('aria-label')).toMatch(/^Отказано: .*прав.*0x87/)
})

test('0x97 for more messages than a client may send says so, and Retry sends it when there is room again', async () => {
  const { port, page } = await openLobby({ config: { limits: { maxPublishRate: 0.5 } } })
  const heard = await listen(port)
  const mark = page.locator('[data-tick="refused"]')
  let text = ''
  // At first there is some room.
  for (let index = 0; (await mark.count()) === 0; index++) {
    text = `text ${index}.`
    await write(page, text, 1)
    await page
      .locator('.message', { hasText: text })
      .locator('[data-tick="delivered"], [data-tick="refused"]')
      .waitFor()
  }
  expect(await mark.getAttribute('aria-label')).toMatch(/^Refused: a quota is used up \(0x97\): .*try again later/)
  await expect
    .poll(
      async () => {
        await mark.last().click()
        await page.getByRole('button', { name: 'Retry' }).click()
        await page.locator('.message').last().locator('[data-tick="delivered"], [data-tick="refused"]').waitFor()
        return heard.includes(text)
      },
      { timeout: 15_000 },
    )
    .toBe(true)
})

test('A topic that is too long for the hub is refused in words, and neither the connection nor other messages suffer from it', async () => {
  const { port, page, proxy } = await openLobby(
    { config: { limits: { maxTopicBytes: 100 } } },
    '#/channel/chat%2F%23',
    believeInWideLimits,
  )
  const heard = await listen(port)
  const topic = page.getByRole('textbox', { name: 'Topic' })
  await topic.fill(`chat/${'x'.repeat(100)}`)
  await write(page, 'far too long', 1)
  await sees(page, 'far too long', 'refused')
  const mark = page.locator('[data-tick="refused"]')
  expect(await mark.getAttribute('aria-label')).toMatch(/^Refused: .*topic.*0x90/)
  await page.locator('[data-link="online"]').waitFor()
  await topic.fill('chat/lobby')
  await write(page, 'short', 1)
  await sees(page, 'short', 'delivered')
  await mark.click()
  await page.getByRole('button', { name: 'Edit' }).click()
  expect(await topic.inputValue()).toBe(`chat/${'x'.repeat(100)}`)
  await topic.fill('chat/kitchen')
  await page.getByRole('button', { name: 'Send' }).click()
  await sees(page, 'far too long', 'delivered')
  expect(heard).toEqual(['short', 'far too long'])
  expect(proxy.trace.filter((line) => line === '< CONNACK').length).toBeLessThanOrEqual(3)
})

test('Of several messages that were sent at once, only the one that the hub cannot take is refused', async () => {
  const lobby = await openLobby(
    { config: { limits: { maxTopicBytes: 100 } } },
    '#/channel/chat%2F%23',
    believeInWideLimits,
  )
  const { port, page } = lobby
  const heard = await listen(port)
  await goOffline(lobby)
  const topic = page.getByRole('textbox', { name: 'Topic' })
  await topic.fill('chat/lobby')
  await write(page, 'before it', 2)
  await topic.fill(`chat/${'x'.repeat(100)}`)
  await write(page, 'far too long', 2)
  await topic.fill('chat/lobby')
  await write(page, 'after it', 1)
  await goOnline(lobby)
  await sees(page, 'far too long', 'refused')
  await sees(page, 'before it', 'delivered')
  await sees(page, 'after it', 'delivered')
  expect(heard.toSorted()).toEqual(['after it', 'before it'])
})

for (const { place, bytesThatFit, topic } of [
  { place: '#/room/lobby', bytesThatFit: 4030, topic: undefined },
  { place: '#/device/lamp-1', bytesThatFit: 3964, topic: 'devices/lamp-1/cmd/x' },
]) {
  test(`At ${place} a message of as many bytes as the hub takes goes through, a larger one is refused in words`, async () => {
    const { page, proxy } = await openLobby(
      { config: { limits: { maxPacketBytes: 4096 } } },
      place,
      believeInWideLimits,
    )
    const mark = page.locator('[data-tick="refused"]')
    if (topic !== undefined) await page.getByRole('textbox', { name: 'Topic' }).fill(topic)
    for (let bytes = bytesThatFit; (await mark.count()) === 0; bytes++) {
      await write(page, `${bytes} ${'x'.repeat(bytes)}`, 1)
      const row = page.locator('.message', { hasText: `${bytes} x` })
      await row.locator('[data-tick="nobody"], [data-tick="refused"]').waitFor()
    }
    expect(await mark.getAttribute('aria-label')).toBe('Refused: the message is too large for the hub (0x95)')
    // The name that each message has is a letter or two shorter or longer.
    expect(proxy.longestBytes).toBeGreaterThan(4092)
    expect(proxy.longestBytes).toBeLessThanOrEqual(4096)
    expect(proxy.trace.filter((line) => line === '< CONNACK')).toHaveLength(1)
  })
}

test('QoS 0 that waits behind the Receive Maximum when the connection is lost was not sent, and says so', async () => {
  const lobby = await openLobby({ config: { limits: { receiveMaximum: 1 } } })
  const { port, page, proxy } = lobby
  const heard = await listen(port)
  proxy.hold('PUBREC')
  await write(page, 'holds the line', 2)
  await write(page, 'patient', 1)
  await write(page, 'hasty', 0)
  await sees(page, 'patient', 'waiting')
  await goOffline(lobby)
  await sees(page, 'hasty', 'not-sent')
  proxy.release()
  await goOnline(lobby)
  await sees(page, 'holds the line', 'delivered')
  await sees(page, 'patient', 'delivered')
  expect(heard).toEqual(['holds the line', 'patient'])
})
