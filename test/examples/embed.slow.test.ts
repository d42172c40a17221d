import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { startProcess, type TestProcess } from '../support/processes.ts'
import { watch } from './watch.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const run = promisify(execFile)

/** The example as a person has it: copied, with hubbub installed beside it. */
const folder = mkdtempSync(join(tmpdir(), 'hubbub-embed-'))
cpSync(join(ROOT, 'examples/embed/greenhouse.mjs'), join(folder, 'greenhouse.mjs'))
mkdirSync(join(folder, 'node_modules'))
symlinkSync(ROOT, join(folder, 'node_modules/hubbub'))
afterAll(() => rmSync(folder, { recursive: true }))

async function startGreenhouse(mqttPort = 0): Promise<TestProcess> {
  return startProcess(process.execPath, ['greenhouse.mjs', String(mqttPort), '0'], { cwd: folder })
}

async function portOf(greenhouse: TestProcess): Promise<number> {
  const [, port] = await greenhouse.untilLine(/^MQTT at port (\d+)$/)
  return Number(port)
}

test('The program with a hub inside hears sensors, tells windows, and stops in order', async () => {
  const greenhouse = await startGreenhouse()
  const port = await portOf(greenhouse)
  const sensor = await watch(port)
  for (const reading of ['warm', '27', '28.5', '29']) sensor.publish('greenhouse/tomatoes/temperature', reading)
  const opened = await sensor.until('greenhouse/tomatoes/window')
  expect(opened).toMatchObject({ payload: 'open', qos: 1 })
  sensor.publish('greenhouse/tomatoes/temperature', '24')
  await sensor.until('greenhouse/tomatoes/window', ({ payload }) => payload === 'closed')
  const window = await watch(port, ['greenhouse/+/window'])
  expect(await window.until('greenhouse/tomatoes/window')).toMatchObject({ payload: 'closed', retain: true })
  expect(await greenhouse.end('SIGTERM')).toEqual({ code: 0, signal: null })
  expect(greenhouse.stdout.items.slice(1)).toEqual([
    expect.stringMatching(/^Dashboard at http/),
    'Window of tomatoes: open',
    'Window of tomatoes: closed',
    'Stopped',
  ])
  expect(greenhouse.stderr.items).toEqual([])
})

test('The program with a hub inside says what to change when its port is taken', async () => {
  const port = await portOf(await startGreenhouse())
  const second = await startGreenhouse(port)
  expect(await second.untilExit()).toEqual({ code: 1, signal: null })
  expect(second.stderr.items).toEqual([expect.stringMatching(/^LISTENER_PORT_IN_USE: Cannot listen on /)])
})

test('The program with a hub inside uses its types as they are', async () => {
  const flags = ['--noEmit', '--allowJs', '--checkJs', '--strict', '--module', 'nodenext', '--target', 'es2023']
  const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')]
  const tsc = join(ROOT, 'node_modules/.bin/tsc')
  await expect(run(tsc, [...flags, ...types, 'greenhouse.mjs'], { cwd: folder })).resolves.toEqual({
    stdout: '',
    stderr: '',
  })
})
