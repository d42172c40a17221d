import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import type { Admin } from '../admin/admin.ts'
import type { OnReload } from '../admin/reload-report.ts'
import type { Address, HubAddresses } from '../admin/status.ts'
import { HubbubError } from '../base/errors.ts'
import type { Gate } from '../auth/gate.ts'
import { AuditFile } from '../auth/audit/audit-file.ts'
import { AuditLog } from '../auth/audit/audit-log.ts'
import type { SignIns } from '../auth/sign-ins/sign-ins.ts'
import type { Users } from '../auth/users/users.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { MemoryBudget } from '../base/memory-budget.ts'
import { packageFile } from '../base/package.ts'
import type { Stage } from '../base/stages.ts'
import type { Config } from '../config/config.ts'
import { isHttp, type ListenerKind, type ListenerSettings, listenersOf } from '../config/listener-settings.ts'
import type { History } from '../history/history.ts'
import type { Refusal } from '../listeners/arrival.ts'
import type { HttpSide } from '../http/http-side.ts'
import type { HttpServer } from '../listeners/http.ts'
import type { Accept, ListenerAddress } from '../listeners/listener.ts'
import { ReadTurn } from '../listeners/read-turn.ts'
import type { SocketListenerOptions } from '../listeners/socket-listener.ts'
import { TcpListener } from '../listeners/tcp.ts'
import type { WebSocketListener } from '../listeners/websocket.ts'
import type { TlsEntry } from '../listeners/tls/tls-entry.ts'
import { ListenerSet, type OpenListener } from './listener-set.ts'
import type { TlsSide } from '../listeners/tls/tls-side.ts'
import type { LimitName, Ledger } from '../observe/ledger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Mishaps } from '../observe/mishaps.ts'

type ListeningStage = Pick<Stage, 'name' | 'start' | 'stop'>

/** What those who come to the hub meet first. */
export interface Listening {
  readonly stages: readonly ListeningStage[]
  readonly addresses: HubAddresses
  /** The TLS of all listeners; undefined: none has any. */
  readonly tls: TlsSide | undefined
  /** See `ListenerSet.replace`. */
  replace(next: readonly ListenerSettings[]): Promise<void>
}

export interface ListeningParts {
  /** Undefined: nobody reads the configuration again. */
  readonly onReload: OnReload | undefined
  readonly config: Config
  readonly log: Log
  readonly clock: Clock
  readonly gate: Gate
  readonly users: Users | undefined
  readonly admin: Admin
  readonly ledger: Ledger
  readonly history: History | undefined
  readonly metrics: Metrics
  readonly memory: MemoryBudget
  readonly mishaps: Mishaps
  /** Whether there is a file for one more connection besides so many that have only begun. */
  readonly hasRoom: (waiting: number) => boolean
  readonly accept: Accept
}

interface HttpParts {
  readonly http: HttpServer
  readonly side: HttpSide
  readonly webSocket: WebSocketListener
  readonly signIns: SignIns
}

/** Connections to HTTP that have not finished their handshake; files are held back for HTTP. */
const MAX_WAITING_FOR_HTTP = 200
/** What the build makes of the dashboard. */
const PAGES = 'dist/dashboard'

/** Puts together where the hub listens, for MQTT and for HTTP. */
export function assembleListeners(parts: ListeningParts): Listening {
  const { config, log, accept } = parts
  const readTurn = new ReadTurn()
  const all = listenersOf(config)
  const audit = auditLogOf(parts)
  const stages: ListeningStage[] = [
    {
      name: 'the audit log',
      start: async () => {
        await audit.start()
        noteChanges(audit, parts.gate)
      },
      stop: () => audit.stop(),
    },
  ]
  let http: HttpServer | undefined
  const listeners = new ListenerSet(async (settings, tls) => {
    const options = socketOptions(parts, settings, tls)
    if (!isHttp(settings.kind)) return new TcpListener({ ...options, readTurn }, accept)
    const { HttpListener } = await import('../listeners/http.ts')
    return new HttpListener({ ...options, ...(http !== undefined && { http }) })
  }, log)
  const add = (settings: ListenerSettings): void => {
    stages.push({
      name: `the listener "${settings.name}"`,
      start: () => listeners.add(settings),
      // They may be others by then.
      stop: () => listeners.removeAll(),
    })
  }

  stages.push({ name: 'TLS', stop: () => listeners.stop() })
  for (const settings of all.filter(({ kind }) => !isHttp(kind))) add(settings)
  // After MQTT, since it takes longer to load than all the rest.
  if (all.some(({ kind }) => isHttp(kind))) {
    let side: HttpSide | undefined
    let webSocket: WebSocketListener | undefined
    let signIns: SignIns | undefined
    stages.push(
      {
        name: 'the parts of HTTP',
        start: async () => {
          const loaded = await loadHttp(parts, audit, readTurn, () => httpAddress(listeners.open))
          ;({ http, side, webSocket, signIns } = loaded)
        },
      },
      { name: 'MQTT over WebSocket', start: () => webSocket?.start(), stop: () => webSocket?.stop() },
      { name: 'who is signed in', start: () => signIns?.start(), stop: () => signIns?.stop() },
      { name: 'HTTP', start: () => side?.start(), stop: () => side?.stop() },
    )
    for (const settings of all.filter(({ kind }) => isHttp(kind))) add(settings)
    // Before its listeners stop, which cut off what is not answered; once more above, for a listener that could not start.
    stages.push({ name: 'the answers of HTTP', stop: () => side?.stop() })
  }
  return {
    stages,
    replace: async (next) => {
      const now = listeners.open.map(({ settings }) => settings)
      if (!isDeepStrictEqual(next.toSorted(byName), now.toSorted(byName))) await listeners.replace(next)
    },
    get tls() {
      return listeners.tls
    },
    get addresses() {
      return addressesOf(listeners.open)
    },
  }
}

