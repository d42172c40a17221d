// Hot path: a few calls per PUBLISH at QoS 1 and 2; measured by `npm run bench`, rows "QoS 1" and "QoS 2".
import type { MemoryAccount } from '../../base/memory-account.ts'
import { unboundedMemory } from '../../base/memory-budget.ts'
import { hold, letGo } from './held-messages.ts'
import type { Message } from '../../protocol/message.ts'
import type { QoS } from '../../protocol/packet-types.ts'
import type { SubscriptionOptions } from '../../protocol/subscription-options.ts'
import { MessageQueue } from './message-queue.ts'
import { type ByPacketId, PacketIdMap } from '../packet-id-map.ts'
import type { InFlightMessage, SessionState, Terms } from '../store.ts'

const NOTHING_IN_FLIGHT: ByPacketId<InFlightMessage> = new PacketIdMap()
const NO_IDS: ByPacketId<number> = new PacketIdMap()
const NO_SUBSCRIPTIONS: ReadonlyMap<string, SubscriptionOptions> = new Map()
const NO_IDENTIFIERS: readonly number[] = []

/** Stands for a message of which only the PUBREL is left to send. */
export const RELEASED: InFlightMessage = withoutMessage(2, true)

// A session that ends with its connection never sends a message again, so its window holds states, not messages.
const SENT_QOS1 = withoutMessage(1, false)
const SENT_QOS2 = withoutMessage(2, false)

function withoutMessage(qos: QoS, isReleased: boolean): InFlightMessage {
  return { qos, isRetained: false, identifiers: NO_IDENTIFIERS, isReleased, message: undefined }
}

/** The state of a session that ends with its connection. It holds nothing while it is idle. */
export class TransientSession implements SessionState {
  readonly clientId: string
  readonly isGroup: boolean
  readonly isInMemory = true
  user: string | undefined = undefined
  protected readonly memory: MemoryAccount
  #inFlight: PacketIdMap<InFlightMessage> | undefined = undefined
  #receivedIds: PacketIdMap<number> | undefined = undefined
  #queue: MessageQueue | undefined = undefined

  /** What waits counts for `memory`. */
  constructor(clientId: string, isGroup = false, memory = unboundedMemory().queues) {
    this.clientId = clientId
    this.isGroup = isGroup
    this.memory = memory
  }

  get expirySeconds(): number {
    return 0
  }

  get leftAtMs(): number {
    return 0
  }

  get inFlight(): ByPacketId<InFlightMessage> {
    return this.#inFlight ?? NOTHING_IN_FLIGHT
  }

  get receivedIds(): ByPacketId<number> {
    return this.#receivedIds ?? NO_IDS
  }

  get queuedMessages(): number {
    return this.#queue === undefined ? 0 : this.#queue.length
  }

  get queuedBytes(): number {
    return this.#queue === undefined ? 0 : this.#queue.bytes
  }

  subscriptions(): Iterable<readonly [string, SubscriptionOptions]> {
    return NO_SUBSCRIPTIONS
  }

  putSubscription(_filter: string, _options: SubscriptionOptions): void {}
  removeSubscription(_filter: string): void {}
  setLeftAt(_timeMs: number): void {}
  setExpiry(_seconds: number): void {}

  setUser(user: string | undefined): void {
    this.user = user
  }

  enqueue(message: Message, terms: Terms): void {
    this.#queue ??= new MessageQueue()
    const kept = message.keep()
    hold(this.memory, kept)
    this.#queue.push({ message: kept, terms })
  }

  peekNext(): Message | undefined {
    return this.#queue?.first?.message
  }

  startNext(packetId: number): InFlightMessage {
    const queued = this.#queue?.shift()
    if (queued === undefined) throw new TypeError('the queue is empty')
    const sent = sentMessage(queued.message, queued.terms)
    const state = this.stateOf(sent)
    this.setInFlight(packetId, state)
    if (state.message === undefined) letGo(this.memory, queued.message)
    return sent
  }

  dropNext(): void {
    const queued = this.#queue?.shift()
    if (queued !== undefined) letGo(this.memory, queued.message)
  }

  /** It is not used any more: what it holds does not count. */
  end(): void {
    while (this.queuedMessages > 0) this.dropNext()
    for (const packetId of this.inFlight.keys()) this.#letGoOf(packetId)
    this.#inFlight = undefined
  }

  addInFlight(packetId: number, _message: Message, terms: Terms): void {
    this.setInFlight(packetId, terms.qos === 1 ? SENT_QOS1 : SENT_QOS2)
  }

  release(packetId: number): void {
    this.#letGoOf(packetId)
    this.setInFlight(packetId, RELEASED)
  }

  finish(packetId: number): void {
    this.#letGoOf(packetId)
    this.#inFlight?.delete(packetId)
  }

  addReceivedId(packetId: number, contentHash: number): void {
    this.#receivedIds ??= new PacketIdMap()
    this.#receivedIds.set(packetId, contentHash)
  }

  removeReceivedId(packetId: number): void {
    this.#receivedIds?.delete(packetId)
  }

  #letGoOf(packetId: number): void {
    const message = this.#inFlight?.get(packetId)?.message
    if (message !== undefined) letGo(this.memory, message)
  }

  protected setInFlight(packetId: number, state: InFlightMessage): void {
    this.#inFlight ??= new PacketIdMap()
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
  readonly #subscriptions = new Map<string, SubscriptionOptions>()
  #leftAtMs = 0
  #expirySeconds: number

  constructor(
    clientId: string,
    onChange: () => void,
    expirySeconds: number,
    isGroup = false,
    memory = unboundedMemory().queues,
  ) {
    super(clientId, isGroup, memory)
    this.#onChange = onChange
    this.#expirySeconds = expirySeconds
  }

  override get expirySeconds(): number {
    return this.#expirySeconds
  }

  override get leftAtMs(): number {
    return this.#leftAtMs
  }

  override subscriptions(): Iterable<readonly [string, SubscriptionOptions]> {
    return this.#subscriptions
  }

  override putSubscription(filter: string, options: SubscriptionOptions): void {
    this.#subscriptions.set(filter, options)
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

  override setExpiry(seconds: number): void {
    this.#expirySeconds = seconds
    this.#onChange()
  }

  override setUser(user: string | undefined): void {
    super.setUser(user)
    this.#onChange()
  }

  override enqueue(message: Message, terms: Terms): void {
    super.enqueue(message, terms)
    this.#onChange()
  }

  override dropNext(): void {
    super.dropNext()
    this.#onChange()
  }

  override addInFlight(packetId: number, message: Message, terms: Terms): void {
    const kept = message.keep()
    hold(this.memory, kept)
    this.setInFlight(packetId, sentMessage(kept, terms))
  }

  override finish(packetId: number): void {
    super.finish(packetId)
    this.#onChange()
  }

  override addReceivedId(packetId: number, contentHash: number): void {
    super.addReceivedId(packetId, contentHash)
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

function sentMessage(message: Message, { qos, isRetained, identifiers }: Terms): InFlightMessage {
  return { qos, isRetained, identifiers, isReleased: false, message }
}

/** To be called when a state is not used any more, whichever store it is of. */
export function endState(state: SessionState): void {
  if (state instanceof TransientSession) state.end()
}
