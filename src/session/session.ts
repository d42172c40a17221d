// Hot path: `receive` and `deliver` run per message; measured by `npm run bench`, all throughput rows.
import type { DropReason } from '../observe/ledger.ts'
import type { Log } from '../observe/log.ts'
import { Message } from '../protocol/message.ts'
import { PacketType } from '../protocol/packet-types.ts'
import { FIRST_FAILURE_CODE, ReasonCode } from '../protocol/reason-codes.ts'
import type { SubscriptionOptions } from '../protocol/subscription-options.ts'
import { Delivery } from '../router/delivery.ts'
import type { Router, Route } from '../router/router.ts'
import type { Subscriber } from '../router/subscriber.ts'
import type { SessionState, Terms } from '../store/store.ts'
import { Incoming } from './incoming.ts'
import { LatestMessages } from './latest-messages.ts'
import { type Lender, Outgoing, type OutgoingLimits, type OutgoingOwner, type OutgoingParts } from './outgoing.ts'
import type { AcknowledgementType, SessionConnection } from './session-connection.ts'
import type { SharedStrategy } from './shared-group.ts'
import type { SharedGroups } from './shared-groups.ts'
import { Subscriptions } from './subscriptions.ts'
import { isExpired } from './waiting-messages.ts'

/** What all sessions of a hub share. */
export interface SessionParts extends OutgoingParts {
  readonly router: Router
  readonly log: Log
  readonly limits: SessionLimits
  readonly groups: SharedGroups
  /** Called when something of a session begins to wait until the store has written. */
  readonly onHolding: (session: Session) => void
}

export interface SessionLimits extends OutgoingLimits {
  readonly maxSubscriptionsPerClient: number
  readonly maxOutputBytes: number
  readonly outputPolicy: 'drop' | 'latest'
  readonly maxSessionExpirySeconds: number
  readonly maxMessageExpirySeconds: number
  readonly sharedStrategy: SharedStrategy
}

/** Stands for each message of a run in turn. */
const SINGLE = new Message()

/** A SUBACK or UNSUBACK that waits for the store. */
interface Waiting {
  readonly batch: number
  readonly proceed: () => void
}

/**
 * The state of one client [MQTT-3.1.1 §4.1]: its subscriptions, what it has still to be sent, and what it has sent and not
 * finished. A kept session (CleanSession 0) outlives its connection and is in the store; any other ends with it.
 */
export class Session implements Subscriber, OutgoingOwner {
  readonly clientId: string
  readonly isKept: boolean
  readonly state: SessionState
  readonly subscriptions: Subscriptions
  readonly #parts: SessionParts
  readonly #outgoing: Outgoing
  readonly #incoming: Incoming
  readonly #messageExpiryMs: number
  #attached: SessionConnection | undefined = undefined
  /** The attached connection once its client has the CONNACK, which must be the first packet it gets [MQTT-3.2.0-1]. */
  #connection: SessionConnection | undefined = undefined
  #latest: LatestMessages | undefined = undefined
  #waiting: Waiting[] | undefined = undefined
  #drops: Map<DropReason, number> | undefined = undefined
  #isEnded = false

  constructor(state: SessionState, isKept: boolean, parts: SessionParts) {
    this.clientId = state.clientId
    this.isKept = isKept
    this.state = state
    this.#parts = parts
    this.#outgoing = new Outgoing(this, state, parts)
    this.#incoming = new Incoming(state)
    this.subscriptions = new Subscriptions(this, parts)
    this.#messageExpiryMs = parts.limits.maxMessageExpirySeconds * 1000
  }

  get connection(): SessionConnection | undefined {
    return this.#attached
  }

  /** What it holds and has neither delivered nor dropped, as the ledger's identity counts it. */
  get pendingMessages(): number {
    const written = this.#connection === undefined ? 0 : this.#connection.pendingQos0Messages
    const latest = this.#latest === undefined ? 0 : this.#latest.size
    return this.state.inFlight.size + this.state.queuedMessages + written + latest
  }

