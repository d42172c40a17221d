// Hot path: `deliver` and the acknowledgements run per message; measured by `npm run bench`, rows "QoS 1" and "QoS 2".
import { REPLAY_BYTES } from '../memory-costs.ts'
import type { MemoryBudget } from '../../base/memory-budget.ts'
import type { Clock } from '../../base/clock.ts'
import type { DropReason } from '../../protocol/drop-reasons.ts'
import type { Ledger } from '../../observe/ledger.ts'
import type { Followed, Trail } from '../../trails/trail.ts'
import { MalformedPacketError } from '../../protocol/field-reader.ts'
import type { Message } from '../../protocol/message.ts'
import { PacketType, type QoS } from '../../protocol/packet-types.ts'
import { FIRST_FAILURE_CODE, ReasonCode } from '../../protocol/reason-codes.ts'
import type { Delivery } from '../../router/delivery.ts'
import { PacketIdMap } from '../../store/packet-id-map.ts'
import type { SessionState, Store, Terms } from '../../store/store.ts'
import { InFlightTrails } from '../../trails/in-flight-trails.ts'
import { HeldForStore } from '../held-for-store.ts'
import type { SessionConnection } from '../session-connection.ts'
import { type Replayed, type ReplayFilter, Replays, type ReplaysOwner } from './replays.ts'
import { QueueInState } from './waiting-orders.ts'
import { isExpired, type QueueLimits, WaitingRoom, type WaitingOwner } from './waiting-room.ts'

const NO_MEMORY = 'there is no memory for what it is still to be sent for its subscriptions (limits.memory)'

/** How much one session may hold for its client. */
export interface OutgoingLimits extends QueueLimits {
  readonly maxInflightMessages: number
}

/** What the outgoing halves of a hub share. */
export interface OutgoingParts {
  readonly store: Store
  readonly memory: MemoryBudget
  readonly ledger: Ledger
  readonly clock: Clock
  readonly limits: OutgoingLimits
}

/** What the outgoing half needs of its session. */
export interface OutgoingOwner extends WaitingOwner {
  readonly clientId: string
  readonly isKept: boolean
  /** What is to be sent waits for the store: `stored` has to be called. */
  outgoingHeld(): void
  /** There is room for more, and nothing of the session's own waits for it. */
  roomMade(): void
  /** All replays of the past are through. */
  pastSent(): void
}

/** Where a message comes from that a member of a shared subscription may give back. */
export interface Lender {
  /** The whole `$share/<name>/<filter>`. */
  readonly filter: string
  /** The member has gone before it acknowledged the message: another is to get it [MQTT5 §4.8.2]. */
  giveBack(message: Message, trail: Trail | undefined): void
}

/** A message in flight that was lent by a shared subscription. */
interface LentMessage {
  readonly lender: Lender
  readonly message: Message
}

/** A message in flight, or its PUBREL, that may not leave before a batch of the store is down. */
interface HeldPacket {
  readonly packetId: number
  readonly batch: number
  readonly isRelease: boolean
  readonly isDuplicate: boolean
}

/**
 * What a session has to deliver at QoS 1 and 2: the window of messages in flight, the queue behind it, and retained messages
 * for new subscriptions. Order is kept: nothing overtakes the queue, and after a reconnect what was in flight goes first.
 *
 * A kept session's PUBLISH at QoS 2 and its PUBREL leave when they are stored: a hub that had forgotten them would deliver
 * twice after a restart. What comes behind them waits too.
 */
export class Outgoing implements ReplaysOwner {
  readonly #owner: OutgoingOwner
  readonly #state: SessionState
  readonly #parts: OutgoingParts
  readonly #queue: QueueInState
  readonly #waiting: WaitingRoom<void>
  #connection: SessionConnection | undefined = undefined
  /** Messages in flight that the client and the hub both allow. */
  #window = 0
  /** What was in flight before the client reconnected and has not been sent again yet. */
  #resending: Iterator<number> | undefined = undefined
  /** Of these, how many were sent again and are not finished. */
  #resent = 0
  #lent: PacketIdMap<LentMessage> | undefined = undefined
  readonly #trails = new InFlightTrails()
  readonly #held = new HeldForStore<HeldPacket>()
  #replays: Replays | undefined = undefined
  #lastPacketId = 0

