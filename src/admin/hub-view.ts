import type { Ledger } from '../observe/ledger.ts'
import type { Mishaps } from '../observe/mishaps.ts'
import type { TimesReport } from '../observe/recent-times.ts'
import type { MessageTrail } from '../trails/trail.ts'
import type { Message } from '../protocol/message.ts'
import type { MessageProperties } from '../protocol/message-properties.ts'
import type { QoS } from '../protocol/packet-types.ts'
import type { TopicLevel, TopicSummary } from '../topics/topic-summary.ts'
import type { TopicMeasure } from '../topics/topic-views.ts'
import type { ClientReport } from '../session/client-report.ts'
import type { MatchingSubscription } from './matching.ts'
import type { NearestFilter } from './nearest-filter.ts'
import type { PresenceChange } from '../session/presence.ts'

/** A message as it is published over HTTP, and as a subscription over HTTP gets it. Its payload is its own. */
export interface HttpMessage {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: MessageProperties
}

/** What the hub tells and does for its HTTP side. Nothing here waits unless it returns a promise. */
export interface HubView {
  readonly version: string
  /** By the hub's clock, in ms since 1970. */
  nowMs(): number
  readonly startedAtMs: number
  readonly ledger: Ledger
  readonly clients: ClientsView
  readonly topics: TopicsView
  readonly retained: RetainedView
  readonly trails: TrailsView
  readonly mishaps: Mishaps
  /** Where it listens. */
  addresses(): HubAddresses
  health(): HubHealth
  /** Why the hub cannot do its work now, each as a sentence; empty when it listens and its store can write. */
  faults(): readonly string[]
  /**
   * Resolves with how many subscribers it is for, once what has to be kept of it is stored.
   * @throws HubbubError `TOPIC_NAME_INVALID`; `PUBLISH_REFUSED` saying why: a reserved topic, no room for what is retained, a
   *   store that cannot write
   */
  publish(message: HttpMessage): Promise<number>
  /**
   * Calls `handler` with what is published from now on, without retained messages. Returns a function that ends it.
   * @throws HubbubError `TOPIC_FILTER_INVALID`
   */
  subscribe(filter: string, handler: (message: HttpMessage) => void): () => void
}

export interface HubAddresses {
  /** MQTT over TCP. */
  readonly mqtt: Address
  /** HTTP, and MQTT over WebSocket. */
  readonly http: Address
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** How the hub itself fares, over the last ten to twenty seconds. */
export interface HubHealth {
  readonly eventLoopDelay: TimesReport | undefined
  /** Undefined: nothing was written, or the store is in memory. */
  readonly storeWrites: TimesReport | undefined
  readonly isStoreFailing: boolean
  /** On disk; undefined when the store is in memory. */
  readonly storeBytes: number | undefined
}

export interface ClientsView {
  /** Clients that are here or have a kept session. */
  readonly count: number
  /** Sorted by client identifier in UTF-16 code units, from the first behind `after` on. */
  list(after: string | undefined): Iterable<ClientReport>
  get(clientId: string): ClientReport | undefined
  /** Returns false when no such client is connected. */
  disconnect(clientId: string): boolean
  /** Ends the session, and the connection with it. Returns false when there is none. */
  deleteSession(clientId: string): boolean
  /** Calls `changed` when a client comes, leaves, or its session ends. Returns a function that ends it. */
  watch(changed: (change: PresenceChange) => void): () => void
}

export interface TopicsView {
  /** Topics in the table. */
  readonly count: number
  get(topic: string): TopicSummary | undefined
  /**
   * At most `limit` of one level of the tree, sorted by name, from the first behind `after` on. `prefix` is '' for the top, else
   * the levels above, each with its slash: `a/b/`.
   */
  level(prefix: string, after: string | undefined, limit: number): Promise<TopicLevel[]>
  /** The topics with the highest rate now, or with the highest count since the start. */
  top(measure: TopicMeasure, limit: number): Promise<TopicSummary[]>
  /** All topics under a valid filter; `undefined` is a pause: go on in a later turn of the event loop. */
  matching(filter: string): Iterable<TopicSummary | undefined>
  /**
   * Calls `changed` at most four times a second with the topics under a valid filter that had a message since the last call.
   * They are summed up while it goes through them. Returns a function that ends it.
   */
  watch(filter: string, changed: (topics: Iterable<TopicSummary>) => void): () => void
}

export interface RetainedView {
  readonly count: number
  readonly bytes: number
  get(topic: string): Message | undefined
  /** Walks the retained messages under a valid filter; `undefined` is a pause: go on in a later turn of the event loop. */
  matching(filter: string): Iterable<Message | undefined>
  /** Takes away the retained message of a topic, as an empty retained message does: subscribers get that. */
  remove(topic: string): void
  /** Publishes again what was taken away, unless the topic has got another since. Returns whether it did. */
  putBack(message: Message): boolean
}

/** What becomes of messages, as far as the hub followed them. */
export interface TrailsView {
  /** The last messages of the topic that were followed, newest first; at most 16. */
  of(topic: string): readonly MessageTrail[]
  /** Messages of the topic that were not followed since the start, because there were too many at once. */
  unfollowed(topic: string): number
  /** Why no client may publish to the topic, as a sentence; undefined when it may. */
  denial(topic: string): string | undefined
  /** The subscriptions that match. */
  matching(topic: string): MatchingSubscriptions
  /** Of the client's filters the one that comes nearest to the topic, and where it departs; undefined without any. */
  nearest(clientId: string, topic: string): NearestFilter | undefined
}

export interface MatchingSubscriptions {
  /** Sessions, shared subscriptions and handlers of the program that the router finds. */
  readonly subscribers: number
  /** Of the first 1,000 of them; a shared subscription stands once for each member. */
  readonly subscriptions: readonly MatchingSubscription[]
}