function socketOptions(
  { log, ledger, mishaps, hasRoom, gate }: ListeningParts,
  settings: ListenerSettings,
  tls: TlsEntry | undefined,
): SocketListenerOptions {
  const { name, host, port, path, portOption } = settings
  return {
    name,
    host,
    port,
    path,
    portOption,
    log,
    entry: settings,
    tls,
    hasRoom: isHttp(settings.kind) ? (waiting) => waiting < MAX_WAITING_FOR_HTTP : hasRoom,
    // HTTP can say why, and has pages to show.
    turnsAway: isHttp(settings.kind) ? undefined : (from) => gate.turnsAway(from),
    refused: ({ kind, listener, address, reason }: Refusal) => {
      log.info({ listener, address, reason }, 'connection refused')
      mishaps.note(kind, address, reason)
    },
    limited: (limit: LimitName, address: string, listener: string) => {
      ledger.hit(limit)
      log.info({ listener, address, limit }, 'connection refused: the listener has as many as it may')
      mishaps.note('limit-reached', address, limit)
    },
  }
}

/** HTTP with the API, the dashboard, and MQTT over WebSocket beside them on the same ports. */
async function loadHttp(
  { config, log, clock, gate, users, admin, history, metrics, memory, mishaps, accept, onReload }: ListeningParts,
  audit: AuditLog,
  readTurn: ReadTurn,
  address: () => ListenerAddress,
): Promise<HttpParts> {
  const [
    { HttpSide },
    { Callers },
    { SignIns },
    { SignInFile },
    { NO_HISTORY },
    { HttpServer },
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
  const { limits } = config
  const http = new HttpServer()
  const basePath = config.http.basePath.replace(/\/$/, '')
  const { origins, pingSeconds } = config.websocket
  const file = config.data === 'memory' ? undefined : new SignInFile(join(resolve(config.data), 'sign-ins.json'), log)
  const signIns = new SignIns({ gate, file, nowMs: () => clock.wallMs() })
  const publicUrl = config.http.publicUrl === '' ? undefined : config.http.publicUrl
  const ownOrigins = publicUrl === undefined ? origins : [...origins, new URL(publicUrl).origin]
  const past = history ?? NO_HISTORY
  const callers = new Callers({
    gate,
    signIns,
    admin,
    history: past,
    probes: config.http.probes,
    publicUrl,
    basePath,
  })
  const side = new HttpSide({
    server: http.server,
    log,
    admin,
    address,
    history: past,
    topicLimits: limits,
    maxPacketBytes: limits.maxPacketBytes,
    scrape: () => metrics.scrape(),
    onReload,
    unfinished: memory.unfinished,
    callers,
    signIns,
    audit,
    users,
    basePath,
    origins: ownOrigins,
    pages: config.dashboard.enabled ? fileURLToPath(packageFile(PAGES)) : undefined,
  })
  const webSocket = new WebSocketListener(
    {
      server: http.server,
      log,
      readTurn,
      refused: (peer, reason) => mishaps.note('websocket-refused', peer, reason),
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
  return { http, side, webSocket, signIns }
}

function auditLogOf({ config: { data }, log }: ListeningParts): AuditLog {
  const file = data === 'memory' ? undefined : new AuditFile(join(resolve(data), 'audit.ndjson'), log)
  return new AuditLog({ file, log, nowMs: () => Date.now() })
}

function noteChanges(audit: AuditLog, gate: Gate): void {
  // By whom is not known: by the API, which says so itself, a command on this machine, or an editor.
  const changed = { user: undefined, host: undefined, action: 'users or access rules have changed', what: {} }
  gate.watch(() => audit.note({ ...changed, outcome: 'done' }))
}

function byName(one: ListenerSettings, other: ListenerSettings): number {
  return one.name < other.name ? -1 : 1
}

function httpAddress(open: readonly OpenListener[]): ListenerAddress {
  const { listener } = open.find(({ settings }) => isHttp(settings.kind)) ?? {}
  return listener?.address ?? { host: '', port: 0 }
}

/** All of them, and those that most programs look for: the first for plain MQTT, and the first for HTTP. */
function addressesOf(open: readonly OpenListener[]): HubAddresses {
  const listeners = open.map(({ settings: { name, kind }, listener }) => ({ name, kind, ...listener.address }))
  const first = (...kinds: ListenerKind[]): Address | undefined =>
    kinds
      .flatMap((kind) => listeners.filter((listener) => listener.kind === kind))
      .map(({ host, port }) => ({ host, port }))[0]
  const mqtt = first('mqtt', 'mqtts', 'http', 'https', 'unix')
  if (mqtt === undefined)
    throw new HubbubError('HUB_NOT_RUNNING', 'Cannot tell the addresses of the hub: it does not listen')
  return { mqtt, http: first('http', 'https'), listeners }
}
