import { MEMORY_PARTS } from '../base/memory-account.ts'
import { MemoryBudget, memoryBounds } from '../base/memory-budget.ts'
import { resolve as resolvePath } from 'node:path'
import { Admin } from '../admin/admin.ts'
import type { OnReload } from '../admin/reload-report.ts'
import type { HubAddresses } from '../admin/status.ts'
import { Gate } from '../auth/gate.ts'
import { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { clientFilesOf, maxOpenFiles } from '../base/open-files.ts'
import type { Stage } from '../base/stages.ts'
import { readVersion } from '../base/package.ts'
import { Broker } from '../broker/broker.ts'
import { liveLimits } from '../config/changes.ts'
import type { Config } from '../config/config.ts'
import { listenersOf } from '../config/listener-settings.ts'
import { Connections } from '../connection/connections.ts'
import type { Transport } from '../connection/transport.ts'
import type { History } from '../history/history.ts'
import type { HubFacts } from '../observe/facts.ts'
import { Ledger } from '../observe/ledger.ts'
import { Metrics } from '../observe/metrics.ts'
import { Mishaps } from '../observe/mishaps.ts'
import { SysTopics } from '../observe/sys-topics.ts'
import { Router } from '../router/router.ts'
import { Sessions } from '../session/sessions.ts'
import { storedBytes } from '../store/disk/store-file.ts'
import { GuardedStore } from '../store/guarded-store.ts'
import type { Store } from '../store/store.ts'
import { assembleListeners } from './listening.ts'
import { assembleObserved } from './observing.ts'
import { assemblePeople, checkNobodyIsLetIn } from './people.ts'
import { createHistory, createStore, dataFolder, publishWills, storeListener } from './stores.ts'

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
  /** Takes over what can change while the hub runs, of a configuration that is right as a whole. */
  reload(changed: Config): Promise<void>
}

/** A store may have millions of messages to read. */
const STORE_START_MS = 10 * 60_000
const START_MS = 30_000
/** How long a part may take to stop before it is left behind. */
const STOP_MS = 4000

/**
 * Puts the parts of a hub together, by the configuration; the one place that names them all. Nothing starts here: a stage's
 * `start` does. What is switched off is not even loaded.
 */
export async function assemble(
  config: Config,
  log: Log,
  ownStore: Store | undefined,
  givenGate: Gate | undefined,
  onReload: OnReload | undefined,
): Promise<Assembly> {
  const gate = givenGate ?? new Gate()
  // One object for all who have it: those of its values that can change while the hub runs are changed in it.
  const limits = { ...config.limits, sharedStrategy: config.sharedSubscriptions.strategy }
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
  const shared = { ledger, log, limits, clock, mishaps, memory, gate }
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
  const observing = assembleObserved(config, clock, log)
  const observerOf = observing?.observerOf
  const sessions = new Sessions({ ...shared, router, store, past: history, observerOf })
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
  const hasRoom = (waiting: number): boolean => connections.size + waiting < maxOpen
  const people = givenGate !== undefined ? undefined : assemblePeople(config, { gate, log, clock, mishaps })
  const listening = assembleListeners({
    onReload,
    ...shared,
    users: people?.users,
    config,
    admin,
    history,
    metrics,
    hasRoom,
    accept,
  })

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
      expiries: listening.tls?.expiries() ?? [],
      signIns: people?.users.signIns,
    }
  }

  if (people !== undefined) add('the users', people.stage)
  // Told last that nothing more is stored.
  add('the publisher', { stop: () => admin.publisher.stop() })
  add('the store', {
    start: () => store.start(storeListener(sessions, admin.publisher, mishaps)),
    stop: () => store.stop(),
    startWithinMs: STORE_START_MS,
  })
  if (observing !== undefined) add('what clients were seen to do', observing.stage)
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
    reload: async (changed) => {
      // First: a port may be taken, and then nothing changes.
      if (gate.isOpen) checkNobodyIsLetIn(changed)
      await listening.replace(listenersOf(changed))
      Object.assign(limits, liveLimits(changed))
      await people?.reload(changed)
      await listening.tls?.reload()
    },
    get addresses() {
      return listening.addresses
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
  for (const stage of listening.stages) add(stage.name, stage)
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
}
