import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { publishPacket } from '../support/packets.ts'
import { join as joinHub, leave, takePayloads } from '../support/steps.ts'
import { type ProcessExit, startProcess, type TestProcess } from '../support/processes.ts'

const CLI = fileURLToPath(new URL('../../dist/hub/main.js', import.meta.url))
const cwd = mkdtempSync(join(tmpdir(), 'hubbub-commands-'))
const env = { PATH: process.env['PATH'], HOME: cwd }
afterAll(() => rmSync(cwd, { recursive: true }))

function hubbub(...args: readonly string[]): Promise<TestProcess> {
  return startProcess(process.execPath, [CLI, ...args], { cwd, env })
}

async function run(...args: readonly string[]): Promise<{ code: ProcessExit['code']; out: string; err: string }> {
  const started = await hubbub(...args)
  const { code } = await started.untilExit()
  return { code, out: started.stdout.items.join('\n'), err: started.stderr.items.join('\n') }
}

async function startHubOn(data: string): Promise<{ hub: TestProcess; port: number }> {
  const hub = await hubbub('--port', '0', '--http-port', '0', '--data', data, '--log-level', 'warn')
  const [, port = ''] = await hub.untilLine(/MQTT +mqtt:\/\/localhost:(\d+)/)
  return { hub, port: Number(port) }
}

/** A hub with a kept session that is away and waits for two acknowledged messages, the first of them retained. */
async function startHubWithWaiting(data: string): Promise<{ hub: TestProcess; port: number }> {
  const running = await startHubOn(data)
  const away = await joinHub(running.port, 'away/Küche', { isClean: false })
  await away.subscribe(['a/#', 1])
  await leave(away)
  const publisher = await joinHub(running.port, 'publisher')
  for (const [packetId, payload] of ['', 'one', 'two'].entries()) {
    if (packetId === 0) continue
    publisher.send(publishPacket({ topic: `a/${packetId}`, payload, qos: 1, packetId, retain: packetId === 1 }))
    await publisher.next('PUBACK')
  }
  await leave(publisher)
  return running
}

describe('hubbub inspect', () => {
  test('counts what a folder holds beside the hub that has it, in words and as JSON', async () => {
    const data = join(cwd, 'inspected')
    await startHubWithWaiting(data)
    const words = await run('inspect', '--data', data)
    expect(words.out).toMatch(/^sessions +1 with 1 subscriptions$/m)
    expect(words.out).toMatch(/^queued +2 messages, 24 bytes$/m)
    expect(words.out).toMatch(/^retained +1 messages$/m)
    const json: unknown = JSON.parse((await run('inspect', '--json', '--data', data)).out)
    expect(json).toMatchObject({ sessions: 1, queuedMessages: 2, queuedBytes: 24, retainedMessages: 1, wills: 0 })
  })

  test('shows one session, and says when there is none of that client', async () => {
    const data = join(cwd, 'session')
    await startHubWithWaiting(data)
    const { out } = await run('inspect', '--session', 'away/Küche', '--json', '--data', data)
    const subscriptions = [{ filter: 'a/#', qos: 1 }]
    expect(JSON.parse(out)).toMatchObject({ clientId: 'away/Küche', subscriptions, queuedMessages: 2, inFlight: [] })
    const nobody = await run('inspect', '--session', 'nobody', '--data', data)
    expect(nobody).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/Cannot show the session "nobody": .+/),
    })
  })
})

describe('hubbub backup and restore', () => {
  test.each(['backup.mdb', 'backup'])(
    'copy a store to %s beside the hub that has it, and all of it to another',
    async (name) => {
      const [data, copy, file] = [join(cwd, `of-${name}`), join(cwd, `from-${name}`), join(cwd, name)]
      await startHubWithWaiting(data)
      expect(await run('backup', file, '--data', data)).toMatchObject({ code: 0, err: '' })
      expect(await run('restore', file, '--data', copy)).toMatchObject({ code: 0, err: '' })
      expect(readdirSync(cwd).filter((entry) => entry.startsWith(`${name}-`))).toEqual([])
      const { port } = await startHubOn(copy)
      const back = await joinHub(port, 'away/Küche', { isClean: false })
      expect(await takePayloads(back)).toEqual(['one', 'two'])
    },
  )

  test('refuse what would lose something, each in one line', async () => {
    const [data, file, other] = [join(cwd, 'kept'), join(cwd, 'kept.mdb'), join(cwd, 'text.mdb')]
    const { hub } = await startHubWithWaiting(data)
    writeFileSync(other, 'no store at all')
    await run('backup', file, '--data', data)
    const refusals = [
      await run('backup', file, '--data', data),
      await run('backup', join(cwd, 'x.mdb'), '--data', join(cwd, 'nowhere')),
      await run('restore', file, '--data', data),
      await run('restore', join(cwd, 'missing.mdb'), '--data', join(cwd, 'new')),
      await run('restore', other, '--data', join(cwd, 'new')),
    ]
    expect(refusals.map(({ code }) => code)).toEqual([1, 1, 1, 1, 1])
    expect(refusals.map(({ err }) => err.split('\n').length)).toEqual([1, 1, 1, 1, 1])
    expect(refusals[0]?.err).toContain('--force')
    expect(refusals[2]?.err).toContain(`process ${hub.pid}`)
    expect(existsSync(join(cwd, 'new', 'hubbub.mdb'))).toBe(false)
  })

  test('move aside what was there when they are forced to', async () => {
    const [data, file] = [join(cwd, 'forced'), join(cwd, 'forced.mdb')]
    const { hub } = await startHubWithWaiting(data)
    await run('backup', file, '--data', data)
    await hub.end()
    expect((await run('restore', file, '--data', data)).code).toBe(1)
    expect((await run('restore', file, '--data', data, '--force')).code).toBe(0)
    expect(readdirSync(data).filter((name) => name.startsWith('replaced-'))).toHaveLength(1)
  })
})

test('A second hub on a folder is refused, naming the process of the first, and gets it when that was killed', async () => {
  const data = join(cwd, 'shared')
  const { hub } = await startHubOn(data)
  const second = await run('--port', '0', '--http-port', '0', '--data', data)
  expect(second).toMatchObject({ code: 1, err: expect.stringContaining(`process ${hub.pid} is using it`) })
  await hub.end('SIGKILL')
  await startHubOn(data)
})

test.each([['/proc/nowhere'], [join(CLI, 'data')], [CLI]])(
  'A data folder that cannot be is refused in one line: %s',
  async (data) => {
    const { code, err } = await run('--port', '0', '--http-port', '0', '--data', data)
    expect(code).toBe(1)
    expect(err.split('\n')).toEqual([expect.stringMatching(/^hubbub: Cannot use the data folder .+--data$/)])
  },
)

test.each([
  [['backup'], 'without a file'],
  [['inspect', 'x'], 'it takes flags only'],
  [['start', '--force'], 'with --force'],
  [['config', '--session', 'x'], 'with --session'],
  [['backup', 'x.mdb', '--json'], 'with --json'],
  [['inspect', '--data', 'memory'], 'a data folder is required'],
])('hubbub %j is refused: %s', async (args, reason) => {
  expect(await run(...args)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(reason) })
})
