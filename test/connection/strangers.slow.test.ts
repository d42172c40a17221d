import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { startProcess } from '../support/processes.ts'
import { Bystander, join } from '../support/steps.ts'

const CLI = fileURLToPath(new URL('../../dist/hub/main.js', import.meta.url))
const STRANGERS = 10_000
/** Of each process's files, what is not a stranger's. */
const OTHER_FILES = 300
/** Fewer than the system lets wait to be accepted. */
const AT_ONCE = 100

/** How many strangers the limit on open files allows, up to 10,000; Node has raised it as far as it may. */
function countStrangers(): number {
  const report: unknown = process.report.getReport()
  const match = /"open_files":\{"soft":(?:"unlimited"|(\d+))/.exec(JSON.stringify(report))
  const openFiles = Number(match?.[1] ?? Number.MAX_SAFE_INTEGER)
  return Math.min(STRANGERS, openFiles - OTHER_FILES)
}

async function openStranger(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' })
  await once(socket, 'connect')
  return socket
}

/** How many connections the hub says are open. */
async function openConnections(httpPort: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${httpPort}/metrics`)
  return Number(/^hubbub_connections (\d+)$/m.exec(await answer.text())?.[1])
}

test('Hub goes on for all others while 10,000 strangers are connected that never send CONNECT, and when they go at once', async () => {
  const env = { PATH: process.env['PATH'], HUBBUB_LIMITS_CONNECT_TIMEOUT_SECONDS: '600' }
  const hub = await startProcess(process.execPath, [CLI, '--port', '0', '--http-port', '0', '--data', 'memory'], {
    env,
  })
  const port = Number((await hub.untilLine(/MQTT +mqtt:\/\/localhost:(\d+)/))[1])
  const httpPort = Number((await hub.untilLine(/HTTP +http:\/\/localhost:(\d+)/))[1])
  const bystander = await Bystander.join(port)
  const count = countStrangers()
  const strangers: Socket[] = []
  onTestFinished(() => {
    for (const stranger of strangers) stranger.destroy()
  })
  while (strangers.length < count) {
    const batch = Math.min(AT_ONCE, count - strangers.length)
    strangers.push(...(await Promise.all(Array.from({ length: batch }, async () => openStranger(port)))))
    if (strangers.length % 1000 === 0) await bystander.expectUntouched()
  }
  const newcomer = await join(port, 'newcomer')
  expect(await newcomer.restBeforePingresp()).toEqual([])
  await bystander.expectUntouched()
  expect(strangers.filter(({ destroyed }) => destroyed)).toHaveLength(0)

  for (const stranger of strangers) stranger.destroy()
  await bystander.expectUntouched()
  // The bystander and the newcomer are left.
  await expect.poll(async () => openConnections(httpPort), { timeout: 30_000 }).toBe(2)
  await bystander.expectUntouched()
  expect(await hub.end()).toEqual({ code: 0, signal: null })
})
