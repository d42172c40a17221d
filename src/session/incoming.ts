// Hot path: once or twice per PUBLISH at QoS 1 and 2; measured by `npm run bench`, rows "QoS 1" and "QoS 2".
import type { Log } from '../base/log.ts'
import type { Ledger } from '../observe/ledger.ts'
import type { Message } from '../protocol/message.ts'
import { ReasonCode } from '../protocol/reason-codes.ts'
import { type SessionState, UNKNOWN_CONTENT } from '../store/store.ts'
import { HeldForStore } from './held-for-store.ts'
import type { AcknowledgementType, SessionConnection } from './session-connection.ts'

/** An acknowledgement that may not leave before a batch of the store is down. */
interface HeldAcknowledgement {
  readonly type: AcknowledgementType
  readonly packetId: number
  readonly reasonCode: ReasonCode
  readonly batch: number
}

export interface IncomingParts {
  readonly ledger: Ledger
  readonly log: Log
}

/**
 * The receiving half of a session: packet identifiers of QoS 2 messages until their PUBREL, and the acknowledgements to the
 * client, which leave in the order their packets came and not before what they promise is stored (design, section 5).
 */
export class Incoming {
  readonly #state: SessionState
  readonly #parts: IncomingParts
  #connection: SessionConnection | undefined = undefined
  readonly #held = new HeldForStore<HeldAcknowledgement>()

  constructor(state: SessionState, parts: IncomingParts) {
    this.#state = state
    this.#parts = parts
  }

  /** Acknowledgements wait for the store. */
  get isHolding(): boolean {
    return !this.#held.isEmpty
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
  isRepeated(message: Message, packetId: number, contentHash: number): boolean {
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

  takeQos2(packetId: number, contentHash: number): void {
    this.#state.addReceivedId(packetId, contentHash)
  }

  /** PUBREL: the identifier is free again. False when it was not taken. */
  release(packetId: number): boolean {
    if (!this.#state.receivedIds.has(packetId)) return false
    this.#state.removeReceivedId(packetId)
    return true
  }

  /** Sends an acknowledgement, or holds it until `batch` is stored; 0 waits for nothing but those before it. */
  acknowledge(type: AcknowledgementType, packetId: number, reasonCode: ReasonCode, batch: number): void {
    if (batch === 0 && this.#held.isEmpty) this.#connection?.sendAcknowledgement(type, packetId, reasonCode)
    else if (this.#connection !== undefined) this.#held.push({ type, packetId, reasonCode, batch })
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
}
