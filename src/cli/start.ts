import { resolve } from 'node:path'
import { formatAddress, reachableHost } from '../base/addresses.ts'
import { createLog } from '../base/log.ts'
import { WatchedFile } from '../base/watched-file.ts'
import { readVersion } from '../base/package.ts'
import { createHub, type Hub } from '../hub.ts'
import type { CommandCall } from './command.ts'
import { Reload } from './reload.ts'
import { ignoreUserSignals, reloadOnSignal, stopOnSignals } from './signals.ts'

const STOP_DEADLINE_MS = 5000
/** What is longer is refused when it is read. */
const MAX_WATCHED_BYTES = 4 * 1024 * 1024

/** Starts the hub, which then runs until a signal stops it, and says where it is. */
export async function start(call: CommandCall): Promise<void> {
  ignoreUserSignals()
  const { config, file } = await call.loadConfig()
  const log = createLog({ level: config.logLevel })
  const reload = new Reload(call.loadConfig, log)
  reloadOnSignal(() => reload.run())
  const hub = await createHub({ config, log, onReload: () => reload.report() })
  reload.hub = hub
  if (config.watchConfig) await watch([file, config.access.aclFile], () => void reload.run())
  stopOnSignals(log, () => stop(hub))
  const basePath = config.http.basePath.replace(/\/$/, '')
  process.stdout.write(banner(hub.addresses, basePath))
  // To whoever started the hub with a channel; one that is gone meanwhile does not hear it.
  process.send?.({ ...hub.addresses, basePath }, undefined, undefined, () => undefined)
}

/** Calls `changed` when a file has another content, until the process ends. */
async function watch(files: readonly (string | null | undefined)[], changed: () => void): Promise<void> {
  for (const file of files) {
    if (file === null || file === undefined) continue
    const watched = new WatchedFile({ path: resolve(file), maxBytes: MAX_WATCHED_BYTES, changed })
    await watched.read()
    watched.start()
  }
}

function banner({ mqtt, listeners }: Hub['addresses'], basePath: string): string {
  const rows = listeners.flatMap((listener) => bannerRows(listener, basePath))
  const names = listeners.length > 2 || listeners.some(({ name, kind }) => name !== kind)
  const lines = rows.map(([what, where, name]) => `  ${what.padEnd(14)} ${where}${names ? `  (${name})` : ''}\n`)
  const intro = `Hubbub ${readVersion()}\n${lines.join('')}`
  if (!listeners.some(({ kind }) => kind === 'mqtt')) return intro
  const to = `-h ${reachableHost(mqtt.host)} -p ${mqtt.port}`
  return `${intro}
Try it in another terminal:
  mosquitto_sub ${to} -t 'hello/#' -v
  mosquitto_pub ${to} -t hello/world -m 'Hi'
`
}

/** What is there, where, and at which listener. */
function bannerRows(
  { name, kind, host, port }: Hub['addresses']['listeners'][number],
  basePath: string,
): (readonly [what: string, where: string, name: string])[] {
  const address = formatAddress(host, port)
  if (kind === 'unix') return [['MQTT', host, name]]
  if (kind === 'mqtt' || kind === 'mqtts')
    return [[kind === 'mqtt' ? 'MQTT' : 'MQTT over TLS', `${kind}://${address}`, name]]
  return [
    [kind.toUpperCase(), `${kind}://${address}${basePath}`, name],
    ['over WebSocket', `${kind === 'http' ? 'ws' : 'wss'}://${address}${basePath}/mqtt`, name],
  ]
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
