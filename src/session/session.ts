// Hot path: `receive` and `deliver` run per message; measured by `npm run bench`, all throughput rows.
import type { Identity } from '../auth/identity.ts'
import { endState } from '../store/memory/memory-session.ts'
import type { DropReason } from '../protocol/drop-reasons.ts'
import { Traffic } from '../observe/traffic.ts'
import type { HistoryFilter } from '../protocol/history-filter.ts'
import { Message } from '../protocol/message.ts'
import type { QoS } from '../protocol/packet-types.ts'
import { ReasonCode } from '../protocol/reason-codes.ts'
import type { SubscriptionOptions } from '../protocol/subscription-options.ts'
import { Delivery } from '../router/delivery.ts'
import type { Router } from '../router/router.ts'
import type { SessionState } from '../store/store.ts'
import type { Trail } from '../trails/trail.ts'
import type { ClientReport } from './client-report.ts'
import { Denials, type DenialsOwner, type DenialsParts } from './denials.ts'
import { HeldAnswers } from './held-answers.ts'
import { Incoming, type IncomingOwner } from './incoming.ts'
import { Losses, type LossesParts } from './losses.ts'
import { type Lender, Outgoing, type OutgoingOwner, type OutgoingParts } from './outgoing/outgoing.ts'
import { OutgoingQos0 } from './outgoing/outgoing-qos0.ts'
import type { Past } from './past.ts'
import type { Permissions } from './permissions.ts'
import type { SessionConnection } from './session-connection.ts'
import type { SessionLimits } from './session-limits.ts'
import type { SharedGroups } from './shared/shared-groups.ts'
import { Subscriptions, type SubscriptionsOwner } from './subscriptions.ts'

/** What all sessions of a hub share. */
export interface SessionParts extends OutgoingParts, LossesParts, DenialsParts {
  readonly router: Router
  readonly limits: SessionLimits
  readonly groups: SharedGroups
  /** Undefined: no history is kept. */
  readonly past: Past | undefined
  /** Called when something of a session begins to wait until the store has written. */
  readonly onHolding: (session: Session) => void
}

/** Stands for each message of a run in turn. */
const SINGLE = new Message()

/**
 * The state of one client [MQTT-3.1.1 §4.1]: its subscriptions, what it has still to be sent, and what it has sent and not
 * finished. A kept session (CleanSession 0) outlives its connection and is in the store; any other ends with it.
 */
export class Session implements SubscriptionsOwner, OutgoingOwner, IncomingOwner, DenialsOwner {
  readonly clientId: string
  readonly isKept: boolean
  readonly state: SessionState
  readonly subscriptions: Subscriptions
  readonly incoming: Incoming
  /** What it has to deliver at QoS 1 and 2. */
  readonly outgoing: Outgoing
  /** What it has to deliver at QoS 0. */
  readonly outgoingQos0: OutgoingQos0
  readonly #parts: SessionParts
  #attached: SessionConnection | undefined = undefined
  /** The attached connection once its client has the CONNACK, which must be the first packet it gets [MQTT-3.2.0-1]. */
  #connection: SessionConnection | undefined = undefined
  readonly #held = new HeldAnswers()
  #losses: Losses | undefined = undefined
  #traffic: Traffic | undefined = undefined
  /** Who the client is; undefined where there are no users. */
  identity: Identity | undefined = undefined
  /** Undefined: it may do everything. */
  permissions: Permissions | undefined = undefined
  #denials: Denials | undefined = undefined
  #lastError: { readonly atMs: number; readonly reason: string } | undefined = undefined
  #isEnded = false

  constructor(state: SessionState, isKept: boolean, parts: SessionParts) {
    this.clientId = state.clientId
    this.isKept = isKept
    this.state = state
    this.#parts = parts
    this.outgoing = new Outgoing(this, state, parts)
    this.outgoingQos0 = new OutgoingQos0(state.clientId, this, parts)
    this.incoming = new Incoming(this, state, parts)
    this.subscriptions = new Subscriptions(this, parts)
  }

  get connection(): SessionConnection | undefined {
    return this.#attached
  }

  /** What it holds and has neither delivered nor dropped, as the ledger's identity counts it. */
  get pendingMessages(): number {
    return this.state.inFlight.size + this.state.queuedMessages + this.outgoingQos0.pendingMessages
  }

