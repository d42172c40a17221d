import { fileURLToPath } from 'node:url'
import { startProcess } from '../support/processes.ts'
import { startHubWithHttp } from '../support/start-hub.ts'
import { watch, type Watch } from './watch.ts'

const DEVICES = fileURLToPath(new URL('../../dist/devices/cli.js', import.meta.url))

/** How long a device of the house may take to be connected and have its turn. */
export const HOUSE_GUARD_MS = 20_000

export interface House {
  readonly port: number
  readonly httpPort: number
  readonly watcher: Watch
}

/** A hub with the simulated house, where a minute passes in a second, and somebody who watches; until the test ends. */
export async function startHouse(...flags: readonly string[]): Promise<House> {
  const { port, httpPort } = await startHubWithHttp()
  const watcher = await watch(port)
  const urls = ['--url', `mqtt://127.0.0.1:${port}`, '--ws-url', `ws://127.0.0.1:${httpPort}/mqtt`]
  await startProcess(process.execPath, [DEVICES, ...urls, '--speed', '60', ...flags])
  return { port, httpPort, watcher }
}
