// Hot path: `receive` and `deliver` run per message; measured by `npm run bench`, all throughput rows.
import type { DropReason, Ledger } from '../observe/ledger.ts'
import type { Log } from '../observe/log.ts'
import type { Message } from '../protocol/message.ts'
import { PacketType, type QoS } from '../protocol/packet-types.ts'
import type { Router, Route } from '../router/router.ts'
import type { Subscriber } from '../router/subscriber.ts'
import type { Store, StoredSession } from '../store/store.ts'
import { Incoming } from './incoming.ts'
import { Outgoing, type OutgoingLimits } from './outgoing.ts'
import type { SessionConnection } from './session-connection.ts'

/** What all sessions of a hub share. */
export interface SessionParts {
  readonly router: Router
  readonly store: Store
  readonly ledger: Ledger
  readonly log: Log
  readonly limits: OutgoingLimits & { readonly maxSubscriptionsPerClient: number }
  /** Called when a session begins to hold acknowledgements back until the store has written. */
  readonly onHolding: (session: Session) => void
}

/**
 * The state of one client [MQTT-3.1.1 §4.1]: its subscriptions, what it has still to be sent, and what it has sent and not
 * finished. A kept session (CleanSession 0) outlives its connection and is in the store; any other ends with it.
 */
export class Session implements Subscriber {
  readonly clientId: string
  readonly isKept: boolean
  readonly subscriptions = new Map<string, QoS>()
  readonly #parts: SessionParts
  readonly #outgoing: Outgoing
  readonly #incoming: Incoming
  #attached: SessionConnection | undefined = undefined
  /** The attached connection once its client has the CONNACK, which must be the first packet it gets [MQTT-3.2.0-1]. */
  #connection: SessionConnection | undefined = undefined
  #drops: Map<DropReason, number> | undefined = undefined

  constructor(clientId: string, isKept: boolean, parts: SessionParts) {
    this.clientId = clientId
    this.isKept = isKept
    this.#parts = parts
    this.#outgoing = new Outgoing(this, parts.store, parts.ledger, parts.limits)
    this.#incoming = new Incoming(parts.store, clientId, isKept)
  }

  get connection(): SessionConnection | undefined {
    return this.#attached
  }

  /** What it holds and has neither delivered nor dropped, as the ledger's identity counts it. */
  get pendingMessages(): number {
    const written = this.#connection === undefined ? 0 : this.#connection.pendingQos0Messages
    return this.#outgoing.inFlightMessages + this.#outgoing.queuedMessages + written
  }

  get drops(): ReadonlyMap<DropReason, number> | undefined {
    return this.#drops
  }

  /** Takes a PUBLISH from its client: routes it and acknowledges it. `packetId` is 0 at QoS 0. */
  receive(message: Message, route: Route, packetId: number): void {
    const { ledger, router } = this.#parts
    const qos = message.qos
    if (qos === 2 && !this.#incoming.takeQos2(packetId)) {
      this.#acknowledge(PacketType.PUBREC, packetId)
      return
    }
    ledger.received[qos]++
    ledger.receivedBytes += message.packetBytes
    if (route.isReserved) this.#refuse(1, route)
    else router.publish(message, route)
    if (qos === 1) this.#acknowledge(PacketType.PUBACK, packetId)
    else if (qos === 2) this.#acknowledge(PacketType.PUBREC, packetId)
  }

  /** Takes a run of QoS 0 messages from its client. */
  receiveRun(run: Message, route: Route): void {
    const { ledger, router } = this.#parts
    ledger.received[0] += run.count
    ledger.receivedBytes += run.packetBytes
    if (route.isReserved) this.#refuse(run.count, route)
    else router.publishRun(run, route)
  }

