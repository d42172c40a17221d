import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { freePort } from '../support/free-port.ts'
import { guarded } from '../support/guard.ts'
import { startProcess, type TestProcess } from '../support/processes.ts'
import { startHubWithHttp } from '../support/start-hub.ts'
import { type Broker, Watcher } from './watching.ts'

const DIST = fileURLToPath(new URL('../../dist', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'hubbub-devices-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A run of a whole scenario may take so long. */
const RUN_GUARD_MS = 30_000
const CTRL_C_GUARD_MS = 2000

async function devices(...args: readonly string[]): Promise<TestProcess> {
  return startProcess(process.execPath, [join(DIST, 'devices/cli.js'), ...args], { cwd: folder })
}

async function start(...args: readonly string[]): Promise<TestProcess> {
  const ports = ['--port', '0', '--http-port', '0', '--data', 'memory', '--log-level', 'info']
  return startProcess(process.execPath, [join(DIST, 'devices/start.js'), ...ports, ...args], { cwd: folder })
}

async function startBroker() {
  const { port, httpPort, log } = await startHubWithHttp()
  const url = new URL(`mqtt://127.0.0.1:${port}`)
  const webSocketUrl = new URL(`ws://127.0.0.1:${httpPort}/mqtt`)
  return { broker: { url, webSocketUrl }, log, flags: ['--url', url.href, '--ws-url', webSocketUrl.href] }
}

const Summary = Type.Object({
  scenario: Type.String(),
  devices: Type.Integer(),
  everConnected: Type.Integer(),
  undelivered: Type.Integer(),
  acknowledged: Type.Integer(),
  errors: Type.Integer(),
  audit: Type.Optional(Type.Object({ discrepancies: Type.Array(Type.Unknown()) })),
})

function summaryOf({ stdout, stderr }: TestProcess) {
  const value: unknown = JSON.parse(stdout.items.join('\n'))
  if (Value.Check(Summary, value)) return value
  throw new Error(`no summary: ${stdout.items.join('\n')} ${stderr.items.join('\n')}`)
}

/** Until all twelve of the house have said that they are there. */
async function untilAllOnline(watcher: Watcher): Promise<void> {
  const online = new Set<string>()
  const all = watcher.seen.firstThat(({ topic, payload }) => {
    if (payload.toString() === 'online') online.add(topic)
    return online.size === 12 ? true : undefined
  })
  await guarded(all, () => `twelve devices, there are ${[...online].join(', ')}`)
}

describe('npm run devices', () => {
  test('runs a scenario for a time, tells what became of it, and finds it all well', async () => {
    const { flags } = await startBroker()
    const run = await devices(...flags, '--seconds', '3', '--speed', '60', '--audit', '--json')
    expect(await run.untilExit(RUN_GUARD_MS)).toEqual({ code: 0, signal: null })
    const summary = summaryOf(run)
    expect(summary).toMatchObject({ scenario: 'home', devices: 12, everConnected: 12, undelivered: 0, errors: 0 })
    expect(summary.acknowledged).toBeGreaterThan(24)
    expect(summary.audit?.discrepancies).toEqual([])
  })

  test('ends within 2 s of Ctrl-C, each device with DISCONNECT, and none of them is left online', async () => {
    const { broker, log, flags } = await startBroker()
    const watcher = await Watcher.connect(broker, 5, ['devices/+/status'])
    const run = await devices(...flags)
    await untilAllOnline(watcher)
    process.kill(run.pid ?? 0, 'SIGINT')
    expect(await run.untilExit(CTRL_C_GUARD_MS)).toEqual({ code: 0, signal: null })
    const left = log.lines.items
      .filter(({ text }) => text === 'client disconnected')
      .map(({ fields }) => fields['clientId'])
    expect(left).toHaveLength(12)
    const late = await Watcher.connect(broker, 5, ['devices/+/status'])
    await late.seen.atLeast(12)
    expect(late.seen.items.filter(({ payload }) => payload.toString() === 'online')).toEqual([])
    expect(run.stdout.items.join('\n')).toMatch(/connected +12 of 12/)
  })

  test('says with exit code 1 that there is no broker, and ends as soon as it is told', async () => {
    const port = await freePort()
    const run = await devices('--url', `mqtt://127.0.0.1:${port}`, '--seconds', '0.5', '--json')
    expect(await run.untilExit(RUN_GUARD_MS)).toEqual({ code: 1, signal: null })
    expect(summaryOf(run)).toMatchObject({ everConnected: 0 })
    const audited = await devices('--url', `mqtt://127.0.0.1:${port}`, '--audit')
    expect((await audited.untilExit(RUN_GUARD_MS)).code).toBe(1)
    expect(audited.stderr.items).toEqual([expect.stringMatching(/^Cannot run the devices: .*ECONNREFUSED/)])
  })

  test('lists what there is, and helps', async () => {
    const list = await devices('--list')
    expect(await list.untilExit()).toEqual({ code: 0, signal: null })
    expect(list.stdout.items).toContainEqual(expect.stringMatching(/^ {2}plant .* \(500\)$/))
    expect(list.stdout.items).toContainEqual(expect.stringMatching(/^ {2}thermostat /))
    const help = await devices('--help')
    expect(await help.untilExit()).toEqual({ code: 0, signal: null })
    expect(help.stdout.items).toContainEqual(expect.stringMatching(/--scenario NAME/))
  })

  test('says a mistake in a line, without a stack, with exit code 2', async () => {
    writeFileSync(join(folder, 'bad.yaml'), 'summary: bad\ndevices:\n  - { kind: toaster }\n')
    for (const args of [['--scenario', 'bad.yaml'], ['--scenario', 'none'], ['--url', 'nowhere'], ['--fast']]) {
      const run = await devices(...args)
      expect(await run.untilExit()).toEqual({ code: 2, signal: null })
      expect(run.stdout.items).toEqual([])
      expect(run.stderr.items).toEqual([expect.stringMatching(/^Cannot (use|read) /)])
    }
  })
})

async function brokerOf(run: TestProcess): Promise<Broker> {
  const [, url = ''] = await run.untilLine(/MQTT +(mqtt:\S+)/)
  const [, webSocketUrl = ''] = await run.untilLine(/over WebSocket (ws:\S+)/)
  return { url: new URL(url), webSocketUrl: new URL(webSocketUrl) }
}

describe('npm start', () => {
  test('has the house beside the hub, and ends both, the devices first, without an error', async () => {
    const run = await start()
    const watcher = await Watcher.connect(await brokerOf(run), 5, ['devices/+/status'])
    await run.untilLine(/^12 simulated devices run beside it \(without them: npm start -- --no-devices\)/)
    await untilAllOnline(watcher)
    process.kill(run.pid ?? 0, 'SIGINT')
    expect(await run.untilExit()).toEqual({ code: 0, signal: null })
    const lines = run.stderr.items.map((line) => JSON.parse(line))
    expect(lines.filter(({ level }) => level > 30)).toEqual([])
    const before = lines.slice(
      0,
      lines.findIndex(({ msg }) => msg === 'stopping'),
    )
    expect(before.filter(({ msg }) => msg === 'client disconnected')).toHaveLength(12)
  })

  test('has every device come over TCP where HTTP is switched off', async () => {
    const run = await start('--http-enabled=false')
    const [, url = ''] = await run.untilLine(/MQTT +(mqtt:\S+)/)
    const watcher = await Watcher.connect({ url: new URL(url), webSocketUrl: new URL(url) }, 5, ['devices/+/status'])
    await untilAllOnline(watcher)
    expect(await run.end()).toEqual({ code: 0, signal: null })
    expect(run.stdout.items.join('\n')).not.toContain('HTTP')
  })

  test('has its devices find the hub below a path of its own', async () => {
    const run = await start('--http-base-path', '/hub')
    const broker = await brokerOf(run)
    expect(broker.webSocketUrl.pathname).toBe('/hub/mqtt')
    await untilAllOnline(await Watcher.connect(broker, 5, ['devices/+/status']))
    expect(await run.end()).toEqual({ code: 0, signal: null })
  })

  test('--no-devices starts the hub alone', async () => {
    const run = await start('--no-devices')
    const watcher = await Watcher.connect(await brokerOf(run), 5, ['devices/#'])
    watcher.publish('devices/here', 'the only one')
    await watcher.until('devices/here')
    expect(watcher.seen.items).toHaveLength(1)
    expect(await run.end()).toEqual({ code: 0, signal: null })
    expect(run.stdout.items.join('\n')).not.toContain('devices')
  })

  test('hands the exit code and the words of a hub that cannot start on', async () => {
    const run = await start('--colour', 'red')
    expect((await run.untilExit()).code).toBe(2)
    expect(run.stderr.items.join('\n')).toMatch(/^hubbub: .*--colour/)
    const help = await start('--help')
    expect((await help.untilExit()).code).toBe(0)
    expect(help.stdout.items.join('\n')).toContain('--no-devices')
    expect(help.stdout.items.join('\n')).toContain('Usage: hubbub')
  })
})
