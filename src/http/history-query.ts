import { Type } from 'typebox'
import type { HistoryPosition, HistoryQuery } from '../history/face.ts'
import { topicFilterFault, type TopicLimits } from '../protocol/topic.ts'
import { invalidParameter } from './problem.ts'
import { TopicFilter } from './schemas.ts'

const Position = (description: string) =>
  Type.String({
    maxLength: 64,
    description: `${description}: a time (2026-01-31T12:00:00Z, or ms since 1970), how long ago (15m), or "seq:" and a sequence number.`,
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

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }
/** Clocks differ, but not by more. */
const MAX_AHEAD_MS = 86_400_000

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
    before: before === undefined ? undefined : readPosition('before', before, nowMs),
    after: after === undefined ? undefined : readPosition('after', after, nowMs),
  }
}

/** A place in the past, as a request names it. @throws HttpProblem */
export function readPosition(parameter: string, text: string, nowMs: number): HistoryPosition {
  const [, sequence] = /^seq:(\d{1,15})$/.exec(text) ?? []
  if (sequence !== undefined) return { sequence: Number(sequence) }
  const [, amount, unit = ''] = /^(\d{1,9})([smhdw])$/.exec(text) ?? []
  const unitMs = UNIT_MS[unit]
  if (amount !== undefined && unitMs !== undefined) return { atMs: Math.max(0, nowMs - Number(amount) * unitMs) }
  const atMs = /^\d{1,15}$/.test(text) ? Number(text) : /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isFinite(atMs) || atMs < 0) {
    throw invalidParameter(parameter, text, 'it must be a time, how long ago, or "seq:" and a sequence number')
  }
  if (atMs > nowMs + MAX_AHEAD_MS) throw invalidParameter(parameter, text, 'it lies more than a day in the future')
  return { atMs }
}
