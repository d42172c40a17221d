// Hot path: a few calls per PUBLISH at QoS 1 and 2; measured by `npm run bench`, rows "kept".
import type { Message } from '../protocol/message.ts'
import type { QoS } from '../protocol/packet-types.ts'
import type { Bodies } from './bodies.ts'
import type { Databases } from './databases.ts'
import { DiskQueue } from './disk-queue.ts'
import {
  checked,
  decodeSubscription,
  encodeName,
  encodeState,
  type Run,
  type StateRecord,
  sessionKey,
  subscriptionKey,
} from './records.ts'
import type { InFlightMessage, SessionState } from './store.ts'

const NO_IDS: ReadonlySet<number> = new Set()
const NOTHING_IN_FLIGHT: ReadonlyMap<number, DiskInFlight> = new Map()

/** A message in flight: its body is with the bodies, in memory while it is young. */
class DiskInFlight implements InFlightMessage {
  readonly #bodies: Bodies
  readonly body: number
  readonly qos: QoS
  readonly isRetained: boolean
  readonly isReleased: boolean

  constructor(bodies: Bodies, body: number, qos: QoS, isRetained: boolean, isReleased: boolean) {
    this.#bodies = bodies
    this.body = body
    this.qos = qos
    this.isRetained = isRetained
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

/** The state of a kept session on disk: what changes is written with the next batch, and the queue is read from there. */
export class DiskSession implements SessionState {
  readonly clientId: string
  readonly queue: DiskQueue
  leftAtMs = 0
  /** The session is over: what is stored of it goes with the next batch. */
  isRemoved = false
  readonly number: number
  readonly #parts: DiskSessionParts
  #inFlight: Map<number, DiskInFlight> | undefined = undefined
  #receivedIds: Set<number> | undefined = undefined
  /** Subscriptions made (with their QoS) and ended since the last batch. */
  #subscriptionChanges: Map<string, QoS | undefined> | undefined = undefined
  #subscriptionsOnTheirWay: Map<string, QoS | undefined> | undefined = undefined
  #isDirty = false
  #isNameStored: boolean

  constructor(number: number, clientId: string, isStored: boolean, parts: DiskSessionParts) {
    this.clientId = clientId
    this.number = number
    this.#parts = parts
    this.#isNameStored = isStored
    this.queue = new DiskQueue(number, parts.bodies, parts.databases.queues, parts.onDamage)
  }

  get inFlight(): ReadonlyMap<number, DiskInFlight> {
    return this.#inFlight ?? NOTHING_IN_FLIGHT
  }

  get receivedIds(): ReadonlySet<number> {
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
    for (const [packetId, { body, qos, isRetained, isReleased }] of record.inFlight) {
      if (!isReleased) this.#parts.bodies.restore(body, 1)
      this.#setInFlight(packetId, new DiskInFlight(this.#parts.bodies, body, qos, isRetained, isReleased))
    }
    if (record.receivedIds.size > 0) this.#receivedIds = new Set(record.receivedIds)
  }

  restoreChunk(runs: readonly Run[]): void {
    this.queue.restoreChunk(runs)
  }

  *subscriptions(): Iterable<readonly [string, QoS]> {
    for (const { value } of this.#parts.databases.subscriptions.getRange(this.#subscriptionRange())) {
      yield decodeSubscription(checked(value, `a subscription of client ${this.clientId}`))
    }
  }

  putSubscription(filter: string, qos: QoS): void {
    this.#subscriptionChanges ??= new Map()
    this.#subscriptionChanges.set(filter, qos)
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

  enqueue(message: Message, qos: QoS): void {
    this.queue.push(message, qos)
    this.#changed()
  }

  peekNext(): Message | undefined {
    const run = this.queue.front()
    return run === undefined ? undefined : this.#parts.bodies.read(this.queue.bodyIn(run))
  }

  startNext(packetId: number): InFlightMessage {
    const run = this.queue.front()
    if (run === undefined) throw new TypeError('the queue is empty')
    const started = new DiskInFlight(this.#parts.bodies, this.queue.bodyIn(run), run.qos, false, false)
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

  addInFlight(packetId: number, message: Message, qos: QoS, isRetained: boolean): void {
    const { bodies } = this.#parts
    this.#setInFlight(packetId, new DiskInFlight(bodies, bodies.hold(message), qos, isRetained, false))
    this.#changed()
  }

  release(packetId: number): void {
    const sent = this.#inFlight?.get(packetId)
    if (sent === undefined || sent.isReleased) return
    this.#parts.bodies.release(sent.body)
    this.#setInFlight(packetId, new DiskInFlight(this.#parts.bodies, 0, sent.qos, false, true))
    this.#changed()
  }

  finish(packetId: number): void {
    const sent = this.#inFlight?.get(packetId)
    if (sent === undefined) return
    if (!sent.isReleased) this.#parts.bodies.release(sent.body)
    this.#inFlight?.delete(packetId)
    this.#changed()
  }

  addReceivedId(packetId: number): void {
    this.#receivedIds ??= new Set()
    this.#receivedIds.add(packetId)
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
    for (const { body, isReleased } of this.inFlight.values()) {
      if (!isReleased) this.#parts.bodies.release(body)
    }
    this.#inFlight = undefined
    this.#subscriptionChanges = undefined
  }

  /** Puts down what changed. Part of a batch. */
  write(): void {
    this.#isDirty = false
    this.queue.write()
    if (this.isRemoved) this.#writeRemoval()
    else this.#writeState()
  }

  /** The batch is stored. */
  wasWritten(): void {
    this.#subscriptionsOnTheirWay = undefined
    this.#isNameStored = !this.isRemoved
    this.queue.wasWritten()
  }

  /** The batch is not stored: all that it had goes with the next. */
  wasNotWritten(): void {
    this.queue.wasNotWritten()
    const changes = this.#subscriptionsOnTheirWay
    if (changes !== undefined && !this.isRemoved) {
      for (const [filter, qos] of this.#subscriptionChanges ?? []) changes.set(filter, qos)
      this.#subscriptionChanges = changes
    }
    this.#subscriptionsOnTheirWay = undefined
    if (!this.#isDirty) this.#markDirty()
  }

  #writeState(): void {
    const { names, states, subscriptions } = this.#parts.databases
    const key = sessionKey(this.number)
    if (!this.#isNameStored) void names.put(key, encodeName(this.clientId, 0))
    for (const [filter, qos] of this.#subscriptionChanges ?? []) {
      const subscription = subscriptionKey(this.number, filter)
      if (qos === undefined) void subscriptions.remove(subscription)
      else void subscriptions.put(subscription, encodeName(filter, qos))
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
    this.#inFlight ??= new Map()
    this.#inFlight.set(packetId, sent)
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
