import type { Message } from '../protocol/message.ts'
import type { QoS } from '../protocol/packet-types.ts'
import type { SubscriptionOptions } from '../protocol/subscription-options.ts'
import type { ByPacketId } from './packet-id-map.ts'

/** How one message goes out to one client. Objects are shared and never change. */
export interface Terms {
  readonly qos: QoS
  /** Send it with RETAIN: it was retained before the subscription [MQTT-3.3.1-8], or goes out as published [MQTT5-3.3.1-13]. */
  readonly isRetained: boolean
  /** The Subscription Identifiers to be sent with it [MQTT5-3.3.4-3]. */
  readonly identifiers: readonly number[]
}

/** A message that was sent to the client and is not finished: for QoS 1 until PUBACK, for QoS 2 until PUBCOMP. */
export interface InFlightMessage extends Terms {
  /** QoS 2: the PUBREC has come, so only PUBREL and PUBCOMP are left [MQTT-4.3.3-1]. */
  readonly isReleased: boolean
  /** What to send again; undefined when it was released, or when the store can no longer read it. */
  readonly message: Message | undefined
}

/**
 * What a session holds besides its connection [MQTT-3.1.1 §4.1]. It is changed only through its methods, so that the store
 * knows of every change.
 *
 *   1. The queue is first in, first out; `startNext` moves its oldest message into flight.
 *   2. `inFlight` is in the order in which the messages were first sent; a packet identifier stays the same from then on
 *      [MQTT-4.4.0-1].
 *   3. Messages may be views (`Message.keep` is the state's business).
 */
export interface SessionState {
  /** The client's identifier, or the filter of a shared subscription (`$share/…`) when `isGroup`. */
  readonly clientId: string
  /** It holds what waits for any member of a shared subscription, instead of for one client. */
  readonly isGroup: boolean
  /** The user that it belongs to; undefined: nobody in particular. */
  readonly user: string | undefined
  /** How long it outlives its client's connection, in seconds; Infinity means forever. */
  readonly expirySeconds: number
  /** When the client went away, in ms since 1970 by the hub's clock; 0 while it is connected. */
  readonly leftAtMs: number
  /** What waits takes memory of the hub. */
  readonly isInMemory?: boolean
  readonly inFlight: ByPacketId<InFlightMessage>
  /** QoS 2 messages from the client that wait for their PUBREL: what tells the content of each, or `UNKNOWN_CONTENT`. */
  readonly receivedIds: ByPacketId<number>
  readonly queuedMessages: number
  /** The queued messages' length as PUBLISH packets. */
  readonly queuedBytes: number

  /** The subscriptions in the store, with which a restored session begins. */
  subscriptions(): Iterable<readonly [filter: string, options: SubscriptionOptions]>
  putSubscription(filter: string, options: SubscriptionOptions): void
  removeSubscription(filter: string): void

  enqueue(message: Message, terms: Terms): void
  /** The oldest message of the queue; undefined when the queue is empty, or the message can no longer be read. */
  peekNext(): Message | undefined
  /** Moves the oldest message of the queue, which must not be empty, into flight. */
  startNext(packetId: number): InFlightMessage
  dropNext(): void

  addInFlight(packetId: number, message: Message, terms: Terms): void
  /** Notes the PUBREC: the message itself is not needed any more. */
  release(packetId: number): void
  finish(packetId: number): void

  /** `contentHash` is that of the message (`Message`). */
  addReceivedId(packetId: number, contentHash: number): void
  removeReceivedId(packetId: number): void

  /** 0: the client is connected (again). */
  setLeftAt(timeMs: number): void
  setExpiry(seconds: number): void
  setUser(user: string | undefined): void
}

/** Of a message that a hub took before it kept what tells contents apart. */
export const UNKNOWN_CONTENT = 0

/** The will of a connected client, or one that waits for its delay. */
export interface StoredWill {
  readonly clientId: string
  /** Who the client was. */
  readonly user: string | undefined
  /** It had shown so by a certificate, and its user may be in no file. */
  readonly isCertified: boolean
  /** Its `expiresAtMs`, if it has one, counts from the moment it is published. */
  readonly message: Message
  /** Will Delay Interval [MQTT5 §3.1.3.2.2]. */
  readonly delaySeconds: number
}

/**
 * What must survive a restart: kept sessions with their waiting messages, retained messages, and the wills of connected clients.
 * The live state is in memory; the store is its journal, and holds what does not fit.
 *
 *   1. Changes return at once and take effect in the order they are made.
 *   2. The changes of one turn of the event loop are stored together, as a batch. `openBatch` is the number of the batch
 *      that the latest change went into, or 0 when nobody has to wait for it. Reading it means waiting for it: a batch that
 *      nobody has asked for may be kept open a little longer. Numbers grow, and so does `changes`.
 *   3. `onStored` is told the number of each batch when it, and so every batch before it, is stored as safely as
 *      was asked for; `onFailed` is told when a batch could not be stored. Neither runs inside a change.
 *   4. What could not be stored stays open and is tried again until it is; `isFailing` is true meanwhile.
 *   5. What is stored is there after `stop()` and a new `start()`.
 *   6. What is finished before its batch is written need not be written at all.
 *   7. A state that was removed is not used any more.
 *
 * Not promised: that a change survives when its batch was not reported as stored.
 */
export interface Store {
  start(listener: StoreListener): Promise<void>
  /** Stores what is open, then closes. */
  stop(): Promise<void>

  /** What the store kept, for the start; the sessions go on with these states. */
  sessions(): Iterable<SessionState>
  retained(): Iterable<Message>
  /** Wills of clients that were connected when the store was last closed or the hub crashed. */
  wills(): Iterable<StoredWill>

  readonly openBatch: number
  /** Grows with each change: the same number before and after says that nothing had to be stored. */
  readonly changes: number
  readonly isFailing: boolean

  addSession(clientId: string, expirySeconds: number): SessionState
  /** The state of a shared subscription that has a member with a kept session; `filter` is the whole `$share/…`. */
  addGroup(filter: string): SessionState
  removeSession(state: SessionState): void
  putRetained(message: Message): void
  removeRetained(topic: string): void
  putWill(will: StoredWill): void
  removeWill(clientId: string): void
}

export interface StoreListener {
  onStored(batch: number): void
  onFailed(batch: number, error: Error): void
}
