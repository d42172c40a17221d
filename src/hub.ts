import type { MessageHandler, PublishOptions, Published, SubscribeOptions } from './admin/messages.ts'
import type { HistoryView } from './admin/history-view.ts'
import type { OnReload, ReloadReport } from './admin/reload-report.ts'
import type { HubAddresses } from './admin/status.ts'
import { assemble, type Assembly } from './assemble/assemble.ts'
import { CONFIG_JUDGES } from './assemble/config-checks.ts'
import type { Gate } from './auth/gate.ts'
import { argumentError, checkMethods, checkOptions } from './base/arguments.ts'
import { HubbubError } from './base/errors.ts'
import { createLog, type Log } from './base/log.ts'
import { quote } from './base/quote.ts'
import { Stages } from './base/stages.ts'
import { completeConfig } from './config/complete.ts'
import { changedOptions } from './config/changes.ts'
import type { Config, PartialConfig } from './config/config.ts'
import type { Ledger } from './observe/ledger.ts'
import type { Store } from './store/store.ts'

/** What a hub is made with; all of it may be left out. */
export interface HubOptions {
  /** What differs from the defaults; checked like a configuration file. */
  readonly config?: PartialConfig | undefined
  /** Where the hub writes its log; default standard error. */
  readonly log?: Log | undefined
  /**
   * A store of the program's own for what must survive of sessions. The history is then in memory, unless `config.data` is given and
   * names a folder for it.
   */
  readonly store?: Store | undefined
  /**
   * Called when an admin asks over HTTP for the configuration to be read again, as by `hub.reload`; without it, that is refused.
   */
  readonly onReload?: OnReload | undefined
}

/** What a hub is stopped with. */
export interface StopOptions {
  /** Where clients of MQTT 5 should go from now on, a Server Reference such as `mqtt.example.org:1883`. */
  readonly movedTo?: string | undefined
}

/** The metrics of a hub. */
export interface HubMetrics {
  /** All of them, in the text format of Prometheus. */
  scrape(): Promise<{ readonly contentType: string; readonly body: string }>
}

const LOG_METHODS = ['debug', 'info', 'warn', 'error'] as const satisfies readonly (keyof Log)[]
const STORE_METHODS = [
  'start',
  'stop',
  'sessions',
  'retained',
  'wills',
  'addSession',
  'addGroup',
  'removeSession',
  'putRetained',
  'removeRetained',
  'putWill',
  'removeWill',
] as const satisfies readonly (keyof Store)[]

/** A running hub, made by `createHub`. */
export class Hub {
  readonly #assembly: Assembly
  readonly #stages: Stages
  #stopping: Promise<void> | undefined = undefined
  /** What it was started with, and what is in force by now. */
  readonly #started: Config
  #config: Config
  #reloading: Promise<unknown> = Promise.resolve()

  private constructor(assembly: Assembly, config: Config, log: Log) {
    this.#assembly = assembly
    this.#started = config
    this.#config = config
    this.#stages = new Stages(assembly.stages, log)
  }

  /** See `createHub`; `gate` knows who may do what. */
  static async start(options: HubOptions, gate?: Gate): Promise<Hub> {
    checkHubOptions(options)
    const { config: partial = {}, log: ownLog, store, onReload } = options
    const config = completeConfig(partial, CONFIG_JUDGES)
    const log = ownLog ?? createLog({ level: config.logLevel })
    const isMemory = store !== undefined && partial.data === undefined
    const assembled = await assemble(isMemory ? { ...config, data: 'memory' } : config, log, store, gate, onReload)
    const hub = new Hub(assembled, config, log)
    await hub.#stages.start()
    return hub
  }

  /**
   * Takes over what can change while the hub runs: access rules, many limits, where it listens, and what the files of users and
   * certificates hold now. No client is dropped but those whose users, credentials or rights end. The log level is that of the log.
   * @throws HubbubError `CONFIG_INVALID` and the like: nothing has changed then
   */
  reload(partial: PartialConfig): Promise<ReloadReport> {
    const reloaded = this.#reloading.then(() => this.#reload(completeConfig(partial, CONFIG_JUDGES)))
    this.#reloading = reloaded.catch(() => undefined)
    return reloaded
  }

