import { readFileSync } from 'node:fs'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { createHub } from '../../src/hub.ts'
import { freePort } from '../support/free-port.ts'
import { guarded } from '../support/guard.ts'
import { INSTALL_TIMEOUT_MS, installPackage } from '../support/npm-package.ts'
import { CollectingLog, startHub } from '../support/start-hub.ts'
import { Board } from './board/board.ts'
import { watch } from './watch.ts'

const PROGRAM = readFileSync(new URL('../../examples/micropython/main.py', import.meta.url), 'utf8')
/** A pause before the board connects again is among what is waited for. */
const RETRY_GUARD_MS = 15_000

let micropython = ''
beforeAll(async () => {
  micropython = await installPackage('@micropython/micropython-webassembly-pyscript', '1.27.0')
}, INSTALL_TIMEOUT_MS)

/** Runs the example with the settings at its top edited, as a person does. */
function startBoard(port: number): Board {
  const settings = { HUB_HOST: '"127.0.0.1"', HUB_PORT: port, READING_SECONDS: 1 }
  const program = Object.entries(settings).reduce((text, [name, value]) => {
    const setting = new RegExp(`^${name} = .*$`, 'm')
    expect(text).toMatch(setting)
    return text.replace(setting, `${name} = ${value}`)
  }, PROGRAM)
  return Board.start(micropython, program)
}

test('The MicroPython device tells what it measures, obeys a command and refuses a wrong one', async () => {
  const { port } = await startHub()
  const watcher = await watch(port)
  const board = startBoard(port)
  expect(await watcher.until('devices/board-1/status')).toMatchObject({ payload: 'online', qos: 1 })
  const reading = await watcher.until('devices/board-1/telemetry')
  expect(reading.qos).toBe(1)
  expect(JSON.parse(reading.payload)).toEqual({ seq: 1, signalDbm: -61, freeBytes: expect.any(Number) })
  await watcher.until('devices/board-1/telemetry', ({ payload }) => payload.includes('"seq": 3'))
  watcher.publish('devices/board-1/cmd/set', JSON.stringify({ isOn: true, responseTopic: 'replies/1' }))
  expect(JSON.parse((await watcher.until('replies/1')).payload)).toEqual({ ok: true, result: { isOn: true } })
  await watcher.until('devices/board-1/state', ({ payload }) => payload === '{"isOn": true}')
  expect(board.pins.items).toEqual([{ id: 2, value: 1 }])
  for (const wrong of ['no JSON', '[]', '{"responseTopic": "replies/2"}']) {
    watcher.publish('devices/board-1/cmd/set', wrong)
  }
  const refusal = await watcher.until('replies/2')
  expect(JSON.parse(refusal.payload)).toMatchObject({ ok: false, error: { code: 'PARAMETERS_INVALID' } })
  expect(board.lines.items).toEqual(['Connected'])
  expect(board.errors.items).toEqual([])
})

test('The MicroPython device is said to be offline by its will, comes back, and gets what was said meanwhile', async () => {
  const { port } = await startHub()
  const watcher = await watch(port)
  const board = startBoard(port)
  await watcher.until('devices/board-1/telemetry')
  board.cut()
  await watcher.until('devices/board-1/status', ({ payload }) => payload === 'offline')
  await watcher.publishAsync('devices/board-1/cmd/set', '{"isOn": true}')
  await watcher.until('devices/board-1/state', ({ payload }) => payload === '{"isOn": true}', RETRY_GUARD_MS)
  expect(board.lines.items).toContain('Trying again in 1 s')
})

test('The MicroPython device waits longer each time for a hub that is away', async () => {
  const port = await freePort()
  const board = startBoard(port)
  const tries = board.lines.firstThat((line) => (line === 'Trying again in 2 s' ? true : undefined))
  await guarded(tries, () => `a second attempt; there was ${board.lines.items.join('\n')}`, RETRY_GUARD_MS)
  const hub = await createHub({ config: { port, httpPort: 0, data: 'memory' }, log: new CollectingLog() })
  onTestFinished(() => hub.stop())
  const watcher = await watch(port)
  await watcher.until('devices/board-1/telemetry', () => true, RETRY_GUARD_MS)
  // How many there were before the hub came depends on how quick this machine is.
  const pauses = board.lines.items.flatMap((line) => /^Trying again in (\d+) s$/.exec(line)?.[1] ?? []).map(Number)
  expect(pauses).toEqual(pauses.map((_pause, i) => Math.min(2 ** i, 60)))
})
