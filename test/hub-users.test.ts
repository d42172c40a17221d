import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { PasswordHasher } from '../src/auth/passwords/password-hasher.ts'
import { readOwnRules } from '../src/auth/users/own-rules.ts'
import { UserChanges } from '../src/auth/users/user-changes.ts'
import { UsersFile } from '../src/auth/users/users-file.ts'
import type { PartialConfig } from '../src/config/config.ts'
import { until } from './support/guard.ts'
import type { ConnectFields } from './support/packets.ts'
import { openRawClient, type RawClient } from './support/raw-client.ts'
import { startHub, type TestHub } from './support/start-hub.ts'
import { lose, message, publish, takePayloads } from './support/steps.ts'

const KEPT: ConnectFields = { isClean: false }

/** A data folder with a users file in it, changed as the command does: by another process, as far as the hub knows. */
function people() {
  const data = mkdtempSync(join(tmpdir(), 'hubbub-people-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const path = join(data, 'users.ndjson')
  const hasher = new PasswordHasher()
  onTestFinished(() => hasher.close())
  const file = new UsersFile({ path, name: path, readRules: readOwnRules })
  const changes = new UserChanges({ file, hasher, nowMs: Date.now, changed: () => undefined })
  return { data, path, changes }
}

async function code(hub: TestHub, fields: ConnectFields): Promise<number> {
  const client = await openRawClient(hub.port)
  const { reasonCode } = await client.connect(fields)
  client.destroy()
  await client.closed
  return reasonCode
}

async function enter(hub: TestHub, userName: string, password: string, fields: ConnectFields = {}): Promise<RawClient> {
  const client = await openRawClient(hub.port)
  expect(await client.connect({ clientId: userName, userName, password, ...fields })).toMatchObject({ reasonCode: 0 })
  return client
}

async function start(data: string, config: PartialConfig = {}): Promise<TestHub> {
  return startHub({ config: { data, ...config } })
}

describe('A hub whose users are in a file', () => {
  test('is open while there is none, and closed by the first one that is added while it runs, also to who is connected', async () => {
    const { data, changes } = people()
    const hub = await start(data)
    const stranger = await openRawClient(hub.port, 5)
    await stranger.connect({ clientId: 'stranger' })
    expect(await stranger.subscribe(['#', 0])).toMatchObject({ codes: [0] })
    const { secret = '' } = await changes.add('dev', 'secret', { rules: ["allow: publish, topics: 'dev/%c/#'"] })
    expect(await stranger.untilDisconnected()).toBe(0x87)
    expect(await code(hub, { clientId: 'x' })).toBe(5)
    expect(await code(hub, { clientId: 'x', userName: 'dev', password: 'no' })).toBe(4)
    const device = await enter(hub, 'dev', secret)
    await publish(device, message('dev/dev/x', 'mine'), message('dev/other/x', 'not mine'))
    expect(hub.hub.ledger.refused).toBe(1)
    expect(await device.subscribe(['dev/dev/#', 0])).toMatchObject({ codes: [0x80] })
  })

  test('lets the anonymous in once a rule is for them, to do what it says and nothing else', async () => {
    const { data, changes } = people()
    const { secret = '' } = await changes.add('dev', 'secret', { role: 'admin' })
    const rules = [{ allow: 'receive', topics: 'public/#', for: 'anonymous' }] as const
    const hub = await start(data, { access: { rules } })
    const reader = await openRawClient(hub.port)
    expect(await reader.connect({ clientId: 'reader' })).toMatchObject({ reasonCode: 0 })
    expect(await reader.subscribe(['public/#', 0], ['#', 0])).toMatchObject({ codes: [0, 0x80] })
    const admin = await enter(hub, 'dev', secret)
    await publish(admin, message('public/a', 'yes'), message('private', 'no'))
    expect(await takePayloads(reader)).toEqual(['yes'])
    await publish(reader, message('public/a', 'mine'))
    expect(hub.hub.ledger.refused).toBe(1)
  })

  test('keeps the owner of a session over a restart', async () => {
    const { data, changes } = people()
    const { secret: annas = '' } = await changes.add('anna', 'secret', { role: 'admin' })
    const { secret: ottos = '' } = await changes.add('otto', 'secret', { role: 'admin' })
    const first = await start(data)
    const device = await enter(first, 'anna', annas, { ...KEPT, clientId: 'device' })
    await device.subscribe(['to/device', 1])
    await lose(first.log, device)
    await first.hub.stop()
    const second = await start(data)
    expect(await code(second, { ...KEPT, clientId: 'device', userName: 'otto', password: ottos })).toBe(5)
    const again = await openRawClient(second.port)
    const connack = await again.connect({ ...KEPT, clientId: 'device', userName: 'anna', password: annas })
    expect(connack).toMatchObject({ reasonCode: 0, isSessionPresent: true })
  })

  test('ends the connections of a user who is removed, or whose secret is another now', async () => {
    const { data, changes } = people()
    const { secret: admins = '' } = await changes.add('admin', 'secret', { role: 'admin' })
    const { secret = '' } = await changes.add('dev', 'secret', { role: 'admin' })
    const hub = await start(data)
    const one = await enter(hub, 'dev', secret)
    const newSecret = await changes.newSecret('dev')
    await one.untilClosed()
    const two = await enter(hub, 'dev', newSecret)
    await changes.remove('dev')
    await two.untilClosed()
    expect(await code(hub, { clientId: 'a', userName: 'admin', password: admins })).toBe(0)
  })

  test('does not take a broken file over, and stays closed when it is deleted', async () => {
    const { data, path, changes } = people()
    const { secret = '' } = await changes.add('dev', 'secret', { role: 'admin' })
    const hub = await start(data)
    const device = await enter(hub, 'dev', secret)
    appendFileSync(path, '{"name": "half')
    await until(
      () => hub.log.lines.items.some(({ text }) => text.startsWith('users not reloaded')),
      () => 'the hub to look at the file',
    )
    expect(await device.restBeforePingresp()).toEqual([])
    expect(await code(hub, { clientId: 'x', userName: 'dev', password: secret })).toBe(0)
    const before = hub.log.lines.items.length
    rmSync(path)
    await until(
      () => hub.log.lines.items.slice(before).some(({ text }) => text.startsWith('users not reloaded')),
      () => 'the hub to miss the file',
    )
    expect(await code(hub, { clientId: 'x' })).toBe(5)
    expect(await device.restBeforePingresp()).toEqual([])
  })

  test('does not start with a broken one, and names file and line', async () => {
    const { data, path, changes } = people()
    await changes.add('dev', 'secret')
    const lines = readFileSync(path, 'utf8').split('\n').length
    appendFileSync(path, '{"name": "x", "rol": "admin"}\n')
    await expect(start(data)).rejects.toMatchObject({ code: 'USERS_INVALID' })
    await expect(start(data)).rejects.toThrow(new RegExp(`users\\.ndjson:${lines}`))
  })

  test('listens for the network only with users in it: a file without any does not count', async () => {
    const { data, path, changes } = people()
    await expect(start(data, { host: '0.0.0.0' })).rejects.toMatchObject({ code: 'LISTENER_UNSAFE' })
    writeFileSync(path, '# nobody\n')
    await expect(start(data, { host: '0.0.0.0' })).rejects.toMatchObject({ code: 'LISTENER_UNSAFE' })
    expect(existsSync(path)).toBe(true)
    rmSync(path)
    await changes.add('dev', 'secret')
    const hub = await start(data, { host: '0.0.0.0' })
    expect(await code(hub, { clientId: 'x' })).toBe(5)
  })
})
