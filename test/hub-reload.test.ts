import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { PartialConfig } from '../src/config/config.ts'
import { PasswordHasher } from '../src/auth/passwords/password-hasher.ts'
import { readOwnRules } from '../src/auth/users/own-rules.ts'
import { UserChanges } from '../src/auth/users/user-changes.ts'
import { UsersFile } from '../src/auth/users/users-file.ts'
import { openRawClient, type RawClient } from './support/raw-client.ts'
import { startHub, startHubWithHttp, type TestHub } from './support/start-hub.ts'
import { join as joinHub, message, publish, takePayloads } from './support/steps.ts'

/** A hub with one device, whose secret is the password. */
async function withDevice(access: PartialConfig['access']) {
  const data = mkdtempSync(join(tmpdir(), 'hubbub-reload-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const path = join(data, 'users.ndjson')
  const hasher = new PasswordHasher()
  onTestFinished(() => hasher.close())
  const file = new UsersFile({ path, name: path, readRules: readOwnRules })
  const changes = new UserChanges({ file, hasher, nowMs: Date.now, changed: () => undefined })
  const { secret = '' } = await changes.add('dev', 'secret')
  const config: PartialConfig = { data, ...(access !== undefined && { access }) }
  const hub = await startHub({ config })
  const reload = async (changed: PartialConfig): ReturnType<TestHub['hub']['reload']> =>
    hub.hub.reload({
      ...config,
      host: '127.0.0.1',
      port: 0,
      http: false,
      limits: { maxTopics: 1000, maxTopicMemoryBytes: 1024 ** 2 },
      ...changed,
    })
  return { hub, secret, changes, reload }
}

async function enter({ port }: TestHub, password: string): Promise<RawClient> {
  const client = await openRawClient(port)
  expect(await client.connect({ clientId: 'dev', userName: 'dev', password })).toMatchObject({ reasonCode: 0 })
  return client
}

describe('Hub.reload', () => {
  test('takes over access rules without dropping a client, in both directions', async () => {
    const all = { rules: [{ allow: ['publish', 'receive'], topics: '#', for: 'users' }] } as const
    const { hub, secret, reload } = await withDevice(all)
    const device = await enter(hub, secret)
    await device.subscribe(['a', 0], ['b', 0])
    const fewer = { rules: [{ allow: ['publish', 'receive'], topics: 'b', for: 'users' }] } as const
    expect(await reload({ access: fewer })).toEqual({ applied: ['access.rules'], needRestart: [] })
    await publish(device, message('a', '1'))
    expect(await device.subscribe(['a', 0])).toMatchObject({ codes: [0x80] })
    await publish(device, message('b', '2')).then((packets) => expect(packets).toHaveLength(1))
    expect(hub.hub.ledger.refused).toBe(1)
    expect(await reload({ access: all })).toMatchObject({ applied: ['access.rules'] })
    expect(await device.subscribe(['a', 0])).toMatchObject({ codes: [0] })
  })

  test('changes nothing for a configuration with a mistake, and says all that is wrong', async () => {
    const all = { rules: [{ allow: 'publish', topics: '#', for: 'users' }] } as const
    const { hub, secret, reload } = await withDevice(all)
    const device = await enter(hub, secret)
    const wrong: Record<string, unknown> = { rules: [{ allow: 'publish', topics: '#', for: 'usres' }] }
    await expect(reload({ access: wrong, limits: { maxConnections: 0 } })).rejects.toThrow(/maxConnections[\s\S]*usres/)
    await publish(device, message('a'))
    expect(hub.hub.ledger.refused).toBe(0)
  })

  test('has the users file read again at once', async () => {
    const { hub, secret, changes, reload } = await withDevice(undefined)
    const device = await enter(hub, secret)
    await changes.add('other', 'secret')
    await changes.remove('dev')
    await reload({})
    await device.untilClosed()
  })

  test('takes over limits, for who is connected and who comes, and names what needs a restart', async () => {
    const hub = await startHub()
    const { reload } = { reload: (limits: PartialConfig['limits']) => hub.hub.reload({ ...BASE, limits }) }
    const client = await joinHub(hub.port, 'c')
    await client.subscribe(['a', 0])
    const { maxTopics, ...few } = { ...SMALL, maxSubscriptionsPerClient: 1, maxConnections: 1, maxTopics: 1000 }
    expect(await reload({ ...few, maxTopics })).toEqual({
      applied: ['limits.maxConnections', 'limits.maxSubscriptionsPerClient'],
      needRestart: [],
    })
    expect(await client.subscribe(['b', 0])).toMatchObject({ codes: [0x80] })
    const other = await openRawClient(hub.port)
    expect(await other.connect({ clientId: 'other' })).toMatchObject({ reasonCode: 3 })
    expect(await reload({ ...few, maxTopics: 2000 })).toEqual({ applied: [], needRestart: ['limits.maxTopics'] })
    expect(await reload({ ...SMALL, maxTopics: 1000 })).toEqual({
      applied: ['limits.maxConnections', 'limits.maxSubscriptionsPerClient'],
      needRestart: [],
    })
    expect(await client.subscribe(['b', 0])).toMatchObject({ codes: [0] })
    await publish(client, message('x'))
    expect(await takePayloads(client)).toEqual([])
  })
})

const SMALL = { maxTopicMemoryBytes: 1024 ** 2 }
const BASE: PartialConfig = { host: '127.0.0.1', port: 0, data: 'memory', http: false }

describe('POST /config/reload', () => {
  test('reads the configuration again, and answers what has changed', async () => {
    const { httpPort } = await startHubWithHttp({
      onReload: () => Promise.resolve({ applied: ['logLevel'], needRestart: ['port'] }),
    })
    const response = await fetch(`http://127.0.0.1:${httpPort}/api/v1/config/reload`, { method: 'POST' })
    expect([response.status, await response.json()]).toEqual([200, { applied: ['logLevel'], needRestart: ['port'] }])
  })

  test('is refused where the program that embeds the hub does not read it again, or it has mistakes', async () => {
    const { httpPort } = await startHubWithHttp()
    const response = await fetch(`http://127.0.0.1:${httpPort}/api/v1/config/reload`, { method: 'POST' })
    expect(response.status).toBe(409)
  })
})
