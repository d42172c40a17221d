import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { ask } from '../support/http-request.ts'
import { startProcess, type TestProcess } from '../support/processes.ts'

const CLI = fileURLToPath(new URL('../../dist/hub/main.js', import.meta.url))
/** Where Node's inspector listens when SIGUSR1 has opened it. */
const INSPECTOR = /Debugger listening/

/** A hub of its own process, with a file that it was started with. */
async function runningHub(file: string) {
  const cwd = mkdtempSync(join(tmpdir(), 'hubbub-signals-'))
  onTestFinished(() => rmSync(cwd, { recursive: true }))
  const write = (text: string, newHttpPort = 0): void =>
    writeFileSync(join(cwd, 'hubbub.yaml'), `data: memory\nport: 0\nhttpPort: ${newHttpPort}\n${text}`)
  write(file)
  const hub = await startProcess(process.execPath, [CLI], { cwd, env: { PATH: process.env['PATH'], HOME: cwd } })
  const [, httpPort = ''] = await hub.untilLine(/HTTP +http:\/\/localhost:(\d+)/)
  const send = (signal: NodeJS.Signals): boolean => process.kill(hub.pid ?? 0, signal)
  return { hub, httpPort: Number(httpPort), write, send }
}

/** Waits for a line of the log. */
function logged(hub: TestProcess, text: string): Promise<Record<string, unknown>> {
  return hub.stderr.firstThat((line) => (line.includes(text) ? Object(JSON.parse(line)) : undefined))
}

async function isAlive(httpPort: number): Promise<boolean> {
  return (await ask(httpPort, { path: '/readyz' })).status === 200
}

describe('hubbub at SIGHUP', () => {
  test('takes over what can change while it runs, names what needs a restart, and goes on', async () => {
    const { hub, httpPort, write, send } = await runningHub('logLevel: info\n')
    write('logLevel: debug\nlimits:\n  maxConnections: 7\n  maxTopics: 5000\n')
    send('SIGHUP')
    expect(await logged(hub, 'configuration reloaded')).toMatchObject({
      applied: ['logLevel', 'limits.maxConnections'],
      logLevel: 'debug',
    })
    expect(await logged(hub, 'with a restart only')).toMatchObject({ options: ['limits.maxTopics'] })
    await ask(httpPort, { path: '/nothing/here' })
    expect(await logged(hub, 'HTTP request for an unknown path')).toMatchObject({ level: 20 })
    expect(await hub.end()).toEqual({ code: 0, signal: null })
  })

  test('listens elsewhere, and where it did when that cannot be', async () => {
    const { hub, httpPort, write, send } = await runningHub('logLevel: info\n')
    const open = connect({ port: httpPort, host: 'localhost' })
    onTestFinished(() => void open.destroy())
    await once(open, 'connect')
    const next = await freePort()
    const cannot = await freePort()
    const other = createServer().listen(cannot, '127.0.0.1')
    onTestFinished(() => void other.close())
    write('', cannot)
    send('SIGHUP')
    expect(await logged(hub, 'configuration not reloaded')).toMatchObject({ code: 'LISTENER_PORT_IN_USE' })
    expect(await isAlive(httpPort)).toBe(true)
    write('', next)
    send('SIGHUP')
    expect(await logged(hub, 'configuration reloaded')).toMatchObject({ applied: ['httpPort'] })
    expect(await isAlive(next)).toBe(true)
    expect(open.closed).toBe(false)
  })

  test('keeps what it has when the file has a mistake, says which, and takes the mended file', async () => {
    const { hub, httpPort, write, send } = await runningHub('logLevel: info\n')
    write('logLevel: lots\n')
    send('SIGHUP')
    const { code, reason } = await logged(hub, 'configuration not reloaded')
    expect(code).toBe('CONFIG_INVALID')
    expect(reason).toMatch(/hubbub\.yaml:4: logLevel must be/)
    expect(await isAlive(httpPort)).toBe(true)
    write('logLevel: warn\n')
    send('SIGHUP')
    expect(await logged(hub, 'configuration reloaded')).toMatchObject({ applied: ['logLevel'], logLevel: 'warn' })
  })
})

test('hubbub with watchConfig takes a changed file over by itself, and keeps what it has when that has a mistake', async () => {
  const { hub, httpPort, write } = await runningHub('watchConfig: true\n')
  write('watchConfig: true\nlimits: { maxConnections: 0 }\n')
  expect(await logged(hub, 'configuration not reloaded')).toMatchObject({ code: 'CONFIG_INVALID' })
  expect(await isAlive(httpPort)).toBe(true)
  write('watchConfig: true\nlimits: { maxConnections: 7 }\n')
  expect(await logged(hub, 'configuration reloaded')).toMatchObject({ applied: ['limits.maxConnections'] })
  expect(await hub.end()).toEqual({ code: 0, signal: null })
})

test.each(['SIGTERM', 'SIGQUIT', 'SIGINT'] as const)('hubbub stops in order at %s', async (signal) => {
  const { hub } = await runningHub('')
  expect(await hub.end(signal)).toEqual({ code: 0, signal: null })
  expect(await logged(hub, '"stopping"')).toMatchObject({ signal })
})

test('hubbub goes on at SIGUSR2', async () => {
  const { hub, httpPort, send } = await runningHub('')
  send('SIGUSR2')
  expect(await isAlive(httpPort)).toBe(true)
  expect(await hub.end()).toEqual({ code: 0, signal: null })
})

test('hubbub opens no inspector at SIGUSR1', async () => {
  const { hub, httpPort, send } = await runningHub('')
  send('SIGUSR1')
  // Node would open the inspector from a thread of its own, and say so, before it has stopped.
  expect(await isAlive(httpPort)).toBe(true)
  expect(await hub.end()).toEqual({ code: 0, signal: null })
  expect(hub.stderr.items.filter((line) => INSPECTOR.test(line))).toEqual([])
})
