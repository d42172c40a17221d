import { quote } from '../base/quote.ts'
import { isUtf8String } from './utf8.ts'

/** How large a topic name or topic filter may be. */
export interface TopicLimits {
  /** In UTF-8; at most 65,535 [MQTT-4.7.3-3]. */
  readonly maxTopicBytes: number
  readonly maxTopicLevels: number
}

/** What is not valid under these is malformed. */
export const NO_TOPIC_LIMITS: TopicLimits = { maxTopicBytes: Infinity, maxTopicLevels: Infinity }

/** Says for the log what a topic name lacks, or undefined when it is valid. */
export function topicNameFault(topic: string, limits: TopicLimits): string | undefined {
  if (hasWildcard(topic)) return "it must not contain '+' or '#'" // [MQTT-3.3.2-2], [MQTT-4.7.1-1]
  return commonFault(topic, limits)
}

/** Says for the log what a topic filter lacks, or undefined when it is valid. */
export function topicFilterFault(filter: string, limits: TopicLimits): string | undefined {
  const fault = commonFault(filter, limits)
  if (fault !== undefined || !hasWildcard(filter)) return fault
  const levels = filter.split('/')
  for (const [i, level] of levels.entries()) {
    // [MQTT-4.7.1-2]
    if (level.includes('#') && (level !== '#' || i < levels.length - 1))
      return "'#' must be the whole of the last level"
    if (level.includes('+') && level !== '+') return "'+' must be the whole of a level" // [MQTT-4.7.1-3]
  }
  return undefined
}

/**
 * Tells whether a topic name or filter is not valid for the limits alone. `faultOf` says what is wrong with it under some limits:
 * `topicNameFault` or `subscriptionFault`. Costs what a log line may cost.
 */
export function isOverTopicLimit(
  faultOf: (topic: string, limits: TopicLimits) => string | undefined,
  topic: string,
  limits: TopicLimits,
): boolean {
  return faultOf(topic, limits) !== undefined && faultOf(topic, NO_TOPIC_LIMITS) === undefined
}

/** Says for the log why the bytes that came as a topic name are not one. Costs what a log line may cost. */
export function describeInvalidTopicName(bytes: Buffer, start: number, end: number, limits: TopicLimits): string {
  const topic = bytes.toString('utf8', start, end)
  const fault = isUtf8String(bytes, start, end) ? topicNameFault(topic, limits) : 'it must be UTF-8 without U+0000'
  return `the topic name ${quote(topic)} is not valid: ${fault ?? 'nothing is wrong with it'}`
}

/** Tells whether a filter reaches topics other than the one it spells. */
export function hasWildcard(filter: string): boolean {
  return filter.includes('+') || filter.includes('#')
}

/** Tells whether a topic name falls under a filter. Both must be valid already; cost is one pass over the levels. */
export function filterMatches(filter: readonly string[], topic: readonly string[]): boolean {
  // [MQTT-4.7.2-1] a leading wildcard never reaches topics that begin with "$".
  if (topic[0]?.startsWith('$') === true && (filter[0] === '#' || filter[0] === '+')) return false
  for (const [i, level] of filter.entries()) {
    if (level === '#') return true
    if (i >= topic.length || (level !== '+' && level !== topic[i])) return false
  }
  return filter.length === topic.length
}

/** What holds for names and filters alike. */
function commonFault(topic: string, limits: TopicLimits): string | undefined {
  if (topic === '') return 'it must have at least one character' // [MQTT-4.7.3-1]
  if (topic.includes('\0')) return 'it must not contain U+0000' // [MQTT-4.7.3-2]
  if (/\p{Surrogate}/u.test(topic)) return 'it must not contain half of a surrogate pair' // [MQTT-1.5.3-1]
  const { maxTopicBytes, maxTopicLevels } = limits
  const topicBytes = Buffer.byteLength(topic)
  if (topicBytes > maxTopicBytes)
    return `it must be at most ${maxTopicBytes} bytes long (limits.maxTopicBytes), it is ${topicBytes}`
  const levels = countLevels(topic)
  if (levels > maxTopicLevels)
    return `it must have at most ${maxTopicLevels} levels (limits.maxTopicLevels), it has ${levels}`
  return undefined
}

function countLevels(topic: string): number {
  let levels = 1
  for (let at = topic.indexOf('/'); at !== -1; at = topic.indexOf('/', at + 1)) levels++
  return levels
}
