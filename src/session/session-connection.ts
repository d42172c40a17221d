import type { Message } from '../protocol/message.ts'
import type { PacketType, QoS } from '../protocol/packet-types.ts'

/** The packets that carry a packet identifier and nothing else. */
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
  /** The client has not yet taken as much as it may be behind (`limits.maxOutputBytes`): send nothing that can wait. */
  readonly isCongested: boolean
  /** QoS 0 messages written that the system has not taken yet. */
  readonly pendingQos0Messages: number
  /** `isRetained` sets RETAIN; the message's own flag says how it was published, not how it goes out [MQTT-3.3.1-9]. */
  sendQos0(message: Message, isRetained: boolean): void
  sendRun(run: Message): void
  sendPublish(message: Message, qos: QoS, packetId: number, isDuplicate: boolean, isRetained: boolean): void
  sendAcknowledgement(type: AcknowledgementType, packetId: number): void
  /** Ends the connection; `reason` is for the log, undefined when the client said DISCONNECT. */
  close(reason: string | undefined): void
}
