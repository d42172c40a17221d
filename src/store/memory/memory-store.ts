import type { MemoryAccount } from '../../base/memory-account.ts'
import { unboundedMemory } from '../../base/memory-budget.ts'
import type { Message } from '../../protocol/message.ts'
import { endState, MemorySession } from './memory-session.ts'
import type { SessionState, Store, StoredWill, StoreListener } from '../store.ts'

/** Keeps everything in memory: it counts as stored at once, and is gone with the process. */
export class MemoryStore implements Store {
  changes = 0
  readonly #sessions = new Set<SessionState>()
  readonly #retained = new Map<string, Message>()
  readonly #wills = new Map<string, StoredWill>()
  readonly #onChange = (): void => this.changed()
  /** What waits for clients counts for it. @internal */
  protected memory: MemoryAccount = unboundedMemory().queues

  get openBatch(): number {
    return 0
  }

  get isFailing(): boolean {
    return false
  }

  async start(_listener: StoreListener): Promise<void> {}
  async stop(): Promise<void> {}

  sessions(): Iterable<SessionState> {
    return this.#sessions
  }

  retained(): Iterable<Message> {
    return this.#retained.values()
  }

  wills(): Iterable<StoredWill> {
    return this.#wills.values()
  }

  addSession(clientId: string, expirySeconds: number): SessionState {
    return this.#add(new MemorySession(clientId, this.#onChange, expirySeconds, false, this.memory))
  }

  addGroup(filter: string): SessionState {
    return this.#add(new MemorySession(filter, this.#onChange, Infinity, true, this.memory))
  }

  removeSession(state: SessionState): void {
    if (!this.#sessions.delete(state)) return
    endState(state)
    this.changed()
  }

  putRetained(message: Message): void {
    this.#retained.set(message.topic, message.keepRetained())
    this.changed()
  }

  removeRetained(topic: string): void {
    if (this.#retained.delete(topic)) this.changed()
  }

  putWill(will: StoredWill): void {
    this.#wills.set(will.clientId, will)
    this.changed()
  }

  removeWill(clientId: string): void {
    if (this.#wills.delete(clientId)) this.changed()
  }

  #add(state: SessionState): SessionState {
    this.#sessions.add(state)
    this.changed()
    return state
  }

  protected changed(): void {
    this.changes++
  }
}
