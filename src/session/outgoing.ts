// Hot path: `deliver` and the acknowledgements run per message; measured by `npm run bench`, rows "QoS 1" and "QoS 2".
import type { Clock } from '../observe/clock.ts'
import type { DropReason, Ledger } from '../observe/ledger.ts'
import type { Message } from '../protocol/message.ts'
import { PacketType, type QoS } from '../protocol/packet-types.ts'
import type { InFlightMessage, SessionState, Store } from '../store/store.ts'
import type { SessionConnection } from './session-connection.ts'

/** How much one session may hold for its client, and what happens beyond it. */
export interface OutgoingLimits {
  readonly maxInflightMessages: number
  readonly maxQueuedMessages: number
  readonly maxQueuedBytes: number
  readonly queuePolicy: 'drop-oldest' | 'drop-newest' | 'disconnect'
}

/** What the outgoing halves of a hub share. */
export interface OutgoingParts {
  readonly store: Store
  readonly ledger: Ledger
  readonly clock: Clock
  readonly limits: OutgoingLimits
}

/** What the outgoing half needs of its session. */
export interface OutgoingOwner {
  readonly isKept: boolean
  drop(reason: DropReason, count: number): void
  /** What is to be sent waits for the store: `stored` has to be called. */
  outgoingHeld(): void
}

/** Retained messages on their way to a new subscription; `undefined` is a pause that a long walk offers. */
interface Replay {
  readonly messages: Iterator<Message | undefined>
  readonly qos: QoS
}

/** A message in flight, or its PUBREL, that may not leave before a batch of the store is down. */
interface HeldPacket {
  readonly packetId: number
  readonly batch: number
  readonly isRelease: boolean
  readonly isDuplicate: boolean
}

/** Steps of a replay before the loop is let go: well under 10 ms even when each step sends a message. */
const REPLAY_SLICE_STEPS = 2000

/**
 * What a session has to deliver at QoS 1 and 2: the window of messages in flight, the queue behind it, and retained messages
 * for new subscriptions. Order is kept: nothing overtakes the queue, and after a reconnect what was in flight goes first.
 *
 * A kept session's PUBLISH at QoS 2 and its PUBREL leave when they are stored: a hub that had forgotten them would deliver
 * twice after a restart. What comes behind them waits too.
 */
export class Outgoing {
  readonly #owner: OutgoingOwner
  readonly #state: SessionState
  readonly #parts: OutgoingParts
  #connection: SessionConnection | undefined = undefined
  /** What was in flight before the client reconnected and has not been sent again yet. */
  #resending: Iterator<[number, InFlightMessage]> | undefined = undefined
  #held: HeldPacket[] | undefined = undefined
  #replays: Replay[] | undefined = undefined
  #isReplayScheduled = false
  #lastPacketId = 0

  constructor(owner: OutgoingOwner, state: SessionState, parts: OutgoingParts) {
    this.#owner = owner
    this.#state = state
    this.#parts = parts
    for (const packetId of state.inFlight.keys()) this.#lastPacketId = packetId
  }

  /** Packets wait for the store. */
  get isHolding(): boolean {
    return this.#held !== undefined
  }

  /** Takes a message for delivery at `qos` 1 or 2: sends it now if the window allows, else queues it. */
  deliver(message: Message, qos: QoS): void {
    const connection = this.#connection
    if (connection !== undefined && this.#hasRoom(connection) && this.#state.queuedMessages === 0) {
      this.#sendNew(connection, message, qos, false)
    } else {
      this.#enqueue(message, qos)
    }
  }

  /** Sends `messages` as retained ones, at `qos` at most, as fast as the client takes them and in slices of the loop. */
  replay(messages: Iterator<Message | undefined>, qos: QoS): void {
    this.#replays ??= []
    this.#replays.push({ messages, qos })
    this.drain()
  }

  /** PUBACK. An identifier that is not in flight at QoS 1 is ignored: a client may be late after a reconnect. */
  acknowledge(packetId: number): boolean {
    const sent = this.#state.inFlight.get(packetId)
    if (sent === undefined || sent.qos !== 1) return false
    this.#finish(packetId)
    return true
  }

