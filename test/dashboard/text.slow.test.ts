import { expect, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { write } from './lobby.ts'
import { connectClient } from './mqtt.ts'
import { openPage } from './open-page.ts'

const WORDS = Array.from({ length: 120 }, (_, index) => `word${index}`).join(' ')

test('A bubble that does not show all says so, and a click leads to the whole', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'anna')
  const { page } = await openPage(httpPort, '#/channel/plant/%23', async (one) => {
    await one.addInitScript(`localStorage.setItem('hubbub.messageStyle', 'bubbles')`)
  })
  await client.publishAsync('plant/text', WORDS, { qos: 1 })
  await client.publishAsync('plant/short', 'x'.repeat(280), { qos: 1 })
  const long = page.locator('.message', { hasText: 'word0 word1 ' })
  await long.getByText('Show all').waitFor()
  expect(await long.locator('.value bdi').textContent()).toMatch(/^word0 word1 .*…$/)
  const short = page.locator('.message', { hasText: 'xxx' })
  await short.waitFor()
  expect(await short.getByText('Show all').count()).toBe(0)
  expect(await short.locator('.value').textContent()).toBe('x'.repeat(280))
  await long.locator('.value').click()
  await page.locator('.payload-row', { hasText: 'word119' }).waitFor()
  // What the page itself says does not come back to it, and can be looked at all the same.
  await page.getByRole('textbox', { name: 'Topic' }).fill('plant/mine')
  await write(page, `mine ${WORDS} end of mine`, 1)
  const mine = page.locator('.message[data-mine="true"]', { hasText: 'mine word0' })
  await mine.getByText('Show all').click()
  await page.locator('.payload-row', { hasText: 'word119 end of mine' }).waitFor()
  expect(await mine.getAttribute('data-chosen')).toBe('true')
})

test('The text of a payload is copied as it was written, and its lines are broken between words', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'anna')
  const { page } = await openPage(httpPort, '#/channel/plant/%23')
  const json = JSON.stringify(
    Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`nameOf${index}`, `value${index}`])),
  )
  const text = `first\n\n${WORDS}\n${json}\nlast`
  await client.publishAsync('plant/text', text, { qos: 1 })
  await page.locator('.message .value', { hasText: 'first' }).click()
  await page.getByRole('radio', { name: 'Text' }).check()
  await page.locator('.payload-text[aria-busy="false"]').waitFor()
  expect(await page.locator('.payload-row').count()).toBe(5)
  const cutWords = await page.evaluate(`(() => {
    const cut = []
    for (const row of document.querySelectorAll('.payload-row')) {
      const texts = document.createTreeWalker(row, NodeFilter.SHOW_TEXT)
      for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
        for (const word of node.data.matchAll(/\\w+/g)) {
          const range = new Range()
          range.setStart(node, word.index)
          range.setEnd(node, word.index + word[0].length)
          if (new Set([...range.getClientRects()].map(({ top }) => top)).size > 1) cut.push(word[0])
        }
      }
    }
    return cut
  })()`)
  expect(cutWords).toEqual([])
  await page.evaluate(`getSelection().selectAllChildren(document.querySelector('.payload-text'))`)
  await page.keyboard.press('Control+C')
  await page.getByRole('textbox', { name: 'Message' }).focus()
  await page.keyboard.press('Control+V')
  expect(await page.getByRole('textbox', { name: 'Message' }).inputValue()).toBe(text)
})

test('Of topics that have no room the beginning is cut, and with the window they get more of it', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'anna')
  const { page } = await openPage(httpPort, '#/channel/%23')
  await client.publishAsync('plant/hall-2/line-17/press-4/temperature', '80', { qos: 1 })
  const topic = page.locator('.message .topic')
  await topic.waitFor()
  /** What of the topic is within its column, as texts do not say where an ellipsis is. */
  const inSight = `(() => {
    const box = document.querySelector('.message .topic').getBoundingClientRect()
    const node = document.querySelector('.message .topic bdi').firstChild
    return [...node.data].filter((_, index) => {
      const range = new Range()
      range.setStart(node, index)
      range.setEnd(node, index + 1)
      const { left, right } = range.getBoundingClientRect()
      return left >= box.left - 1 && right <= box.right + 1
    }).join('')
  })()`
  expect(await page.evaluate(inSight)).toMatch(/press-4\/temperature$/)
  const narrow = (await topic.boundingBox())?.width ?? 0
  await page.setViewportSize({ width: 1920, height: 1080 })
  await expect.poll(async () => (await topic.boundingBox())?.width).toBeGreaterThan(narrow * 1.5)
  expect(await page.evaluate(inSight)).toBe('plant/hall-2/line-17/press-4/temperature')
})
