/** A house of 300 devices with zigbee2mqtt, and what else comes large: it goes through as it is, without any option. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ApiClient, eachOf, fieldOf } from '../support/api.ts'
import { guarded } from '../support/guard.ts'
import { connectLibraryClient } from '../support/mqtt-clients.ts'
import { publishPacket, subscribePacket } from '../support/packets.ts'
import { join, publish } from '../support/steps.ts'
import { startHub, startHubWithHttp } from '../support/start-hub.ts'

const DEVICES = 300
const GUARD_MS = 20_000

/** What zigbee2mqtt says of one device: what it can do, by property, and what it is bound to. */
function deviceOf(index: number): object {
  const exposes = Array.from({ length: 24 }, (_, i) => ({
    access: 7,
    description: `What the property ${i} of the device is for, in a sentence as they have it`,
    label: `Property ${i}`,
    name: `property_${i}`,
    property: `property_${i}`,
    type: 'numeric',
    unit: '°C',
    value_max: 100,
    value_min: 0,
  }))
  return {
    date_code: '20240101',
    definition: { description: 'Thermostat with a valve', exposes, model: 'TRV-1', options: exposes, vendor: 'Maker' },
    endpoints: { 1: { bindings: [], clusters: { input: ['genBasic', 'genPowerCfg', 'hvacThermostat'], output: [] } } },
    friendly_name: `room ${index} / thermostat`,
    ieee_address: `0x${index.toString(16).padStart(16, '0')}`,
    interview_completed: true,
    network_address: index,
    supported: true,
    type: 'EndDevice',
  }
}

test('The device list of 300 devices in zigbee2mqtt is retained, kept over a restart and sent whole to who comes late', async () => {
  const folder = mkdtempSync(joinPath(tmpdir(), 'hubbub-big-house-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const topic = 'zigbee2mqtt/bridge/devices'
  const list = JSON.stringify(Array.from({ length: DEVICES }, (_, i) => deviceOf(i)))
  expect(Buffer.byteLength(list)).toBeGreaterThan(2_000_000)
  const first = await startHubWithHttp({ config: { data: folder } })
  const { client: watcher, messages: live } = await connectLibraryClient(first, 'mqtt.js over WebSocket')
  await watcher.subscribeAsync('zigbee2mqtt/#', { qos: 0 })
  const { client } = await connectLibraryClient(first, 'mqtt.js over TCP')
  for (const qos of [0, 1] as const) {
    await client.publishAsync(topic, list, { qos, retain: true })
    const got = await guarded(live.atLeast(qos + 1), () => 'the list', GUARD_MS)
    expect(got[qos]?.payload.equals(Buffer.from(list))).toBe(true)
  }
  await Promise.all([client.endAsync(), watcher.endAsync()])
  await first.hub.stop()
  const second = await startHubWithHttp({ config: { data: folder } })
  const { client: late, messages } = await connectLibraryClient(second, 'mqtt.js over TCP')
  await late.subscribeAsync('zigbee2mqtt/#', { qos: 1 })
  const [message] = await guarded(messages.atLeast(1), () => 'the list', GUARD_MS)
  expect(message).toMatchObject({ topic, retain: true })
  expect(message?.payload.equals(Buffer.from(list))).toBe(true)
})

test('The longest topic and one of 200 levels are subscribed to, retained, kept over a restart and listed', async () => {
  const folder = mkdtempSync(joinPath(tmpdir(), 'hubbub-long-topics-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const long = `long/${'x'.repeat(65_530)}`
  const deep = `deep/${Array.from({ length: 199 }, (_, i) => `l${i}`).join('/')}`
  expect([Buffer.byteLength(long), deep.split('/').length]).toEqual([65_535, 200])
  const first = await startHub({ config: { data: folder } })
  const away = await join(first.port, 'away', { isClean: false })
  const filters = [long, deep, deep.replaceAll(/l\d*[02468](?=\/)/g, '+'), 'deep/#']
  expect((await away.subscribe(...filters.map((filter) => [filter, 1] as const))).codes).toEqual([1, 1, 1, 1])
  away.destroy()
  const publisher = await join(first.port, 'publisher')
  for (const [i, topic] of [long, deep].entries())
    await publish(publisher, publishPacket({ topic, payload: `${i}`, qos: 1, packetId: i + 1, retain: true }))
  await first.hub.stop()
  const second = await startHubWithHttp({ config: { data: folder } })
  const back = await join(second.port, 'away', { isClean: false })
  expect([await back.next('PUBLISH'), await back.next('PUBLISH')].map(({ topic }) => topic).toSorted()).toEqual(
    [long, deep].toSorted(),
  )
  const late = await join(second.port, 'late')
  await late.subscribe(['#', 0])
  expect([await late.next('PUBLISH'), await late.next('PUBLISH')].map(({ topic }) => topic).toSorted()).toEqual(
    [long, deep].toSorted(),
  )
  const api = new ApiClient(second.httpPort)
  for (const topic of [long, deep]) {
    expect((await api.get('/retained/one', { topic })).status).toBe(200)
    expect(fieldOf(await api.get('/messages', { filter: topic }), 'messages')).toHaveLength(1)
  }
})

test('A page of messages ends by the bytes of its topics too, and the pages have them all', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const publisher = await join(port, 'publisher')
  const topics = Array.from({ length: 40 }, (_, i) => `${i}`.padStart(60_000, 'x'))
  for (const [i, topic] of topics.entries())
    await publish(publisher, publishPacket({ topic, payload: 'x', qos: 1, packetId: i + 1, retain: true }))
  const api = new ApiClient(httpPort)
  for (const path of ['/retained', '/messages']) {
    const found: string[] = []
    let cursor: unknown
    let pages = 0
    do {
      const answer = await api.get(path, { limit: '1000', ...(typeof cursor === 'string' ? { cursor } : {}) })
      expect(JSON.stringify(answer.body).length).toBeLessThan(1.5 * 1024 ** 2)
      found.push(...eachOf(answer, 'messages', 'topic').map(String))
      cursor = fieldOf(answer, 'nextCursor')
      pages++
    } while (typeof cursor === 'string')
    expect(pages).toBeGreaterThan(1)
    expect(found.toSorted()).toEqual(topics.toSorted())
  }
})

test('A client makes 20,000 subscriptions, and the API lists and explains them', async () => {
  const { hub, port, httpPort } = await startHubWithHttp()
  const client = await join(port, 'gateway')
  const filters = Array.from({ length: 20_000 }, (_, i) => [`device/${i}/set`, 0] as const)
  for (let at = 0; at < filters.length; at += 1000) {
    client.send(subscribePacket(1, filters.slice(at, at + 1000)))
    expect((await client.next('SUBACK')).codes.every((code) => code === 0)).toBe(true)
  }
  await hub.publish('device/19999/set', 'on')
  expect(await client.next('PUBLISH')).toMatchObject({ topic: 'device/19999/set' })
  const api = new ApiClient(httpPort)
  const answer = await api.get('/clients/gateway')
  expect(answer.body).toMatchObject({ clientId: 'gateway', subscriptionCount: 20_000 })
  expect(eachOf(answer, 'subscriptions', 'filter')).toEqual(filters.map(([filter]) => filter))
  const explained = await api.get('/explain', { topic: 'device/19999/set', clientId: 'gateway' })
  expect(explained.body).toMatchObject({ subscriptions: [{ clientId: 'gateway', filter: 'device/19999/set' }] })
})
