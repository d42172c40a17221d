import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Fleet } from './fleet.ts'
import { loadScenario } from './scenario.ts'

/*
 * `npm start`: the hub with the house of `scenarios/home.yaml` beside it. The hub is a process of its own, and the devices know of it
 * what it prints: its addresses.
 */

const SCENARIO = 'home'
const NO_DEVICES = '--no-devices'
const HUB = fileURLToPath(new URL('../cli/main.js', import.meta.url))
/** A line such as "  MQTT           mqtt://127.0.0.1:1883". */
const ADDRESS = /^ {2}(MQTT|over WebSocket) +(\w+:\S+)$/
const STOP_DEADLINE_MS = 1000
const HELP = `npm start starts the hub with simulated devices beside it, those of a house.
  ${NO_DEVICES}    starts the hub alone; all else is for the hub, which says:

`

const addresses = new Map<string, string>()
const argv = process.argv.slice(2)
const isHelpWanted = argv.includes('--help') || argv.includes('-h')
if (isHelpWanted) process.stdout.write(HELP)

// In a process group of its own: Ctrl-C must reach the devices first, so that they can still say DISCONNECT.
const hub = spawn(process.execPath, [HUB, ...argv.filter((argument) => argument !== NO_DEVICES)], {
  stdio: ['ignore', 'pipe', 'inherit'],
  detached: true,
})
hub.stdout.pipe(process.stdout)
let fleet: Fleet | undefined
let stopping: Promise<void> | undefined
if (!argv.includes(NO_DEVICES)) {
  createInterface({ input: hub.stdout }).on('line', (line) => {
    fleet ??= startDevices(line)
  })
}
// However this ends, the hub does not stay behind.
process.on('exit', () => hub.kill())
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    stopping ??= fleet?.stop(STOP_DEADLINE_MS) ?? Promise.resolve()
    void stopping.then(() => hub.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal))
  })
}
await once(hub, 'exit')
await fleet?.stop(0)
process.exitCode = hub.exitCode ?? 1

/** Reads a line of the hub, and starts the devices with the last of its addresses. */
function startDevices(line: string): Fleet | undefined {
  const [, name = '', address = ''] = ADDRESS.exec(line) ?? []
  // An address for all networks is none to connect to.
  if (name !== '') addresses.set(name, address.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:'))
  const [url, webSocketUrl] = [addresses.get('MQTT'), addresses.get('over WebSocket')]
  if (url === undefined || webSocketUrl === undefined || stopping !== undefined) return undefined
  const started = new Fleet(loadScenario(SCENARIO), { url: new URL(url), webSocketUrl: new URL(webSocketUrl) })
  void started.start()
  process.stdout.write(
    `\n${started.devices.length} simulated devices are beside it (without them: npm start -- ${NO_DEVICES})\n`,
  )
  return started
}
