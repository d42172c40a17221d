import type { Message } from '../protocol/message.ts'
import type { QoS } from '../protocol/packet-types.ts'
import type { QueueEntry, Store, StoredSession } from './store.ts'

/** Keeps everything as long as the object lives: what it is told is stored at once, and gone with the process. */
export class MemoryStore implements Store {
  readonly openBatch = 0
  readonly #sessions = new Map<string, MemorySession>()
  readonly #retained = new Map<string, Message>()

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  *sessions(): Iterable<StoredSession> {
    for (const session of this.#sessions.values()) yield session.snapshot()
  }

  retained(): Iterable<Message> {
    return this.#retained.values()
  }

  addSession(clientId: string): void {
    this.#sessions.set(clientId, new MemorySession(clientId))
  }

  removeSession(clientId: string): void {
    this.#sessions.delete(clientId)
  }

  putSubscription(clientId: string, filter: string, qos: QoS): void {
    this.#sessions.get(clientId)?.subscriptions.set(filter, qos)
  }

  removeSubscription(clientId: string, filter: string): void {
    this.#sessions.get(clientId)?.subscriptions.delete(filter)
  }

  addEntry(clientId: string, entry: QueueEntry): void {
    this.#sessions.get(clientId)?.entries.set(entry.sequence, entry)
  }

  // The entry held is the session's own object, which has the new state already.
  updateEntry(): void {}

  removeEntry(clientId: string, entry: QueueEntry): void {
    this.#sessions.get(clientId)?.entries.delete(entry.sequence)
  }

  addReceivedId(clientId: string, packetId: number): void {
    this.#sessions.get(clientId)?.receivedIds.add(packetId)
  }

  removeReceivedId(clientId: string, packetId: number): void {
    this.#sessions.get(clientId)?.receivedIds.delete(packetId)
  }

  putRetained(message: Message): void {
    this.#retained.set(message.topic, message)
  }

  removeRetained(topic: string): void {
    this.#retained.delete(topic)
  }
}

class MemorySession {
  readonly clientId: string
  readonly subscriptions = new Map<string, QoS>()
  readonly entries = new Map<number, QueueEntry>()
  readonly receivedIds = new Set<number>()

  constructor(clientId: string) {
    this.clientId = clientId
  }

  snapshot(): StoredSession {
    return {
      clientId: this.clientId,
      subscriptions: new Map(this.subscriptions),
      entries: [...this.entries.values()],
      receivedIds: [...this.receivedIds],
    }
  }
}
