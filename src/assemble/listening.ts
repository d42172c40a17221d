import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Admin } from '../admin/admin.ts'
import type { HubAddresses } from '../admin/status.ts'
import type { Gate } from '../auth/gate.ts'
import type { SignIns } from '../auth/sign-ins/sign-ins.ts'
import type { Log } from '../base/log.ts'
import type { MemoryBudget } from '../base/memory-budget.ts'
import { packageFile } from '../base/package.ts'
import type { Stage } from '../base/stages.ts'
import type { Config } from '../config/config.ts'
import type { History } from '../history/history.ts'
import type { HttpSide } from '../http/http-side.ts'
import type { HttpListener } from '../listeners/http.ts'
import type { Accept } from '../listeners/listener.ts'
import { ReadTurn } from '../listeners/read-turn.ts'
import { TcpListener } from '../listeners/tcp.ts'
import type { WebSocketListener } from '../listeners/websocket.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Mishaps } from '../observe/mishaps.ts'

/** What those who come to the hub meet first. */
export interface Listening {
  readonly stages: readonly Pick<Stage, 'name' | 'start' | 'stop'>[]
  readonly addresses: HubAddresses
}

interface ListeningParts {
  readonly config: Config
  readonly log: Log
  readonly gate: Gate
  readonly admin: Admin
  readonly history: History | undefined
  readonly metrics: Metrics
  readonly memory: MemoryBudget
  readonly mishaps: Mishaps
  readonly accept: Accept
}

interface HttpParts {
  readonly listener: HttpListener
  readonly webSocket: WebSocketListener
  readonly side: HttpSide
  readonly signIns: SignIns
}

/** What the build makes of the dashboard. */
const PAGES = 'dist/dashboard'

/** Puts together where the hub listens, for MQTT and for HTTP. */
export function assembleListeners(parts: ListeningParts): Listening {
  const { config, log, accept } = parts
  const readTurn = new ReadTurn()
  const tcp = new TcpListener({ host: config.host, port: config.port, portOption: '--port', log, readTurn }, accept)
  let http: HttpParts | undefined
  const stages: Pick<Stage, 'name' | 'start' | 'stop'>[] = [
    { name: 'the MQTT listener', start: () => tcp.start(), stop: () => tcp.stop() },
  ]
  // After MQTT, since it takes longer to load than all the rest.
  if (config.http.enabled) {
    stages.push(
      {
        name: 'the parts of HTTP',
        start: async () => {
          http = await loadHttp(parts, readTurn)
        },
      },
      { name: 'MQTT over WebSocket', start: () => http?.webSocket.start(), stop: () => http?.webSocket.stop() },
      {
        name: 'HTTP',
        start: async () => {
          await http?.signIns.start()
          await http?.side.start()
          await http?.listener.start()
        },
        // What is open is ended first: a listener waits for it.
        stop: async () => {
          await http?.side.stop()
          await http?.listener.stop()
          await http?.signIns.stop()
        },
      },
    )
  }
  return {
    stages,
    get addresses() {
      return { mqtt: tcp.address, http: http?.listener.address }
    },
  }
}

/** HTTP with the API, the dashboard, and MQTT over WebSocket beside them on one port. */
async function loadHttp(
  { config, log, gate, admin, history, metrics, memory, mishaps, accept }: ListeningParts,
  readTurn: ReadTurn,
): Promise<HttpParts> {
  const [
    { HttpSide },
    { Callers },
    { SignIns },
    { SignInFile },
    { NO_HISTORY },
    { HttpListener },
    { WebSocketListener },
  ] = await Promise.all([
    import('../http/http-side.ts'),
    import('../http/callers.ts'),
    import('../auth/sign-ins/sign-ins.ts'),
    import('../auth/sign-ins/sign-in-file.ts'),
    import('../http/no-history.ts'),
    import('../listeners/http.ts'),
    import('../listeners/websocket.ts'),
  ])
  const { host, httpPort, limits } = config
  const listener = new HttpListener({ host, port: httpPort, portOption: '--http-port', log })
  const basePath = config.http.basePath.replace(/\/$/, '')
  const { origins, pingSeconds } = config.websocket
  const file = config.data === 'memory' ? undefined : new SignInFile(join(resolve(config.data), 'sign-ins.json'), log)
  const signIns = new SignIns({ gate, file, nowMs: () => Date.now() })
  const publicUrl = config.http.publicUrl === '' ? undefined : config.http.publicUrl
  const ownOrigins = publicUrl === undefined ? origins : [...origins, new URL(publicUrl).origin]
  const signInPath = `${basePath}/sign-in`
  const callers = new Callers({
    gate,
    signIns,
    clients: admin.clients,
    probes: config.http.probes,
    publicUrl,
    signInPath,
  })
  const side = new HttpSide({
    server: listener.server,
    log,
    admin,
    address: () => listener.address,
    history: history ?? NO_HISTORY,
    topicLimits: limits,
    maxPacketBytes: limits.maxPacketBytes,
    scrape: () => metrics.scrape(),
    unfinished: memory.unfinished,
    callers,
    signIns,
    basePath,
    origins: ownOrigins,
    pages: config.dashboard.enabled ? fileURLToPath(packageFile(PAGES)) : undefined,
  })
  const webSocket = new WebSocketListener(
    {
      server: listener.server,
      log,
      readTurn,
      refused: (address, reason) => mishaps.note('websocket-refused', address, reason),
      path: `${basePath}/mqtt`,
      otherPaths: [`${basePath}/ws`, '/'],
      origins: ownOrigins,
      identify: (request) => callers.identifyUpgrade(request),
      pingSeconds,
      maxPacketBytes: limits.maxPacketBytes,
      maxConnectPacketBytes: limits.maxConnectPacketBytes,
      unfinished: memory.unfinished,
    },
    accept,
  )
  return { listener, side, webSocket, signIns }
}