  /** What the client has published and been sent since the hub started. */
  get traffic(): Traffic {
    return (this.#traffic ??= new Traffic())
  }

  /** What the access rules kept its client from. */
  get denials(): Denials {
    return (this.#denials ??= new Denials(this, this.#parts))
  }

  /** The client is connected and has its CONNACK. */
  get isHere(): boolean {
    return this.#connection !== undefined
  }

  /** A message of a shared subscription could go out at once. */
  get hasRoom(): boolean {
    return this.outgoing.hasRoom
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  deliver(message: Message, delivery: Delivery, trail: Trail | undefined): void {
    const terms = delivery.termsFor(message)
    if (this.#isEnded) this.#dropLate(1, trail)
    else if (!this.mayReceive(message)) this.#withhold(message, terms.qos, trail)
    else if (terms.qos === 0) this.outgoingQos0.deliver(message, terms, trail, undefined)
    else this.outgoing.deliver(message, terms, trail)
  }

  deliverRun(run: Message, delivery: Delivery, trail: Trail | undefined): void {
    if (this.#isEnded) this.#dropLate(run.count, trail)
    else if (this.permissions?.isFiltering === true) this.#deliverEach(run, delivery, trail)
    else this.outgoingQos0.deliverRun(run, delivery, trail)
  }

  /** Messages of a run may be of several topics. */
  #deliverEach(run: Message, delivery: Delivery, trail: Trail | undefined): void {
    for (let at = run.start; at < run.end;) {
      at = SINGLE.takeFromRun(run, at)
      this.deliver(SINGLE, delivery, trail)
    }
  }

  /** Whether the rules let its client have a message that one of its subscriptions matches. */
  mayReceive(message: Message): boolean {
    const permissions = this.permissions
    return permissions?.isFiltering !== true || permissions.mayReceive(message)
  }

  /** The same of a message that has waited, since which the rules and subscriptions may have changed. */
  mayStillReceive(message: Message): boolean {
    return this.permissions === undefined || this.permissions.mayReceive(message)
  }

  /** Takes a message of a shared subscription; above QoS 0 only while there is `hasRoom`. */
  deliverLent(message: Message, delivery: Delivery, lender: Lender, trail: Trail | undefined): void {
    const terms = delivery.termsFor(message)
    if (terms.qos === 0) this.outgoingQos0.deliver(message, terms, trail, lender.filter)
    else this.outgoing.deliverLent(message, terms, lender, trail)
  }

  /** The client has taken its output: go on with what waits. */
  drain(): void {
    this.outgoingQos0.drain()
    this.outgoing.drain()
  }

  /** The retained messages that match a filter are to be sent from the next `drain` on, as each SUBSCRIBE asks anew [MQTT-3.3.1-6]. */
  sendRetained(filter: string, options: SubscriptionOptions): void {
    const messages = this.#parts.router.retained.matchingIfAny(filter)
    this.outgoing.replay(messages, Delivery.of(this, options), false, this.#filter)
  }

  /** The past that a subscription asks for is to be sent from the next `drain` on; what comes meanwhile waits behind it. */
  sendPast(wanted: HistoryFilter, options: SubscriptionOptions): void {
    const { past } = this.#parts
    if (past === undefined) return
    this.outgoingQos0.waitForPast()
    this.outgoing.replay(past.replay(wanted), Delivery.of(this, options), true, this.#filter)
  }

  /** What leaves out of a replay what the rules let its client not have; undefined: it may have all that it was granted. */
  get #filter(): Permissions | undefined {
    return this.permissions?.isFiltering === true ? this.permissions : undefined
  }

  pastSent(): void {
    this.outgoingQos0.pastSent()
  }

  /** Calls `proceed` when what a kept session has changed so far is stored: at once, or later unless it is detached. */
  afterStored(proceed: () => void): void {
    if (this.#held.hold(this.isKept ? this.#parts.store.openBatch : 0, proceed)) this.#parts.onHolding(this)
  }

  /** As `afterStored`, but whatever was changed, and also when it cannot be stored. Only before `open`, when nothing else waits. */
  afterAttempt(proceed: () => void): void {
    const { store, onHolding } = this.#parts
    if (this.#held.hold(store.isFailing ? 0 : store.openBatch, proceed)) onHolding(this)
  }

  /** Calls `proceed` when all that was published so far has been handed over. */
  afterHandedOver(proceed: () => void): void {
    this.#parts.router.spreads.afterAll(proceed)
  }

  /** How long it outlives the connection from now on, in seconds; 0 ends it with the connection. */
  changeExpiry(seconds: number): void {
    if (seconds !== this.state.expirySeconds) this.state.setExpiry(seconds)
  }

  /** Who its client is from now on, and what it may do: undefined is everything. */
  permit(identity: Identity | undefined, permissions: Permissions | undefined): void {
    this.identity = identity
    this.permissions = permissions
    this.outgoing.filterReplays(permissions)
    if (identity !== undefined && identity.user !== this.state.user) this.state.setUser(identity.user)
  }

  attach(connection: SessionConnection): void {
    this.#attached = connection
    this.#losses?.tellAnew()
    this.state.setLeftAt(0)
    this.incoming.attach(connection)
  }

  /** The client knows that it is connected (CONNACK is out): sends what waits for it. */
  open(): void {
    this.#connection = this.#attached
    if (this.#connection === undefined) return
    this.outgoingQos0.attach(this.#connection)
    this.outgoing.attach(this.#connection)
  }

  /** To be called about every second while the client is here. */
  settleTraffic(nowMs: number): void {
    this.#traffic?.settle(nowMs)
  }

  /** Why the hub ended the connection of the client. */
  connectionEnded(reason: string): void {
    this.#lastError = { atMs: this.#parts.clock.nowMs(), reason }
  }

  /** What there is to tell about the client. */
  report(): ClientReport {
    const { state, subscriptions } = this
    const connection = this.#attached?.report()
    return {
      clientId: this.clientId,
      connection,
      leftAtMs: connection === undefined ? state.leftAtMs - this.#parts.clock.lifetimesAheadMs : undefined,
      isKept: this.isKept,
      expirySeconds: state.expirySeconds,
      subscriptionCount: subscriptions.size,
      queuedMessages: state.queuedMessages,
      queuedBytes: state.queuedBytes,
      inFlightMessages: state.inFlight.size,
      unreleasedMessages: state.receivedIds.size,
      dropped: this.#losses?.counts ?? {},
      traffic: this.traffic.report(this.#parts.clock.nowMs()),
      lastError: this.#lastError,
      user: this.identity?.user ?? this.state.user,
      lastDenial: this.#denials?.last,
    }
  }

  /** The connection is gone, `lostQos0Messages` of what was written to it with it. */
  detach(lostQos0Messages: number): void {
    this.outgoingQos0.detach(lostQos0Messages)
    this.#held.clear()
    this.#attached = undefined
    this.#connection = undefined
    this.state.setLeftAt(this.#parts.clock.lifetimeMs())
    this.outgoing.detach()
    this.incoming.detach()
  }

  /** Ends for good: no subscription is left, and what was still to deliver is counted as dropped. */
  end(): void {
    this.outgoing.dropAll('session-ended')
    this.#isEnded = true
    this.subscriptions.clear()
    if (this.isKept) this.#parts.store.removeSession(this.state)
    else endState(this.state)
  }

  /** Takes up what its state was before the hub was restarted. */
  restore(): void {
    const { ledger, clock } = this.#parts
    this.subscriptions.restore()
    ledger.matched += this.pendingMessages
    // The hub died while the client was there: nobody noted when it left.
    if (this.state.leftAtMs === 0) this.state.setLeftAt(clock.lifetimeMs())
  }

  /** Everything up to `batch` is stored. Returns whether something still waits. */
  stored(batch: number): boolean {
    this.incoming.stored(batch)
    this.outgoing.stored(batch)
    this.#held.proceed(batch)
    return this.incoming.isHolding || this.outgoing.isHolding || !this.#held.isEmpty
  }

  /** A batch could not be stored. */
  failed(batch: number, reason: string): void {
    this.incoming.failed(batch, reason)
    // A hub whose disk is full still lets clients in.
    if (!this.isHere) this.#held.proceed(batch)
  }

  /** What waits for a shared subscription can go on. */
  roomMade(): void {
    this.subscriptions.feed()
  }

  queueOverflowed(): void {
    this.#connection?.close('it let its queue fill up (limits.queuePolicy)', ReasonCode.QUOTA_EXCEEDED)
  }

  outgoingHeld(): void {
    this.#parts.onHolding(this)
  }

  incomingHeld(): void {
    this.#parts.onHolding(this)
  }

  drop(reason: DropReason, count: number): void {
    this.losses.drop(reason, count)
  }

  /** What the client has lost. */
  get losses(): Losses {
    return (this.#losses ??= new Losses(this, this.#parts))
  }

  /** The rules let its client not have the message. */
  #withhold(message: Message, qos: QoS, trail: Trail | undefined): void {
    this.drop('not-allowed', message.count)
    trail?.at(this.clientId, undefined, qos).tell('dropped', 'not-allowed')
  }

  /** The session has ended since the messages were routed. */
  #dropLate(count: number, trail: Trail | undefined): void {
    this.outgoingQos0.drop('session-ended', count, trail?.at(this.clientId, undefined, 0))
  }
}
