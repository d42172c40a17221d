import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { expect, onTestFinished, test } from 'vitest'
import type { PartialConfig } from '../../src/config/config.ts'
import { startHub } from '../support/start-hub.ts'

const USERS = [
  { user: 'anna', groups: ['family'] },
  { user: 'dev-1', rules: ['allow: publish, topics: own/%u/#'] },
]

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-access-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

/** A hub with the two users, whose secret is `s3cret`. */
async function hubWith(access: NonNullable<PartialConfig['access']>): Promise<number> {
  const secretSha256 = createHash('sha256').update('s3cret').digest('base64')
  const lines = USERS.map((user) => JSON.stringify({ ...user, secretSha256 }))
  const data = folderWith({ 'users.ndjson': `{"hubbub":"users","version":1}\n${lines.join('\n')}\n` })
  return (await startHub({ config: { data, access } })).port
}

/** What somebody may do of all that is asked: `publish a` or `subscribe a/#`. */
async function allowedOf(
  port: number,
  username: string,
  clientId: string,
  asked: readonly string[],
): Promise<string[]> {
  const login = { username, password: 's3cret', clientId, protocolVersion: 5 } as const
  const client = await mqtt.connectAsync({ host: '127.0.0.1', port, ...login })
  const allowed: string[] = []
  for (const one of asked) {
    const [action, topic = ''] = one.split(' ')
    const isAllowed = await (
      action === 'publish' ? client.publishAsync(topic, 'x', { qos: 1 }) : client.subscribeAsync(topic)
    ).then(
      () => true,
      () => false,
    )
    if (isAllowed) allowed.push(one)
  }
  await client.endAsync()
  return allowed
}

const ASKED = [
  'publish home/lamp',
  'publish home/alarm/off',
  'subscribe home/#',
  'subscribe home/+/state',
  'subscribe $share/g/home/#',
  'subscribe #',
  'publish plant/c-1/temp',
  'publish plant/c-2/temp',
  'publish own/dev-1/x',
]

test('A program that embeds a hub gives it the rules of the file as values, and they hold over MQTT', async () => {
  const port = await hubWith({
    groups: { sensors: ['dev-*'] },
    rules: [
      { deny: 'publish', topics: 'home/alarm/#', for: 'group family' },
      { allow: ['publish', 'receive'], topics: ['home/#'], for: { group: 'family' } },
      { allow: 'publish', topics: 'plant/%c/#', for: ['group sensors'] },
    ],
  })
  expect(await allowedOf(port, 'anna', 'c-1', ASKED)).toEqual([
    'publish home/lamp',
    'subscribe home/#',
    'subscribe home/+/state',
    'subscribe $share/g/home/#',
  ])
  expect(await allowedOf(port, 'dev-1', 'c-1', ASKED)).toEqual(['publish plant/c-1/temp', 'publish own/dev-1/x'])
})

test('A hub takes the acl_file that its configuration names', async () => {
  const acl = 'user anna\ntopic readwrite home/#\ntopic deny home/alarm/#\npattern write plant/%c/#\n'
  const aclFile = join(folderWith({ acl }), 'acl')
  const port = await hubWith({ aclFile })
  expect(await allowedOf(port, 'anna', 'c-1', ASKED)).toEqual([
    'publish home/lamp',
    // In part: what is denied is left out.
    'subscribe home/#',
    'subscribe home/+/state',
    'subscribe $share/g/home/#',
    'subscribe #',
    'publish plant/c-1/temp',
  ])
  expect(await allowedOf(port, 'dev-1', 'c-2', ASKED)).toEqual(['publish plant/c-2/temp', 'publish own/dev-1/x'])
})
