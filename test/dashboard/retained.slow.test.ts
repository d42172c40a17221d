import type { IPublishPacket } from 'mqtt'
import { expect, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { connectClient, retain } from './mqtt.ts'
import { openPage } from './open-page.ts'

test('Retained messages are found by filter and by text, with their age and size', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'anna')
  await retain(client, 'home/lamp', 'on')
  await retain(client, 'home/heater', '21.5')
  await retain(client, 'plant/lamp', 'x'.repeat(2000))
  const { page } = await openPage(httpPort, '#/retained')
  const rows = page.locator('.rows tbody tr')
  await rows.nth(2).waitFor()
  await expect.poll(() => rows.filter({ hasText: 'plant/lamp' }).textContent()).toMatch(/\d\ss2\skB$/)
  await page.getByLabel('Topic filter').fill('home/#')
  await expect.poll(() => rows.count()).toBe(2)
  await page.getByLabel('Search').fill('LAMP')
  await expect.poll(() => rows.count()).toBe(1)
  await page.getByLabel('Topic filter').fill('home/#/lamp')
  await page.getByText('+ and # must be alone in a level').waitFor()
})

test('A deletion by filter is counted first, and undo puts back payload, QoS and properties', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'anna')
  const properties = { contentType: 'text/x', userProperties: { colour: ['red', 'green'] }, responseTopic: 'answers' }
  const payload = Buffer.from([0, 255, 1])
  await client.publishAsync('home/a', payload, { qos: 2, retain: true, properties })
  await retain(client, 'home/b', 'plain')
  await retain(client, 'other', 'stays')
  const { page } = await openPage(httpPort, '#/retained')
  await page.getByLabel('Topic filter').fill('home/#')
  await expect.poll(() => page.locator('.rows tbody tr').count()).toBe(2)
  await page.getByRole('button', { name: 'Delete all of these' }).click()
  await page.getByText('Delete 2 messages?').waitFor()
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await page.getByText('Deleted 2 messages.').waitFor()
  await page.getByText('No retained message matches this filter.').waitFor()
  await page.getByRole('button', { name: 'Undo' }).click()
  await page.getByText('Restored 2 messages.').waitFor()
  const packets: IPublishPacket[] = []
  client.on('message', (_topic, _payload, packet) => packets.push(packet))
  await client.subscribeAsync('#', { qos: 2 })
  await expect.poll(() => packets.length).toBe(3)
  const restored = packets.find(({ topic }) => topic === 'home/a')
  expect(restored).toMatchObject({ payload, qos: 2, retain: true })
  expect({ ...restored?.properties?.userProperties }).toEqual({ colour: ['red', 'green'] })
  expect(restored?.properties).toMatchObject({ contentType: 'text/x', responseTopic: 'answers' })
})

test('One message is deleted on its own, after a question', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'anna')
  await retain(client, 'home/a', '1')
  await retain(client, 'home/a/b', '2')
  const { page } = await openPage(httpPort, '#/retained')
  await page.getByRole('button', { name: 'Delete: home/a', exact: true }).click()
  await page.getByText('Delete 1 message?').waitFor()
  await page.getByRole('button', { name: 'Cancel' }).click()
  expect(await page.locator('.rows tbody tr').count()).toBe(2)
  await page.getByRole('button', { name: 'Delete: home/a', exact: true }).click()
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await expect.poll(() => page.locator('.rows tbody tr').count()).toBe(1)
  await page.getByText('home/a/b').waitFor()
})
