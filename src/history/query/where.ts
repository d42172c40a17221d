import { JSONPathEnvironment, JSONPathError, type JSONPathQuery, jsonpath } from 'json-p3'
import { queryError } from './query-error.ts'

const MAX_CHARACTERS = 1000
/** Longer payloads are not searched: they would block the event loop for longer than everything else. */
export const MAX_JSON_BYTES = 256 * 1024

const { RelativeQuery, RootQuery, FunctionExtension, InfixExpression, PrefixExpression, LogicalExpression } =
  jsonpath.expressions
const { FilterSelector } = jsonpath.selectors

const ENVIRONMENT = new JSONPathEnvironment()
// Their patterns come from the client, and a pattern such as (a+)+$ can take hours.
ENVIRONMENT.functionRegister.delete('match')
ENVIRONMENT.functionRegister.delete('search')

/** A condition on payloads that are JSON: a filter expression of RFC 9535 such as `@.temperature > 20`. */
export class Where {
  readonly #query: JSONPathQuery

  /** @throws HubbubError `HISTORY_QUERY_INVALID` */
  constructor(expression: string) {
    if (expression.length > MAX_CHARACTERS) {
      throw queryError('where', `must have at most ${MAX_CHARACTERS} characters, it has ${expression.length}`)
    }
    this.#query = compile(expression)
    const [segment, another] = this.#query.segments
    const [selector, other] = segment?.selectors ?? []
    if (!(selector instanceof FilterSelector) || another !== undefined || other !== undefined) {
      throw queryError('where', `must be one filter expression, it is ${JSON.stringify(expression)}`)
    }
    check(selector.expression)
  }

  /** Whether the payload is JSON for which the expression holds. */
  matches(payload: Buffer): boolean {
    if (payload.length > MAX_JSON_BYTES) return false
    try {
      return this.#query.query([JSON.parse(payload.toString())]).length > 0
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof JSONPathError) return false
      throw error
    }
  }
}

function compile(expression: string): JSONPathQuery {
  try {
    return ENVIRONMENT.compile(`$[?${expression}]`)
  } catch (error) {
    if (!(error instanceof JSONPathError)) throw error
    const wanted = 'must be a filter expression of RFC 9535 such as @.temperature > 20'
    throw queryError('where', `${wanted}, it is ${JSON.stringify(expression)}: ${error.message}`)
  }
}

/**
 * Refuses expressions that could visit parts of a payload more than once for each step, which would take time that grows with a
 * power of its size.
 */
function check(expression: unknown): void {
  if (expression instanceof LogicalExpression) check(expression.expression)
  else if (expression instanceof PrefixExpression) check(expression.right)
  else if (expression instanceof InfixExpression) {
    check(expression.left)
    check(expression.right)
  } else if (expression instanceof FunctionExtension) {
    for (const argument of expression.args) check(argument)
  } else if (expression instanceof RootQuery) {
    throw queryError('where', 'must begin its paths with @, which is the payload, there is one with $')
  } else if (expression instanceof RelativeQuery) {
    for (const segment of expression.path.segments) {
      if (segment.selectors.length > 1)
        throw queryError('where', 'must have one selector in brackets, there are several')
      if (segment.toString().startsWith('..')) throw queryError('where', 'must name each step of a path, there is ".."')
      for (const selector of segment.selectors) if (selector instanceof FilterSelector) check(selector.expression)
    }
  }
}
