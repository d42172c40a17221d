import { TransientSession } from '../store/memory-session.ts'
import type { Store } from '../store/store.ts'
import { Session, type SessionParts } from './session.ts'
import type { SessionConnection } from './session-connection.ts'

/** What `Sessions.open` gives: the session, and whether it was there before (Session Present) [MQTT-3.2.2-2]. */
export interface OpenedSession {
  readonly session: Session
  readonly isPresent: boolean
}

const EXPIRY_CHECK_MS = 1000

/** The sessions of a hub by client identifier. There is at most one for each [MQTT-3.1.3-2]. */
export class Sessions {
  readonly #parts: SessionParts
  readonly #store: Store
  readonly #byClientId = new Map<string, Session>()
  /** Sessions of which something waits for the store. */
  readonly #holding = new Set<Session>()
  /** Kept sessions whose clients are away, in the order they left; kept only when sessions expire. */
  readonly #away = new Set<Session>()
  #expiryTimer: NodeJS.Timeout | undefined = undefined

  constructor(parts: Omit<SessionParts, 'onHolding'>) {
    this.#store = parts.store
    this.#parts = { ...parts, onHolding: (session) => this.#holding.add(session) }
  }

  get size(): number {
    return this.#byClientId.size
  }

  get(clientId: string): Session | undefined {
    return this.#byClientId.get(clientId)
  }

  /** The sum of what all sessions hold, for the ledger's identity. Cost is one pass over the sessions. */
  pendingMessages(): number {
    let pending = 0
    for (const session of this.#byClientId.values()) pending += session.pendingMessages
    return pending
  }

  /** Takes up what the store has kept, and ends from now on what is kept for too long. */
  start(): void {
    const states = [...this.#store.sessions()].toSorted((a, b) => a.leftAtMs - b.leftAtMs)
    for (const state of states) {
      const session = new Session(state, true, this.#parts)
      session.restore()
      this.#byClientId.set(state.clientId, session)
      this.#leftBehind(session)
    }
    if (this.#parts.limits.maxSessionExpirySeconds !== Infinity) {
      this.#expire()
      this.#expiryTimer = setInterval(() => this.#expire(), EXPIRY_CHECK_MS)
    }
  }

  stop(): void {
    clearInterval(this.#expiryTimer)
  }

  /**
   * Gives the client its session and ends an older connection of the same client [MQTT-3.1.4-2]. A clean session is new; a
   * kept one is resumed when there is one [MQTT-3.1.2-4] [MQTT-3.1.2-6].
   */
  open(clientId: string, isClean: boolean, connection: SessionConnection): OpenedSession {
    const existing = this.#byClientId.get(clientId)
    const older = existing?.connection
    if (existing !== undefined && older !== undefined) {
      existing.detach(older.pendingQos0Messages)
      older.close('another connection took over the client identifier')
    }
    if (existing !== undefined) this.#away.delete(existing)
    if (existing !== undefined && existing.isKept && !isClean) {
      existing.attach(connection)
      return { session: existing, isPresent: true }
    }
    existing?.end()
    const state = isClean ? new TransientSession(clientId) : this.#store.addSession(clientId)
    const session = new Session(state, !isClean, this.#parts)
    this.#byClientId.set(clientId, session)
    session.attach(connection)
    return { session, isPresent: false }
  }

  /** The connection has ended: a clean session ends with it. Does nothing when another connection has taken over. */
  leave(session: Session, connection: SessionConnection): void {
    if (session.connection !== connection) return
    session.detach(connection.pendingQos0Messages)
    this.#holding.delete(session)
    if (session.isKept) this.#leftBehind(session)
    else this.#end(session)
  }

  onStored(batch: number): void {
    for (const session of this.#holding) {
      if (!session.stored(batch)) this.#holding.delete(session)
    }
  }

  onFailed(batch: number, error: Error): void {
    for (const session of this.#holding) session.failed(batch, `the store failed: ${error.message}`)
  }

  #leftBehind(session: Session): void {
    if (this.#parts.limits.maxSessionExpirySeconds !== Infinity) this.#away.add(session)
  }

  #expire(): void {
    const { clock, limits, log } = this.#parts
    const leftBeforeMs = clock.nowMs() - limits.maxSessionExpirySeconds * 1000
    for (const session of this.#away) {
      if (session.state.leftAtMs > leftBeforeMs) return
      this.#away.delete(session)
      log.info({ clientId: session.clientId, pending: session.pendingMessages }, 'a session expired')
      this.#end(session)
    }
  }

  #end(session: Session): void {
    session.end()
    this.#byClientId.delete(session.clientId)
  }
}
