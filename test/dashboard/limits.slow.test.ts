import { expect, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { connectClient } from './mqtt.ts'
import { openPage } from './open-page.ts'

test('What the hub would disconnect for is said before it is sent, in words, and cannot be sent', async () => {
  const limits = { maxTopicBytes: 40, maxTopicLevels: 3, maxPacketBytes: 2000 }
  const { port, httpPort } = await startHubWithHttp({ config: { limits } })
  const heard: string[] = []
  const listener = await connectClient(port, 'listener')
  listener.on('message', (topic, payload) => heard.push(`${topic} ${payload.length}`))
  await listener.subscribeAsync('a/#', { qos: 1 })
  const { page, complaints } = await openPage(httpPort, '#/channel/a/%23')
  const topic = page.getByLabel('Topic', { exact: true })
  const payload = page.locator('.writing textarea')
  const send = page.getByRole('button', { name: 'Send' })
  await payload.fill('x')
  for (const [wrong, words] of [
    ['', 'Enter a topic to publish to'],
    ['a/+', 'A topic to publish to cannot contain + or #'],
    ['$SYS/a', 'Only the hub publishes to topics that begin with $'],
    ['a/b/c/d', 'A topic can have at most 3 levels'],
    // Less than 40 characters, more than 40 bytes.
    [`a/${'ж'.repeat(25)}`, 'A topic can have at most 40 B'],
  ] as const) {
    await topic.fill(wrong)
    await page.getByText(words).waitFor()
    expect(await send.isDisabled()).toBe(true)
    await payload.press('Control+Enter')
  }
  await topic.fill('a/b')
  await payload.fill('ж'.repeat(900))
  await page.getByText('Too large: the hub accepts at most 1.7 kB').waitFor()
  await payload.press('Control+Enter')
  await payload.fill('ж'.repeat(800))
  await expect.poll(() => send.isDisabled()).toBe(false)
  await payload.press('Control+Enter')
  await page.locator('[data-tick="delivered"]').waitFor()
  expect(heard).toEqual(['a/b 1600'])
  expect(complaints).toEqual([])
})
