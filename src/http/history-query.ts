import type { Static } from 'typebox'
import { readPosition } from '../admin/history-position.ts'
import type { HistoryPosition, HistoryQuery } from '../admin/history-view.ts'
import { topicFilterFault, type TopicLimits } from '../protocol/topic.ts'
import { invalidParameter } from './problem.ts'
import type { ExportQuery } from './schemas/messages.ts'

/** @throws HttpProblem naming the parameter */
export function readConditions(
  { filter, before, after, ...rest }: Static<typeof ExportQuery>,
  limits: TopicLimits,
  nowMs: number,
): HistoryQuery {
  const fault = filter === undefined ? undefined : topicFilterFault(filter, limits)
  if (fault !== undefined) throw invalidParameter('filter', filter, fault)
  return {
    ...rest,
    filter,
    before: before === undefined ? undefined : requirePosition('before', before, nowMs),
    after: after === undefined ? undefined : requirePosition('after', after, nowMs),
  }
}

/** A position in the past, as a request names it. @throws HttpProblem */
export function requirePosition(parameter: string, text: string, nowMs: number): HistoryPosition {
  const position = readPosition(text, nowMs)
  if (typeof position === 'string') throw invalidParameter(parameter, text, position)
  return position
}
