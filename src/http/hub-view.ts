import type { Ledger } from '../observe/ledger.ts'
import type { MessageTrail } from '../observe/trail.ts'
import type { Message } from '../protocol/message.ts'
import type { MessageProperties } from '../protocol/message-properties.ts'
import type { QoS } from '../protocol/packet-types.ts'
import type { TopicLevel, TopicSummary } from '../router/topic-summary.ts'
import type { ClientReport } from '../session/client-report.ts'

/** A message that is published over HTTP. */
export interface MessageToPublish {
  /** A valid topic name: the hub says what is wrong with another. */
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: MessageProperties
}

/** A message as a subscription over HTTP gets it. Its payload is its own. */
export interface MessageTaken {
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
  readonly ledger: Ledger
  readonly clients: ClientsView
  readonly topics: TopicsView
  readonly retained: RetainedView
  readonly trails: TrailsView
  /** Why the hub cannot do its work now, each as a sentence; empty when it listens and its store can write. */
  faults(): readonly string[]
  /** Returns how many subscribers it is for. @throws HubbubError `TOPIC_NAME_INVALID` `PUBLISH_REFUSED` */
  publish(message: MessageToPublish): number
  /**
   * Calls `handler` with what is published from now on, without retained messages. Returns a function that ends it.
   * @throws HubbubError `TOPIC_FILTER_INVALID`
   */
  subscribe(filter: string, handler: (message: MessageTaken) => void): () => void
}

export interface ClientsView {
  readonly count: number
  /** All clients that are here or have a kept session, sorted by client identifier, from the first behind `after` on. */
  list(after: string | undefined): Iterable<ClientReport>
  get(clientId: string): ClientReport | undefined
  /** Returns false when no such client is connected. */
  disconnect(clientId: string): boolean
  /** Ends the session, and the connection with it. Returns false when there is none. */
  deleteSession(clientId: string): boolean
}

export interface TopicsView {
  /** Topics in the table. */
  readonly count: number
  get(topic: string): TopicSummary | undefined
  /** One level of the tree below `prefix` ('' is the top), sorted by name. */
  level(prefix: string): Promise<TopicLevel[]>
  /** The topics with the highest rate now, or with the highest count since the start. */
  top(by: 'messagesPerSecond' | 'bytesPerSecond' | 'messages' | 'bytes', limit: number): Promise<TopicSummary[]>
  /**
   * Calls `changed` at most once in `everyMs` with the topics under `filter` that had a message since the last call, no others;
   * the first call has all that there are. Returns a function that ends it.
   */
  watch(filter: string, everyMs: number, changed: (topics: Iterable<TopicSummary>) => void): () => void
}

export interface RetainedView {
  readonly count: number
  readonly bytes: number
  get(topic: string): Message | undefined
  /** Walks the retained messages under a filter; `undefined` is a pause: go on in a later turn of the event loop. */
  matching(filter: string): Generator<Message | undefined, void, undefined>
  /** Takes away the retained message of a topic. */
  remove(topic: string): void
  /** Puts back what was taken away, unless the topic has got another since. Returns whether it did. */
  putBack(message: Message): boolean
}

/** What becomes of messages, as far as the hub followed them. */
export interface TrailsView {
  /** The last messages of the topic that were followed, newest first; at most 16. */
  of(topic: string): readonly MessageTrail[]
  /** Messages of the topic that were not followed since the start, because there were too many at once. */
  unfollowed(topic: string): number
  /** The subscriptions that match, by client; a shared one once for each member. */
  matching(topic: string): readonly SubscriptionMatch[]
  /** Of the client's filters the one that comes nearest to the topic, and where it departs; undefined without any. */
  nearest(clientId: string, topic: string): NearestFilter | undefined
}

export interface SubscriptionMatch {
  /** Undefined: a subscription of the program that embeds the hub. */
  readonly clientId: string | undefined
  readonly filter: string
  readonly qos: QoS
  readonly isConnected: boolean
}

export interface NearestFilter {
  readonly filter: string
  /** Levels that agree from the left. */
  readonly matchingLevels: number
  /** A sentence: `level 2 is "lamp", the topic has "lamps"`. */
  readonly difference: string
}
