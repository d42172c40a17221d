// Hot path: a few calls per PUBLISH at QoS 1 and 2; measured by `npm run bench`, rows "kept".
import type { Message } from '../../protocol/message.ts'
import type { QoS } from '../../protocol/packet-types.ts'
import type { SubscriptionOptions } from '../../protocol/subscription-options.ts'
import type { Bodies } from './bodies.ts'
import type { Databases } from './databases.ts'
import { DiskQueue } from './disk-queue.ts'
import {
  checked,
  decodeSubscription,
  encodeName,
  encodeSubscription,
  type NameRecord,
  sessionKey,
  subscriptionKey,
} from './records.ts'
import { encodeState, type Run, type StateRecord } from './state-record.ts'
import { type ByPacketId, PacketIdMap } from '../packet-id-map.ts'
import type { InFlightMessage, SessionState, Terms } from '../store.ts'
import { NO_IDENTIFIERS } from '../terms.ts'

const NO_IDS: ByPacketId<number> = new PacketIdMap()
const NOTHING_IN_FLIGHT: ByPacketId<DiskInFlight> = new PacketIdMap()

const RELEASED_TERMS: Terms = { qos: 2, isRetained: false, identifiers: NO_IDENTIFIERS }

/** A message in flight. Its body is kept by `Bodies`, in memory while it is recent. */
class DiskInFlight implements InFlightMessage {
  readonly #bodies: Bodies
  readonly body: number
  readonly qos: QoS
  readonly isRetained: boolean
  readonly identifiers: readonly number[]
  readonly isReleased: boolean

  constructor(bodies: Bodies, body: number, terms: Terms, isReleased: boolean) {
    this.#bodies = bodies
    this.body = body
    this.qos = terms.qos
    this.isRetained = terms.isRetained
    this.identifiers = terms.identifiers
    this.isReleased = isReleased
  }

  get message(): Message | undefined {
    return this.#bodies.read(this.body)
  }
}

/** What the states of a disk store share. */
export interface DiskSessionParts {
  readonly databases: Databases
  readonly bodies: Bodies
  readonly onDamage: (error: unknown) => void
  /** The first change of a state since its last `write`. */
  readonly onDirty: (state: DiskSession) => void
  /** Any change. */
  readonly onChange: () => void
}

/** The state of a kept session on disk: changes are written with the next batch, and the queue is read back from there. */
export class DiskSession implements SessionState {
  readonly clientId: string
  readonly isGroup: boolean
  /** Until it is stored. */
  readonly isInMemory = true
  readonly queue: DiskQueue
  expirySeconds: number
  user: string | undefined
  leftAtMs = 0
  /** The session has ended: it is removed from disk with the next batch. */
  isRemoved = false
  readonly number: number
  readonly #parts: DiskSessionParts
  #inFlight: PacketIdMap<DiskInFlight> | undefined = undefined
  #receivedIds: PacketIdMap<number> | undefined = undefined
  /** Subscriptions made (with their options) and ended since the last batch. */
  #subscriptionChanges: Map<string, SubscriptionOptions | undefined> | undefined = undefined
  #subscriptionsOnTheirWay: Map<string, SubscriptionOptions | undefined> | undefined = undefined
  #isDirty = false
  /** The current name is stored or being written. */
  #isNameStored: boolean
  #isNameOnItsWay = false

  constructor(number: number, name: NameRecord, isStored: boolean, parts: DiskSessionParts) {
    this.clientId = name.clientId
    this.isGroup = name.isGroup
    this.expirySeconds = name.expirySeconds
    this.user = name.user
    this.number = number
    this.#parts = parts
    this.#isNameStored = isStored
    this.queue = new DiskQueue(number, parts.bodies, parts.databases, parts.onDamage)
  }

  get inFlight(): ByPacketId<DiskInFlight> {
    return this.#inFlight ?? NOTHING_IN_FLIGHT
  }

  get receivedIds(): ByPacketId<number> {
    return this.#receivedIds ?? NO_IDS
  }

  get queuedMessages(): number {
    return this.queue.length
  }

  get queuedBytes(): number {
    return this.queue.bytes
  }

  restore(record: StateRecord): void {
    this.leftAtMs = record.leftAtMs
    this.queue.restore(record.head, record.tail, record.queuedBytes, record.runs)
    for (const [packetId, stored] of record.inFlight) {
      const { body, isReleased } = stored
      if (!isReleased) this.#parts.bodies.restore(body, 1)
      this.#setInFlight(packetId, new DiskInFlight(this.#parts.bodies, body, stored, isReleased))
    }
    for (const [packetId, contentHash] of record.receivedIds) this.#setReceived(packetId, contentHash)
  }

  restoreChunk(runs: readonly Run[]): void {
    this.queue.restoreChunk(runs)
  }

  *subscriptions(): Iterable<readonly [string, SubscriptionOptions]> {
    for (const { value } of this.#parts.databases.subscriptions.getRange(this.#subscriptionRange())) {
      yield decodeSubscription(checked(value, `a subscription of client ${this.clientId}`))
    }
  }

  putSubscription(filter: string, options: SubscriptionOptions): void {
    this.#subscriptionChanges ??= new Map()
    this.#subscriptionChanges.set(filter, options)
    this.#changed()
  }

  removeSubscription(filter: string): void {
    this.#subscriptionChanges ??= new Map()
    this.#subscriptionChanges.set(filter, undefined)
    this.#changed()
  }

  setLeftAt(timeMs: number): void {
    this.leftAtMs = timeMs
    if (timeMs === 0) this.queue.isHeadKept = true
    else this.queue.shrink()
    this.#changed()
  }

