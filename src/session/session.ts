// Hot path: `receive` and `deliver` run per message; measured by `npm run bench`, all throughput rows.
import { endState } from '../store/memory/memory-session.ts'
import type { DropReason } from '../protocol/drop-reasons.ts'
import { Traffic } from '../observe/traffic.ts'
import type { HistoryFilter } from '../protocol/history-filter.ts'
import type { Message } from '../protocol/message.ts'
import { PacketType } from '../protocol/packet-types.ts'
import { FIRST_FAILURE_CODE, ReasonCode } from '../protocol/reason-codes.ts'
import type { SubscriptionOptions } from '../protocol/subscription-options.ts'
import { Delivery } from '../router/delivery.ts'
import type { Router, TopicNumber } from '../router/router.ts'
import type { SessionState } from '../store/store.ts'
import { RESERVED_REASON } from '../topics/reserved-topics.ts'
import type { Trail } from '../trails/trail.ts'
import { awaitReceivers, type PublishingSession } from './await-receivers.ts'
import type { ClientReport } from './client-report.ts'
import { HeldAnswers } from './held-answers.ts'
import { Incoming } from './incoming.ts'
import { Losses, type LossesParts } from './losses.ts'
import { type Lender, Outgoing, type OutgoingOwner, type OutgoingParts } from './outgoing/outgoing.ts'
import { OutgoingQos0 } from './outgoing/outgoing-qos0.ts'
import { limitExpiry } from './outgoing/waiting-room.ts'
import type { Past } from './past.ts'
import type { AcknowledgementType, SessionConnection } from './session-connection.ts'
import type { SessionLimits } from './session-limits.ts'
import type { SharedGroups } from './shared/shared-groups.ts'
import { Subscriptions, type SubscriptionsOwner } from './subscriptions.ts'

/** What all sessions of a hub share. */
export interface SessionParts extends OutgoingParts, LossesParts {
  readonly router: Router
  readonly limits: SessionLimits
  readonly groups: SharedGroups
  /** Undefined: no history is kept. */
  readonly past: Past | undefined
  /** Called when something of a session begins to wait until the store has written. */
  readonly onHolding: (session: Session) => void
}

/**
 * The state of one client [MQTT-3.1.1 §4.1]: its subscriptions, what it has still to be sent, and what it has sent and not
 * finished. A kept session (CleanSession 0) outlives its connection and is in the store; any other ends with it.
 */
export class Session implements SubscriptionsOwner, OutgoingOwner, PublishingSession {
  readonly clientId: string
  readonly isKept: boolean
  readonly state: SessionState
  readonly subscriptions: Subscriptions
  readonly incoming: Incoming
  /** What it has to deliver at QoS 1 and 2. */
  readonly outgoing: Outgoing
  /** What it has to deliver at QoS 0. */
  readonly outgoingQos0: OutgoingQos0
  /** What its client has published and not all have yet. */
  spreading = 0
  readonly #parts: SessionParts
  readonly #messageExpiryMs: number
  #attached: SessionConnection | undefined = undefined
  /** The attached connection once its client has the CONNACK, which must be the first packet it gets [MQTT-3.2.0-1]. */
  #connection: SessionConnection | undefined = undefined
  readonly #held = new HeldAnswers()
  #losses: Losses | undefined = undefined
  #traffic: Traffic | undefined = undefined
  #lastError: { readonly atMs: number; readonly reason: string } | undefined = undefined
  #isEnded = false

