import { MEMORY_PARTS } from './base/memory-account.ts'
import { MemoryBudget, memoryBounds } from './base/memory-budget.ts'
import { resolve as resolvePath } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Admin } from './admin/admin.ts'
import type { Publisher } from './admin/publisher.ts'
import type { HubAddresses } from './admin/status.ts'
import { Clock } from './base/clock.ts'
import type { Log } from './base/log.ts'
import { clientFilesOf, maxOpenFiles } from './base/open-files.ts'
import type { Stage } from './base/stages.ts'
import { packageFile, readVersion } from './base/package.ts'
import { Broker } from './broker/broker.ts'
import type { Config } from './config/config.ts'
import { Connections } from './connection/connections.ts'
import type { Transport } from './connection/transport.ts'
import type { History } from './history/history.ts'
import type { HistoryLog } from './history/log/history-log.ts'
import type { HttpSide } from './http/http-side.ts'
import type { HttpListener } from './listeners/http.ts'
import { ReadTurn } from './listeners/read-turn.ts'
import { TcpListener } from './listeners/tcp.ts'
import type { WebSocketListener } from './listeners/websocket.ts'
import type { HubFacts } from './observe/facts.ts'
import { Ledger } from './observe/ledger.ts'
import { Metrics } from './observe/metrics.ts'
import { HUB_ITSELF, Mishaps } from './observe/mishaps.ts'
import { SysTopics } from './observe/sys-topics.ts'
import { Router } from './router/router.ts'
import { Sessions } from './session/sessions.ts'
import { storedBytes } from './store/disk/store-file.ts'
import type { FolderLock } from './store/disk/folder-lock.ts'
import { GuardedStore } from './store/guarded-store.ts'
import { UnreadStore } from './store/memory/unread-store.ts'
import type { Store, StoreListener } from './store/store.ts'

/** What a hub is made of, and in which order its parts start. */
export interface Assembly {
  readonly stages: readonly Stage[]
  readonly ledger: Ledger
  readonly metrics: Metrics
  readonly admin: Admin
  readonly router: Router
  readonly sessions: Sessions
  /** Undefined: it is switched off. */
  readonly history: History | undefined
  readonly addresses: HubAddresses
  /** Where clients of MQTT 5 are sent when the hub stops. */
  movedTo: string | undefined
}

interface HttpParts {
  readonly listener: HttpListener
  readonly webSocket: WebSocketListener
  readonly side: HttpSide
}

/** What the build makes of the dashboard. */
const PAGES = 'dist/dashboard'

/** A store may have millions of messages to read. */
const STORE_START_MS = 10 * 60_000
const START_MS = 30_000
/** How long a part may take to stop before it is left behind. */
const STOP_MS = 4000

/**
 * Puts the parts of a hub together, by the configuration; the one place that names them all. Nothing starts here: a stage's
 * `start` does. What is switched off is not even loaded.
 */
