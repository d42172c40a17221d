// Hot path: once or twice per PUBLISH at QoS 1 and 2; measured by `npm run bench`, rows "QoS 1" and "QoS 2".
import { publishDenial } from '../auth/denial.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Ledger } from '../observe/ledger.ts'
import type { Traffic } from '../observe/traffic.ts'
import type { Message } from '../protocol/message.ts'
import { PacketType } from '../protocol/packet-types.ts'
import { FIRST_FAILURE_CODE, ReasonCode } from '../protocol/reason-codes.ts'
import type { Router, TopicNumber } from '../router/router.ts'
import { type SessionState, type Store, UNKNOWN_CONTENT } from '../store/store.ts'
import { RESERVED_REASON } from '../topics/reserved-topics.ts'
import { awaitReceivers, type PublishingSession } from './await-receivers.ts'
import type { Denials } from './denials.ts'
import { HeldForStore } from './held-for-store.ts'
import type { Losses } from './losses.ts'
import { limitExpiry } from './outgoing/waiting-room.ts'
import type { Permissions } from './permissions.ts'
import type { AcknowledgementType, SessionConnection } from './session-connection.ts'

/** An acknowledgement that may not leave before a batch of the store is down. */
interface HeldAcknowledgement {
  readonly type: AcknowledgementType
  readonly packetId: number
  readonly reasonCode: ReasonCode
  readonly batch: number
}

/** Said of a verdict that is not the one of a moment ago. */
const CHANGED = 'the access rules have just changed'

/** Whose receiving half it is. */
export interface IncomingOwner {
  readonly clientId: string
  readonly isKept: boolean
  readonly traffic: Traffic
  readonly losses: Losses
  readonly denials: Denials
  /** What its client may do; undefined: everything. */
  readonly permissions: Permissions | undefined
  /** Something waits for the store: `stored` has to be called. */
  incomingHeld(): void
}

export interface IncomingParts {
  readonly ledger: Ledger
  readonly log: Log
  readonly router: Router
  readonly store: Store
  readonly clock: Clock
  readonly limits: { readonly maxMessageExpirySeconds: number }
}

/**
 * The receiving half of a session: what its client publishes, packet identifiers of QoS 2 messages until their PUBREL, and the
 * acknowledgements to the client, which leave in the order their packets came and not before what they promise is stored (design,
 * section 5).
 */
export class Incoming implements PublishingSession {
  readonly #owner: IncomingOwner
  readonly #state: SessionState
  readonly #parts: IncomingParts
  readonly #messageExpiryMs: number
  /** What the client has published and not all have yet. */
  spreading = 0
  #connection: SessionConnection | undefined = undefined
  readonly #held = new HeldForStore<HeldAcknowledgement>()

  constructor(owner: IncomingOwner, state: SessionState, parts: IncomingParts) {
    this.#owner = owner
    this.#state = state
    this.#parts = parts
    this.#messageExpiryMs = parts.limits.maxMessageExpirySeconds * 1000
  }

  /** Acknowledgements wait for the store. */
  get isHolding(): boolean {
    return !this.#held.isEmpty
  }

  get connection(): SessionConnection | undefined {
    return this.#connection
  }

