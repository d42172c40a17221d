// Hot path: `deliver` and the acknowledgements run per message; measured by `npm run bench`, rows "QoS 1" and "QoS 2".
import { Message } from '../protocol/message.ts'
import { PacketType, type QoS } from '../protocol/packet-types.ts'
import type { DropReason, Ledger } from '../observe/ledger.ts'
import type { QueueEntry, Store } from '../store/store.ts'
import { MessageQueue } from './message-queue.ts'
import type { SessionConnection } from './session-connection.ts'

/** How much one session may hold for its client. */
export interface OutgoingLimits {
  readonly maxInflightMessages: number
  readonly maxQueuedMessages: number
  readonly maxQueuedBytes: number
}

/** What the outgoing half needs of its session. */
export interface OutgoingOwner {
  readonly clientId: string
  readonly isKept: boolean
  drop(reason: DropReason, count: number): void
}

/** Retained messages on their way to a new subscription; `undefined` is a pause that a long walk offers. */
interface Replay {
  readonly messages: Iterator<Message | undefined>
  readonly qos: QoS
}

// A session that ends with its connection never sends a message again, so its window holds states, not messages.
const NO_MESSAGE = new Message()
const SENT_QOS1 = windowState(1, false)
const SENT_QOS2 = windowState(2, false)
const RELEASED_QOS2 = windowState(2, true)

function windowState(qos: QoS, isReleased: boolean): QueueEntry {
  return { sequence: 0, message: NO_MESSAGE, qos, isRetained: false, packetId: 0, isReleased }
}

/** Steps of a replay before the loop is let go: well under 10 ms even when each step sends a message. */
const REPLAY_SLICE_STEPS = 2000

/**
 * What a session has to deliver at QoS 1 and 2: the window of messages in flight, the queue behind it, and retained messages
 * for new subscriptions. Order is kept: nothing overtakes the queue, and after a reconnect what was in flight goes first.
 */
export class Outgoing {
  readonly #owner: OutgoingOwner
  readonly #store: Store
  readonly #ledger: Ledger
  readonly #limits: OutgoingLimits
  #connection: SessionConnection | undefined = undefined
  /** In flight by packet identifier, in the order sent. */
  #inFlight: Map<number, QueueEntry> | undefined = undefined
  #queue: MessageQueue | undefined = undefined
  /** What was in flight before the client reconnected and has not been sent again yet. */
  #resending: Iterator<QueueEntry> | undefined = undefined
  #replays: Replay[] | undefined = undefined
  #isReplayScheduled = false
  #lastPacketId = 0
  #lastSequence = 0

  constructor(owner: OutgoingOwner, store: Store, ledger: Ledger, limits: OutgoingLimits) {
    this.#owner = owner
    this.#store = store
    this.#ledger = ledger
    this.#limits = limits
  }

  get inFlightMessages(): number {
    return this.#inFlight === undefined ? 0 : this.#inFlight.size
  }

  get queuedMessages(): number {
    return this.#queue === undefined ? 0 : this.#queue.length
  }

