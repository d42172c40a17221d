import type { Message } from '../protocol/message.ts'
import { MemorySession } from './memory-session.ts'
import type { SessionState, Store, StoreListener } from './store.ts'

/** Keeps everything as long as the object lives: what it is told is stored at once, and gone with the process. */
export class MemoryStore implements Store {
  changes = 0
  readonly #sessions = new Set<SessionState>()
  readonly #retained = new Map<string, Message>()
  readonly #wills = new Map<string, Message>()
  readonly #onChange = (): void => this.changed()

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

  wills(): Iterable<Message> {
    return this.#wills.values()
  }

  addSession(clientId: string): SessionState {
    const state = new MemorySession(clientId, this.#onChange)
    this.#sessions.add(state)
    this.changed()
    return state
  }

  removeSession(state: SessionState): void {
    if (this.#sessions.delete(state)) this.changed()
  }

  putRetained(message: Message): void {
    this.#retained.set(message.topic, message)
    this.changed()
  }

  removeRetained(topic: string): void {
    if (this.#retained.delete(topic)) this.changed()
  }

  putWill(clientId: string, will: Message): void {
    this.#wills.set(clientId, will)
    this.changed()
  }

  removeWill(clientId: string): void {
    if (this.#wills.delete(clientId)) this.changed()
  }

  protected changed(): void {
    this.changes++
  }
}
