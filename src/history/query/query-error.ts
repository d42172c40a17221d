import { HubbubError } from '../../base/errors.ts'

/** A query that cannot be answered: `problem` says what is wrong with `parameter`. */
export function queryError(parameter: string, problem: string): HubbubError {
  return new HubbubError('HISTORY_QUERY_INVALID', `Cannot search the history: ${parameter} ${problem}`)
}
