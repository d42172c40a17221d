import type { Ledger } from '../observe/ledger.ts'
import { MalformedPacketError } from '../protocol/field-reader.ts'
import type { PublishPacket } from '../protocol/publish-packet.ts'
import { ReasonCode } from '../protocol/reason-codes.ts'
import { isOverTopicLimit, type TopicLimits, topicNameFault } from '../protocol/topic.ts'
import { isUtf8String } from '../protocol/utf8.ts'
import type { Router } from '../router/router.ts'

/** What is wrong with the topic name of a PUBLISH that is not valid; counts it when that is a limit of the hub. */
export function topicFault(
  bytes: Buffer,
  { topicStart, topicEnd }: PublishPacket,
  { ledger, limits, router }: { readonly ledger: Ledger; readonly limits: TopicLimits; readonly router: Router },
): MalformedPacketError {
  const isText = isUtf8String(bytes, topicStart, topicEnd)
  const topic = bytes.toString('utf8', topicStart, topicEnd)
  if (isText && isOverTopicLimit(topicNameFault, topic, limits)) ledger.hit('topic')
  const fault = router.explainInvalid(bytes, topicStart, topicEnd)
  // [MQTT5-1.5.4-1] [MQTT5-1.5.4-2]
  return new MalformedPacketError(fault, isText ? ReasonCode.TOPIC_NAME_INVALID : ReasonCode.MALFORMED_PACKET)
}
