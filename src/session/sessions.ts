import { sessionBytes, SURE_WILL_BYTES } from './memory-costs.ts'
import type { Gate } from '../auth/gate.ts'
import type { Identity } from '../auth/identity.ts'
import { LoopPart } from '../base/loop-times.ts'
import { TURN } from '../base/turn.ts'
import { ReasonCode } from '../protocol/reason-codes.ts'
import type { SessionTotals } from '../observe/facts.ts'
import { TransientSession } from '../store/memory/memory-session.ts'
import type { SessionState, Store, StoredWill } from '../store/store.ts'
import { askAnew } from './ask-anew.ts'
import { Deadlines } from './deadlines.ts'
import { DelayedWills } from './delayed-wills.ts'
import { type PermissionObserver, Permissions } from './permissions.ts'
import { Presence, type PresenceState } from './presence.ts'
import { Session, type SessionParts } from './session.ts'
import { SessionIndex } from './session-index.ts'
import type { SessionConnection } from './session-connection.ts'
import { addUpSessions } from './session-totals.ts'
import { SharedGroups } from './shared/shared-groups.ts'

/** What a client asks of its session. */
export interface SessionRequest {
  readonly clientId: string
  /** A session that is there already is ended first. */
  readonly isClean: boolean
  /** How long it is to outlive the connection, before the hub's own limit; Infinity means forever. */
  readonly expirySeconds: number
  /** What its will takes in memory, 0 without one. */
  readonly willBytes: number
  /** Who the client is; undefined where there are no users. */
  readonly identity: Identity | undefined
}

/** What `Sessions.open` gives: the session, and whether it was there before (Session Present) [MQTT-3.2.2-2]. */
export interface OpenedSession {
  readonly session: Session
  readonly isPresent: boolean
  /** A kept session was discarded for it. */
  readonly isInPlaceOfKept: boolean
}

/** What sessions are built from. */
export interface SessionsParts extends Omit<SessionParts, 'onHolding' | 'groups'> {
  readonly gate: Gate
  /** Who is told of what somebody asks for; undefined: nobody. */
  readonly observerOf?: ((identity: Identity) => PermissionObserver) | undefined
}

const CHECK_MS = 1000
/** Of what takes about a microsecond each, so many at a step. */
const LOOKS_PER_STEP = 64

/** The sessions of a hub by client identifier. There is at most one for each [MQTT-3.1.3-2]. */
export class Sessions {
  readonly wills: DelayedWills
  readonly presence = new Presence()
  readonly #parts: SessionParts
  readonly #store: Store
  readonly #gate: Gate
  readonly #observerOf: SessionsParts['observerOf']
  readonly #byClientId = new SessionIndex()
  /** Sessions of which something waits for the store. */
  readonly #holding = new Set<Session>()
  /** Sessions whose clients are away and that do not last forever. */
  readonly #expiring: Deadlines<Session>
  #addingUp: Promise<SessionTotals> | undefined = undefined
  #checkTimer: NodeJS.Timeout | undefined = undefined
  #isChecking = false
  #endWatch: (() => void) | undefined = undefined

  constructor(parts: SessionsParts) {
    this.#store = parts.store
    this.#gate = parts.gate
    this.#observerOf = parts.observerOf
    this.wills = new DelayedWills(parts)
    this.#expiring = new Deadlines(parts.clock.lifetimeMs())
    const onHolding = (session: Session): void => void this.#holding.add(session)
    const groups = new SharedGroups(parts)
    this.#parts = { ...parts, onHolding, groups }
  }

  get size(): number {
    return this.#byClientId.size
  }

  get(clientId: string): Session | undefined {
    return this.#byClientId.get(clientId)
  }

  /** Sorted by client identifier, from the first behind `after` on. */
  behind(after: string | undefined): Iterable<Session> {
    return this.#byClientId.behind(after)
  }

