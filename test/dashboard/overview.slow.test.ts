import { expect, test } from 'vitest'
import { MemoryStore } from '../../src/store/memory/memory-store.ts'
import { startHubWithHttp } from '../support/start-hub.ts'
import { connectClient } from './mqtt.ts'
import { openPage } from './open-page.ts'

test('The overview says plainly that all is well, and shows what goes in and out as live charts', async () => {
  const { hub, httpPort } = await startHubWithHttp()
  const { page, complaints } = await openPage(httpPort, '#/overview')
  await page.getByRole('heading', { name: 'All is well' }).waitFor()
  await page.getByText('Nothing was dropped.').waitFor()
  await page.getByText('No slow clients').waitFor()
  await page.getByRole('region', { name: 'Store' }).getByText('works').waitFor()
  for (let index = 0; index < 500; index++) await hub.publish('plant/speed', String(index))
  await page.getByRole('region', { name: 'Busiest topics' }).getByText('plant/speed').waitFor()
  await page.getByRole('img', { name: /^Event-loop delay: [\d.]+\sms$/ }).waitFor()
  expect(await page.locator('.chart canvas').count()).toBe(4)
  expect(complaints).toEqual([])
})

/** Far longer than a busy machine holds the loop. */
const START_MS = 4000

/** A store that holds the event loop while the hub starts, as a slow disk or a slow machine does. */
class HeavyStore extends MemoryStore {
  #isStarted = false

  override wills(): ReturnType<MemoryStore['wills']> {
    if (!this.#isStarted) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, START_MS)
    this.#isStarted = true
    return super.wills()
  }
}

test('That the hub itself took long to start is no fault of it', async () => {
  const { httpPort } = await startHubWithHttp({ store: new HeavyStore() })
  const { page } = await openPage(httpPort, '#/overview')
  await page.locator('.figures').waitFor()
  expect(await page.getByText(/The event loop was blocked for (?:[3-9]|\d\d)/).count()).toBe(0)
})

test('Messages in are counted from clients, and the chart says how many a second', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort, '#/overview')
  await page.getByRole('img', { name: 'Messages in: 0/s' }).waitFor()
  const client = await connectClient(port, 'anna')
  for (let index = 0; index < 300; index++) client.publish('plant/speed', String(index))
  await page.getByRole('img', { name: /^Messages in: [1-9]\d*\/s$/ }).waitFor()
})

test('Drops are told by reason, and slow clients by name with what waits for them', async () => {
  const { hub, port, httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort, '#/overview')
  // What was dropped before the page looked is in the totals, and no fault of now.
  await page.getByRole('heading', { name: 'All is well' }).waitFor()
  const kept = { clean: false, properties: { sessionExpiryInterval: 600 } }
  const away = await connectClient(port, 'away', kept)
  await away.subscribeAsync('plant/#', { qos: 1 })
  await away.endAsync()
  await hub.publish('plant/speed', '1')
  await page.getByRole('heading', { name: 'Faults' }).waitFor()
  await page.getByText('1 message dropped in the last two minutes, see below.').waitFor()
  await page.getByRole('region', { name: 'Drops by reason' }).getByText('Client offline (QoS 0)').waitFor()
  const slow = await connectClient(port, 'slow')
  slow.handleMessage = () => {}
  await slow.subscribeAsync('slow', { qos: 1 })
  for (let index = 0; index < 150; index++) await hub.publish('slow', 'x', { qos: 1 })
  await page.getByRole('region', { name: 'Slow clients' }).getByText('slow', { exact: true }).waitFor()
})