  /** PUBREC: from here on only PUBREL is sent, never the message again [MQTT-4.3.3-1]. False: not in flight at QoS 2. */
  release(packetId: number): boolean {
    const sent = this.#state.inFlight.get(packetId)
    const isKnown = sent !== undefined && sent.qos === 2
    if (isKnown && !sent.isReleased) this.#state.release(packetId)
    // An unknown one is answered all the same, so that the client can finish.
    if (this.#mustHold(2)) this.#hold(packetId, 2, true, false)
    else this.#connection?.sendAcknowledgement(PacketType.PUBREL, packetId)
    return isKnown
  }

  /** PUBCOMP. */
  complete(packetId: number): boolean {
    const sent = this.#state.inFlight.get(packetId)
    if (sent === undefined || !sent.isReleased) return false
    this.#finish(packetId)
    return true
  }

  /** The client is there (again): sends what was in flight once more, then goes on with the queue. */
  attach(connection: SessionConnection): void {
    this.#connection = connection
    if (this.#state.inFlight.size > 0) this.#resending = this.#state.inFlight.entries()
    this.drain()
  }

  detach(): void {
    this.#connection = undefined
    this.#resending = undefined
    this.#held = undefined
  }

  /** Everything up to `batch` is stored: what waited for it leaves. */
  stored(batch: number): void {
    const connection = this.#connection
    const held = this.#held
    if (held === undefined || connection === undefined) return
    let sent = 0
    for (; sent < held.length; sent++) {
      const packet = held[sent]
      if (packet === undefined || packet.batch > batch) break
      if (packet.isRelease) connection.sendAcknowledgement(PacketType.PUBREL, packet.packetId)
      else this.#sendAgain(connection, packet.packetId, packet.isDuplicate)
    }
    this.#held = sent === held.length ? undefined : held.slice(sent)
  }

  /** Sends what waits and has room now: first what is sent again, then the queue, then retained messages. */
  drain(): void {
    const connection = this.#connection
    if (connection === undefined) return
    if (this.#resending !== undefined) this.#resend(connection, this.#resending)
    while (this.#state.queuedMessages > 0 && this.#hasRoom(connection)) this.#sendNext(connection)
    if (this.#replays !== undefined && !this.#isReplayScheduled) this.#replaySlice(connection)
  }

  #hasRoom(connection: SessionConnection): boolean {
    return (
      this.#state.inFlight.size < this.#parts.limits.maxInflightMessages &&
      this.#resending === undefined &&
      !connection.isCongested
    )
  }

  #sendNew(connection: SessionConnection, message: Message, qos: QoS, isRetained: boolean): void {
    const packetId = this.#nextPacketId()
    this.#state.addInFlight(packetId, message, qos, isRetained)
    if (this.#mustHold(qos)) this.#hold(packetId, qos, false, false)
    else connection.sendPublish(message, qos, packetId, false, isRetained)
  }

  /** Sends the oldest message of the queue, or drops it when it is too late for that. */
  #sendNext(connection: SessionConnection): void {
    const next = this.#state.peekNext()
    if (next === undefined || (next.expiresAtMs !== 0 && next.expiresAtMs <= this.#parts.clock.nowMs())) {
      this.#state.dropNext()
      this.#owner.drop(next === undefined ? 'damaged' : 'expired', 1)
      return
    }
    const packetId = this.#nextPacketId()
    const { qos, isRetained } = this.#state.startNext(packetId)
    if (this.#mustHold(qos)) this.#hold(packetId, qos, false, false)
    else connection.sendPublish(next, qos, packetId, false, isRetained)
  }

  #enqueue(message: Message, qos: QoS): void {
    const state = this.#state
    if (this.#isTooMuch(message)) {
      const { queuePolicy } = this.#parts.limits
      if (queuePolicy === 'drop-oldest') this.#makeRoom(message)
      if (this.#isTooMuch(message)) {
        this.#owner.drop('queue-full', 1)
        if (queuePolicy === 'disconnect') this.#connection?.close('it let its queue fill up (limits.queuePolicy)')
        return
      }
    }
    state.enqueue(message, qos)
  }

  #makeRoom(message: Message): void {
    while (this.#state.queuedMessages > 0 && this.#isTooMuch(message)) {
      this.#state.dropNext()
      this.#owner.drop('queue-full', 1)
    }
  }

  #isTooMuch(message: Message): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.#parts.limits
    const { queuedMessages, queuedBytes } = this.#state
    return queuedMessages >= maxQueuedMessages || queuedBytes + message.packetBytes > maxQueuedBytes
  }

  #finish(packetId: number): void {
    this.#state.finish(packetId)
    this.#parts.ledger.delivered++
    if (this.#state.queuedMessages > 0 || this.#replays !== undefined) this.drain()
  }

  #resend(connection: SessionConnection, messages: Iterator<[number, InFlightMessage]>): void {
    while (!connection.isCongested) {
      const { value, done } = messages.next()
      if (done === true) {
        this.#resending = undefined
        return
      }
      const [packetId, { qos }] = value
      if (this.#mustHold(qos)) this.#hold(packetId, qos, false, true)
      else this.#sendAgain(connection, packetId, true)
    }
  }

  #mustHold(qos: QoS): boolean {
    return this.#held !== undefined || (qos === 2 && this.#owner.isKept && this.#parts.store.openBatch !== 0)
  }

  #hold(packetId: number, qos: QoS, isRelease: boolean, isDuplicate: boolean): void {
    this.#held ??= []
    this.#held.push({ packetId, batch: qos === 2 ? this.#parts.store.openBatch : 0, isRelease, isDuplicate })
    this.#owner.outgoingHeld()
  }

