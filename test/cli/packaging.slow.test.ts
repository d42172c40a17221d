import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { validate } from 'dockerfile-utils'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startProcess } from '../support/processes.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CLI = join(ROOT, 'dist/hub/main.js')
const UNIT = join(ROOT, 'packaging/hubbub.service')
const run = promisify(execFile)

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'hubbub-packaging-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

/** The values of a setting of the unit, in their order. */
function settings(name: string): string[] {
  const lines = readFileSync(UNIT, 'utf8').split('\n')
  return lines.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1))
}

describe('packaging/hubbub.service', () => {
  test('has nothing that systemd does not understand', async () => {
    const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', UNIT])
    expect(`${stdout}${stderr}`).toBe('')
  })

  test('leaves the hub with little of the system', async () => {
    // It fails beyond 1.5 of 10.
    const { stdout } = await run('systemd-analyze', ['security', '--offline=true', '--threshold=15', UNIT])
    expect(stdout).toMatch(/Overall exposure level for hubbub\.service: \d\.\d OK/)
  })

  test('starts, finds ready and reloads a hub with its commands and its environment', async () => {
    const state = folder()
    const settled = settings('Environment')
      .flatMap((line) => line.split(' '))
      .map((pair) => pair.replace('%S', state).split('='))
    // Only the paths are others, and the ports, which are free ones.
    const env = { ...Object.fromEntries(settled), PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env['PATH']}` }
    const start = settings('ExecStart')[0]?.replace('/usr/bin/env hubbub', '') ?? ''
    expect(start).toBe('')
    const hub = await startProcess(process.execPath, [CLI], {
      cwd: folder(),
      env: { ...env, HUBBUB_PORT: '0', HUBBUB_HTTP_PORT: '0' },
    })
    const [, httpPort = ''] = await hub.untilLine(/HTTP +http:\/\/localhost:(\d+)/)
    const [, ...ready] = settings('ExecStartPost')[0]?.replace('/usr/bin/env ', '').split(' ') ?? []
    const asked = await run(process.execPath, [CLI, ...ready], { env: { ...env, HUBBUB_HTTP_PORT: httpPort } })
    expect(asked.stdout).toBe('ready\n')
    const [kill = '', ...args] = settings('ExecReload')[0]?.replace('$MAINPID', String(hub.pid)).split(' ') ?? []
    await run(kill, args)
    await hub.stderr.firstThat((line) => (line.includes('configuration reloaded') ? line : undefined))
    expect(await hub.end()).toEqual({ code: 0, signal: null })
  })
})

describe('The Dockerfile', () => {
  const text = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
  const lines = text.split('\n').filter((line) => /^[A-Z]/.test(line))
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')))

  test('has nothing that a linter finds wrong', () => {
    expect(validate(text)).toEqual([])
    const wrong = text.replace('WORKDIR /app', 'WORKDIR app\nADDD x y').replace('EXPOSE 1883', 'EXPOSE mqtt')
    expect(validate(wrong)).toHaveLength(3)
  })

  test('builds in one stage and runs in another, from a base of a named version', () => {
    const bases = lines.filter((line) => line.startsWith('FROM '))
    expect(bases).toHaveLength(2)
    for (const base of bases) expect(base).toMatch(/^FROM node:\d+-[a-z]+-slim( AS build)?$/)
  })

  test('runs the hub as somebody who is not root, by words and not by a shell', () => {
    expect(last).toContain('USER node')
    expect(last.findIndex((line) => line.startsWith('USER'))).toBeGreaterThan(
      last.findLastIndex((line) => line.startsWith('RUN')),
    )
    for (const name of ['ENTRYPOINT', 'HEALTHCHECK']) {
      const line = last.find((one) => one.startsWith(name)) ?? ''
      expect([name, /\[.*\]$/.exec(line)?.[0]]).toEqual([name, expect.stringMatching(/^\["node", /)])
    }
  })

  test('keeps Node from opening its inspector, has its state in a volume and both ports', () => {
    expect(last).toContain('ENTRYPOINT ["node", "--disable-sigusr1", "dist/hub/main.js"]')
    expect(last).toContain('ENV NODE_ENV=production HUBBUB_DATA=/data')
    expect(last).toContain('VOLUME /data')
    expect(last).toContain('EXPOSE 1883 8080')
  })

  test('copies only what .dockerignore lets through', () => {
    const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n')
    expect(ignored).toContain('*')
    const copied = lines
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from'))
      .flatMap((line) => line.split(' ').slice(1, -1))
    expect(copied.length).toBeGreaterThan(4)
    for (const path of copied) expect(ignored).toContain(`!${path}`)
  })
})

describe('hubbub ready', () => {
  test('waits for a hub that is about to start', async () => {
    const cwd = folder()
    const env = { PATH: process.env['PATH'], HUBBUB_DATA: 'memory', HUBBUB_PORT: '0' }
    const first = await startProcess(process.execPath, [CLI, '--http-port', '0'], { cwd, env })
    const [, httpPort = ''] = await first.untilLine(/HTTP +http:\/\/localhost:(\d+)/)
    await first.end()
    const waiting = await startProcess(process.execPath, [CLI, 'ready', '--wait', '30s'], {
      cwd,
      env: { ...env, HUBBUB_HTTP_PORT: httpPort },
    })
    await startProcess(process.execPath, [CLI, '--http-port', httpPort], { cwd, env })
    await waiting.untilLine(/^ready$/)
    expect(await waiting.untilExit()).toEqual({ code: 0, signal: null })
  })

  test.each([
    [
      ['ready', '--url', 'http://127.0.0.1:1'],
      /Cannot use the hub at http:\/\/127\.0\.0\.1:1: it must be ready, it is not: /,
    ],
    [['ready', '--wait', 'long'], /Cannot wait "long": --wait must be a duration such as 60s/],
  ])('says why not: %j', async (args, message) => {
    const failed = run(process.execPath, [CLI, ...args], { cwd: folder(), env: { PATH: process.env['PATH'] } })
    await expect(failed).rejects.toMatchObject({ stderr: expect.stringMatching(message) })
  })
})

test('npm start has its state and its paths in the clone, in whatever folder it is typed', async () => {
  const name = `node_modules/.cache/npm-start-${process.pid}`
  onTestFinished(() => rmSync(join(ROOT, name), { recursive: true, force: true }))
  const elsewhere = folder()
  const args = ['start', '--prefix', ROOT, '--', '--no-devices', '--data', name, '--port', '0', '--http-port', '0']
  const npm = await startProcess('npm', args, { cwd: elsewhere, env: { PATH: process.env['PATH'], HOME: elsewhere } })
  // What a test starts is killed at its end, but npm would leave the hub behind then.
  onTestFinished(async () => {
    await npm.end()
  })
  await npm.untilLine(/MQTT +mqtt:/)
  const { stdout } = await run(process.execPath, [CLI, 'inspect', '--json', '--data', join(ROOT, name)])
  expect(JSON.parse(stdout)).toEqual(expect.any(Object))
  expect(await npm.end()).toMatchObject({ code: 0 })
})
