const RESERVED_LEVELS: ReadonlySet<string> = new Set(['$SYS', '$hub', '$history'])
/** Why a message to one of them goes nowhere. */
export const RESERVED_REASON = 'only the hub publishes to $SYS, $hub and $history'
const DOLLAR = 0x24
const SLASH = 0x2f

/**
 * Tells whether a topic is the hub's own: its state, its receipts, and what stands for its history in subscriptions. What clients
 * publish there goes nowhere [MQTT-3.1.1 §4.7.2].
 */
export function isReservedTopic(topic: string): boolean {
  return topic.startsWith('$') && RESERVED_LEVELS.has(topic.split('/', 1)[0] ?? '')
}

/** The same of the topic name `bytes[start, end)`. */
export function isReservedName(bytes: Buffer, start: number, end: number): boolean {
  if (bytes[start] !== DOLLAR) return false
  let levelEnd = start
  while (levelEnd < end && bytes[levelEnd] !== SLASH) levelEnd++
  return RESERVED_LEVELS.has(bytes.toString('latin1', start, levelEnd))
}
