import { connectAsync } from 'mqtt'
import { expect, onTestFinished, test } from 'vitest'
import { Audit } from '../../devices/audit.ts'
import type { Fleet } from '../../devices/fleet.ts'
import { deviceTopics } from '../../devices/topics.ts'
import { startHubWithHttp } from '../support/start-hub.ts'
import { startFleet, Watcher } from './watching.ts'

const METER = deviceTopics('m-1')
const FLAKY = deviceTopics('f-1')
/** It looks as long as it takes, at most so long. */
const PATIENCE_MS = 5000

/** A meter and a flaky device that said something and have settled, and somebody who can forge more. */
async function audited(): Promise<{
  audit: Audit
  fleet: Fleet
  forge: (topic: string, payload: string) => Promise<void>
}> {
  const { port, httpPort } = await startHubWithHttp()
  const broker = { url: new URL(`mqtt://127.0.0.1:${port}`), webSocketUrl: new URL(`ws://127.0.0.1:${httpPort}/mqtt`) }
  const audit = await Audit.start(broker.url)
  onTestFinished(() => audit.stop())
  const watcher = await Watcher.connect(broker)
  const groups = [
    { kind: 'meter' as const, ids: ['m-1'] },
    { kind: 'flaky' as const, ids: ['f-1'] },
  ]
  const fleet = await startFleet(broker, groups, { speed: 300 })
  await watcher.until(METER.telemetry)
  await watcher.until(FLAKY.event)
  await fleet.settle()
  const forger = await connectAsync(broker.url.href)
  onTestFinished(() => forger.endAsync(true))
  const forge = async (topic: string, payload: string): Promise<void> => {
    await forger.publishAsync(topic, payload, { qos: 2 })
  }
  return { audit, fleet, forge }
}

test('Audit finds nothing wrong where nothing is', async () => {
  const { audit, fleet } = await audited()
  const result = await audit.compare(fleet, PATIENCE_MS)
  expect(result).toMatchObject({ redeliveries: 0, discrepancies: [] })
  expect(result.events).toBeGreaterThan(0)
  expect(result.readings).toBeGreaterThan(0)
})

test('Audit lets an event of QoS 1 come again, and counts it', async () => {
  const { audit, fleet, forge } = await audited()
  await forge(FLAKY.event, '{"seq":1}')
  await expect.poll(() => audit.compare(fleet, 0)).toMatchObject({ redeliveries: 1, discrepancies: [] })
})

test.each([
  ['an event that no device said', FLAKY.event, '{"seq":1000}', { device: 'f-1', what: 'events' }],
  [
    'a reading that came twice',
    METER.telemetry,
    '{"seq":1,"atMs":1,"powerWatts":1,"energyWattHours":0,"totalWattHours":1}',
    { device: 'm-1', what: 'readings', seen: expect.stringMatching(/there is 1$/) },
  ],
  [
    'energies that do not add up',
    METER.telemetry,
    '{"seq":2,"atMs":1,"powerWatts":1,"energyWattHours":7,"totalWattHours":7}',
    { device: 'm-1', what: 'energy', said: '7 Wh' },
  ],
  ['a will of a connection that was not lost', FLAKY.status, 'offline', { device: 'f-1', what: 'wills' }],
])('Audit reports %s', async (_what, topic, payload, expected) => {
  const { audit, fleet, forge } = await audited()
  expect(await audit.compare(fleet, PATIENCE_MS)).toMatchObject({ discrepancies: [] })
  await forge(topic, payload)
  const found = expect.poll(async () => (await audit.compare(fleet, 0)).discrepancies)
  await found.toContainEqual(expect.objectContaining(expected))
})
