import { HubbubError } from '../../base/errors.ts'

/** A query that cannot be answered: `parameter` is what `problem` is about. */
export function queryError(parameter: string, problem: string): HubbubError {
  return new HubbubError('HISTORY_QUERY_INVALID', `Cannot search the history: ${parameter} ${problem}`)
}