export async function assemble(config: Config, log: Log, ownStore: Store | undefined): Promise<Assembly> {
  const { host, limits } = config
  const maxOpen = clientFilesOf(maxOpenFiles())
  const ledger = new Ledger()
  const clock = new Clock()
  const mishaps = new Mishaps(() => clock.nowMs())
  const version = readVersion()
  const stages: Stage[] = []
  const add = (name: string, stage: Partial<Stage>): void => {
    stages.push({ name, startWithinMs: START_MS, stopWithinMs: STOP_MS, ...stage })
  }

  const memory = new MemoryBudget(memoryBounds(limits.memory), ({ part, bytes }) => {
    const fields = { part, holds: MEMORY_PARTS[part].holds, bytes, limit: 'limits.memory' }
    log.warn(fields, 'there is no memory for more of this: it is refused or forgotten, and counted')
  })
  const metrics = new Metrics({ version, facts })
  const store =
    ownStore === undefined ? await createStore(config, log, clock, memory, metrics) : new GuardedStore(ownStore, log)
  const shared = { ledger, log, limits, clock, mishaps, memory }
  const router = new Router({
    ledger,
    clock,
    store,
    topicLimits: limits,
    retainedLimits: limits,
    maxTopics: limits.maxTopics,
    maxTopicMemoryBytes: limits.maxTopicMemoryBytes,
    memory,
  })
  const history = config.history.enabled ? await createHistory(config, log, clock, memory) : undefined
  if (history !== undefined) router.addTap(history)
  const sessionLimits = { ...limits, sharedStrategy: config.sharedSubscriptions.strategy }
  const sessions = new Sessions({ ...shared, router, store, past: history, limits: sessionLimits })
  const admin = new Admin({
    ...shared,
    router,
    store,
    sessions,
    status: {
      version,
      faults,
      addresses: () => assembly.addresses,
      health: () => ({
        eventLoopDelay: metrics.loopDelays.report(),
        storeWrites: metrics.storeWrites.report(),
        isStoreFailing: store.isFailing,
        storeBytes:
          config.data === 'memory' || ownStore !== undefined ? undefined : storedBytes(resolvePath(config.data)),
      }),
    },
  })
  router.trails.listener = {
    delivered: (qos, afterMs) => metrics.observeDelivery(qos, afterMs),
    receiptChanged: (trail) => admin.receipts.changed(trail),
  }
  const sysTopics = new SysTopics({
    version,
    facts,
    intervalSeconds: config.sysIntervalSeconds,
    publish: (message) => admin.publisher.publishOwn(message),
  })
  const broker = new Broker({ store, sessions, topicLimits: limits })
  const connections = new Connections({
    ...shared,
    broker,
    router,
    sessions,
    maxOpen,
  })
  const accept = (transport: Transport): void => connections.accept(transport)
  const readTurn = new ReadTurn()
  const tcp = new TcpListener({ host, port: config.port, portOption: '--port', log, readTurn }, accept)

  let isListening = false
  function faults(): string[] {
    const found: string[] = []
    if (!isListening) found.push('the hub does not listen yet, or not any more')
    if (store.isFailing) found.push('the store cannot write (see the log)')
    return found
  }
  async function facts(): Promise<HubFacts> {
    const { retained, topics } = router
    return {
      sessions: await sessions.totals(),
      ledger,
      connections: connections.size,
      topics: topics.count,
      retainedMessages: retained.count,
      retainedBytes: retained.bytes,
      isStoreFailing: store.isFailing,
      loopStops: metrics.loopStops.byCause,
      memory,
      history: history?.snapshot(),
    }
  }

  // Told last that nothing more is stored.
  add('the publisher', { stop: () => admin.publisher.stop() })
  add('the store', {
    start: () => store.start(storeListener(sessions, admin.publisher, mishaps)),
    stop: () => store.stop(),
    startWithinMs: STORE_START_MS,
  })
  if (history !== undefined) {
    if (ownStore !== undefined && config.data !== 'memory') add('the data folder', await dataFolder(config.data))
    add('the history', {
      start: () => history.start(),
      stop: () => history.stop(),
      startWithinMs: STORE_START_MS,
    })
  }
  add('the retained messages', { start: () => router.restore(), startWithinMs: STORE_START_MS })
  add('the sessions', {
    start: () => sessions.start(),
    stop: () => sessions.stop(),
    startWithinMs: STORE_START_MS,
  })
  add('the $SYS topics', { start: () => sysTopics.start(), stop: () => sysTopics.stop() })
  add('the admin', { stop: () => admin.stop() })
  add('the wills', { start: () => publishWills(store, sessions, log) })
  const assembly: Assembly = {
    stages,
    ledger,
    metrics,
    admin,
    router,
    sessions,
    history,
    movedTo: undefined,
    get addresses() {
      return { mqtt: tcp.address, http: http?.listener.address }
    },
  }
  add('the connections', {
    start: () => broker.listen(),
    stop: async () => {
      router.spreads.finish()
      await connections.stop(assembly.movedTo)
      router.spreads.close()
      await broker.stop()
    },
  })
  add('the MQTT listener', { start: () => tcp.start(), stop: () => tcp.stop() })
  // After MQTT, since it takes longer to load than all the rest.
  let http: HttpParts | undefined
  if (config.http.enabled) {
    add('the parts of HTTP', {
      start: async () => {
        http = await loadHttp()
      },
    })
    add('MQTT over WebSocket', { start: () => http?.webSocket.start(), stop: () => http?.webSocket.stop() })
    add('HTTP', {
      start: async () => {
        await http?.side.start()
        await http?.listener.start()
      },
      // What is open is ended first: a listener waits for it.
      stop: async () => {
        await http?.side.stop()
        await http?.listener.stop()
      },
    })
  }
  // Last, so that what the start itself takes of the event loop is not told as a fault of a hub that has only begun.
  add('the watch of the event loop', { start: () => metrics.start(), stop: () => metrics.stop() })
  add('the readiness', {
    start: () => {
      isListening = true
    },
    stop: () => {
      isListening = false
    },
  })
  return assembly

  /** HTTP with the API, the dashboard, and MQTT over WebSocket beside them on one port. */
  async function loadHttp(): Promise<HttpParts> {
    const [{ HttpSide }, { NO_HISTORY }, { HttpListener }, { WebSocketListener }] = await Promise.all([
      import('./http/http-side.ts'),
      import('./http/no-history.ts'),
      import('./listeners/http.ts'),
      import('./listeners/websocket.ts'),
    ])
    const listener = new HttpListener({ host, port: config.httpPort, portOption: '--http-port', log })
    const basePath = config.http.basePath.replace(/\/$/, '')
    const { origins, pingSeconds } = config.websocket
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
      basePath,
      origins,
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
        origins,
        pingSeconds,
        maxPacketBytes: limits.maxPacketBytes,
        maxConnectPacketBytes: limits.maxConnectPacketBytes,
        unfinished: memory.unfinished,
      },
      accept,
    )
    return { listener, side, webSocket }
  }
}

