import { HubbubError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Message } from '../protocol/message.ts'
import { MemorySession } from './memory/memory-session.ts'
import type { SessionState, Store, StoredWill, StoreListener } from './store.ts'

/** The batch of what is lost: it is never stored. */
const LOST_BATCH = Number.MAX_SAFE_INTEGER

/**
 * A store of the program's own, which may break its contract by throwing at work. The hub then goes on with what it has in memory
 * and counts the store as failing until it ends: nothing more is acknowledged that has to be kept.
 *
 * Not guarded: what is called at the start and at the stop, where whoever starts and stops the hub is told; and the states that the
 * store hands out.
 */
export class GuardedStore implements Store {
  readonly #store: Store
  readonly #log: Log
  #listener: StoreListener | undefined = undefined
  #failure: HubbubError | undefined = undefined
  #isTelling = false
  /** Changes that the store does not know of. */
  #lostChanges = 0

  constructor(store: Store, log: Log) {
    this.#store = store
    this.#log = log
  }

  start(listener: StoreListener): Promise<void> {
    this.#listener = listener
    return this.#store.start({
      onStored: (batch) => {
        if (this.#failure === undefined) listener.onStored(batch)
      },
      onFailed: (batch, error) => listener.onFailed(batch, error),
    })
  }

  stop(): Promise<void> {
    return this.#store.stop()
  }

  sessions(): Iterable<SessionState> {
    return this.#store.sessions()
  }

  retained(): Iterable<Message> {
    return this.#store.retained()
  }

  wills(): Iterable<StoredWill> {
    return this.#store.wills()
  }

  get openBatch(): number {
    const batch = this.#ask('openBatch', () => this.#store.openBatch, LOST_BATCH)
    return this.#failure === undefined ? batch : LOST_BATCH
  }

  get changes(): number {
    return this.#ask('changes', () => this.#store.changes, 0) + this.#lostChanges
  }

  get isFailing(): boolean {
    const isFailing = this.#ask('isFailing', () => this.#store.isFailing, true)
    return isFailing || this.#failure !== undefined
  }

  addSession(clientId: string, expirySeconds: number): SessionState {
    return this.#add(
      'addSession',
      () => this.#store.addSession(clientId, expirySeconds),
      clientId,
      expirySeconds,
      false,
    )
  }

  addGroup(filter: string): SessionState {
    return this.#add('addGroup', () => this.#store.addGroup(filter), filter, Infinity, true)
  }

  removeSession(state: SessionState): void {
    this.#ask('removeSession', () => this.#store.removeSession(state), undefined)
  }

  putRetained(message: Message): void {
    this.#ask('putRetained', () => this.#store.putRetained(message), undefined)
  }

  removeRetained(topic: string): void {
    this.#ask('removeRetained', () => this.#store.removeRetained(topic), undefined)
  }

  putWill(will: StoredWill): void {
    this.#ask('putWill', () => this.#store.putWill(will), undefined)
  }

  removeWill(clientId: string): void {
    this.#ask('removeWill', () => this.#store.removeWill(clientId), undefined)
  }

  #add(
    method: string,
    act: () => SessionState,
    clientId: string,
    expirySeconds: number,
    isGroup: boolean,
  ): SessionState {
    const state = this.#ask<SessionState | undefined>(method, act, undefined)
    return state ?? new MemorySession(clientId, () => this.#lost(), expirySeconds, isGroup)
  }

  /** What the store says, or `instead` when it throws. */
  #ask<T>(method: string, act: () => T, instead: T): T {
    try {
      return act()
    } catch (cause) {
      if (this.#failure === undefined) {
        this.#failure = failureOf(method, cause)
        this.#log.error(
          { err: this.#failure },
          'the store of the program broke its contract: the hub keeps nothing any more',
        )
      }
      this.#lost()
      return instead
    }
  }

  /** Tells in a later turn that what has just changed cannot be stored. */
  #lost(): void {
    this.#lostChanges++
    if (this.#isTelling) return
    this.#isTelling = true
    setImmediate(() => {
      this.#isTelling = false
      if (this.#failure !== undefined) this.#listener?.onFailed(LOST_BATCH, this.#failure)
    })
  }
}

function failureOf(method: string, cause: unknown): HubbubError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const text = `Cannot use the store of the program: ${method} must not throw, it threw ${JSON.stringify(reason)}`
  return new HubbubError('STORE_FAILED', text, { cause })
}
