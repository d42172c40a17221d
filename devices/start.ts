import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { Fleet } from './fleet.ts'
import { loadScenario } from './scenario.ts'

/*
 * `npm start`: the hub with the house of `scenarios/home.yaml` beside it. The hub is a process of its own; once it listens, it sends
 * its addresses, which is all that the devices know of it.
 */

const SCENARIO = 'home'
const NO_DEVICES = '--no-devices'
const HUB = fileURLToPath(new URL('../hub/main.js', import.meta.url))
const Address = Type.Object({ host: Type.String(), port: Type.Integer() })
const Addresses = Type.Object({ mqtt: Address, http: Type.Optional(Address), basePath: Type.String() })
/** Devices are gone at once; so long they may take on a machine that is busy with other things. */
const STOP_DEADLINE_MS = 10_000
const HELP = `npm start runs the hub and, beside it, the simulated devices of a house.
  ${NO_DEVICES}    runs the hub alone; every other flag is for the hub, whose help follows:

`

const argv = process.argv.slice(2)
const isHelpWanted = argv.includes('--help') || argv.includes('-h')
if (isHelpWanted) process.stdout.write(HELP)

// In a process group of its own: Ctrl-C must reach the devices first, so that they can still say DISCONNECT.
const hub = spawn(process.execPath, [HUB, ...argv.filter((argument) => argument !== NO_DEVICES)], {
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  detached: true,
})
let fleet: Fleet | undefined
let stopping: Promise<void> | undefined
if (!argv.includes(NO_DEVICES)) {
  hub.on('message', (message) => {
    if (stopping === undefined && Value.Check(Addresses, message)) fleet ??= startDevices(message)
  })
}
// However this ends, the hub does not stay behind.
process.on('exit', () => hub.kill())
for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP'] as const) {
  process.on(signal, () => {
    stopping ??= fleet?.stop(STOP_DEADLINE_MS) ?? Promise.resolve()
    void stopping.then(() => hub.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal))
  })
}
await once(hub, 'exit')
await fleet?.stop(0)
process.exitCode = hub.exitCode ?? 1

function startDevices({ mqtt, http, basePath }: Static<typeof Addresses>): Fleet {
  const started = new Fleet(loadScenario(SCENARIO), {
    url: new URL(`mqtt://${reachable(mqtt)}`),
    // Without HTTP every device comes over TCP.
    webSocketUrl: http && new URL(`ws://${reachable(http)}${basePath}/mqtt`),
  })
  void started.start()
  process.stdout.write(
    `\n${started.devices.length} simulated devices run beside it (without them: npm start -- ${NO_DEVICES})\n`,
  )
  return started
}

/** Host and port for a client on this machine: no client can connect to the address that stands for all networks. */
function reachable({ host, port }: Static<typeof Address>): string {
  if (host === '0.0.0.0') return `127.0.0.1:${port}`
  if (host === '::') return `[::1]:${port}`
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