  constructor(state: SessionState, isKept: boolean, parts: SessionParts) {
    this.clientId = state.clientId
    this.isKept = isKept
    this.state = state
    this.#parts = parts
    this.outgoing = new Outgoing(this, state, parts)
    this.outgoingQos0 = new OutgoingQos0(state.clientId, this, parts)
    this.incoming = new Incoming(state, parts)
    this.subscriptions = new Subscriptions(this, parts)
    this.#messageExpiryMs = parts.limits.maxMessageExpirySeconds * 1000
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

  /** Takes a PUBLISH from its client: routes it and acknowledges it. `packetId` is 0 at QoS 0. */
  receive(message: Message, topic: TopicNumber, packetId: number): void {
    const { store, router, clock } = this.#parts
    const { qos } = message
    const { begun } = router.spreads
    if (qos === 0) {
      this.#publish(message, topic)
      if (router.spreads.begun !== begun) awaitReceivers(this, router.spreads, undefined)
      return
    }
    const changesBefore = store.changes
    const type = qos === 1 ? PacketType.PUBACK : PacketType.PUBREC
    const contentHash = qos === 2 ? message.contentHash : 0
    // One that was taken is not refused by what is full by now: its identifier would stay taken, and the next message be lost.
    if (qos === 2 && this.incoming.isRepeated(message, packetId, contentHash)) {
      const answer = { type, packetId, reasonCode: ReasonCode.SUCCESS, changesBefore }
      if (this.spreading > 0) awaitReceivers(this, router.spreads, answer)
      else this.#acknowledge(type, packetId, ReasonCode.SUCCESS, store.openBatch)
      return
    }
    const explainsFailures = this.#attached?.explainsFailures === true
    if (store.isFailing && this.#mustStore(message, topic)) {
      if (explainsFailures) this.refuse(message, packetId, ReasonCode.QUOTA_EXCEEDED)
      else this.#attached?.close('the store cannot write, so the message cannot be kept', ReasonCode.QUOTA_EXCEEDED)
      return
    }
    const full = explainsFailures && !router.isReserved(topic) ? router.retainedLimitFor(message) : undefined
    if (full !== undefined) {
      this.#lost().notRetained(full)
      this.#parts.ledger.notRetained++
      this.refuse(message, packetId, ReasonCode.QUOTA_EXCEEDED)
      return
    }
    if (qos === 2) this.incoming.takeQos2(packetId, contentHash)
    if (this.#messageExpiryMs !== Infinity) limitExpiry(message, clock.lifetimeMs() + this.#messageExpiryMs)
    const reasonCode = this.#publish(message, topic)
    // [MQTT5-4.3.3-9]: a refusal ends the exchange, where the client understands it.
    if (qos === 2 && explainsFailures && reasonCode >= FIRST_FAILURE_CODE) this.incoming.release(packetId)
    if (router.spreads.begun === begun) this.acknowledge(type, packetId, reasonCode, changesBefore)
    else awaitReceivers(this, router.spreads, { type, packetId, reasonCode, changesBefore })
  }

  /** Acknowledges a message that all have: what did not have to be stored need not wait for what others store. */
  acknowledge(type: AcknowledgementType, packetId: number, reasonCode: ReasonCode, changesBefore: number): void {
    const { store } = this.#parts
    this.#acknowledge(type, packetId, reasonCode, store.changes === changesBefore ? 0 : store.openBatch)
  }

  /** Answers a PUBLISH at QoS 1 or 2 that is not taken; only for a client that is told the reason. */
  refuse(message: Message, packetId: number, reasonCode: ReasonCode): void {
    this.#acknowledge(message.qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, packetId, reasonCode, 0)
  }

  /** Takes a run of QoS 0 messages from its client. */
  receiveRun(run: Message, topic: TopicNumber): void {
    const { router } = this.#parts
    this.took(run)
    if (router.isReserved(topic)) {
      this.#refuse(run)
      return
    }
    const { begun } = router.spreads
    router.publishRun(run, topic)
    if (router.spreads.begun !== begun) awaitReceivers(this, router.spreads, undefined)
  }

  /** Counts a message, or a run of them, of its client. */
  took({ count, packetBytes, qos }: Message): void {
    const { ledger } = this.#parts
    ledger.received[qos] += count
    ledger.receivedBytes += packetBytes
    this.traffic.took(count, packetBytes)
  }

  /** PUBREL from its client. PUBCOMP says that the identifier is forgotten, so it waits until that is stored. */
  receiveRelease(packetId: number): void {
    const reasonCode = this.incoming.release(packetId) ? ReasonCode.SUCCESS : ReasonCode.PACKET_IDENTIFIER_NOT_FOUND
    this.#acknowledge(PacketType.PUBCOMP, packetId, reasonCode, this.isKept ? this.#parts.store.openBatch : 0)
  }

  deliver(message: Message, delivery: Delivery, trail: Trail | undefined): void {
    const terms = delivery.termsFor(message)
    if (this.#isEnded) this.#dropLate(1, trail)
    else if (terms.qos === 0) this.outgoingQos0.deliver(message, terms, trail, undefined)
    else this.outgoing.deliver(message, terms, trail)
  }

  deliverRun(run: Message, delivery: Delivery, trail: Trail | undefined): void {
    if (this.#isEnded) this.#dropLate(run.count, trail)
    else this.outgoingQos0.deliverRun(run, delivery, trail)
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
    this.outgoing.replay(this.#parts.router.retained.matchingIfAny(filter), Delivery.of(this, options), false)
  }

  /** The past that a subscription asks for is to be sent from the next `drain` on; what comes meanwhile waits behind it. */
  sendPast(wanted: HistoryFilter, options: SubscriptionOptions): void {
    const { past } = this.#parts
    if (past === undefined) return
    this.outgoingQos0.waitForPast()
    this.outgoing.replay(past.replay(wanted), Delivery.of(this, options), true)
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

  drop(reason: DropReason, count: number): void {
    this.#lost().drop(reason, count)
  }

  /** What the client has lost. */
  #lost(): Losses {
    return (this.#losses ??= new Losses(this, this.#parts))
  }

  /** The session has ended since the messages were routed. */
  #dropLate(count: number, trail: Trail | undefined): void {
    this.outgoingQos0.drop('session-ended', count, trail?.at(this.clientId, undefined, 0))
  }

  #publish(message: Message, topic: TopicNumber): ReasonCode {
    const { router, ledger } = this.#parts
    this.took(message)
    const isReserved = router.isReserved(topic)
    if (isReserved && this.#attached?.tellsState(message) !== true) {
      this.#refuse(message)
      return ReasonCode.NOT_AUTHORIZED
    }
    const { notRetained } = ledger
    const receivers = router.publish(message, topic)
    if (ledger.notRetained !== notRetained && !isReserved)
      this.#lost().notRetained(router.retained.limitFor(message) ?? 'memory')
    return receivers === 0 ? ReasonCode.NO_MATCHING_SUBSCRIBERS : ReasonCode.SUCCESS
  }

  /** Something of the message would have to be stored: itself, or that it came. */
  #mustStore(message: Message, topic: TopicNumber): boolean {
    return (message.qos === 2 && this.isKept) || this.#parts.router.isKept(message, topic)
  }

  #refuse(message: Message): void {
    const { ledger, log, router } = this.#parts
    ledger.refused += message.count
    router.trails.refuse(message, RESERVED_REASON)
    log.debug({ clientId: this.clientId, topic: message.topic, count: message.count }, 'a client may not publish here')
  }

  #acknowledge(type: AcknowledgementType, packetId: number, reasonCode: ReasonCode, batch: number): void {
    this.incoming.acknowledge(type, packetId, reasonCode, batch)
    if (this.incoming.isHolding) this.#parts.onHolding(this)
  }
}
