import { Type } from 'typebox'
import type { HistoryPosition, HistoryQuery } from '../admin/history-view.ts'
import { POSITION_FORMS, readPosition } from '../admin/history-position.ts'
import { topicFilterFault, type TopicLimits } from '../protocol/topic.ts'
import { invalidParameter } from './problem.ts'
import { TopicFilter } from './schemas.ts'

const Position = (description: string) =>
  Type.String({
    maxLength: 64,
    description: `${description}: ${POSITION_FORMS}.`,
  })

/** What is looked for in the history, as parameters of a request. */
export const HistoryConditions = {
  filter: Type.Optional(TopicFilter),
  before: Type.Optional(Position('Only what is older')),
  after: Type.Optional(Position('Only what is newer')),
  text: Type.Optional(
    Type.String({ minLength: 1, maxLength: 1000, description: 'In the payload or the topic, in upper or lower case.' }),
  ),
  where: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1000,
      description: 'A filter of RFC 9535 over the payload as JSON: @.temperature > 20 && @.unit == "C"',
    }),
  ),
  order: Type.Optional(Type.Enum(['newest', 'oldest'])),
}

export interface HistoryConditionsJson {
  readonly filter?: string
  readonly before?: string
  readonly after?: string
  readonly text?: string
  readonly where?: string
  readonly order?: 'newest' | 'oldest'
}

/** @throws HttpProblem naming the parameter */
export function readConditions(
  { filter, before, after, ...rest }: HistoryConditionsJson,
  limits: TopicLimits,
  nowMs: number,
): HistoryQuery {
  const fault = filter === undefined ? undefined : topicFilterFault(filter, limits)
  if (fault !== undefined) throw invalidParameter('filter', filter, fault)
  return {
    ...rest,
    filter,
    before: before === undefined ? undefined : readPlace('before', before, nowMs),
    after: after === undefined ? undefined : readPlace('after', after, nowMs),
  }
}

/** A place in the past, as a request names it. @throws HttpProblem */
export function readPlace(parameter: string, text: string, nowMs: number): HistoryPosition {
  const position = readPosition(text, nowMs)
  if (typeof position === 'string') throw invalidParameter(parameter, text, position)
  return position
}
