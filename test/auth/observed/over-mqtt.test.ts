import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { expect, onTestFinished, test } from 'vitest'
import { OBSERVED_FILE } from '../../../src/auth/observed/observed-file.ts'
import { gateOf, rule, SteppedUsers } from '../../support/gate.ts'
import { startHub } from '../../support/start-hub.ts'

test('A hub notes in its data folder what users publish and subscribe to, once a session, allowed or not', async () => {
  const data = mkdtempSync(join(tmpdir(), 'hubbub-observed-'))
  onTestFinished(() => rmSync(data, { recursive: true }))
  const gate = gateOf(new SteppedUsers('anna'), [rule('allow both', 'home/#')])
  const { hub, port } = await startHub({ gate, config: { data } })
  const login = { username: 'anna', password: 'pw', clientId: 'phone', protocolVersion: 5 } as const
  const client = await mqtt.connectAsync({ host: '127.0.0.1', port, ...login })
  await client.subscribeAsync(['home/+/state', '$share/g/home/#'])
  for (let i = 0; i < 3; i++) await client.publishAsync('home/lamp', 'on', { qos: 1, retain: true })
  await client.publishAsync('office/lamp', 'on', { qos: 1 }).catch(() => undefined)
  await client.endAsync()
  await hub.stop()
  const rows = readFileSync(join(data, OBSERVED_FILE), 'utf8')
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
  const anna = { user: 'anna', client: 'phone', listener: 'mqtt', count: 1 }
  expect(rows).toMatchObject([
    { ...anna, action: 'subscribe', topic: 'home/+/state', allowed: true },
    { ...anna, action: 'subscribe', topic: 'home/#', allowed: true },
    { ...anna, action: 'publish', topic: 'home/lamp', qos: 1, retain: true, allowed: true },
    { ...anna, action: 'publish', topic: 'office/lamp', allowed: false },
  ])
})
