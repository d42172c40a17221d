import type { MessageHandler, PublishOptions, Published, SubscribeOptions } from './messages.ts'
import type { Gate } from '../auth/gate.ts'
import type { AccessQuestion } from '../auth/rules/explain-access.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Ledger } from '../observe/ledger.ts'
import type { Mishap, Mishaps } from '../observe/mishaps.ts'
import type { Message } from '../protocol/message.ts'
import type { Router } from '../router/router.ts'
import type { Sessions } from '../session/sessions.ts'
import type { Store } from '../store/store.ts'
import { TopicNumbers } from '../topics/topic-numbers.ts'
import type { TopicSummary } from '../topics/topic-summary.ts'
import { TopicViews } from '../topics/topic-views.ts'
import { Clients } from './clients.ts'
import { explain } from './explain.ts'
import { type AccessAnswer, type AccessAsker, explainAccess } from './explain-access.ts'
import type { Explanation } from './explanation.ts'
import { subscribe } from './local-subscriber.ts'
import { Publisher, type PublishLimits } from './publisher.ts'
import { Receipts } from './receipts.ts'
import { Retained } from './retained.ts'
import type { Sight } from './sight.ts'
import type { HubStatus } from './status.ts'
import { Undo } from './undo.ts'

/** The parts of a hub that are looked at and worked on. */
export interface AdminParts {
  readonly gate: Gate
  readonly clock: Clock
  readonly ledger: Ledger
  readonly log: Log
  readonly mishaps: Mishaps
  readonly limits: PublishLimits
  readonly router: Router
  readonly sessions: Sessions
  readonly store: Store
  readonly status: HubStatus
}

/**
 * What people and programs may see of the hub and do to it, each thing once: for the program that embeds the hub, for HTTP, and
 * for whatever else lets somebody in who is no MQTT client.
 */
export class Admin {
  readonly startedAtMs: number
  readonly status: HubStatus
  readonly ledger: Ledger
  readonly mishaps: Mishaps
  readonly clients: Clients
  readonly topics: TopicViews
  readonly retained: Retained
  readonly receipts: Receipts
  readonly publisher: Publisher
  readonly #parts: AdminParts

  /** Of who may not do everything. */
  readonly #sight: Sight | undefined
  readonly #undo: Undo

  /** `seen`: whose sight it is, and of which admin. */
  constructor(parts: AdminParts, seen?: { readonly sight: Sight; readonly of: Admin }) {
    const { clock, ledger, mishaps, router, sessions, status } = parts
    const sight = seen?.sight
    this.#parts = parts
    this.#sight = sight
    this.#undo = seen === undefined ? new Undo() : seen.of.#undo
    this.startedAtMs = seen?.of.startedAtMs ?? clock.nowMs()
    this.status = status
    this.ledger = ledger
    this.mishaps = mishaps
    this.clients = new Clients(sessions, sight)
    this.topics = new TopicViews(router.topics, clock, sight?.shows)
    this.publisher = seen?.of.publisher ?? new Publisher(parts)
    this.retained = new Retained(router, this.publisher, this.#undo, sight)
    this.receipts = seen?.of.receipts ?? new Receipts(router, this.publisher, clock)
  }

  /** The same as one person may see and do it. */
  as(sight: Sight): Admin {
    return new Admin(this.#parts, { sight, of: this })
  }

  /** By the hub's clock, in ms since 1970. */
  nowMs(): number {
    return this.#parts.clock.nowMs()
  }

  /** What expiries of messages count by. */
  lifetimeMs(): number {
    return this.#parts.clock.lifetimeMs()
  }

  /** See `Publisher.publish`. */
  async publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<Published> {
    return this.publisher.publishMessage(this.prepare(topic, payload, options))
  }

  /** See `Publisher.prepare`. @throws HubbubError `ACCESS_DENIED` too */
  prepare(topic: string, payload: string | Uint8Array, options: PublishOptions): Message {
    const message = this.publisher.prepare(topic, payload, options)
    this.#sight?.checkPublish(message)
    return message
  }

  /** What is known of a topic. @throws HubbubError `ACCESS_DENIED` */
  topic(name: string): TopicSummary | undefined {
    this.#sight?.checkReceive(name)
    return this.topics.get(name)
  }

  /** The last connections that were refused or failed; those that tell of topics only for who sees all topics. */
  get lastMishaps(): readonly Mishap[] {
    const { last } = this.mishaps
    return this.#sight === undefined ? last : last.filter(({ kind }) => kind !== 'not-allowed')
  }

  /** Whether messages of a topic may be received. @throws HubbubError `ACCESS_DENIED` when not */
  checkReceive(topic: string): void {
    this.#sight?.checkReceive(topic)
  }

  /**
   * Calls `handler` with each message that matches, whoever asks. Returns a function that ends it.
   * @throws HubbubError `ARGUMENT_INVALID`, `TOPIC_FILTER_INVALID`
   */
  subscribe(filter: string, handler: MessageHandler, options: SubscribeOptions = {}): () => void {
    return subscribe(this.#parts, filter, handler, options)
  }

  /** The topics under a valid filter, for those who tell all of them and then what changes. */
  topicNumbers(filter: string): TopicNumbers {
    const { router, clock } = this.#parts
    return new TopicNumbers(router.topics, clock, filter, this.#sight?.shows)
  }

  /** Why the last messages of a valid topic did or did not arrive, at one client or at all. */
  explain(topic: string, clientId: string | undefined): Promise<Explanation> {
    return explain(this.#parts, topic, clientId, this.#sight)
  }

  /** Why somebody may or may not do something. */
  explainAccess(asker: AccessAsker, question: AccessQuestion): AccessAnswer {
    return explainAccess(this.#parts.gate, asker, question)
  }

  /** Leaves no timer. */
  stop(): void {
    this.topics.stop()
    this.#undo.stop()
    this.receipts.stop()
  }
}