  constructor(owner: OutgoingOwner, state: SessionState, parts: OutgoingParts) {
    this.#owner = owner
    this.#state = state
    this.#parts = parts
    this.#queue = new QueueInState(state)
    this.#waiting = new WaitingRoom(owner, this.#queue, parts)
    for (const packetId of state.inFlight.keys()) this.#lastPacketId = packetId
  }

  /** Packets wait for the store. */
  get isHolding(): boolean {
    return !this.#held.isEmpty
  }

  /** There is room in the window, and nothing of the session's own waits for it. */
  get hasRoom(): boolean {
    const connection = this.#connection
    return connection !== undefined && this.#waiting.isEmpty && !this.#isHeldByPast && this.hasRoomOn(connection)
  }

  /** Takes a message for delivery at QoS 1 or 2: sends it now if the window allows, else queues it. */
  deliver(message: Message, terms: Terms, trail: Trail | undefined): void {
    const connection = this.#connection
    const followed = trail?.at(this.#owner.clientId, undefined, terms.qos)
    if (connection !== undefined && this.#waiting.isEmpty && !this.#isHeldByPast && this.hasRoomOn(connection)) {
      this.#sendNew(connection, message, terms, followed)
    } else {
      this.#waiting.push(message, terms, followed)
    }
  }

  /** Takes a message of a shared subscription; only while there is `hasRoom`. */
  deliverLent(message: Message, terms: Terms, lender: Lender, trail: Trail | undefined): void {
    const connection = this.#connection
    if (connection === undefined) return
    const followed = trail?.at(this.#owner.clientId, lender.filter, terms.qos)
    const packetId = this.#sendNew(connection, message, terms, followed)
    // QoS 2 that was begun is finished with this client, or not at all [MQTT5-4.8.2-4] [MQTT5-4.8.2-5].
    if (packetId === 0 || terms.qos !== 1) return
    this.#lent ??= new PacketIdMap()
    this.#lent.set(packetId, { lender, message: message.keep() })
  }

  /**
   * Has `messages` sent from the next `drain` on, as retained ones or as the past, as fast as the client takes them and in slices of
   * the loop. What is new waits behind the past. Undefined: there is nothing to send.
   */
  replay(messages: Replayed | undefined, delivery: Delivery, isPast: boolean, filter?: ReplayFilter): void {
    if (messages === undefined) return
    const { clock, memory, ledger } = this.#parts
    if (!memory.sessions.mayTake(REPLAY_BYTES, REPLAY_BYTES)) {
      memory.sessions.refuse()
      ledger.hit('memory')
      this.#connection?.close(NO_MEMORY, ReasonCode.QUOTA_EXCEEDED)
      return
    }
    this.#replays ??= new Replays(this, clock, memory.sessions)
    this.#replays.add(messages, delivery, isPast, filter)
  }

  /** The client may have other messages than before: what is on its way by `replay` is filtered anew. */
  filterReplays(filter: ReplayFilter | undefined): void {
    this.#replays?.filterAnew(filter)
  }

  /**
   * PUBACK. An identifier that is not in flight is ignored: a client may be late after a reconnect.
   * @throws MalformedPacketError for a message of QoS 2, which would keep its place in the window; as the next two
   */
  acknowledge(packetId: number, reasonCode: number): boolean {
    const sent = this.#state.inFlight.get(packetId)
    if (sent === undefined) return false
    if (sent.qos !== 1) throw wrongAnswer('PUBACK', packetId, sent.qos)
    this.#finish(packetId, reasonCode < FIRST_FAILURE_CODE)
    return true
  }

  /**
   * PUBREC: from here on only PUBREL is sent, never the message again [MQTT-4.3.3-1]; one that tells of a failure is the end
   * of it [MQTT5-4.3.3-4]. False: not in flight.
   */
  release(packetId: number, reasonCode: number): boolean {
    const sent = this.#state.inFlight.get(packetId)
    const isKnown = sent !== undefined
    if (isKnown && sent.qos !== 2) throw wrongAnswer('PUBREC', packetId, sent.qos)
    if (reasonCode >= FIRST_FAILURE_CODE) {
      if (isKnown) this.#finish(packetId, false)
      return isKnown
    }
    if (isKnown && !sent.isReleased) {
      this.#state.release(packetId)
      this.#trails.received(packetId)
    }
    // An unknown one is answered all the same, so that the client can finish.
    if (this.#mustHold(2)) this.#hold(packetId, 2, true, false)
    else if (this.#connection !== undefined) this.#sendRelease(this.#connection, packetId)
    return isKnown
  }

  /** PUBCOMP. */
  complete(packetId: number): boolean {
    const sent = this.#state.inFlight.get(packetId)
    if (sent === undefined) return false
    if (!sent.isReleased) throw wrongAnswer('PUBCOMP', packetId, sent.qos)
    this.#finish(packetId, true)
    return true
  }

  /** The client is there (again): sends what was in flight once more, then goes on with the queue. */
  attach(connection: SessionConnection): void {
    this.#connection = connection
    this.#window = Math.min(this.#parts.limits.maxInflightMessages, connection.receiveMaximum)
    this.#resent = 0
    if (this.#state.inFlight.size > 0) this.#resending = this.#state.inFlight.keys()[Symbol.iterator]()
    this.drain()
  }

  detach(): void {
    this.#connection = undefined
    this.#resending = undefined
    this.#held.clear()
    this.#replays?.dropPast()
    const lent = this.#lent
    if (lent === undefined) return
    this.#lent = undefined
    for (const packetId of lent.keys()) this.#state.finish(packetId)
    for (const [packetId, { lender, message }] of lent) {
      lender.giveBack(message, this.#trails.end(packetId, 'handed-on')?.trail)
    }
  }

  /** The session has ended: nothing that it held is delivered. */
  dropAll(reason: DropReason): void {
    const inFlight = this.#state.inFlight.size
    if (inFlight > 0) this.#owner.drop(reason, inFlight)
    this.#trails.endAll(reason)
    this.#waiting.dropAll(reason)
    this.#replays?.end()
    this.#replays = undefined
  }

  /** Everything up to `batch` is stored: what waited for it leaves. */
  stored(batch: number): void {
    const connection = this.#connection
    if (connection === undefined) return
    const inFlight = this.#state.inFlight.size
    for (let held = this.#held.takeStored(batch); held !== undefined; held = this.#held.takeStored(batch)) {
      if (held.isRelease) this.#sendRelease(connection, held.packetId)
      else this.#sendAgain(connection, held.packetId, held.isDuplicate)
    }
    if (this.#state.inFlight.size < inFlight) this.drain()
  }

  /** Sends what waits and has room now: first what is sent again, then the queue, then retained messages. */
  drain(): void {
    const connection = this.#connection
    if (connection === undefined) return
    if (this.#resending !== undefined) this.#resend(connection, this.#resending)
    while (!this.#isHeldByPast && !this.#waiting.isEmpty && this.hasRoomOn(connection)) this.#sendNext(connection)
    this.#replays?.sendSlice(connection)
    if (this.#replays?.isEmpty === true) this.#replays = undefined
    this.#owner.roomMade()
  }

  /** The past is on its way: what is new waits behind it. */
  get #isHeldByPast(): boolean {
    return this.#replays?.hasPast === true
  }

  /** There is room in the window of this connection. */
  hasRoomOn(connection: SessionConnection): boolean {
    return this.#state.inFlight.size < this.#window && this.#resending === undefined && !connection.isCongested
  }

  /** Returns the packet identifier, or 0 when the message is not sent. */
  #sendNew(connection: SessionConnection, message: Message, terms: Terms, followed: Followed | undefined): number {
    if (!connection.fits(message, terms)) {
      this.#owner.drop('too-large', 1)
      followed?.tell('dropped', 'too-large')
      return 0
    }
    const packetId = this.#nextPacketId()
    this.#state.addInFlight(packetId, message, terms)
    if (followed !== undefined) this.#trails.follow(packetId, followed)
    if (this.#mustHold(terms.qos)) this.#hold(packetId, terms.qos, false, false)
    else connection.sendPublish(message, terms, packetId, false)
    return packetId
  }

  /** Sends the oldest message of the queue that can be sent. */
  #sendNext(connection: SessionConnection): void {
    const next = this.#waiting.next()
    if (next === undefined) return
    const packetId = this.#nextPacketId()
    const followed = this.#waiting.nextFollowed
    const terms = this.#queue.start(packetId)
    if (followed !== undefined) this.#trails.follow(packetId, followed)
    if (!connection.fits(next, terms)) this.#giveUp(packetId, 'too-large')
    else if (this.#mustHold(terms.qos)) this.#hold(packetId, terms.qos, false, false)
    else connection.sendPublish(next, terms, packetId, false)
  }

  #finish(packetId: number, isDelivered: boolean): void {
    this.#lent?.delete(packetId)
    if (isDelivered) {
      this.#state.finish(packetId)
      this.#parts.ledger.delivered++
      this.#trails.end(packetId, 'acknowledged')
      if (this.#resent > 0) this.#resent--
    } else {
      this.#giveUp(packetId, 'rejected')
    }
    if (!this.#waiting.isEmpty || this.#replays !== undefined || this.#resending !== undefined) this.drain()
    else this.#owner.roomMade()
  }

  #resend(connection: SessionConnection, packetIds: Iterator<number>): void {
    while (!connection.isCongested && this.#resent < this.#window) {
      const { value: packetId, done } = packetIds.next()
      if (done === true) {
        this.#resending = undefined
        return
      }
      const sent = this.#state.inFlight.get(packetId)
      // The client may acknowledge what is not sent again yet: it has it from its last connection.
      if (sent === undefined) continue
      this.#resent++
      if (this.#mustHold(sent.qos)) this.#hold(packetId, sent.qos, false, true)
      else this.#sendAgain(connection, packetId, true)
    }
  }

  #mustHold(qos: QoS): boolean {
    return !this.#held.isEmpty || (qos === 2 && this.#owner.isKept && this.#parts.store.openBatch !== 0)
  }

  #hold(packetId: number, qos: QoS, isRelease: boolean, isDuplicate: boolean): void {
    this.#held.push({ packetId, batch: qos === 2 ? this.#parts.store.openBatch : 0, isRelease, isDuplicate })
    this.#owner.outgoingHeld()
  }

  /** Sends what is in flight under the packet identifier, or its PUBREL. */
  #sendAgain(connection: SessionConnection, packetId: number, isDuplicate: boolean): void {
    const sent = this.#state.inFlight.get(packetId)
    if (sent === undefined) return
    if (sent.isReleased) {
      this.#sendRelease(connection, packetId)
      return
    }
    const { message } = sent
    if (message === undefined) this.#giveUp(packetId, 'damaged')
    // What was sent once is finished, expired or not [MQTT5-4.3.3-7].
    else if (!isDuplicate && isExpired(message, this.#parts.clock)) this.#giveUp(packetId, 'expired')
    else if (!connection.fits(message, sent)) this.#giveUp(packetId, 'too-large')
    else connection.sendPublish(message, sent, packetId, isDuplicate)
  }

  /** Takes a message out of the window that is not delivered. */
  #giveUp(packetId: number, reason: DropReason): void {
    this.#state.finish(packetId)
    this.#owner.drop(reason, 1)
    this.#trails.end(packetId, 'dropped', reason)
    if (this.#resent > 0) this.#resent--
  }

  #sendRelease(connection: SessionConnection, packetId: number): void {
    const isKnown = this.#state.inFlight.has(packetId)
    const reasonCode = isKnown ? ReasonCode.SUCCESS : ReasonCode.PACKET_IDENTIFIER_NOT_FOUND
    connection.sendAcknowledgement(PacketType.PUBREL, packetId, reasonCode)
  }

  /** Only for `Replays`, which has looked for room. */
  sendReplayed(connection: SessionConnection, message: Message, delivery: Delivery, isPast: boolean): void {
    this.#parts.ledger.matched++
    const terms = isPast ? delivery.termsFor(message) : delivery.termsForRetained(message)
    if (terms.qos > 0) this.#sendNew(connection, message, terms, undefined)
    else if (connection.fits(message, terms)) connection.sendQos0(message, terms)
    else this.#owner.drop('too-large', 1)
  }

  /** Only for `Replays`. */
  pastSent(): void {
    this.#owner.pastSent()
  }

  #nextPacketId(): number {
    let packetId = this.#lastPacketId
    do packetId = packetId === 65_535 ? 1 : packetId + 1
    while (this.#state.inFlight.has(packetId))
    this.#lastPacketId = packetId
    return packetId
  }
}

/** The client answers a message with what does not belong to it: there is no right answer to come any more. */
function wrongAnswer(type: string, packetId: number, qos: QoS): MalformedPacketError {
  const what = `${type} for packet identifier ${packetId}, under which a message of QoS ${qos} waits for another answer`
  return new MalformedPacketError(what, ReasonCode.PROTOCOL_ERROR)
}
