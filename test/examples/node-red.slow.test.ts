import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { ask } from '../support/http-request.ts'
import { INSTALL_TIMEOUT_MS, installPackage } from '../support/npm-package.ts'
import { startProcess, type TestProcess } from '../support/processes.ts'
import { HOUSE_GUARD_MS, startHouse } from './house.ts'
import { watch } from './watch.ts'
import { START_GUARD_MS } from '../support/guard.ts'

const FLOW = readFileSync(new URL('../../examples/node-red/flow.json', import.meta.url), 'utf8')
/** Neither editor nor pages: it opens no port. */
const SETTINGS = `module.exports = {
  flowFile: 'flows.json', httpAdminRoot: false, httpNodeRoot: false, telemetry: { enabled: false },
}`
const DOOR = 'devices/door-front/event'
const STATUS = 'devices/node-red/status'

let nodeRed = ''
beforeAll(async () => {
  // The last that runs on Node 20.
  nodeRed = await installPackage('node-red', '4.1.15')
}, INSTALL_TIMEOUT_MS)

/** Runs the flow in Node-RED against the hub at a port, and waits until it listens to the door. */
async function startFlow(port: number, httpPort: number): Promise<TestProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-node-red-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const flow = FLOW.replace('"port": "1883"', `"port": "${port}"`)
  expect(flow).not.toBe(FLOW)
  writeFileSync(join(folder, 'flows.json'), flow)
  writeFileSync(join(folder, 'settings.js'), SETTINGS)
  const flags = ['--userDir', folder, '--settings', join(folder, 'settings.js')]
  const program = await startProcess(process.execPath, [join(nodeRed, 'red.js'), ...flags])
  await program.untilLine(/Connected to broker: node-red@/)
  const deadlineMs = performance.now() + START_GUARD_MS
  const path = `/api/v1/explain?${new URLSearchParams({ topic: DOOR }).toString()}`
  while (!(await ask(httpPort, { path })).text.includes('"node-red"')) {
    if (performance.now() > deadlineMs) throw new Error('Node-RED does not subscribe to the door')
  }
  return program
}

function doorEvent(seq: number, event: string): string {
  return JSON.stringify({ seq, atMs: 1_795_000_000_000, event, batteryPercent: 80 })
}

test('The flow of Node-RED has the door switch the lamp of the house and tell the lobby', async () => {
  const { port, httpPort, watcher } = await startHouse()
  await watcher.until('devices/lamp-hall/status', ({ payload }) => payload === 'online', HOUSE_GUARD_MS)
  const program = await startFlow(port, httpPort)
  await watcher.until(STATUS, ({ payload, qos }) => payload === 'online' && qos === 1)
  watcher.publish(DOOR, doorEvent(1, 'woke'))
  watcher.publish(DOOR, doorEvent(2, 'opened'))
  await watcher.until('devices/lamp-hall/cmd/set', ({ payload, retain, qos }) => {
    return payload === '{"isOn":true,"brightnessPercent":80}' && !retain && qos === 1
  })
  await watcher.until('devices/lamp-hall/state', ({ payload }) => {
    const { isOn, brightnessPercent, isConfirmed } = JSON.parse(payload)
    return isOn === true && brightnessPercent === 80 && isConfirmed === true
  })
  const said = await watcher.until('chat/lobby', ({ payload }) => payload.includes('Node-RED'))
  expect(JSON.parse(said.payload)).toEqual({ from: 'Node-RED', text: 'The front door is open.', isBot: true })
  watcher.publish(DOOR, doorEvent(3, 'closed'))
  await watcher.until('devices/lamp-hall/cmd/set', ({ payload }) => payload === '{"isOn":false}')
  await watcher.until('chat/lobby', ({ payload }) => payload.includes('The front door is closed.'))
  await program.end()
  const late = await watch(port, [STATUS])
  expect(await late.until(STATUS)).toMatchObject({ payload: 'offline', retain: true })
  expect([...program.stdout.items, ...program.stderr.items].filter((line) => line.includes('[error]'))).toEqual([])
})
