import { resolve as resolvePath } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Broker } from './broker/broker.ts'
import { completeConfig, type PartialConfig } from './config/complete.ts'
import type { Config } from './config/config.ts'
import { Connections } from './connection/connections.ts'
import { OutputTurn } from './connection/output.ts'
import { PublishRun } from './connection/publish-run.ts'
import { HubbubError } from './base/errors.ts'
import { History } from './history/history.ts'
import { HttpListener } from './listeners/http.ts'
import type { Listener, ListenerAddress } from './listeners/listener.ts'
import { TcpListener } from './listeners/tcp.ts'
import { WebSocketListener } from './listeners/websocket.ts'
import { Clock } from './base/clock.ts'
import { Ledger } from './observe/ledger.ts'
import type { HubFacts } from './observe/facts.ts'
import { createLog, type Log } from './base/log.ts'
import { Metrics } from './observe/metrics.ts'
import { Mishaps } from './observe/mishaps.ts'
import { SysTopics } from './observe/sys-topics.ts'
import { readVersion } from './base/version.ts'
import { Message } from './protocol/message.ts'
import type { QoS } from './protocol/packet-types.ts'
import { ReasonCode } from './protocol/reason-codes.ts'
import { type TopicLimits, topicFilterFault, topicNameFault } from './protocol/topic.ts'
import { createHubView } from './admin/create-hub-view.ts'
import { HttpSide } from './http/http-side.ts'
import { Receipts } from './admin/receipts.ts'
import { Router } from './router/router.ts'
import { LocalSubscriber } from './admin/local-subscriber.ts'
import { Publisher } from './admin/publisher.ts'
import { Sessions } from './session/sessions.ts'
import { DiskHistoryLog } from './history/log/disk-history-log.ts'
import { DiskStore } from './store/disk/disk-store.ts'
import type { HistoryLog } from './history/log/history-log.ts'
import { MemoryHistoryLog } from './history/log/memory-history-log.ts'
import { MemoryStore } from './store/memory/memory-store.ts'
import type { Store, StoreListener } from './store/store.ts'
import { storedBytes } from './store/disk/store-file.ts'

export interface HubOptions {
  /** What differs from the defaults; checked like a configuration file. */
  readonly config?: PartialConfig
  readonly log?: Log
  /** A store of the program's own, in place of the one that `config.data` names. */
  readonly store?: Store
}

export interface PublishOptions {
  /** Default 0. */
  readonly qos?: QoS
  /** Default false. */
  readonly retain?: boolean
}

/** A message as a program that embeds the hub gets it. The payload is its own. */
export interface ReceivedMessage {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  /** It was retained before the subscription was made. */
  readonly retain: boolean
}

export type MessageHandler = (message: ReceivedMessage) => void

/** What the build makes of the dashboard; the same from src and from dist. */
const PAGES = new URL('../dist/dashboard', import.meta.url)

/** How long stopping may take before what is left is cut off. */
const STOP_DEADLINE_MS = 4000

/**
 * A running hub. Made by `createHub`, which starts its parts in the order they stand here; `stop` ends them in reverse.
 */
export class Hub {
  readonly ledger = new Ledger()
  readonly metrics: Metrics
  readonly history: History
  readonly #log: Log
  readonly #topicLimits: TopicLimits
  readonly #store: Store
  readonly #router: Router
  readonly #sessions: Sessions
  readonly #publisher: Publisher
  readonly #receipts: Receipts
  readonly #sysTopics: SysTopics
  readonly #broker: Broker
  readonly #connections: Connections
  readonly #tcp: TcpListener
  readonly #http: HttpListener
  readonly #httpSide: HttpSide
  readonly #listeners: readonly Listener[]
  #isListening = false
  #stopping: Promise<void> | undefined = undefined

