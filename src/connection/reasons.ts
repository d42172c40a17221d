import { ReasonCode } from '../protocol/reason-codes.ts'

/** What a client of MQTT 5 is told when a message is refused: what happened and what to do. */
export const REASONS: Readonly<Partial<Record<ReasonCode, string>>> = {
  [ReasonCode.NOT_AUTHORIZED]: "topics under $SYS are the hub's own: publish elsewhere",
  [ReasonCode.QUOTA_EXCEEDED]:
    'the hub cannot take the message now (store, retained messages or rate): try again later',
  [ReasonCode.PAYLOAD_FORMAT_INVALID]: 'the Payload Format Indicator says UTF-8 and the payload is not',
  [ReasonCode.PACKET_IDENTIFIER_NOT_FOUND]: 'no message is under way with this packet identifier',
  [ReasonCode.RECEIVE_MAXIMUM_EXCEEDED]: 'more QoS 2 messages under way than the Receive Maximum of CONNACK allows',
}
