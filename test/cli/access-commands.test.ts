import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CONFIG_JUDGES } from '../../src/assemble/config-checks.ts'
import { chooseCommand, readCommandLine } from '../../src/cli/command-line.ts'
import { loadConfig } from '../../src/config/load.ts'
import { startHub } from '../support/start-hub.ts'

const cwd = mkdtempSync(join(tmpdir(), 'hubbub-access-'))
const data = join(cwd, 'data')

const RULES = `access:
  rules:
    - { allow: [publish, receive], topics: '#', for: users }
`
const USERS = [
  { hubbub: 'users', version: 1 },
  { user: 'anna', groups: ['family'], role: 'operator' },
  { user: 'lamp', rules: ["allow: publish, topics: 'lamp/state'"] },
]
const SEEN = ['home/light', 'home/alarm/off', 'home/door'].flatMap((topic, i) => [
  { user: 'anna', client: 'phone', action: 'publish', topic, qos: 1, retain: true, count: i + 1 },
])

beforeAll(() => {
  mkdirSync(data)
  write('hubbub.yaml', RULES)
  write('data/users.ndjson', USERS.map((line) => JSON.stringify(line)).join('\n'))
  const times = { first: Date.UTC(2026, 10, 1), last: Date.UTC(2026, 10, 2), allowed: true }
  const lamp = { user: 'lamp', client: 'lamp', action: 'publish', topic: 'lamp/state', qos: 0, count: 9 }
  const recent = { ...lamp, topic: 'lamp/recent', first: Date.now(), last: Date.now(), allowed: true }
  const rows = [...SEEN, lamp].map((row) => Object.assign({}, row, times))
  write('data/observed.ndjson', [...rows, recent].map((row) => JSON.stringify(row)).join('\n'))
})
afterAll(() => rmSync(cwd, { recursive: true }))

function write(name: string, text: string): void {
  writeFileSync(join(cwd, name), text)
}

/** What a command prints, in the folder of the test. */
async function hubbub(...argv: readonly string[]): Promise<string> {
  const line = readCommandLine(['--data', data, ...argv])
  const { command, operand } = chooseCommand(line)
  const said = await command.run({
    operand,
    flags: line.flags,
    loadConfig: async (file) =>
      loadConfig(
        { flags: line.options, file: file ?? line.flags.get('config'), env: {}, cwd },
        line.problems.copy(),
        CONFIG_JUDGES,
      ),
  })
  return said ?? ''
}

test('access explain knows users by their file: groups, role and rules of their own', async () => {
  expect(await hubbub('access', 'explain', '--user', 'anna', '--receive', '$SYS/x')).toBe(
    'User "anna" may receive "$SYS/x".\nthe hub decides: an operator may receive what the hub tells of itself\nGroups: family.\n',
  )
  write('narrow.yaml', 'access:\n  rules: []\n')
  const lamp = await hubbub('access', 'explain', '--user', 'lamp', '--publish', 'lamp/state', '--config', 'narrow.yaml')
  expect(lamp).toContain('User "lamp" may publish "lamp/state".\n')
  expect(lamp).toContain('users.ndjson:3 decides: { allow: publish, topics: lamp/state }')
  const stranger = await hubbub(
    'access',
    'explain',
    '--user',
    'x',
    '--group',
    'a,b',
    '--role',
    'admin',
    '--publish',
    'y',
  )
  expect(stranger).toMatch(/^User "x" may publish "y"\.\n[^]*Groups: a, b\.\nThis user is not in the users file\.\n$/)
  const json: unknown = JSON.parse(await hubbub('access', 'explain', '--subscribe', '$share/g/home/#', '--json'))
  expect(json).toMatchObject({
    action: 'subscribe',
    topic: 'home/#',
    isAllowed: false,
    missed: [{ why: 'it is for users only' }],
  })
})

test.each([
  [['--user', 'anna'], 'one of --publish TOPIC'],
  [['--publish', 'a', '--receive', 'a'], 'one of --publish TOPIC'],
  [['--publish', 'a/#'], "--publish \"a/#\": it must not contain '+' or '#'"],
  [['--subscribe', '#/a'], "'#' must be the whole of the last level"],
  [['--publish', 'a', '--address', 'here'], '--address must be an IP address, it is "here"'],
  [['--publish', 'a', '--role', 'operater'], 'did you mean "operator"?'],
])('access explain %j says what is wrong', async (argv, what) => {
  await expect(hubbub('access', 'explain', ...argv)).rejects.toThrow(what)
})

test('access test tells what another file would change of what was seen', async () => {
  write(
    'new.yaml',
    `access:
  rules:
    - { deny: publish, topics: 'home/alarm/#', for: users }
    - { allow: publish, topics: 'home/light', for: users, retain: false }
    - { allow: [publish, receive], topics: 'home/#', for: group family }
`,
  )
  expect(await hubbub('access', 'test', 'new.yaml'))
    .toBe(`Of 5 topics and filters that were seen or are subscribed to, 3 would change.
  "lamp" as client "lamp": publish "lamp/recent": allowed before, denied then, since no rule allows it (seen 9 times)
  "anna" as client "phone": publish "home/alarm/off": allowed before, denied then by new.yaml:3 (seen 2 times)
  "anna" as client "phone": publish "home/light": allowed before, denied then by new.yaml:4 (seen 1 time)
`)
  const recent: unknown = JSON.parse(await hubbub('access', 'test', 'new.yaml', '--for', '1d', '--json'))
  expect(recent).toMatchObject({
    seen: 1,
    warnings: [],
    changes: [{ topic: 'lamp/recent', after: { extent: 'none' } }],
  })
  write('bad.yaml', 'access:\n  rules: [{ alow: publish }]\n')
  await expect(hubbub('access', 'test', 'bad.yaml')).rejects.toThrow('bad.yaml:2: access.rules[0].alow is not known')
  await expect(hubbub('access', 'test', 'new.yaml', '--for', 'ever')).rejects.toThrow('--for must be like 7d')
})

test('access test tells which subscriptions of kept sessions a file would take', async () => {
  const kept = join(cwd, 'kept')
  const { hub, port } = await startHub({ config: { data: kept } })
  const client = await mqtt.connectAsync({ host: '127.0.0.1', port, clientId: 'old', clean: false })
  await client.subscribeAsync(['home/#', 'open/x'], { qos: 1 })
  await client.endAsync()
  await hub.stop()
  write('all.yaml', "access:\n  rules: [{ allow: receive, topics: '#', for: everybody }]\n")
  write('less.yaml', "access:\n  rules: [{ allow: receive, topics: 'open/#', for: everybody }]\n")
  expect(await hubbub('access', 'test', 'less.yaml', '--data', kept, '--config', 'all.yaml')).toBe(
    `Of 2 topics and filters that were seen or are subscribed to, 1 would change.
  (no user name) as client "old": subscribe "home/#": allowed before, denied then, since no rule allows it (a kept session)
`,
  )
})

test('access learn proposes a file by which access test finds no change', async () => {
  const learned = await hubbub('access', 'learn')
  expect(learned).toContain(
    "- { allow: publish, topics: 'home/alarm/off', for: user anna } # one client, from 2026-11-01 to 2026-11-02",
  )
  write('learned.yaml', learned)
  expect(await hubbub('access', 'test', 'learned.yaml')).toBe(
    'Of 5 topics and filters that were seen or are subscribed to, 0 would change.\n',
  )
})
