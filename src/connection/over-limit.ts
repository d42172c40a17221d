import { type TopicLimits, topicNameFault } from '../protocol/topic.ts'
import { isUtf8String } from '../protocol/utf8.ts'
import type { ConnectionParts } from './connection-parts.ts'

const PACKET_TOO_LARGE = /^packet of \d+ bytes is over the limit/
/** What is not valid under these is malformed. */
export const NO_TOPIC_LIMITS: TopicLimits = { maxTopicBytes: Infinity, maxTopicLevels: Infinity }

/**
 * Tells whether a topic name or filter that was refused would be valid without the limits. `faultOf` is `topicNameFault` or
 * `topicFilterFault`. Costs what a log line may cost.
 */
export function isOverTopicLimit(
  faultOf: (topic: string, limits: TopicLimits) => string | undefined,
  topic: string,
  limits: TopicLimits,
): boolean {
  return faultOf(topic, limits) !== undefined && faultOf(topic, NO_TOPIC_LIMITS) === undefined
}

/** Says for the log why the topic name of a PUBLISH was refused, and counts it when that is for a limit. */
export function explainTopicRefusal(parts: ConnectionParts, bytes: Buffer, start: number, end: number): string {
  const { ledger, limits, router } = parts
  const isText = isUtf8String(bytes, start, end)
  if (isText && isOverTopicLimit(topicNameFault, bytes.toString('utf8', start, end), limits)) ledger.hit('topic')
  return router.explainInvalid(bytes, start, end)
}

/** Tells whether a FrameReader called a stream malformed for the size of a packet, by the reason that it gave. */
export function isPacketTooLarge(reason: string): boolean {
  return PACKET_TOO_LARGE.test(reason)
}
