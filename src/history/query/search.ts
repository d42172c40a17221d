import { type TopicLimits, topicFilterFault } from '../../protocol/topic.ts'
import { type Direction, decodeCursor, fingerprint, type Place } from './search-cursor.ts'
import type { HistoryPosition, HistoryQuery } from '../../admin/history-view.ts'
import { queryError } from './query-error.ts'
import { Where } from './where.ts'

const MAX_LIMIT = 1000
const DEFAULT_LIMIT = 100
const MAX_TEXT_CHARACTERS = 1000
/** The latest time that a Date can have, in ms since 1970. */
const MAX_TIME_MS = 8.64e15

export const BEGINNING: Place = { atMs: -Infinity, sequence: 0 }
export const END: Place = { atMs: Infinity, sequence: Infinity }

/** A checked query. */
export interface Search {
  readonly filter: string
  readonly direction: Direction
  readonly limit: number
  /** In lower case. */
  readonly text: string | undefined
  readonly where: Where | undefined
  /** Not before this; positions by sequence number are still to be found. */
  readonly after: HistoryPosition | undefined
  readonly before: HistoryPosition | undefined
  readonly around: HistoryPosition | undefined
  /** The entry to continue after. */
  readonly cursor: Place | undefined
  readonly print: string
}

/** @throws HubbubError `HISTORY_QUERY_INVALID` naming the parameter */
export function readQuery(query: HistoryQuery, limits: TopicLimits): Search {
  const { filter = '#', order = 'newest', limit = DEFAULT_LIMIT, text, where, before, after, around, cursor } = query
  const fault = topicFilterFault(filter, limits)
  if (fault !== undefined)
    throw queryError('filter', `must be a topic filter, it is ${JSON.stringify(filter)}: ${fault}`)
  if (order !== 'newest' && order !== 'oldest') {
    throw queryError('order', `must be "newest" or "oldest", it is ${JSON.stringify(order)}`)
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw queryError('limit', `must be a whole number from 1 to ${MAX_LIMIT}, it is ${limit}`)
  }
  if (text !== undefined && (text === '' || text.length > MAX_TEXT_CHARACTERS)) {
    throw queryError('text', `must have 1 to ${MAX_TEXT_CHARACTERS} characters, it has ${text.length}`)
  }
  checkPosition('before', before)
  checkPosition('after', after)
  checkPosition('around', around)
  if (around !== undefined && (before !== undefined || after !== undefined || cursor !== undefined)) {
    throw queryError('around', 'must be given without before, after and cursor, there is one of them')
  }
  const lowerText = text?.toLowerCase()
  const print = fingerprint([filter, lowerText, where, before, after])
  const decoded = cursor === undefined ? undefined : decodeCursor(cursor, print)
  return {
    filter,
    direction: decoded?.direction ?? order,
    limit,
    text: lowerText,
    where: where === undefined ? undefined : new Where(where),
    after,
    before,
    around,
    cursor: decoded?.place,
    print,
  }
}

function checkPosition(parameter: string, position: HistoryPosition | undefined): void {
  if (position === undefined) return
  if ('sequence' in position) {
    const { sequence } = position
    if (Number.isSafeInteger(sequence) && sequence >= 0) return
    throw queryError(parameter, `must be a sequence number from 0 on, it is ${sequence}`)
  }
  if (Number.isFinite(position.atMs) && Math.abs(position.atMs) <= MAX_TIME_MS) return
  throw queryError(parameter, `must be a time in ms since 1970, it is ${position.atMs}`)
}