  /** PUBREL from its client. */
  receiveRelease(packetId: number): void {
    this.#incoming.release(packetId)
    if (this.#incoming.isHolding) this.#parts.onHolding(this)
  }

  deliver(message: Message, grantedQoS: QoS): void {
    const qos = message.qos < grantedQoS ? message.qos : grantedQoS
    if (qos !== 0) {
      this.#outgoing.deliver(message, qos)
      return
    }
    const connection = this.#connection
    if (connection === undefined) this.drop('offline', 1)
    else if (connection.isCongested) this.drop('output-full', 1)
    else connection.sendQos0(message, false)
  }

  deliverRun(run: Message): void {
    const connection = this.#connection
    if (connection === undefined) this.drop('offline', run.count)
    else if (connection.isCongested) this.drop('output-full', run.count)
    else connection.sendRun(run)
  }

  acknowledged(packetId: number): boolean {
    return this.#outgoing.acknowledge(packetId)
  }

  /** PUBREC from its client. It is answered with PUBREL even when unknown, so that the client can finish. */
  released(packetId: number): boolean {
    const isKnown = this.#outgoing.release(packetId)
    this.#connection?.sendAcknowledgement(PacketType.PUBREL, packetId)
    return isKnown
  }

  completed(packetId: number): boolean {
    return this.#outgoing.complete(packetId)
  }

  /** The client has taken its output: go on with what waits. */
  drain(): void {
    this.#outgoing.drain()
  }

  /**
   * Adds or replaces a subscription [MQTT-3.8.4-3]; false when the client has as many as the limit allows.
   * `sendRetained` goes with it, once the SUBACK is out.
   */
  subscribe(filter: string, qos: QoS): boolean {
    const { limits, router, store } = this.#parts
    if (this.subscriptions.size >= limits.maxSubscriptionsPerClient && !this.subscriptions.has(filter)) return false
    this.subscriptions.set(filter, qos)
    if (this.isKept) store.putSubscription(this.clientId, filter, qos)
    router.subscribe(this, filter, qos)
    return true
  }

  /** Sends the retained messages that match a filter, as each SUBSCRIBE asks anew [MQTT-3.3.1-6]. */
  sendRetained(filter: string, qos: QoS): void {
    this.#outgoing.replay(this.#parts.router.retained.matching(filter), qos)
  }

  unsubscribe(filter: string): void {
    const { router, store } = this.#parts
    if (!this.subscriptions.delete(filter)) return
    if (this.isKept) store.removeSubscription(this.clientId, filter)
    router.unsubscribe(this, filter)
  }

  attach(connection: SessionConnection): void {
    this.#attached = connection
    this.#drops = undefined
    this.#incoming.attach(connection)
  }

  /** The client knows that it is connected (CONNACK is out): sends what waits for it. */
  open(): void {
    this.#connection = this.#attached
    if (this.#connection !== undefined) this.#outgoing.attach(this.#connection)
  }

  /** The connection is gone, `lostQos0Messages` of what was written to it with it. */
  detach(lostQos0Messages: number): void {
    if (lostQos0Messages > 0) this.drop('connection-lost', lostQos0Messages)
    this.#attached = undefined
    this.#connection = undefined
    this.#outgoing.detach()
    this.#incoming.detach()
  }

  /** Ends for good: no subscription is left, and what was still to deliver is counted as dropped. */
  end(): void {
    const pending = this.pendingMessages
    if (pending > 0) this.drop('session-ended', pending)
    for (const filter of this.subscriptions.keys()) this.#parts.router.unsubscribe(this, filter)
    this.subscriptions.clear()
    if (this.isKept) this.#parts.store.removeSession(this.clientId)
  }

  restore(stored: StoredSession): void {
    for (const [filter, qos] of stored.subscriptions) {
      this.subscriptions.set(filter, qos)
      this.#parts.router.subscribe(this, filter, qos)
    }
    this.#outgoing.restore(stored.entries)
    this.#incoming.restore(stored.receivedIds)
  }

  stored(batch: number): boolean {
    this.#incoming.stored(batch)
    return this.#incoming.isHolding
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

  #refuse(count: number, route: Route): void {
    this.#parts.ledger.refused += count
    this.#parts.log.debug({ clientId: this.clientId, topic: route.topic, count }, 'a client may not publish here')
  }

  #acknowledge(type: typeof PacketType.PUBACK | typeof PacketType.PUBREC, packetId: number): void {
    this.#incoming.acknowledge(type, packetId)
    if (this.#incoming.isHolding) this.#parts.onHolding(this)
  }
}