  get drops(): ReadonlyMap<DropReason, number> | undefined {
    return this.#drops
  }

  /** The client is connected and has its CONNACK. */
  get isHere(): boolean {
    return this.#connection !== undefined
  }

  /** A message of a shared subscription could go out at once. */
  get hasRoom(): boolean {
    return this.#outgoing.hasRoom
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** How long the session outlives the connection; Infinity is for ever. */
  get expirySeconds(): number {
    return this.state.expirySeconds
  }

  /** One more QoS 2 message from the client would be more than `maximum` that are not finished; a repeated one is not more. */
  isOverReceiveMaximum(packetId: number, maximum: number): boolean {
    const { receivedIds } = this.state
    return receivedIds.size >= maximum && !receivedIds.has(packetId)
  }

  /** Takes a PUBLISH from its client: routes it and acknowledges it. `packetId` is 0 at QoS 0. */
  receive(message: Message, route: Route, packetId: number): void {
    const { store, router } = this.#parts
    const { qos } = message
    if (qos === 0) {
      this.#publish(message, route)
      return
    }
    const explainsFailures = this.#attached?.explainsFailures === true
    if (store.isFailing && this.#mustStore(message, route)) {
      if (explainsFailures) this.refuse(message, packetId, ReasonCode.QUOTA_EXCEEDED)
      else this.#attached?.close('the store cannot write, so the message cannot be kept', ReasonCode.QUOTA_EXCEEDED)
      return
    }
    if (explainsFailures && router.isRetainedFull(message)) {
      this.#parts.ledger.notRetained++
      this.refuse(message, packetId, ReasonCode.QUOTA_EXCEEDED)
      return
    }
    const changesBefore = store.changes
    if (qos === 2 && !this.#incoming.takeQos2(packetId)) {
      this.#acknowledge(PacketType.PUBREC, packetId, ReasonCode.SUCCESS, store.openBatch)
      return
    }
    if (this.#messageExpiryMs !== Infinity) this.#limitExpiry(message)
    const reasonCode = this.#publish(message, route)
    // [MQTT5-4.3.3-9]: a refusal ends the exchange, where the client understands it.
    if (qos === 2 && explainsFailures && reasonCode >= FIRST_FAILURE_CODE) this.#incoming.release(packetId)
    // What did not have to be stored need not wait for what others store.
    const batch = store.changes === changesBefore ? 0 : store.openBatch
    this.#acknowledge(qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, packetId, reasonCode, batch)
  }

  /** Answers a PUBLISH at QoS 1 or 2 that is not taken; only for a client that is told the reason. */
  refuse(message: Message, packetId: number, reasonCode: ReasonCode): void {
    this.#acknowledge(message.qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, packetId, reasonCode, 0)
  }

  /** Takes a run of QoS 0 messages from its client. */
  receiveRun(run: Message, route: Route): void {
    const { ledger, router } = this.#parts
    ledger.received[0] += run.count
    ledger.receivedBytes += run.packetBytes
    if (route.isReserved) this.#refuse(run.count, route)
    else router.publishRun(run, route)
  }

  /** PUBREL from its client. PUBCOMP says that the identifier is forgotten, so it waits until that is stored. */
  receiveRelease(packetId: number): void {
    const isKnown = this.#incoming.release(packetId)
    const reasonCode = isKnown ? ReasonCode.SUCCESS : ReasonCode.PACKET_IDENTIFIER_NOT_FOUND
    this.#acknowledge(PacketType.PUBCOMP, packetId, reasonCode, this.isKept ? this.#parts.store.openBatch : 0)
  }

  deliver(message: Message, delivery: Delivery): void {
    const terms = delivery.termsFor(message)
    const connection = this.#connection
    if (this.#isEnded) this.drop('session-ended', 1)
    else if (terms.qos !== 0) this.#outgoing.deliver(message, terms)
    else if (connection === undefined) this.drop('offline', 1)
    else if (!connection.fits(message, terms)) this.drop('too-large', 1)
    else if (connection.isCongested) this.#deliverLate(message, terms)
    else connection.sendQos0(message, terms)
  }

  deliverRun(run: Message, delivery: Delivery): void {
    const connection = this.#connection
    if (this.#isEnded) this.drop('session-ended', run.count)
    else if (connection === undefined) this.drop('offline', run.count)
    else if (!connection.takesRuns || delivery.identifiers.length > 0) this.#deliverEach(run, delivery)
    else if (connection.isCongested) this.#deliverLate(run, delivery.termsFor(run))
    else connection.sendRun(run)
  }

  /** Takes a message of a shared subscription; only while there is `hasRoom`. */
  deliverLent(message: Message, delivery: Delivery, lender: Lender): void {
    const terms = delivery.termsFor(message)
    if (terms.qos === 0) this.deliver(message, delivery)
    else this.#outgoing.deliverLent(message, terms, lender)
  }

  acknowledged(packetId: number, reasonCode: number): boolean {
    return this.#outgoing.acknowledge(packetId, reasonCode)
  }

  /** PUBREC from its client. It is answered with PUBREL even when unknown, so that the client can finish. */
  released(packetId: number, reasonCode: number): boolean {
    return this.#outgoing.release(packetId, reasonCode)
  }

  completed(packetId: number): boolean {
    return this.#outgoing.complete(packetId)
  }

  /** The client has taken its output: go on with what waits. */
  drain(): void {
    if (this.#latest !== undefined && this.#connection !== undefined) this.#sendLatest(this.#connection, this.#latest)
    this.#outgoing.drain()
  }

  /** Sends the retained messages that match a filter, as each SUBSCRIBE asks anew [MQTT-3.3.1-6]. */
  sendRetained(filter: string, options: SubscriptionOptions): void {
    this.#outgoing.replay(this.#parts.router.retained.matching(filter), Delivery.of(this, options))
  }

  /** Calls `proceed` when what a kept session has changed so far is stored: at once, or later unless it is detached. */
  afterStored(proceed: () => void): void {
    const batch = this.isKept ? this.#parts.store.openBatch : 0
    if (batch === 0) {
      proceed()
      return
    }
    this.#waiting ??= []
    this.#waiting.push({ batch, proceed })
    this.#parts.onHolding(this)
  }

  /** How long it outlives the connection from now on, in seconds; 0 ends it with the connection. */
  changeExpiry(seconds: number): void {
    if (seconds !== this.expirySeconds) this.state.setExpiry(seconds)
  }

  attach(connection: SessionConnection): void {
    this.#attached = connection
    this.#drops = undefined
    this.state.setLeftAt(0)
    this.#incoming.attach(connection)
  }

  /** The client knows that it is connected (CONNACK is out): sends what waits for it. */
  open(): void {
    this.#connection = this.#attached
    if (this.#connection !== undefined) this.#outgoing.attach(this.#connection)
  }

  /** The connection is gone, `lostQos0Messages` of what was written to it with it. */
  detach(lostQos0Messages: number): void {
    const lost = lostQos0Messages + (this.#latest === undefined ? 0 : this.#latest.size)
    if (lost > 0) this.drop('connection-lost', lost)
    this.#latest = undefined
    this.#waiting = undefined
    this.#attached = undefined
    this.#connection = undefined
    this.state.setLeftAt(this.#parts.clock.nowMs())
    this.#outgoing.detach()
    this.#incoming.detach()
  }

  /** Ends for good: no subscription is left, and what was still to deliver is counted as dropped. */
  end(): void {
    const pending = this.pendingMessages
    if (pending > 0) this.drop('session-ended', pending)
    this.#isEnded = true
    this.subscriptions.clear()
    if (this.isKept) this.#parts.store.removeSession(this.state)
  }

  /** Takes up what its state was before the hub was restarted. */
  restore(): void {
    const { ledger, clock } = this.#parts
    this.subscriptions.restore()
    ledger.matched += this.pendingMessages
    // The hub died while the client was there: nobody noted when it left.
    if (this.state.leftAtMs === 0) this.state.setLeftAt(clock.nowMs())
  }

  /** Everything up to `batch` is stored. Returns whether something still waits. */
  stored(batch: number): boolean {
    this.#incoming.stored(batch)
    this.#outgoing.stored(batch)
    const waiting = this.#waiting
    if (waiting !== undefined) {
      this.#waiting = undefined
      for (const one of waiting) {
        if (one.batch <= batch) one.proceed()
        else (this.#waiting ??= []).push(one)
      }
    }
    return this.#incoming.isHolding || this.#outgoing.isHolding || this.#waiting !== undefined
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

  failed(batch: number, reason: string): void {
    this.#incoming.failed(batch, reason)
  }

  /** Counts a drop. One that more speed of the client would have spared is in the log, once for each connection. */
  drop(reason: DropReason, count: number): void {
    this.#parts.ledger.drop(reason, count)
    this.#drops ??= new Map()
    const before = this.#drops.get(reason)
    this.#drops.set(reason, (before ?? 0) + count)
    if (before === undefined && (reason === 'output-full' || reason === 'queue-full')) {
      this.#parts.log.warn({ clientId: this.clientId, reason }, 'dropping messages for a client that is too slow')
    }
  }

  #publish(message: Message, route: Route): ReasonCode {
    const { ledger, router } = this.#parts
    ledger.received[message.qos]++
    ledger.receivedBytes += message.packetBytes
    if (route.isReserved) {
      this.#refuse(1, route)
      return ReasonCode.NOT_AUTHORIZED
    }
    return router.publish(message, route) === 0 ? ReasonCode.NO_MATCHING_SUBSCRIBERS : ReasonCode.SUCCESS
  }

  /** The hub's own limit on waiting, where it ends before the publisher's. */
  #limitExpiry(message: Message): void {
    const limitMs = this.#parts.clock.nowMs() + this.#messageExpiryMs
    if (message.expiresAtMs === 0 || message.expiresAtMs > limitMs) message.expiresAtMs = limitMs
  }

  #deliverEach(run: Message, delivery: Delivery): void {
    for (let at = run.start; at < run.end;) {
      at = SINGLE.takeFromRun(run, at)
      this.deliver(SINGLE, delivery)
    }
  }

  /** Something of the message would have to be stored: itself, or that it came. */
  #mustStore(message: Message, route: Route): boolean {
    return (message.qos === 2 && this.isKept) || this.#parts.router.isKept(message, route)
  }

  #sendLatest(connection: SessionConnection, latest: LatestMessages): void {
    while (!connection.isCongested) {
      const next = latest.shift()
      if (next === undefined) return
      if (isExpired(next.message, this.#parts.clock)) this.drop('expired', 1)
      else connection.sendQos0(next.message, next.terms)
    }
  }

  /** Takes QoS 0 that the client is too slow for. */
  #deliverLate(run: Message, terms: Terms): void {
    const { outputPolicy, maxOutputBytes } = this.#parts.limits
    if (outputPolicy === 'drop') {
      this.drop('output-full', run.count)
      return
    }
    this.#latest ??= new LatestMessages(maxOutputBytes)
    const { replaced, refused } = this.#latest.put(run, terms)
    if (replaced > 0) this.drop('replaced', replaced)
    if (refused > 0) this.drop('output-full', refused)
  }

  #refuse(count: number, route: Route): void {
    this.#parts.ledger.refused += count
    this.#parts.log.debug({ clientId: this.clientId, topic: route.topic, count }, 'a client may not publish here')
  }

  #acknowledge(type: AcknowledgementType, packetId: number, reasonCode: ReasonCode, batch: number): void {
    this.#incoming.acknowledge(type, packetId, reasonCode, batch)
    if (this.#incoming.isHolding) this.#parts.onHolding(this)
  }
}
