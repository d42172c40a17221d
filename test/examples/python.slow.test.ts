import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createHub } from '../../src/hub.ts'
import { DEBIAN_PYTHON } from '../support/debian-tools.ts'
import { freePort } from '../support/free-port.ts'
import { startProcess, type TestProcess } from '../support/processes.ts'
import { CollectingLog, startHub } from '../support/start-hub.ts'
import { watch, type Watch } from './watch.ts'
import { START_GUARD_MS } from '../support/guard.ts'

const PROGRAM = fileURLToPath(new URL('../../examples/python/device.py', import.meta.url))
const PAHO_2 = fileURLToPath(new URL('paho2', import.meta.url))
/** Python and paho are loaded first. */
const ID = 'my-machine'
const STATUS = `devices/${ID}/status`
const TELEMETRY = `devices/${ID}/telemetry`

interface Reading {
  readonly seq: number
  readonly atMs: number
  readonly load: number
}

async function startDevice(port: number, seconds: number, env: NodeJS.ProcessEnv = {}): Promise<TestProcess> {
  const args = [PROGRAM, '--id', ID, '--port', String(port), '--seconds', String(seconds)]
  const device = await startProcess(DEBIAN_PYTHON, args, {
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...env },
  })
  return device
}

function readingsOf(watcher: Watch): Reading[] {
  return watcher.messages.items
    .filter(({ topic }) => topic === TELEMETRY)
    .map(({ payload }): Reading => JSON.parse(payload))
}

async function untilReading(watcher: Watch, isIt: (reading: Reading) => boolean): Promise<Reading> {
  const message = await watcher.until(TELEMETRY, ({ payload }) => isIt(JSON.parse(payload)), START_GUARD_MS)
  return JSON.parse(message.payload)
}

describe.each([
  ['paho-mqtt of Debian', {}],
  ['the functions of paho-mqtt 2.x', { PYTHONPATH: PAHO_2 }],
])('The Python device, with %s,', (_name, env) => {
  test('tells what it measures at QoS 1, obeys a command and says goodbye', async () => {
    const { port } = await startHub()
    const watcher = await watch(port)
    const device = await startDevice(port, 3600, env)
    expect(await untilReading(watcher, () => true)).toEqual({
      seq: 1,
      atMs: expect.any(Number),
      load: expect.any(Number),
    })
    await watcher.until(STATUS, ({ payload, qos }) => payload === 'online' && qos === 1)
    watcher.publish(`devices/${ID}/cmd/interval`, JSON.stringify({ seconds: 0.2, responseTopic: 'replies/me' }))
    const reply = await watcher.until('replies/me')
    expect(JSON.parse(reply.payload)).toEqual({ ok: true, result: { seconds: 0.2 } })
    await untilReading(watcher, ({ seq }) => seq === 3)
    expect(watcher.messages.items.filter(({ topic, qos }) => topic === TELEMETRY && qos !== 1)).toEqual([])
    expect(await device.end()).toEqual({ code: 0, signal: null })
    await watcher.until(STATUS, ({ payload }) => payload === 'offline')
    expect(device.stderr.items).toEqual([])
    expect(device.stdout.items).toContain('Measuring every 0.2 s')
  })

  test('loses no reading and comes back when the hub was away', async () => {
    const port = await freePort()
    const first = await createHub({ config: { port, httpPort: 0, data: 'memory' }, log: new CollectingLog() })
    onTestFinished(() => first.stop())
    const before = await watch(port)
    const device = await startDevice(port, 0.2, env)
    const last = await untilReading(before, ({ seq }) => seq === 2)
    // What the hub has acknowledged it sends to others before it ends.
    await first.stop()
    await before.closed
    await device.untilLine(/The line is cut; trying again/)
    const second = await createHub({ config: { port, httpPort: 0, data: 'memory' }, log: new CollectingLog() })
    onTestFinished(() => second.stop())
    const after = await watch(port)
    await untilReading(after, ({ seq }) => seq > last.seq + 8)
    await after.until(STATUS, ({ payload }) => payload === 'online')
    const seqs = [...new Set([...readingsOf(before), ...readingsOf(after)].map(({ seq }) => seq))].toSorted(
      (a, b) => a - b,
    )
    expect(seqs).toEqual(seqs.map((_seq, i) => i + 1))
  })
})

describe('The Python device', () => {
  test('is said to be offline by its will, and gets the command that came while it was away', async () => {
    const { port } = await startHub()
    const watcher = await watch(port)
    const device = await startDevice(port, 3600)
    await watcher.until(STATUS, ({ payload }) => payload === 'online', START_GUARD_MS)
    await device.end('SIGKILL')
    await watcher.until(STATUS, ({ payload }) => payload === 'offline')
    await watcher.publishAsync(`devices/${ID}/cmd/interval`, '{"seconds": 7}')
    const again = await startDevice(port, 3600)
    await again.untilLine(/^Measuring every 7 s$/)
  })

  test('refuses a command that it does not understand, and lives', async () => {
    const { port } = await startHub()
    const watcher = await watch(port)
    const device = await startDevice(port, 3600)
    await watcher.until(STATUS, ({ payload }) => payload === 'online', START_GUARD_MS)
    for (const payload of ['no JSON', '[1]', '{"seconds": "soon", "responseTopic": "replies/me"}']) {
      watcher.publish(`devices/${ID}/cmd/interval`, payload)
    }
    const { payload } = await watcher.until('replies/me')
    expect(JSON.parse(payload)).toMatchObject({ ok: false, error: { code: 'PARAMETERS_INVALID' } })
    watcher.publish(`devices/${ID}/cmd/interval`, '{"seconds": 8}')
    await device.untilLine(/^Measuring every 8 s$/)
    expect(device.stderr.items).toEqual([])
  })
})
