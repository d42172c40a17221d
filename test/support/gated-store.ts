import type { Message } from '../../src/protocol/message.ts'
import type { QoS } from '../../src/protocol/packet-types.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import type { QueueEntry, Store, StoredSession, StoreListener } from '../../src/store/store.ts'

/**
 * A store whose disk is in the test's hands: the changes of a turn are a batch, and a batch is reported as stored when the
 * test opens the gate, or as failed when it breaks it. Starts with an open gate, where batches are reported a turn later.
 */
export class GatedStore implements Store {
  readonly #memory = new MemoryStore()
  #listener: StoreListener | undefined = undefined
  #latestBatch = 0
  #storedBatch = 0
  #isBatchOpen = false
  #gate: 'open' | 'closed' | 'broken' = 'open'

  get openBatch(): number {
    return this.#latestBatch > this.#storedBatch ? this.#latestBatch : 0
  }

  /** From now on nothing is reported as stored. */
  closeGate(): void {
    this.#gate = 'closed'
  }

  openGate(): void {
    this.#gate = 'open'
    this.#report()
  }

  /** Whatever waits, and all that comes, could not be stored. */
  breakGate(): void {
    this.#gate = 'broken'
    this.#report()
  }

  async start(listener: StoreListener): Promise<void> {
    this.#listener = listener
  }

  async stop(): Promise<void> {
    await this.#memory.stop()
  }

  sessions(): Iterable<StoredSession> {
    return this.#memory.sessions()
  }

  retained(): Iterable<Message> {
    return this.#memory.retained()
  }

  addSession(clientId: string): void {
    this.#memory.addSession(clientId)
    this.#change()
  }

  removeSession(clientId: string): void {
    this.#memory.removeSession(clientId)
    this.#change()
  }

  putSubscription(clientId: string, filter: string, qos: QoS): void {
    this.#memory.putSubscription(clientId, filter, qos)
    this.#change()
  }

  removeSubscription(clientId: string, filter: string): void {
    this.#memory.removeSubscription(clientId, filter)
    this.#change()
  }

  addEntry(clientId: string, entry: QueueEntry): void {
    this.#memory.addEntry(clientId, entry)
    this.#change()
  }

  updateEntry(): void {
    this.#memory.updateEntry()
    this.#change()
  }

  removeEntry(clientId: string, entry: QueueEntry): void {
    this.#memory.removeEntry(clientId, entry)
    this.#change()
  }

  addReceivedId(clientId: string, packetId: number): void {
    this.#memory.addReceivedId(clientId, packetId)
    this.#change()
  }

  removeReceivedId(clientId: string, packetId: number): void {
    this.#memory.removeReceivedId(clientId, packetId)
    this.#change()
  }

  putRetained(message: Message): void {
    this.#memory.putRetained(message)
    this.#change()
  }

  removeRetained(topic: string): void {
    this.#memory.removeRetained(topic)
    this.#change()
  }

  #change(): void {
    if (this.#isBatchOpen) return
    this.#isBatchOpen = true
    this.#latestBatch++
    setImmediate(() => {
      this.#isBatchOpen = false
      this.#report()
    })
  }

  #report(): void {
    const batch = this.#isBatchOpen ? this.#latestBatch - 1 : this.#latestBatch
    if (batch <= this.#storedBatch || this.#gate === 'closed') return
    if (this.#gate === 'broken') {
      this.#listener?.onFailed(batch, new Error('the disk is full'))
      return
    }
    this.#storedBatch = batch
    this.#listener?.onStored(batch)
  }
}
