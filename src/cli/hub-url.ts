import { formatAddress, reachableHost } from '../base/addresses.ts'
import type { Config } from '../config/config.ts'
import { isHttp, listenersOf } from '../config/listener-settings.ts'

/** Where a hub with this configuration answers over HTTP to a program on its machine, without a slash at the end. */
export function hubUrl(config: Config): string {
  const listeners = listenersOf(config)
  const { kind, host, port } = listeners.find(({ kind: own }) => own === 'http') ??
    listeners.find((listener) => isHttp(listener.kind)) ?? { kind: 'http', host: config.host, port: config.httpPort }
  return `${kind}://${formatAddress(reachableHost(host), port)}${config.http.basePath.replace(/\/$/, '')}`
}