  /** Sends what is in flight under the packet identifier, or its PUBREL. */
  #sendAgain(connection: SessionConnection, packetId: number, isDuplicate: boolean): void {
    const sent = this.#state.inFlight.get(packetId)
    if (sent === undefined) return
    if (sent.isReleased) {
      connection.sendAcknowledgement(PacketType.PUBREL, packetId)
      return
    }
    const { message } = sent
    if (message === undefined) {
      this.#state.finish(packetId)
      this.#owner.drop('damaged', 1)
    } else {
      connection.sendPublish(message, sent.qos, packetId, isDuplicate, sent.isRetained)
    }
  }

  #replaySlice(connection: SessionConnection): void {
    for (let step = 0; step < REPLAY_SLICE_STEPS; step++) {
      const replay = this.#replays?.[0]
      if (replay === undefined) {
        this.#replays = undefined
        return
      }
      // Room is looked for before a message is taken from the walk: what is taken is sent. drain() comes back here.
      if (connection.isCongested || (replay.qos > 0 && !this.#hasRoom(connection))) return
      const { value: message, done } = replay.messages.next()
      if (done === true) this.#replays?.shift()
      else if (message === undefined) break
      else this.#sendRetained(connection, message, replay.qos)
    }
    this.#isReplayScheduled = true
    setImmediate(continueReplay, this)
  }

  #sendRetained(connection: SessionConnection, message: Message, grantedQoS: QoS): void {
    this.#parts.ledger.matched++
    const qos = message.qos < grantedQoS ? message.qos : grantedQoS
    if (qos === 0) connection.sendQos0(message, true)
    else this.#sendNew(connection, message, qos, true)
  }

  /** The next slice of a replay; only for the callback below. */
  continueReplay(): void {
    this.#isReplayScheduled = false
    this.drain()
  }

  #nextPacketId(): number {
    let packetId = this.#lastPacketId
    do packetId = packetId === 65_535 ? 1 : packetId + 1
    while (this.#state.inFlight.has(packetId))
    this.#lastPacketId = packetId
    return packetId
  }
}

function continueReplay(outgoing: Outgoing): void {
  outgoing.continueReplay()
}
