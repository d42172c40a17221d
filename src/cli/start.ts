import { formatAddress, reachableHost } from '../base/addresses.ts'
import { createLog, type Log } from '../base/log.ts'
import { readVersion } from '../base/version.ts'
import { createHub, type Hub } from '../hub.ts'
import type { CommandCall } from './command.ts'

const STOP_DEADLINE_MS = 5000
/**
 * Ctrl-C under `npm start` may arrive twice within 3 ms (npm 11 with bash as its shell), from the terminal and passed on by
 * npm. Only a signal later than this is a second wish.
 */
const SAME_WISH_MS = 300

/** Starts the hub, which then runs until a signal stops it, and says where it is. */
export async function start(call: CommandCall): Promise<void> {
  const { config } = await call.loadConfig()
  const log = createLog({ level: config.logLevel })
  const hub = await createHub({ config, log })
  stopOnSignals(hub, log)
  process.stdout.write(banner(hub.addresses))
  // To whoever started the hub with a channel; one that is gone meanwhile does not hear it.
  process.send?.(hub.addresses, undefined, undefined, () => undefined)
}

function banner({ mqtt, http }: Hub['addresses']): string {
  const reachable = reachableHost(mqtt.host)
  const httpAddress = http && formatAddress(http.host, http.port)
  const overHttp =
    httpAddress === undefined
      ? ''
      : `  HTTP           http://${httpAddress}
  over WebSocket ws://${httpAddress}/mqtt
`
  return `Hubbub ${readVersion()}
  MQTT           mqtt://${formatAddress(mqtt.host, mqtt.port)}
${overHttp}
Try it in another terminal:
  mosquitto_sub -h ${reachable} -p ${mqtt.port} -t 'hello/#' -v
  mosquitto_pub -h ${reachable} -p ${mqtt.port} -t hello/world -m 'Hi'
`
}

function stopOnSignals(hub: Hub, log: Log): void {
  let stoppingSinceMs: number | undefined
  const onSignal = (signal: NodeJS.Signals, signalNumber: number): void => {
    if (stoppingSinceMs === undefined) {
      stoppingSinceMs = performance.now()
      log.info({ signal }, 'stopping')
      void stop(hub)
    } else if (performance.now() - stoppingSinceMs > SAME_WISH_MS) {
      process.exit(128 + signalNumber)
    }
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
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
