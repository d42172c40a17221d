import { readDurationMs } from '../base/durations.ts'
import { topicFilterFault, type TopicLimits } from './topic.ts'

const PREFIX = '$history/'
const MAX_MESSAGES = 1_000_000
const MAX_MS = 36_500 * 86_400_000

/** From where on the past is asked for: the last messages of all topics together, or those of the last while. */
export type PastStart = { readonly messages: number } | { readonly ms: number }

/** A subscription to the past and what follows it: `$history/50/devices/#`, `$history/15m/devices/#`. */
export interface HistoryFilter {
  readonly start: PastStart
  /** What is subscribed to: `devices/#`. */
  readonly filter: string
}

/** Tells whether a topic filter asks for the past, well-formed or not. */
export function isHistoryFilter(filter: string): boolean {
  return filter.startsWith(PREFIX)
}

/** The filter that messages are matched with: `a/+` of `$history/5/a/+`. */
export function filterOfHistory(filter: string): string {
  return filter.slice(filter.indexOf('/', PREFIX.length) + 1)
}

/** Takes a filter that asks for the past apart; or says for the log what it lacks. */
export function readHistoryFilter(filter: string, limits: TopicLimits): HistoryFilter | string {
  const amountEnd = filter.indexOf('/', PREFIX.length)
  const inner = filterOfHistory(filter)
  if (amountEnd === -1 || inner.startsWith('$'))
    return 'it must be $history/<how much>/<filter>, as in $history/15m/a/#'
  const start = readStart(filter.slice(PREFIX.length, amountEnd))
  if (start === undefined)
    return 'how much of the past it wants must be a count, or a time such as 30s, 15m, 24h, 7d or 2w'
  return topicFilterFault(inner, limits) ?? { start, filter: inner }
}

function readStart(amount: string): PastStart | undefined {
  if (/^\d{1,12}$/.test(amount)) return { messages: Math.min(Number(amount), MAX_MESSAGES) }
  const ms = readDurationMs(amount)
  return ms === undefined ? undefined : { ms: Math.min(ms, MAX_MS) }
}
