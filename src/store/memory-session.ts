// Hot path: a few calls per PUBLISH at QoS 1 and 2; measured by `npm run bench`, rows "QoS 1" and "QoS 2".
import type { Message } from '../protocol/message.ts'
import type { QoS } from '../protocol/packet-types.ts'
import { MessageQueue } from './message-queue.ts'
import type { InFlightMessage, SessionState } from './store.ts'

const NOTHING_IN_FLIGHT: ReadonlyMap<number, InFlightMessage> = new Map()
const NO_IDS: ReadonlySet<number> = new Set()
const NO_SUBSCRIPTIONS: ReadonlyMap<string, QoS> = new Map()

/** A PUBREL is all that is left to send of such a message. */
export const RELEASED: InFlightMessage = withoutMessage(2, true)

// A session that ends with its connection never sends a message again, so its window holds states, not messages.
const SENT_QOS1 = withoutMessage(1, false)
const SENT_QOS2 = withoutMessage(2, false)

function withoutMessage(qos: QoS, isReleased: boolean): InFlightMessage {
  return { qos, isRetained: false, isReleased, message: undefined }
}

/** The state of a session that ends with its connection. It holds nothing while it is idle. */
export class TransientSession implements SessionState {
  readonly clientId: string
  #inFlight: Map<number, InFlightMessage> | undefined = undefined
  #receivedIds: Set<number> | undefined = undefined
  #queue: MessageQueue | undefined = undefined

  constructor(clientId: string) {
    this.clientId = clientId
  }

  get leftAtMs(): number {
    return 0
  }

  get inFlight(): ReadonlyMap<number, InFlightMessage> {
    return this.#inFlight ?? NOTHING_IN_FLIGHT
  }

  get receivedIds(): ReadonlySet<number> {
    return this.#receivedIds ?? NO_IDS
  }

  get queuedMessages(): number {
    return this.#queue === undefined ? 0 : this.#queue.length
  }

  get queuedBytes(): number {
    return this.#queue === undefined ? 0 : this.#queue.bytes
  }

  subscriptions(): Iterable<readonly [string, QoS]> {
    return NO_SUBSCRIPTIONS
  }

  putSubscription(_filter: string, _qos: QoS): void {}
  removeSubscription(_filter: string): void {}
  setLeftAt(_timeMs: number): void {}

  enqueue(message: Message, qos: QoS): void {
    this.#queue ??= new MessageQueue()
    this.#queue.push({ message: message.keep(), qos })
  }

  peekNext(): Message | undefined {
    return this.#queue?.first?.message
  }

  startNext(packetId: number): InFlightMessage {
    const queued = this.#queue?.shift()
    if (queued === undefined) throw new TypeError('the queue is empty')
    const sent: InFlightMessage = { qos: queued.qos, isRetained: false, isReleased: false, message: queued.message }
    this.setInFlight(packetId, this.stateOf(sent))
    return sent
  }

  dropNext(): void {
    this.#queue?.shift()
  }

  addInFlight(packetId: number, _message: Message, qos: QoS, _isRetained: boolean): void {
    this.setInFlight(packetId, qos === 1 ? SENT_QOS1 : SENT_QOS2)
  }

  release(packetId: number): void {
    this.setInFlight(packetId, RELEASED)
  }

  finish(packetId: number): void {
    this.#inFlight?.delete(packetId)
  }

  addReceivedId(packetId: number): void {
    this.#receivedIds ??= new Set()
    this.#receivedIds.add(packetId)
  }

  removeReceivedId(packetId: number): void {
    this.#receivedIds?.delete(packetId)
  }

  protected setInFlight(packetId: number, state: InFlightMessage): void {
    this.#inFlight ??= new Map()
    this.#inFlight.set(packetId, state)
  }

  /** What the window holds of a message that was sent. */
  protected stateOf(sent: InFlightMessage): InFlightMessage {
    return sent.qos === 1 ? SENT_QOS1 : SENT_QOS2
  }
}

/** The state of a kept session in a store that lives as long as its process. `onChange` is called with each change. */
export class MemorySession extends TransientSession {
  readonly #onChange: () => void
  readonly #subscriptions = new Map<string, QoS>()
  #leftAtMs = 0

  constructor(clientId: string, onChange: () => void) {
    super(clientId)
    this.#onChange = onChange
  }

  override get leftAtMs(): number {
    return this.#leftAtMs
  }

  override subscriptions(): Iterable<readonly [string, QoS]> {
    return this.#subscriptions
  }

  override putSubscription(filter: string, qos: QoS): void {
    this.#subscriptions.set(filter, qos)
    this.#onChange()
  }

  override removeSubscription(filter: string): void {
    this.#subscriptions.delete(filter)
    this.#onChange()
  }

  override setLeftAt(timeMs: number): void {
    this.#leftAtMs = timeMs
    this.#onChange()
  }

  override enqueue(message: Message, qos: QoS): void {
    super.enqueue(message, qos)
    this.#onChange()
  }

  override dropNext(): void {
    super.dropNext()
    this.#onChange()
  }

  override addInFlight(packetId: number, message: Message, qos: QoS, isRetained: boolean): void {
    this.setInFlight(packetId, { qos, isRetained, isReleased: false, message: message.keep() })
  }

  override finish(packetId: number): void {
    super.finish(packetId)
    this.#onChange()
  }

  override addReceivedId(packetId: number): void {
    super.addReceivedId(packetId)
    this.#onChange()
  }

  override removeReceivedId(packetId: number): void {
    super.removeReceivedId(packetId)
    this.#onChange()
  }

  protected override setInFlight(packetId: number, state: InFlightMessage): void {
    super.setInFlight(packetId, state)
    this.#onChange()
  }

  protected override stateOf(sent: InFlightMessage): InFlightMessage {
    return sent
  }
}