  /** Plain messages to the topic are known to be allowed: those of a run need no look at each. */
  isGranted(topic: TopicNumber): boolean {
    const { permissions } = this.#owner
    return permissions === undefined || permissions.isGranted(topic)
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
    if (qos === 2 && this.#isRepeated(message, packetId, contentHash)) {
      const answer = { type, packetId, reasonCode: ReasonCode.SUCCESS, changesBefore }
      if (this.spreading > 0) awaitReceivers(this, router.spreads, answer)
      else this.#answer(type, packetId, ReasonCode.SUCCESS, store.openBatch)
      return
    }
    const explainsFailures = this.#connection?.explainsFailures === true
    if (store.isFailing && this.#mustStore(message, topic)) {
      if (explainsFailures) this.refuse(message, packetId, ReasonCode.QUOTA_EXCEEDED)
      else this.#connection?.close('the store cannot write, so the message cannot be kept', ReasonCode.QUOTA_EXCEEDED)
      return
    }
    // Who may not publish there is not told what is full.
    const isRetainedAsked = explainsFailures && !router.isReserved(topic) && this.#isAllowed(message, topic)
    const full = isRetainedAsked ? router.retainedLimitFor(message) : undefined
    if (full !== undefined) {
      this.#owner.losses.notRetained(full)
      this.#parts.ledger.notRetained++
      this.refuse(message, packetId, ReasonCode.QUOTA_EXCEEDED)
      return
    }
    if (qos === 2) this.#state.addReceivedId(packetId, contentHash)
    if (this.#messageExpiryMs !== Infinity) limitExpiry(message, clock.lifetimeMs() + this.#messageExpiryMs)
    const reasonCode = this.#publish(message, topic)
    // [MQTT5-4.3.3-9]: a refusal ends the exchange, where the client understands it.
    if (qos === 2 && explainsFailures && reasonCode >= FIRST_FAILURE_CODE) this.#release(packetId)
    if (router.spreads.begun === begun) this.acknowledge(type, packetId, reasonCode, changesBefore)
    else awaitReceivers(this, router.spreads, { type, packetId, reasonCode, changesBefore })
  }

  /** Acknowledges a message that all have: what did not have to be stored need not wait for what others store. */
  acknowledge(type: AcknowledgementType, packetId: number, reasonCode: ReasonCode, changesBefore: number): void {
    const { store } = this.#parts
    this.#answer(type, packetId, reasonCode, store.changes === changesBefore ? 0 : store.openBatch)
  }

  /** Answers a PUBLISH at QoS 1 or 2 that is not taken; only for a client that is told the reason. */
  refuse(message: Message, packetId: number, reasonCode: ReasonCode): void {
    this.#answer(message.qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, packetId, reasonCode, 0)
  }

  /** Takes a run of QoS 0 messages from its client. */
  receiveRun(run: Message, topic: TopicNumber): void {
    const { router } = this.#parts
    this.took(run)
    if (this.#isDenied(run, topic)) return
    const { begun } = router.spreads
    router.publishRun(run, topic)
    if (router.spreads.begun !== begun) awaitReceivers(this, router.spreads, undefined)
  }

  /** Counts a message, or a run of them, of its client. */
  took({ count, packetBytes, qos }: Message): void {
    const { ledger } = this.#parts
    ledger.received[qos] += count
    ledger.receivedBytes += packetBytes
    this.#owner.traffic.took(count, packetBytes)
  }

  /** PUBREL from its client. PUBCOMP says that the identifier is forgotten, so it waits until that is stored. */
  receiveRelease(packetId: number): void {
    const reasonCode = this.#release(packetId) ? ReasonCode.SUCCESS : ReasonCode.PACKET_IDENTIFIER_NOT_FOUND
    this.#answer(PacketType.PUBCOMP, packetId, reasonCode, this.#owner.isKept ? this.#parts.store.openBatch : 0)
  }

  attach(connection: SessionConnection): void {
    this.#connection = connection
  }

  /** What was held is forgotten: a client that did not get its acknowledgement sends again [MQTT-4.4.0-1]. */
  detach(): void {
    this.#connection = undefined
    this.#held.clear()
  }

  /** One more QoS 2 message from the client would be more than `maximum` that are not finished; a repeated one is not more. */
  isOverMaximum(packetId: number, maximum: number): boolean {
    const { receivedIds } = this.#state
    return receivedIds.size >= maximum && !receivedIds.has(packetId)
  }

  /**
   * A QoS 2 message was here already and must not be delivered again [MQTT-4.3.3-2]. A client that lost its state begins again with
   * identifiers that are in use: by its content, not by DUP, such a message is told from one that is repeated, and its
   * identifier is free for it. `contentHash` is that of the message.
   */
  #isRepeated(message: Message, packetId: number, contentHash: number): boolean {
    const before = this.#state.receivedIds.get(packetId)
    if (before === undefined) return false
    if (before === contentHash || before === UNKNOWN_CONTENT) return true
    const { ledger, log } = this.#parts
    ledger.tolerated['packet-identifier-in-use']++
    const text = 'a client used the packet identifier of an unfinished QoS 2 message for another, which is taken too'
    log.warn({ clientId: this.#state.clientId, packetId, topic: message.topic }, text)
    this.#state.removeReceivedId(packetId)
    return false
  }

  /** PUBREL: the identifier is free again. False when it was not taken. */
  #release(packetId: number): boolean {
    if (!this.#state.receivedIds.has(packetId)) return false
    this.#state.removeReceivedId(packetId)
    return true
  }

  /** Sends an acknowledgement, or holds it until `batch` is stored; 0 waits for nothing but those before it. */
  #answer(type: AcknowledgementType, packetId: number, reasonCode: ReasonCode, batch: number): void {
    if (batch === 0 && this.#held.isEmpty) this.#connection?.sendAcknowledgement(type, packetId, reasonCode)
    else if (this.#connection !== undefined) this.#held.push({ type, packetId, reasonCode, batch })
    if (this.isHolding) this.#owner.incomingHeld()
  }

  /** Everything up to `batch` is stored. */
  stored(batch: number): void {
    for (let held = this.#held.takeStored(batch); held !== undefined; held = this.#held.takeStored(batch)) {
      this.#connection?.sendAcknowledgement(held.type, held.packetId, held.reasonCode)
    }
  }

  /** The batch could not be stored: what waits for it is not acknowledged on this connection, so the client comes again. */
  failed(batch: number, reason: string): void {
    const { oldestBatch } = this.#held
    if (oldestBatch !== undefined && oldestBatch <= batch) this.#connection?.close(reason, ReasonCode.QUOTA_EXCEEDED)
  }

  #publish(message: Message, topic: TopicNumber): ReasonCode {
    const { router, ledger } = this.#parts
    this.took(message)
    if (this.#isDenied(message, topic)) return ReasonCode.NOT_AUTHORIZED
    const { notRetained } = ledger
    const receivers = router.publish(message, topic)
    if (ledger.notRetained !== notRetained && !router.isReserved(topic))
      this.#owner.losses.notRetained(router.retained.limitFor(message) ?? 'memory')
    return receivers === 0 ? ReasonCode.NO_MATCHING_SUBSCRIBERS : ReasonCode.SUCCESS
  }

  /** Something of the message would have to be stored: itself, or that it came. */
  #mustStore(message: Message, topic: TopicNumber): boolean {
    return (message.qos === 2 && this.#owner.isKept) || this.#parts.router.isKept(message, topic)
  }

  #isAllowed(message: Message, topic: TopicNumber): boolean {
    const { permissions } = this.#owner
    return permissions === undefined || permissions.mayPublish(message, topic)
  }

  /** The client may not publish a message, or a run of them: it goes nowhere, which a client of MQTT 3.1.1 is never told. */
  #isDenied(message: Message, topic: TopicNumber): boolean {
    const { router, ledger, log } = this.#parts
    const { permissions, clientId } = this.#owner
    if (router.isReserved(topic)) {
      if (this.#connection?.tellsState(message) === true) return false
      ledger.refused += message.count
      router.trails.refuse(message, RESERVED_REASON)
      log.debug({ clientId, topic: message.topic, count: message.count }, 'a client may not publish here')
      return true
    }
    if (permissions === undefined || this.#isAllowed(message, topic)) return false
    const reason = publishDenial(permissions.view.publish(message.topic), message.qos, message.retain) ?? CHANGED
    ledger.refused += message.count
    router.trails.deny(message, topic, reason)
    this.#owner.denials.note('publish', message.topic, reason)
    return true
  }
}
