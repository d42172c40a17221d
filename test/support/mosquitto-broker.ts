import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { until } from './guard.ts'
import { startProcess } from './processes.ts'

/** Where Debian and others put it; undefined where it is not installed. It is never installed by tests: Debian would start it on 1883. */
export const MOSQUITTO_PATH = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/opt/homebrew/sbin/mosquitto'].find(
  (path) => existsSync(path),
)

const START_GUARD_MS = 15_000

/** A Mosquitto that listens; it ends with the test. */
export interface MosquittoBroker {
  readonly port: number
  /** MQTT over WebSocket. */
  readonly webSocketPort: number
}

/** Starts a Mosquitto with its defaults, but for anonymous clients and nothing on disk, on two free ports of 127.0.0.1. */
export async function startMosquittoBroker(): Promise<MosquittoBroker> {
  if (MOSQUITTO_PATH === undefined) throw new Error('Mosquitto is not installed: apt-get install mosquitto')
  const [port, webSocketPort] = [await freePort(), await freePort()]
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-mosquitto-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'mosquitto.conf')
  writeFileSync(
    file,
    [
      `listener ${port} 127.0.0.1`,
      `listener ${webSocketPort} 127.0.0.1`,
      'protocol websockets',
      'allow_anonymous true',
      'persistence false',
      'log_type error',
      '',
    ].join('\n'),
  )
  const broker = await startProcess(MOSQUITTO_PATH, ['-c', file])
  for (const each of [port, webSocketPort]) await untilAnswers(each, () => broker.stderr.items.join('\n'))
  return { port, webSocketPort }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  await new Promise((resolve) => {
    server.close(resolve)
  })
  if (address === null || typeof address === 'string') throw new Error('cannot find a free port')
  return address.port
}

/** It does not say when it listens, so it is tried. */
async function untilAnswers(port: number, lastWords: () => string): Promise<void> {
  const deadlineMs = performance.now() + START_GUARD_MS
  while (!(await answers(port))) {
    if (performance.now() > deadlineMs) throw new Error(`Mosquitto does not listen on ${port}: ${lastWords()}`)
    // The next turn of the event loop is soon enough.
    await until(
      () => true,
      () => 'a turn',
    )
  }
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