async function createStore(
  { data, durability }: Config,
  log: Log,
  clock: Clock,
  memory: MemoryBudget,
  observer: Metrics,
): Promise<Store> {
  if (data === 'memory') return new UnreadStore(memory.queues)
  const { DiskStore } = await import('./store/disk/disk-store.ts')
  return new DiskStore({ folder: resolvePath(data), durability, log, clock, memory, observer })
}

async function createHistory(config: Config, log: Log, clock: Clock, memory: MemoryBudget): Promise<History> {
  const { data, history: settings, limits: topicLimits } = config
  const { History } = await import('./history/history.ts')
  return new History({ settings, store: await createHistoryLog(data, log, memory), clock, log, topicLimits, memory })
}

async function createHistoryLog(data: string, log: Log, memory: MemoryBudget): Promise<HistoryLog> {
  if (data === 'memory') {
    const { MemoryHistoryLog } = await import('./history/log/memory-history-log.ts')
    return new MemoryHistoryLog(memory)
  }
  const { DiskHistoryLog } = await import('./history/log/disk-history-log.ts')
  return new DiskHistoryLog({ folder: resolvePath(data), log })
}

/** Has the folder for a history alone; with the store of the hub, that has it. */
async function dataFolder(data: string): Promise<Pick<Stage, 'start' | 'stop'>> {
  const { takeFolder } = await import('./store/disk/data-folder.ts')
  let lock: FolderLock | undefined
  return {
    start: async () => {
      lock = await takeFolder(resolvePath(data))
    },
    stop: () => lock?.release(),
  }
}

function storeListener(sessions: Sessions, publisher: Publisher, mishaps: Mishaps): StoreListener {
  let isFailing = false
  return {
    onStored: (batch) => {
      isFailing = false
      sessions.onStored(batch)
      publisher.onStored(batch)
    },
    onFailed: (batch, error) => {
      // It tries again each second.
      if (!isFailing) mishaps.note('store-failing', HUB_ITSELF, error.message)
      isFailing = true
      sessions.onFailed(batch, error)
      publisher.onFailed(batch, error)
    },
  }
}

/** Their clients were connected when the hub died [MQTT-3.1.2-8]. */
function publishWills(store: Store, sessions: Sessions, log: Log): void {
  // What is removed or put meanwhile must not be come across again.
  for (const will of Array.from(store.wills())) {
    const { clientId, message } = will
    log.info({ clientId, topic: message.topic }, 'the will of a client that was connected is due')
    store.removeWill(clientId)
    sessions.willDue(sessions.get(clientId), will)
  }
}
