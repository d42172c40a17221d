import type { Message } from '../protocol/message.ts'
import type { QoS } from '../protocol/packet-types.ts'

/**
 * One message that a session has still to deliver at QoS 1 or 2: queued while `packetId` is 0, in flight afterwards.
 * The session changes it in place and then says `updateEntry`.
 */
export interface QueueEntry {
  /** Position in the session's order; grows by at least one with each entry of that session. */
  readonly sequence: number
  readonly message: Message
  readonly qos: QoS
  /** It is sent because of a subscription made while it was retained, so RETAIN is set [MQTT-3.3.1-8]. */
  readonly isRetained: boolean
  /** 0 until the message is first sent; from then on it stays the same [MQTT-4.4.0-1]. */
  packetId: number
  /** QoS 2: the PUBREC has come, so what is left to do is PUBREL and PUBCOMP [MQTT-4.3.3-1]. */
  isReleased: boolean
}

/** A kept session as the store gives it back at the start. */
export interface StoredSession {
  readonly clientId: string
  readonly subscriptions: ReadonlyMap<string, QoS>
  /** What is still to deliver, in order of `sequence`. */
  readonly entries: Iterable<QueueEntry>
  /** Packet identifiers of QoS 2 messages from the client that wait for their PUBREL. */
  readonly receivedIds: Iterable<number>
}

/**
 * What must outlive more than the moment: kept sessions with what they wait for, and retained messages. The living state is
 * in memory; the store is its journal.
 *
 *   1. Changes return at once and take effect in the order they are made.
 *   2. The changes of one turn of the event loop are stored together, as a batch. `openBatch` is the number of the batch
 *      that the latest change went into, or 0 when everything is stored. Numbers grow.
 *   3. `onStored` is told the number of each batch when it, and so every batch before it, is stored to the level of
 *      durability that was asked for; `onFailed` is told when a batch could not be stored. Neither runs inside a change.
 *   4. A stored session or retained message is there after `stop()` and a new `start()`; entries come back in order.
 *   5. Messages handed in are kept ones (`Message.keep`); the store may hold on to them.
 *   6. A change that concerns an unknown session is ignored.
 *
 * Not promised: that a change survives when its batch was not reported as stored.
 */
export interface Store {
  start(listener: StoreListener): Promise<void>
  /** Stores what is open, then closes. */
  stop(): Promise<void>

  sessions(): Iterable<StoredSession>
  retained(): Iterable<Message>

  readonly openBatch: number

  addSession(clientId: string): void
  removeSession(clientId: string): void
  putSubscription(clientId: string, filter: string, qos: QoS): void
  removeSubscription(clientId: string, filter: string): void
  addEntry(clientId: string, entry: QueueEntry): void
  updateEntry(clientId: string, entry: QueueEntry): void
  removeEntry(clientId: string, entry: QueueEntry): void
  addReceivedId(clientId: string, packetId: number): void
  removeReceivedId(clientId: string, packetId: number): void
  putRetained(message: Message): void
  removeRetained(topic: string): void
}

export interface StoreListener {
  onStored(batch: number): void
  onFailed(batch: number, error: Error): void
}
