import { formatAddress, reachableHost } from '../base/addresses.ts'
import { createLog } from '../base/log.ts'
import { readVersion } from '../base/package.ts'
import { createHub, type Hub } from '../hub.ts'
import type { CommandCall } from './command.ts'
import { Reload } from './reload.ts'
import { ignoreUserSignals, reloadOnSignal, stopOnSignals } from './signals.ts'

const STOP_DEADLINE_MS = 5000
/** Starts the hub, which then runs until a signal stops it, and says where it is. */
export async function start(call: CommandCall): Promise<void> {
  ignoreUserSignals()
  const { config } = await call.loadConfig()
  const log = createLog({ level: config.logLevel })
  const reload = new Reload(config, call.loadConfig, log)
  reloadOnSignal(() => reload.run())
  const hub = await createHub({ config, log })
  stopOnSignals(log, () => stop(hub))
  const basePath = config.http.basePath.replace(/\/$/, '')
  process.stdout.write(banner(hub.addresses, basePath))
  // To whoever started the hub with a channel; one that is gone meanwhile does not hear it.
  process.send?.({ ...hub.addresses, basePath }, undefined, undefined, () => undefined)
}

function banner({ mqtt, http }: Hub['addresses'], basePath: string): string {
  const reachable = reachableHost(mqtt.host)
  const httpAddress = http && formatAddress(http.host, http.port)
  const overHttp =
    httpAddress === undefined
      ? ''
      : `  HTTP           http://${httpAddress}${basePath}
  over WebSocket ws://${httpAddress}${basePath}/mqtt
`
  return `Hubbub ${readVersion()}
  MQTT           mqtt://${formatAddress(mqtt.host, mqtt.port)}
${overHttp}
Try it in another terminal:
  mosquitto_sub -h ${reachable} -p ${mqtt.port} -t 'hello/#' -v
  mosquitto_pub -h ${reachable} -p ${mqtt.port} -t hello/world -m 'Hi'
`
}

/** Stops the hub. The process ends by itself when nothing is left open; what is then still open is a fault worth telling. */
async function stop(hub: Hub): Promise<void> {
  process.exitCode = 1
  const deadline = setTimeout(() => {
    const left = [...new Set(process.getActiveResourcesInfo())].join(', ')
    process.stderr.write(`hubbub: Cannot stop: it must take less than ${STOP_DEADLINE_MS} ms, still open: ${left}\n`)
    process.exit(1)
  }, STOP_DEADLINE_MS)
  deadline.unref()
  await hub.stop()
  process.exitCode = 0
}