  setExpiry(seconds: number): void {
    this.expirySeconds = seconds
    this.#isNameStored = false
    this.#changed()
  }

  setUser(user: string | undefined): void {
    this.user = user
    this.#isNameStored = false
    this.#changed()
  }

  enqueue(message: Message, terms: Terms): void {
    this.queue.push(message, terms)
    this.#changed()
  }

  peekNext(): Message | undefined {
    const run = this.queue.front()
    return run === undefined ? undefined : this.#parts.bodies.read(this.queue.bodyIn(run))
  }

  startNext(packetId: number): InFlightMessage {
    const run = this.queue.front()
    if (run === undefined) throw new TypeError('the queue is empty')
    const started = new DiskInFlight(this.#parts.bodies, this.queue.bodyIn(run), run.terms, false)
    this.queue.shift(started.message?.packetBytes ?? 0)
    this.#setInFlight(packetId, started)
    this.#changed()
    return started
  }

  dropNext(): void {
    const run = this.queue.front()
    const bytes = this.peekNext()?.packetBytes ?? 0
    if (run !== undefined) this.#parts.bodies.release(this.queue.bodyIn(run))
    this.queue.shift(bytes)
    this.#changed()
  }

  addInFlight(packetId: number, message: Message, terms: Terms): void {
    const { bodies } = this.#parts
    this.#setInFlight(packetId, new DiskInFlight(bodies, bodies.hold(message), terms, false))
    this.#changed()
  }

  release(packetId: number): void {
    const sent = this.#inFlight?.get(packetId)
    if (sent === undefined || sent.isReleased) return
    this.#parts.bodies.release(sent.body)
    this.#setInFlight(packetId, new DiskInFlight(this.#parts.bodies, 0, RELEASED_TERMS, true))
    this.#changed()
  }

  finish(packetId: number): void {
    const sent = this.#inFlight?.get(packetId)
    if (sent === undefined) return
    if (!sent.isReleased) this.#parts.bodies.release(sent.body)
    this.#inFlight?.delete(packetId)
    this.#changed()
  }

  addReceivedId(packetId: number, contentHash: number): void {
    this.#setReceived(packetId, contentHash)
    this.#changed()
  }

  removeReceivedId(packetId: number): void {
    this.#receivedIds?.delete(packetId)
    this.#changed()
  }

  /** Ends it: no body is held any more. */
  remove(): void {
    this.#changed()
    this.isRemoved = true
    this.queue.clear()
    for (const [, { body, isReleased }] of this.inFlight) {
      if (!isReleased) this.#parts.bodies.release(body)
    }
    this.#inFlight = undefined
    this.#subscriptionChanges = undefined
  }

  /** Writes what changed. Part of a batch. */
  write(): void {
    this.#isDirty = false
    this.queue.write()
    if (this.isRemoved) this.#writeRemoval()
    else this.#writeState()
  }

  /** The batch is stored. */
  wasWritten(): void {
    this.#subscriptionsOnTheirWay = undefined
    this.#isNameOnItsWay = false
    this.queue.wasWritten()
  }

  /** The batch is not stored: all its changes go into the next. */
  wasNotWritten(): void {
    if (this.#isNameOnItsWay) this.#isNameStored = false
    this.#isNameOnItsWay = false
    this.queue.wasNotWritten()
    const changes = this.#subscriptionsOnTheirWay
    if (changes !== undefined && !this.isRemoved) {
      for (const [filter, options] of this.#subscriptionChanges ?? []) changes.set(filter, options)
      this.#subscriptionChanges = changes
    }
    this.#subscriptionsOnTheirWay = undefined
    if (!this.#isDirty) this.#markDirty()
  }

  #writeState(): void {
    const { names, states, subscriptions } = this.#parts.databases
    const key = sessionKey(this.number)
    this.#isNameOnItsWay = !this.#isNameStored
    // An expiry that changes while the name is being written sets this again.
    this.#isNameStored = true
    if (this.#isNameOnItsWay) void names.put(key, encodeName(this))
    for (const [filter, options] of this.#subscriptionChanges ?? []) {
      const subscription = subscriptionKey(this.number, filter)
      if (options === undefined) void subscriptions.remove(subscription)
      else void subscriptions.put(subscription, encodeSubscription(filter, options))
    }
    this.#subscriptionsOnTheirWay = this.#subscriptionChanges
    this.#subscriptionChanges = undefined
    const { head, tail, bytes } = this.queue
    const { inFlight, receivedIds, leftAtMs } = this
    const runs = this.queue.stateRuns()
    const record = { leftAtMs, head, tail, queuedBytes: bytes, inFlight, receivedIds, runs }
    void states.put(key, encodeState(record))
  }

  #writeRemoval(): void {
    const { names, states, subscriptions } = this.#parts.databases
    const key = sessionKey(this.number)
    void names.remove(key)
    void states.remove(key)
    for (const subscription of subscriptions.getKeys(this.#subscriptionRange())) void subscriptions.remove(subscription)
  }

  #subscriptionRange(): { start: Buffer; end: Buffer } {
    return { start: sessionKey(this.number), end: sessionKey(this.number + 1) }
  }

  #setInFlight(packetId: number, sent: DiskInFlight): void {
    this.#inFlight ??= new PacketIdMap()
    this.#inFlight.set(packetId, sent)
  }

  #setReceived(packetId: number, contentHash: number): void {
    this.#receivedIds ??= new PacketIdMap()
    this.#receivedIds.set(packetId, contentHash)
  }

  #changed(): void {
    if (this.isRemoved) return
    if (!this.#isDirty) this.#markDirty()
    this.#parts.onChange()
  }

  #markDirty(): void {
    this.#isDirty = true
    this.#parts.onDirty(this)
  }
}
