// Hot path: `receive` and `deliver` run per message; measured by `npm run bench`, all throughput rows.
import type { DropReason } from '../observe/ledger.ts'
import type { Log } from '../observe/log.ts'
import type { Message } from '../protocol/message.ts'
import { PacketType, type QoS } from '../protocol/packet-types.ts'
import type { Router, Route } from '../router/router.ts'
import type { Subscriber } from '../router/subscriber.ts'
import type { SessionState } from '../store/store.ts'
import { Incoming } from './incoming.ts'
import { LatestMessages } from './latest-messages.ts'
import { Outgoing, type OutgoingLimits, type OutgoingParts } from './outgoing.ts'
import type { AcknowledgementType, SessionConnection } from './session-connection.ts'

/** What all sessions of a hub share. */
export interface SessionParts extends OutgoingParts {
  readonly router: Router
  readonly log: Log
  readonly limits: SessionLimits
  /** Called when something of a session begins to wait until the store has written. */
  readonly onHolding: (session: Session) => void
}

export interface SessionLimits extends OutgoingLimits {
  readonly maxSubscriptionsPerClient: number
  readonly maxOutputBytes: number
  readonly outputPolicy: 'drop' | 'latest'
  readonly maxSessionExpirySeconds: number
  readonly maxMessageExpirySeconds: number
}

/** A SUBACK or UNSUBACK that waits for the store. */
interface Waiting {
  readonly batch: number
  readonly proceed: () => void
}

/**
 * The state of one client [MQTT-3.1.1 §4.1]: its subscriptions, what it has still to be sent, and what it has sent and not
 * finished. A kept session (CleanSession 0) outlives its connection and is in the store; any other ends with it.
 */
export class Session implements Subscriber {
  readonly clientId: string
  readonly isKept: boolean
  readonly state: SessionState
  readonly subscriptions = new Map<string, QoS>()
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

  /** Takes a PUBLISH from its client: routes it and acknowledges it. `packetId` is 0 at QoS 0. */
  receive(message: Message, route: Route, packetId: number): void {
    const { store } = this.#parts
    const { qos } = message
    if (qos === 0) {
      this.#publish(message, route)
      return
    }
    if (store.isFailing && this.#mustStore(message, route)) {
      this.#attached?.close('the store cannot write, so the message cannot be kept')
      return
    }
    const changesBefore = store.changes
    if (qos === 2 && !this.#incoming.takeQos2(packetId)) {
      this.#acknowledge(PacketType.PUBREC, packetId, store.openBatch)
      return
    }
    if (this.#messageExpiryMs !== Infinity) message.expiresAtMs = this.#parts.clock.nowMs() + this.#messageExpiryMs
    this.#publish(message, route)
    // What did not have to be stored need not wait for what others store.
    const batch = store.changes === changesBefore ? 0 : store.openBatch
    this.#acknowledge(qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, packetId, batch)
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
    this.#incoming.release(packetId)
    this.#acknowledge(PacketType.PUBCOMP, packetId, this.isKept ? this.#parts.store.openBatch : 0)
  }

  deliver(message: Message, grantedQoS: QoS): void {
    const qos = message.qos < grantedQoS ? message.qos : grantedQoS
    const connection = this.#connection
    if (this.#isEnded) this.drop('session-ended', 1)
    else if (qos !== 0) this.#outgoing.deliver(message, qos)
    else if (connection === undefined) this.drop('offline', 1)
    else if (connection.isCongested) this.#deliverLate(message)
    else connection.sendQos0(message, false)
  }

  deliverRun(run: Message): void {
    const connection = this.#connection
    if (this.#isEnded) this.drop('session-ended', run.count)
    else if (connection === undefined) this.drop('offline', run.count)
    else if (connection.isCongested) this.#deliverLate(run)
    else connection.sendRun(run)
  }

  acknowledged(packetId: number): boolean {
    return this.#outgoing.acknowledge(packetId)
  }

  /** PUBREC from its client. It is answered with PUBREL even when unknown, so that the client can finish. */
  released(packetId: number): boolean {
    return this.#outgoing.release(packetId)
  }

  completed(packetId: number): boolean {
    return this.#outgoing.complete(packetId)
  }

  /** The client has taken its output: go on with what waits. */
  drain(): void {
    if (this.#latest !== undefined && this.#connection !== undefined) this.#sendLatest(this.#connection, this.#latest)
    this.#outgoing.drain()
  }

  /**
   * Adds or replaces a subscription [MQTT-3.8.4-3]; false when the client has as many as the limit allows.
   * `sendRetained` goes with it, once the SUBACK is out.
   */
  subscribe(filter: string, qos: QoS): boolean {
    const { limits, router } = this.#parts
    if (this.subscriptions.size >= limits.maxSubscriptionsPerClient && !this.subscriptions.has(filter)) return false
    this.subscriptions.set(filter, qos)
    this.state.putSubscription(filter, qos)
    router.subscribe(this, filter, qos)
    return true
  }

  /** Sends the retained messages that match a filter, as each SUBSCRIBE asks anew [MQTT-3.3.1-6]. */
  sendRetained(filter: string, qos: QoS): void {
    this.#outgoing.replay(this.#parts.router.retained.matching(filter), qos)
  }

  unsubscribe(filter: string): void {
    if (!this.subscriptions.delete(filter)) return
    this.state.removeSubscription(filter)
    this.#parts.router.unsubscribe(this, filter)
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
    for (const filter of this.subscriptions.keys()) this.#parts.router.unsubscribe(this, filter)
    this.subscriptions.clear()
    if (this.isKept) this.#parts.store.removeSession(this.state)
  }

  /** Takes up what its state was before the hub was restarted. */
  restore(): void {
    const { ledger, router, clock } = this.#parts
    for (const [filter, qos] of this.state.subscriptions()) {
      this.subscriptions.set(filter, qos)
      router.subscribe(this, filter, qos)
    }
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

  #publish(message: Message, route: Route): void {
    const { ledger, router } = this.#parts
    ledger.received[message.qos]++
    ledger.receivedBytes += message.packetBytes
    if (route.isReserved) this.#refuse(1, route)
    else router.publish(message, route)
  }

  /** Something of the message would have to be stored: itself, or that it came. */
  #mustStore(message: Message, route: Route): boolean {
    return (message.qos === 2 && this.isKept) || this.#parts.router.isKept(message, route)
  }

  #sendLatest(connection: SessionConnection, latest: LatestMessages): void {
    while (!connection.isCongested) {
      const message = latest.shift()
      if (message === undefined) return
      connection.sendQos0(message, false)
    }
  }

  /** Takes QoS 0 that the client is too slow for. */
  #deliverLate(run: Message): void {
    const { outputPolicy, maxOutputBytes } = this.#parts.limits
    if (outputPolicy === 'drop') {
      this.drop('output-full', run.count)
      return
    }
    this.#latest ??= new LatestMessages(maxOutputBytes)
    const { replaced, refused } = this.#latest.put(run)
    if (replaced > 0) this.drop('replaced', replaced)
    if (refused > 0) this.drop('output-full', refused)
  }

  #refuse(count: number, route: Route): void {
    this.#parts.ledger.refused += count
    this.#parts.log.debug({ clientId: this.clientId, topic: route.topic, count }, 'a client may not publish here')
  }

  #acknowledge(type: AcknowledgementType, packetId: number, batch: number): void {
    this.#incoming.acknowledge(type, packetId, batch)
    if (this.#incoming.isHolding) this.#parts.onHolding(this)
  }
}
