import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { expect, onTestFinished, test } from 'vitest'
import type { Identity } from '../../src/auth/identity.ts'
import { AccessRules } from '../../src/auth/rules/access-rules.ts'
import { readAccess } from '../../src/auth/rules/read-access.ts'
import { Gate } from '../../src/auth/gate.ts'
import { writtenBy } from '../../src/base/written.ts'
import { somebody } from '../auth/rules/identities.ts'
import { SteppedUsers } from '../support/gate.ts'
import { startMosquittoBroker } from '../support/mosquitto-broker.ts'
import { startHub } from '../support/start-hub.ts'

/** Every odd point of Mosquitto's language. */
const WITH_PATTERNS = `# only a comment in the first column
topic read public/#
topic write inbox/anonymous
topic $own/a

user alice
topic readwrite alice/#
topic deny alice/secret/#
topic read shared/+/state
topic both
topic read with blank/x y
topic write %u/literal
topic read #

user bob
topic write alice/inbox
topic read $own/+
topic read bob/trailing/#${'   '}

user we+ird
topic write odd/x

user alice
topic write late/alice
topic deny shared/2/state

pattern readwrite devices/%c/#
pattern deny devices/%c/locked
pattern write users/%u/+
pattern read pre-%u-post/x
pattern read all/#
pattern deny alice/inbox
pattern read 100%/%x/%u
`

const WITHOUT_PATTERNS = `topic public/#
user alice
topic read a/+/c/#
topic deny a/b/c/d
topic write a/b/c/d
user we+ird
topic read odd/#
user
`.replace(/user\n$/, '')

interface Who {
  readonly user?: string
  readonly clientId: string
}

const PEOPLE: readonly Who[] = [
  { clientId: 'c1' },
  { user: 'alice', clientId: 'a1' },
  { user: 'bob', clientId: 'b1' },
  { user: 'carol', clientId: 'c2' },
  { user: 'we+ird', clientId: 'w1' },
  { user: 'dave', clientId: 'd#1' },
  { user: '%c', clientId: 'p1' },
]

const TOPICS = [
  'public',
  'public/x/y',
  'inbox/anonymous',
  '$own/a',
  'alice',
  'alice/x',
  'alice/secret',
  'alice/secret/x',
  'alice/inbox',
  'shared/1/state',
  'shared/2/state',
  'both',
  'with blank/x y',
  '%u/literal',
  'alice/literal',
  'bob/trailing',
  'odd/x',
  'late/alice',
  'devices/a1/x',
  'devices/a1',
  'devices/b1/locked',
  'devices/c1/x',
  'devices/d#1/x'.replace('#', ''),
  'users/bob/x',
  'users/bob/x/y',
  'users/alice/x',
  'users/p1/x',
  'users/%c/x',
  'pre-alice-post/x',
  'pre-bob-post/x',
  'all',
  'all/x',
  '100%/%x/bob',
  'a/b/c',
  'a/b/c/d',
  'a/b/c/d/e',
  'nobody',
]

/** What each may write and read, as a line for each, found out by clients that try it. */
async function ask(port: number): Promise<string[]> {
  const connect = async ({ user, clientId }: Who): Promise<mqtt.MqttClient> => {
    const login = user === undefined ? {} : { username: user, password: 'pw' }
    return mqtt.connectAsync({ port, host: '127.0.0.1', protocolVersion: 5, clientId, ...login })
  }
  const boss = await connect({ user: 'boss', clientId: 'boss' })
  const lines: string[] = []
  for (const who of PEOPLE) {
    const client = await connect(who)
    const read = new Set<string>()
    client.on('message', (topic) => read.add(topic))
    for (const topic of TOPICS) await client.subscribeAsync(topic).catch(() => undefined)
    for (const topic of TOPICS) await boss.publishAsync(topic, 'x', { qos: 1 })
    // Answered after all that was sent before.
    await client.subscribeAsync('the/end').catch(() => undefined)
    client.removeAllListeners('message')
    for (const topic of TOPICS) {
      const isWritten = await client.publishAsync(topic, 'x', { qos: 1 }).then(
        () => true,
        () => false,
      )
      lines.push(lineOf(who, topic, isWritten, read.has(topic)))
    }
    await client.endAsync()
  }
  await boss.endAsync()
  return lines
}

function lineOf({ user, clientId }: Who, topic: string, mayWrite: boolean, mayRead: boolean): string {
  return `${user ?? '(anonymous)'} as ${clientId}: ${topic} ${mayWrite ? 'write' : '-'} ${mayRead ? 'read' : '-'}`
}

function readFile(acl: string, boss = ''): { readonly access: AccessRules; readonly path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-acl-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'acl')
  writeFileSync(path, acl + boss)
  const nothing = writtenBy(null, 'a test')
  const { ruleSet, faults } = readAccess({
    rules: nothing,
    groups: nothing,
    partial: 'refuse',
    aclFile: path,
    observe: false,
  })
  expect(faults.errors).toEqual([])
  return { access: new AccessRules(ruleSet), path }
}

const BOSS = '\nuser boss\ntopic #\ntopic $own/#\n'

test.each([
  ['with patterns', WITH_PATTERNS],
  ['without patterns', WITHOUT_PATTERNS],
  ['that is empty', ''],
])("An acl_file of Mosquitto's %s decides alike in Mosquitto, in the hub and by its view", async (_name, acl) => {
  const { access, path } = readFile(acl, BOSS)
  const inMosquitto = await ask(await startMosquittoBroker([`acl_file ${path}`]))
  expect(inMosquitto.length * 2).toBeGreaterThan(500)

  const byView = PEOPLE.flatMap((who) => {
    const view = access.viewOf(somebody(who satisfies Partial<Identity>))
    return TOPICS.map((topic) => lineOf(who, topic, view.publish(topic).isAllowed, view.receive(topic).isAllowed))
  })
  expect(byView).toEqual(inMosquitto)

  const users = new SteppedUsers('boss', ...PEOPLE.flatMap(({ user }) => user ?? []))
  users.isAnonymousIn = true
  const { port } = await startHub({ gate: new Gate(users, access) })
  expect(await ask(port)).toEqual(inMosquitto)
})