  /** Takes a message for delivery at `qos` 1 or 2: sends it now if the window allows, else queues it. */
  deliver(message: Message, qos: QoS): void {
    const connection = this.#connection
    if (connection !== undefined && this.#hasRoom(connection) && this.queuedMessages === 0) {
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
    const entry = this.#inFlight?.get(packetId)
    if (entry === undefined || entry.qos !== 1) return false
    this.#finish(packetId, entry)
    return true
  }

  /** PUBREC: from here on only PUBREL is sent, never the message again [MQTT-4.3.3-1]. False: not in flight at QoS 2. */
  release(packetId: number): boolean {
    const entry = this.#inFlight?.get(packetId)
    if (entry === undefined || entry.qos !== 2) return false
    if (!entry.isReleased) {
      if (this.#owner.isKept) {
        entry.isReleased = true
        this.#store.updateEntry(this.#owner.clientId, entry)
      } else {
        this.#inFlight?.set(packetId, RELEASED_QOS2)
      }
    }
    return true
  }

  /** PUBCOMP. */
  complete(packetId: number): boolean {
    const entry = this.#inFlight?.get(packetId)
    if (entry === undefined || !entry.isReleased) return false
    this.#finish(packetId, entry)
    return true
  }

  /** The client is there (again): sends what was in flight once more, then goes on with the queue. */
  attach(connection: SessionConnection): void {
    this.#connection = connection
    if (this.#inFlight !== undefined && this.#inFlight.size > 0) this.#resending = this.#inFlight.values()
    this.drain()
  }

  detach(): void {
    this.#connection = undefined
    this.#resending = undefined
  }

  /** Takes up what the store kept: entries in order of sequence, in flight where they have a packet identifier. */
  restore(entries: Iterable<QueueEntry>): void {
    for (const entry of entries) {
      this.#lastSequence = entry.sequence
      this.#ledger.matched++
      if (entry.packetId === 0) {
        this.#queue ??= new MessageQueue()
        this.#queue.push(entry)
      } else {
        this.#inFlight ??= new Map()
        this.#inFlight.set(entry.packetId, entry)
        this.#lastPacketId = entry.packetId
      }
    }
  }

  /** Sends what waits and has room now: first what is sent again, then the queue, then retained messages. */
  drain(): void {
    const connection = this.#connection
    if (connection === undefined) return
    if (this.#resending !== undefined) this.#resend(connection, this.#resending)
    while (this.queuedMessages > 0 && this.#hasRoom(connection)) {
      const entry = this.#queue?.shift()
      if (entry !== undefined) this.#sendQueued(connection, entry)
    }
    if (this.#replays !== undefined && !this.#isReplayScheduled) this.#replaySlice(connection)
  }

  #hasRoom(connection: SessionConnection): boolean {
    return (
      this.inFlightMessages < this.#limits.maxInflightMessages &&
      this.#resending === undefined &&
      !connection.isCongested
    )
  }

  #sendNew(connection: SessionConnection, message: Message, qos: QoS, isRetained: boolean): void {
    const packetId = this.#nextPacketId()
    this.#inFlight ??= new Map()
    if (this.#owner.isKept) {
      const entry = this.#newEntry(message, qos, isRetained)
      entry.packetId = packetId
      this.#inFlight.set(packetId, entry)
      this.#store.addEntry(this.#owner.clientId, entry)
    } else {
      this.#inFlight.set(packetId, qos === 1 ? SENT_QOS1 : SENT_QOS2)
    }
    connection.sendPublish(message, qos, packetId, false, isRetained)
  }

  #sendQueued(connection: SessionConnection, entry: QueueEntry): void {
    const packetId = this.#nextPacketId()
    this.#inFlight ??= new Map()
    if (this.#owner.isKept) {
      entry.packetId = packetId
      this.#inFlight.set(packetId, entry)
      this.#store.updateEntry(this.#owner.clientId, entry)
    } else {
      this.#inFlight.set(packetId, entry.qos === 1 ? SENT_QOS1 : SENT_QOS2)
    }
    connection.sendPublish(entry.message, entry.qos, packetId, false, entry.isRetained)
  }

  #enqueue(message: Message, qos: QoS): void {
    const queue = (this.#queue ??= new MessageQueue())
    const entry = this.#newEntry(message, qos, false)
    queue.push(entry)
    if (this.#owner.isKept) this.#store.addEntry(this.#owner.clientId, entry)
    while (queue.length > this.#limits.maxQueuedMessages || queue.bytes > this.#limits.maxQueuedBytes) {
      const oldest = queue.shift()
      if (oldest === undefined) return
      if (this.#owner.isKept) this.#store.removeEntry(this.#owner.clientId, oldest)
      this.#owner.drop('queue-full', 1)
    }
  }

  #newEntry(message: Message, qos: QoS, isRetained: boolean): QueueEntry {
    return { sequence: ++this.#lastSequence, message: message.keep(), qos, isRetained, packetId: 0, isReleased: false }
  }

  #finish(packetId: number, entry: QueueEntry): void {
    this.#inFlight?.delete(packetId)
    if (this.#owner.isKept) this.#store.removeEntry(this.#owner.clientId, entry)
    this.#ledger.delivered++
    if (this.queuedMessages > 0 || this.#replays !== undefined) this.drain()
  }

  #resend(connection: SessionConnection, entries: Iterator<QueueEntry>): void {
    while (!connection.isCongested) {
      const { value: entry, done } = entries.next()
      if (done === true) {
        this.#resending = undefined
        return
      }
      if (entry.isReleased) connection.sendAcknowledgement(PacketType.PUBREL, entry.packetId)
      else connection.sendPublish(entry.message, entry.qos, entry.packetId, true, entry.isRetained)
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
    this.#ledger.matched++
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
    while (this.#inFlight?.has(packetId) === true)
    this.#lastPacketId = packetId
    return packetId
  }
}

function continueReplay(outgoing: Outgoing): void {
  outgoing.continueReplay()
}