  async #reload(config: Config): Promise<ReloadReport> {
    const applied = changedOptions(this.#config, config, true)
    await this.#assembly.reload(config)
    this.#config = config
    return { applied, needRestart: changedOptions(this.#started, config, false) }
  }

  /** Counts what becomes of every message. */
  get ledger(): Ledger {
    return this.#assembly.ledger
  }

  get metrics(): HubMetrics {
    return this.#assembly.metrics
  }

  /** What was said before; undefined when the history is switched off. */
  get history(): HistoryView | undefined {
    return this.#assembly.history
  }

  /** Where the hub listens. MQTT over WebSocket is at `/mqtt` of `http`; that is undefined when HTTP is switched off. */
  get addresses(): HubAddresses {
    return this.#assembly.addresses
  }

  /** What sessions hold and have neither delivered nor dropped: the `pending` of the ledger's identity. */
  get pendingMessages(): number {
    return this.#assembly.sessions.pendingMessages()
  }

  /**
   * Publishes a message. Whoever is connected is handed it before this returns; the promise resolves when all that must be kept
   * of it is stored, as firmly as the option `durability` says: for sessions whose clients are away, and when it is retained.
   * Rejects with a HubbubError, never throws.
   *
   *   - `ARGUMENT_INVALID`, `TOPIC_NAME_INVALID`, `TOPIC_RESERVED`: it can never be published.
   *   - `PUBLISH_REFUSED`: there is no room to retain it, or the store cannot write now. Nobody got it.
   *   - `PUBLISH_NOT_STORED`: whoever is connected got it, but the store could not keep it.
   *   - `HUB_NOT_RUNNING`: the hub was stopped.
   */
  async publish(topic: string, payload: string | Uint8Array, options?: PublishOptions): Promise<Published> {
    this.#mustRun('publish')
    return this.#assembly.admin.publish(topic, payload, options)
  }

  /**
   * Has `handler` called with each message that matches, first with the retained ones. Returns a function that ends it.
   * @throws HubbubError `ARGUMENT_INVALID`, `TOPIC_FILTER_INVALID`, `HUB_NOT_RUNNING`
   */
  subscribe(filter: string, handler: MessageHandler, options?: SubscribeOptions): () => void {
    this.#mustRun('subscribe')
    return this.#assembly.admin.subscribe(filter, handler, options)
  }

  /**
   * Ends the connection of a client, which is told that it was the administrator (MQTT 5: 0x98). Returns false when no such
   * client is connected. @throws HubbubError `HUB_NOT_RUNNING`
   */
  disconnect(clientId: string): boolean {
    this.#mustRun('disconnect a client')
    return this.#assembly.admin.clients.disconnect(clientId)
  }

  /**
   * Stops accepting, sends what is due, ends all connections, closes the store. May be called again: it is stopped once. Clients of
   * MQTT 5 are told 0x8B that the server shuts down, or 0x9D with `movedTo`.
   * Rejects with a HubbubError `HUB_STOP_FAILED` naming a part that did not stop, after the others have stopped.
   * @throws HubbubError `ARGUMENT_INVALID`
   */
  stop({ movedTo }: StopOptions = {}): Promise<void> {
    if (movedTo !== undefined && typeof movedTo !== 'string') {
      throw argumentError(`Cannot stop the hub: movedTo must be a string, it is ${quote(movedTo)}`)
    }
    if (this.#stopping === undefined) {
      this.#assembly.movedTo = movedTo
      this.#stopping = this.#stages.stop()
    }
    return this.#stopping
  }

  #mustRun(verb: string): void {
    if (this.#stopping !== undefined) throw new HubbubError('HUB_NOT_RUNNING', `Cannot ${verb}: the hub was stopped`)
  }
}

/**
 * Starts a hub in this process. Resolves when it listens; when it rejects, nothing is left open.
 * @throws HubbubError `ARGUMENT_INVALID`, `CONFIG_INVALID`, `LISTENER_UNSAFE`; of the part that could not start, such as
 *   `LISTENER_PORT_IN_USE` or `STORE_LOCKED`, or `HUB_START_FAILED` naming it
 */
export async function createHub(options: HubOptions = {}): Promise<Hub> {
  return Hub.start(options)
}

function checkHubOptions(options: object): void {
  const cannot = 'Cannot create a hub'
  checkOptions(options, ['config', 'log', 'store', 'onReload'], cannot)
  const { config, log, store, onReload }: HubOptions = options
  if (config !== undefined) checkMethods('config', config, [], cannot)
  if (log !== undefined) checkMethods('log', log, LOG_METHODS, cannot)
  if (onReload !== undefined && typeof onReload !== 'function')
    throw argumentError(`${cannot}: onReload must be a function`)
  if (store !== undefined) checkMethods('store', store, STORE_METHODS, cannot)
}