  /** The sum of what all sessions hold, for the ledger's identity. Cost is one pass over the sessions. */
  pendingMessages(): number {
    let pending = this.#parts.groups.pendingMessages()
    for (const session of this.#byClientId.values()) pending += session.pendingMessages
    return pending
  }

  /** The same and more, as of now or a few turns of the loop ago. Who asks while it is added up for another gets the same. */
  totals(): Promise<SessionTotals> {
    this.#addingUp ??= addUpSessions(this.#byClientId.values(), this.#parts.groups.all()).finally(() => {
      this.#addingUp = undefined
    })
    return this.#addingUp
  }

  /** Takes up what the store has kept, and ends from now on what is kept for too long. */
  start(): void {
    const { clock, groups } = this.#parts
    this.#expiring.begin(clock.lifetimeMs())
    this.wills.start()
    const states = [...this.#store.sessions()]
    for (const state of states) if (state.isGroup) groups.restore(state)
    for (const state of states) {
      if (state.isGroup) continue
      const session = this.#create(state, true)
      session.restore()
      if (this.#endOf(session) > clock.lifetimeMs()) this.#leftBehind(session)
      else this.#expire(session)
    }
    groups.endAbandoned()
    const check = (): void => {
      // The last check may need longer.
      if (!this.#isChecking) TURN.run(LoopPart.EXPIRY, this.#check())
    }
    this.#checkTimer = setInterval(check, CHECK_MS)
    check()
    this.#endWatch = this.#gate.watch(() => TURN.run(LoopPart.CONTROL, this.#renewAll(this.#gate.epoch)))
  }

  stop(): void {
    clearInterval(this.#checkTimer)
    this.#checkTimer = undefined
    this.#endWatch?.()
  }

  /** False when the session of this client belongs to another user: whoever had its identifier would have what waits for it. */
  mayHave(clientId: string, user: string | undefined): boolean {
    this.#endIfDue(clientId)
    const session = this.#byClientId.get(clientId)
    const owner = session?.identity === undefined ? session?.state.user : session.identity.user
    return owner === undefined || owner === user
  }

  /**
   * Gives the client its session and ends an older connection of the same client [MQTT-3.1.4-2]. A clean one is new; another is
   * resumed when there is one [MQTT-3.1.2-4] [MQTT-3.1.2-6]. Undefined: there is no memory for it.
   */
  open(request: SessionRequest, connection: SessionConnection): OpenedSession | undefined {
    const { clientId, isClean, expirySeconds: asked } = request
    const expirySeconds = Math.min(asked, this.#parts.limits.maxSessionExpirySeconds)
    this.#endIfDue(clientId)
    const existing = this.#byClientId.get(clientId)
    if (!this.#hasMemoryFor(request, existing)) return undefined
    const older = existing?.connection
    if (existing !== undefined && older !== undefined) {
      existing.detach(older.pendingQos0Messages)
      older.close('another connection took over the client identifier', ReasonCode.SESSION_TAKEN_OVER)
    }
    if (existing !== undefined) this.#expiring.delete(existing)
    if (existing !== undefined && existing.state.expirySeconds > 0 && !isClean) {
      this.wills.settle(clientId)
      existing.changeExpiry(expirySeconds)
      this.#permit(existing, request.identity, false)
      existing.attach(connection)
      this.#renewIfStale(existing, connection)
      this.#tell(clientId, 'here')
      return { session: existing, isPresent: true, isInPlaceOfKept: false }
    }
    if (existing !== undefined) this.#end(existing)
    const isKept = expirySeconds > 0
    const state = isKept
      ? this.#store.addSession(clientId, expirySeconds)
      : new TransientSession(clientId, false, this.#parts.memory.queues)
    const session = this.#create(state, isKept)
    this.#permit(session, request.identity, false)
    session.attach(connection)
    this.#renewIfStale(session, connection)
    this.#tell(clientId, 'here')
    return { session, isPresent: false, isInPlaceOfKept: existing?.isKept === true }
  }

  /** The connection has ended, and the session may end with it. Does nothing when another connection has taken over. */
  leave(session: Session, connection: SessionConnection): void {
    if (session.connection !== connection) return
    session.detach(connection.pendingQos0Messages)
    this.#holding.delete(session)
    if (session.state.expirySeconds > 0) {
      this.#leftBehind(session)
      this.#tell(session.clientId, 'away')
    } else {
      this.#end(session)
    }
  }

  /** Ends a session, and the connection of its client. Returns false when there is none. */
  delete(clientId: string): boolean {
    const session = this.#byClientId.get(clientId)
    if (session === undefined) return false
    const { connection } = session
    if (connection !== undefined) {
      session.detach(connection.pendingQos0Messages)
      this.#holding.delete(session)
      connection.close('the administrator deleted its session', ReasonCode.ADMINISTRATIVE_ACTION)
    }
    this.#expiring.delete(session)
    this.#end(session)
    return true
  }

  /** The connection of a client has ended, and its will is due [MQTT5 §3.1.2.5]: it may have to wait. */
  willDue(session: Session | undefined, will: StoredWill): void {
    const delaySeconds = Math.min(will.delaySeconds, session?.state.expirySeconds ?? 0)
    if (session === undefined || session.isEnded || delaySeconds === 0) this.wills.publishNow(will, session?.identity)
    // Nothing to do when another connection goes on with the session [MQTT5-3.1.3-9].
    else if (session.connection === undefined) this.wills.schedule({ ...will, delaySeconds })
  }

  onStored(batch: number): void {
    for (const session of this.#holding) {
      if (!session.stored(batch)) this.#holding.delete(session)
    }
  }

  onFailed(batch: number, error: Error): void {
    for (const session of this.#holding) session.failed(batch, `the store failed: ${error.message}`)
  }

  /** A session that is there counts already, and so a client is never kept from its own. */
  #hasMemoryFor({ clientId, willBytes }: SessionRequest, existing: Session | undefined): boolean {
    if (existing !== undefined && willBytes <= SURE_WILL_BYTES) return true
    const { memory, ledger } = this.#parts
    const bytes = existing === undefined ? sessionBytes(clientId) : 0
    if (memory.sessions.mayTake(bytes + willBytes, bytes)) return true
    memory.sessions.refuse()
    ledger.hit('memory')
    return false
  }

  /** The client of a session has shown again who it is, as the same user. */
  renewed(session: Session, identity: Identity): void {
    this.#permit(session, identity, true)
  }

  /** Lets the client do what the rules say now. */
  #permit(session: Session, identity: Identity | undefined, isLive: boolean): void {
    if (identity === undefined) {
      session.permit(undefined, undefined)
      return
    }
    const view = this.#gate.viewOf(identity)
    const { records } = this.#parts.router.topics
    const permissions = view.isUnlimited
      ? undefined
      : new Permissions(view, session.subscriptions, records, this.#observerOf?.(identity))
    session.permit(identity, permissions)
    if (permissions !== undefined) askAnew(session, permissions, isLive)
  }

  /** Users or rules have changed: who is connected loses at once what they take. Others are asked about when they come. */
  *#renewAll(epoch: number): Generator<void, void, undefined> {
    for (const session of this.#byClientId.values()) {
      // It has changed again, and that is on its way.
      if (this.#gate.epoch !== epoch) return
      if (session.connection !== undefined) this.#renew(session, session.connection)
      yield
    }
  }

  /** Users may have changed between the answer to the credentials and now, when the walk of all sessions did not find this one. */
  #renewIfStale(session: Session, connection: SessionConnection): void {
    const { identity } = session
    const isCurrent = identity === undefined ? this.#gate.isOpen : this.#gate.renew(identity) === identity
    if (isCurrent) return
    setImmediate(() => {
      if (session.connection === connection) this.#renew(session, connection)
    })
  }

  #renew(session: Session, connection: SessionConnection): void {
    const { identity } = session
    if (identity === undefined) {
      if (!this.#gate.isOpen)
        connection.close('there are users now: it has to say who it is', ReasonCode.NOT_AUTHORIZED)
      return
    }
    const renewed = this.#gate.renew(identity)
    if (renewed === undefined)
      connection.close('its user or credential is not valid any more', ReasonCode.NOT_AUTHORIZED)
    else this.#permit(session, renewed, true)
  }

  #create(state: SessionState, isKept: boolean): Session {
    const session = new Session(state, isKept, this.#parts)
    const bytes = sessionBytes(state.clientId)
    this.#parts.memory.sessions.take(bytes, bytes)
    this.#byClientId.set(session)
    return session
  }

  #leftBehind(session: Session): void {
    const endMs = this.#endOf(session)
    if (endMs !== Infinity) this.#expiring.set(session, endMs)
  }

  /** When a session ends whose client does not come back. */
  #endOf({ state }: Session): number {
    return state.leftAtMs + Math.min(state.expirySeconds, this.#parts.limits.maxSessionExpirySeconds) * 1000
  }

  /** A client that comes back does not find a session whose time is over, though no check has come by since. */
  #endIfDue(clientId: string): void {
    const session = this.#byClientId.get(clientId)
    if (session === undefined || session.connection !== undefined) return
    if (this.#endOf(session) > this.#parts.clock.lifetimeMs()) return
    this.#expiring.delete(session)
    this.#expire(session)
  }

  #expire(session: Session): void {
    const { clientId, pendingMessages: pending } = session
    this.#parts.log.info({ clientId, pending }, 'a session expired')
    this.#parts.ledger.expiredSessions++
    this.#end(session)
  }

  *#check(): Generator<void, void, undefined> {
    this.#isChecking = true
    for (const step of this.#checkSteps()) {
      // Stopped meanwhile.
      if (this.#checkTimer === undefined) break
      yield step
    }
    this.#isChecking = false
  }

  *#checkSteps(): Generator<void, void, undefined> {
    const { clock } = this.#parts
    const nowMs = clock.nowMs()
    const wallMs = clock.wallMs()
    const lifetimeMs = clock.lifetimeMs()
    yield* this.wills.publishDue()
    let looked = 0
    for (const session of this.#byClientId.values()) {
      session.settleTraffic(nowMs)
      if (session.identity !== undefined && session.identity.expiresAtMs <= wallMs) {
        session.connection?.close('its token has ended', ReasonCode.NOT_AUTHORIZED)
      }
      if (++looked % LOOKS_PER_STEP === 0) yield
    }
    for (const session of this.#expiring.takeDue(lifetimeMs)) {
      this.#expire(session)
      yield
    }
    while (this.#parts.router.expireRetained(lifetimeMs, LOOKS_PER_STEP)) yield
  }

  #end(session: Session): void {
    session.end()
    const bytes = sessionBytes(session.clientId)
    this.#parts.memory.sessions.give(bytes, bytes)
    this.#byClientId.delete(session.clientId)
    this.wills.publish(session.clientId)
    this.#tell(session.clientId, 'gone')
  }

  #tell(clientId: string, state: PresenceState): void {
    this.presence.tell({ clientId, state, atMs: this.#parts.clock.nowMs() })
  }
}
