import type { MessageHandler, SubscribeOptions } from './admin/local-subscriber.ts'
import type { PublishOptions } from './admin/message-to-publish.ts'
import type { Published } from './admin/publisher.ts'
import type { HubAddresses } from './admin/status.ts'
import { assemble, type Assembly } from './assemble.ts'
import { HubbubError } from './base/errors.ts'
import { createLog, type Log } from './base/log.ts'
import { Stages } from './base/stages.ts'
import { completeConfig, type PartialConfig } from './config/complete.ts'
import type { History } from './history/history.ts'
import type { Ledger } from './observe/ledger.ts'
import type { Metrics } from './observe/metrics.ts'
import type { Store } from './store/store.ts'

export interface HubOptions {
  /** What differs from the defaults; checked like a configuration file. */
  readonly config?: PartialConfig
  readonly log?: Log
  /** A store of the program's own, in place of the one that `config.data` names. */
  readonly store?: Store
}

/**
 * A running hub, made by `createHub`.
 */
export class Hub {
  readonly #assembly: Assembly
  readonly #stages: Stages
  #stopping: Promise<void> | undefined = undefined

  constructor(assembly: Assembly, log: Log) {
    this.#assembly = assembly
    this.#stages = new Stages(assembly.stages, log)
  }

  /**
   * Starts its parts, listeners last. A start that fails leaves nothing open.
   * @throws HubbubError of the part that failed, or `HUB_START_FAILED` naming it
   */
  start(): Promise<void> {
    return this.#stages.start()
  }

  /** Counts what becomes of every message. */
  get ledger(): Ledger {
    return this.#assembly.ledger
  }

  get metrics(): Metrics {
    return this.#assembly.metrics
  }

  /** Undefined when it is switched off. */
  get history(): History | undefined {
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
   * Stops accepting, sends what is due, ends all connections, closes the store. May be called again. Clients of MQTT 5 are told
   * 0x8B, or with `movedTo`, a Server Reference such as `mqtt.example.org:1883`, that they should use that server from now on.
   * @throws HubbubError `HUB_STOP_FAILED` naming a part that did not stop; the others have stopped
   */
  stop({ movedTo }: { readonly movedTo?: string } = {}): Promise<void> {
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
 * Starts a hub in this process. Resolves when it listens.
 * @throws HubbubError when the configuration is wrong or a part cannot start
 */
export async function createHub({ config: partial = {}, log: ownLog, store }: HubOptions = {}): Promise<Hub> {
  const config = completeConfig(partial)
  const log = ownLog ?? createLog({ level: config.logLevel })
  const hub = new Hub(await assemble(config, log, store), log)
  await hub.start()
  return hub
}
