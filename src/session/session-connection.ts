import type { Message } from '../protocol/message.ts'
import type { PacketType } from '../protocol/packet-types.ts'
import type { ReasonCode } from '../protocol/reason-codes.ts'
import type { Terms } from '../store/store.ts'
import type { ConnectionReport } from './client-report.ts'

/** The packets that carry a packet identifier and, in MQTT 5, a reason code. */
export type AcknowledgementType =
  | typeof PacketType.PUBACK
  | typeof PacketType.PUBREC
  | typeof PacketType.PUBREL
  | typeof PacketType.PUBCOMP

/**
 * What a session asks of the network connection its client is on.
 *
 *   1. Every method returns without waiting; what is sent leaves at the end of the turn, in order.
 *   2. When `isCongested` has been true and the client has caught up, the connection calls `Session.drain()`.
 *   3. After `Session.detach()` nothing is called any more.
 */
export interface SessionConnection {
  /** The client has not yet taken as much as it may be behind (`limits.maxOutputBytes`, `limits.memory`): send nothing that can wait. */
  readonly isCongested: boolean
  /** It is so far behind that this is its own limit, not that the hub has no memory for more. */
  readonly isOutputFull: boolean
  /** QoS 0 messages written that the system has not taken yet. */
  readonly pendingQos0Messages: number
  /** QoS 0 messages written so far, taken or not. */
  readonly writtenQos0Messages: number
  /** Messages of QoS 1 and 2 that the client takes before it acknowledges some [MQTT5-3.3.4-9]. */
  readonly receiveMaximum: number
  /** The client can be told with an acknowledgement why its message was not taken: it speaks MQTT 5. */
  readonly explainsFailures: boolean
  /** `sendRun` may be called: nothing has to be looked at packet by packet. */
  readonly takesRuns: boolean
  /** Whether a message of its client is what a bridge says of itself, which is heard under `$SYS`. */
  tellsState(message: Message): boolean
  /** What there is to tell about the connection. */
  report(): ConnectionReport
  /** False when the message is larger than the client takes: it must not be sent [MQTT5-3.1.2-24]. */
  fits(message: Message, terms: Terms): boolean
  sendQos0(message: Message, terms: Terms): void
  sendRun(run: Message): void
  sendPublish(message: Message, terms: Terms, packetId: number, isDuplicate: boolean): void
  sendAcknowledgement(type: AcknowledgementType, packetId: number, reasonCode: ReasonCode): void
  /**
   * Ends the connection. `code` says why, SUCCESS that the client said DISCONNECT; `reason` says it to people. A client of MQTT 5
   * is told both.
   */
  close(reason: string, code: ReasonCode): void
  /** All that its client published has been handed over: it may be read on. */
  published(): void
}