  constructor({ config: partial = {}, log, store }: HubOptions) {
    const config = completeConfig(partial)
    const { host, limits } = config
    this.#log = log ?? createLog({ level: config.logLevel })
    const observed = { version: readVersion(), facts: () => this.#facts() }
    this.metrics = new Metrics(observed)
    const clock = new Clock()
    const mishaps = new Mishaps(() => clock.nowMs())
    const shared = { ledger: this.ledger, log: this.#log, limits, clock, mishaps }
    this.#topicLimits = limits
    this.#store = store ?? createStore(config, this.#log, this.metrics)
    this.#router = new Router({
      ledger: this.ledger,
      clock: shared.clock,
      store: this.#store,
      topicLimits: limits,
      retainedLimits: limits,
      maxTopics: limits.maxTopics,
    })
    this.history = new History({
      settings: config.history,
      store: createHistoryLog(config, this.#log),
      clock: shared.clock,
      log: this.#log,
      topicLimits: limits,
    })
    if (config.history.enabled) this.#router.addTap(this.history)
    const parts = { router: this.#router, store: this.#store }
    const sessionLimits = { ...limits, sharedStrategy: config.sharedSubscriptions.strategy }
    const past = config.history.enabled ? this.history : undefined
    this.#sessions = new Sessions({ ...shared, ...parts, past, limits: sessionLimits })
    this.#publisher = new Publisher({ ...shared, ...parts })
    this.#receipts = new Receipts(this.#router, shared.clock)
    this.#router.trails.listener = {
      delivered: (qos, afterMs) => this.metrics.observeDelivery(qos, afterMs),
      receiptChanged: (trail) => this.#receipts.changed(trail),
    }
    const view = createHubView({
      ...shared,
      ...parts,
      version: observed.version,
      topicLimits: limits,
      sessions: this.#sessions,
      publisher: this.#publisher,
      faults: () => this.#faults(),
      addresses: () => this.addresses,
      health: () => ({
        eventLoopDelay: this.metrics.loopDelays.report(),
        storeWrites: this.metrics.storeWrites.report(),
        isStoreFailing: this.#store.isFailing,
        storeBytes: config.data === 'memory' ? undefined : storedBytes(resolvePath(config.data)),
      }),
    })
    this.#sysTopics = new SysTopics({
      ...observed,
      intervalSeconds: config.sysIntervalSeconds,
      publish: (message) => this.#publishOwn(message),
    })
    this.#broker = new Broker({ store: this.#store, sessions: this.#sessions, topicLimits: limits })
    this.#connections = new Connections({
      ...shared,
      broker: this.#broker,
      router: this.#router,
      sessions: this.#sessions,
      turn: new OutputTurn(this.ledger),
      message: new Message(),
      run: new PublishRun(),
    })
    const accept = this.#connections.accept.bind(this.#connections)
    this.#tcp = new TcpListener({ host, port: config.port, portOption: '--port', log: this.#log }, accept)
    this.#http = new HttpListener({ host, port: config.httpPort, portOption: '--http-port', log: this.#log })
    const basePath = config.http.basePath.replace(/\/$/, '')
    const { origins } = config.websocket
    this.#httpSide = new HttpSide({
      server: this.#http.server,
      log: this.#log,
      view,
      history: this.history,
      topicLimits: limits,
      maxPacketBytes: limits.maxPacketBytes,
      scrape: () => this.metrics.scrape(),
      basePath,
      origins,
      pages: fileURLToPath(PAGES),
    })
    const webSocket = new WebSocketListener(
      {
        server: this.#http.server,
        log: this.#log,
        refused: (address, reason) => mishaps.note('websocket-refused', address, reason),
        path: `${basePath}/mqtt`,
        origins,
        pingSeconds: config.websocket.pingSeconds,
        maxPacketBytes: limits.maxPacketBytes,
        maxConnectPacketBytes: limits.maxConnectPacketBytes,
      },
      accept,
    )
    this.#listeners = [this.#tcp, webSocket, this.#http]
  }

  /** Starts store, broker and listeners, listeners last. A start that fails leaves nothing open. */
  async start(): Promise<void> {
    try {
      await this.#store.start(this.#storeListener())
      await this.history.start()
      this.#router.restore()
      this.#sessions.start()
      this.metrics.start()
      await this.#sysTopics.start()
      this.#publishWills()
      await this.#broker.listen()
      await this.#httpSide.start()
      for (const listener of this.#listeners) await listener.start()
      this.#isListening = true
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** Where the hub listens. MQTT over WebSocket is at `/mqtt` of `http`. */
  get addresses(): { readonly mqtt: ListenerAddress; readonly http: ListenerAddress } {
    return { mqtt: this.#tcp.address, http: this.#http.address }
  }

  /** What sessions hold and have neither delivered nor dropped: the `pending` of the ledger's identity. */
  get pendingMessages(): number {
    return this.#sessions.pendingMessages()
  }

  /**
   * Publishes a message of the program's own. Returns how many subscribers it is for.
   * @throws HubbubError `TOPIC_NAME_INVALID`, `HUB_NOT_RUNNING`
   */
  publish(topic: string, payload: string | Buffer, { qos = 0, retain = false }: PublishOptions = {}): number {
    this.#mustRun('publish')
    const fault = topicNameFault(topic, this.#topicLimits)
    if (fault !== undefined)
      throw new HubbubError('TOPIC_NAME_INVALID', `Cannot publish to ${JSON.stringify(topic)}: ${fault}`)
    return this.#router.publishMessage(Message.create(topic, Buffer.from(payload), qos, retain, undefined))
  }

  /**
   * Has `handler` called with each message that matches, first with the retained ones. Returns a function that ends it.
   * @throws HubbubError `TOPIC_FILTER_INVALID`, `HUB_NOT_RUNNING`
   */
  subscribe(filter: string, handler: MessageHandler, { qos = 2 }: { readonly qos?: QoS } = {}): () => void {
    this.#mustRun('subscribe')
    const fault = topicFilterFault(filter, this.#topicLimits)
    if (fault !== undefined)
      throw new HubbubError('TOPIC_FILTER_INVALID', `Cannot subscribe to ${JSON.stringify(filter)}: ${fault}`)
    const hand = (message: Message, handedQos: QoS, isRetained: boolean): void => {
      const { topic } = message
      handler({ topic, payload: Buffer.from(message.payload), qos: handedQos, retain: isRetained })
    }
    const parts = { router: this.#router, ledger: this.ledger, log: this.#log }
    const subscriber = new LocalSubscriber(filter, qos, hand, parts)
    subscriber.start()
    subscriber.replayRetained()
    return () => subscriber.stop()
  }

  /**
   * Ends the connection of a client, which is told that it was the administrator (MQTT 5: 0x98). Returns false when no such
   * client is connected. @throws HubbubError `HUB_NOT_RUNNING`
   */
  disconnect(clientId: string): boolean {
    this.#mustRun('disconnect a client')
    const connection = this.#sessions.get(clientId)?.connection
    connection?.close('disconnected by the administrator', ReasonCode.ADMINISTRATIVE_ACTION)
    return connection !== undefined
  }

  /**
   * Stops accepting, sends what is due, ends all connections, closes the store. May be called again. Clients of MQTT 5 are told
   * 0x8B, or with `movedTo`, a Server Reference such as `mqtt.example.org:1883`, that they should use that server from now on.
   */
  stop({ movedTo }: { readonly movedTo?: string } = {}): Promise<void> {
    this.#stopping ??= this.#stop(movedTo)
    return this.#stopping
  }

  async #stop(movedTo: string | undefined): Promise<void> {
    this.#isListening = false
    await this.#httpSide.stop()
    for (const listener of this.#listeners.toReversed()) await listener.stop()
    await withDeadline(
      this.#connections.stop(movedTo).then(() => this.#broker.stop()),
      STOP_DEADLINE_MS,
    )
    this.#receipts.stop()
    this.#sysTopics.stop()
    this.metrics.stop()
    this.#sessions.stop()
    await this.history.stop()
    await this.#store.stop()
  }

  #storeListener(): StoreListener {
    return {
      onStored: (batch) => {
        this.#sessions.onStored(batch)
        this.#publisher.onStored(batch)
      },
      onFailed: (batch, error) => {
        this.#sessions.onFailed(batch, error)
        this.#publisher.onFailed(batch, error)
      },
    }
  }

  /** Publishes a message of the hub's own, unless its topic is longer or deeper than topics may be here. */
  #publishOwn(message: Message): void {
    if (topicNameFault(message.topic, this.#topicLimits) === undefined) this.#router.publishMessage(message)
  }

  /** Why it cannot do its work now. */
  #faults(): string[] {
    const faults: string[] = []
    if (!this.#isListening) faults.push('the hub does not listen yet, or not any more')
    if (this.#store.isFailing) faults.push('the store cannot write (see the log)')
    return faults
  }

  async #facts(): Promise<HubFacts> {
    const { retained, topics } = this.#router
    return {
      sessions: await this.#sessions.totals(),
      ledger: this.ledger,
      connections: this.#connections.size,
      topics: topics.count,
      retainedMessages: retained.count,
      retainedBytes: retained.bytes,
      isStoreFailing: this.#store.isFailing,
      history: this.history.snapshot(),
    }
  }

  /** Their clients were connected when the hub died [MQTT-3.1.2-8]. */
  #publishWills(): void {
    // What is removed or put meanwhile must not be come across again.
    const wills = Array.from(this.#store.wills())
    for (const will of wills) {
      const { clientId, message } = will
      this.#log.info({ clientId, topic: message.topic }, 'the will of a client that was connected is due')
      this.#store.removeWill(clientId)
      this.#sessions.willDue(this.#sessions.get(clientId), will)
    }
  }

  #mustRun(verb: string): void {
    if (this.#stopping !== undefined) throw new HubbubError('HUB_NOT_RUNNING', `Cannot ${verb}: the hub was stopped`)
  }
}

/**
 * Starts a hub in this process. Resolves when it listens.
 * @throws HubbubError when the configuration is wrong or a listener cannot start
 */
export async function createHub(options: HubOptions = {}): Promise<Hub> {
  const hub = new Hub(options)
  await hub.start()
  return hub
}

function createStore({ data, durability }: Config, log: Log, observer: Metrics): Store {
  return data === 'memory' ? new MemoryStore() : new DiskStore({ folder: resolvePath(data), durability, log, observer })
}

function createHistoryLog({ data, history }: Config, log: Log): HistoryLog {
  if (data === 'memory' || !history.enabled) return new MemoryHistoryLog()
  return new DiskHistoryLog({ folder: resolvePath(data), log })
}

async function withDeadline(work: Promise<void>, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, deadlineMs)
  })
  await Promise.race([work, deadline])
  clearTimeout(timer)
}
