import { JSONPathEnvironment, JSONPathError, type JSONPathQuery, jsonpath } from 'json-p3'
import { queryError } from './query-error.ts'

const MAX_CHARACTERS = 1000
/** Longer payloads are not searched: they would hold the event loop for longer than everything else. */
const MAX_JSON_BYTES = 256 * 1024
/** What an expression may look through all in all, which takes longer than to find a name. */
const MAX_PASSED_BYTES = 64 * 1024

const { RelativeQuery, RootQuery, FunctionExtension, InfixExpression, PrefixExpression, LogicalExpression } =
  jsonpath.expressions
const { FilterSelector, IndexSelector, NameSelector } = jsonpath.selectors

const ENVIRONMENT = new JSONPathEnvironment()
// Their patterns come from the client, and a pattern such as (a+)+$ can take hours.
ENVIRONMENT.functionRegister.delete('match')
ENVIRONMENT.functionRegister.delete('search')

/** A condition on payloads that are JSON: a filter expression of RFC 9535 such as `@.temperature > 20`. */
export class Where {
  readonly #query: JSONPathQuery
  readonly #maxBytes: number

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
    const passes = passesOf(selector.expression)
    this.#maxBytes = passes === 0 ? MAX_JSON_BYTES : MAX_PASSED_BYTES / passes
  }

  /** Whether the payload is JSON for which the expression holds; undefined when there is too much in it to find out. */
  matches(payload: Buffer): boolean | undefined {
    if (payload.length > this.#maxBytes) return undefined
    try {
      return this.#query.query([JSON.parse(payload.toString())]).length > 0
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof JSONPathError) return false
      // The query is deeper, or a list in it longer, than the stack of the platform.
      if (error instanceof RangeError) return undefined
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
 * How often an expression may look through a whole payload: for each selector of all members, and each comparison of two paths.
 * Refuses what could visit parts of a payload more than once for each step, which would take time that grows with a power of its
 * size.
 * @throws HubbubError `HISTORY_QUERY_INVALID`
 */
function passesOf(expression: unknown): number {
  if (expression instanceof LogicalExpression) return passesOf(expression.expression)
  if (expression instanceof PrefixExpression) return passesOf(expression.right)
  if (expression instanceof InfixExpression) {
    const { left, right } = expression
    const isOfTwoPaths = left instanceof RelativeQuery && right instanceof RelativeQuery
    return passesOf(left) + passesOf(right) + (isOfTwoPaths ? 1 : 0)
  }
  if (expression instanceof FunctionExtension)
    return expression.args.reduce((passes, argument) => passes + passesOf(argument), 0)
  if (expression instanceof RootQuery)
    throw queryError('where', 'must begin its paths with @, which is the payload, there is one with $')
  return expression instanceof RelativeQuery ? passesOfPath(expression.path) : 0
}

function passesOfPath({ segments }: JSONPathQuery): number {
  let passes = 0
  for (const segment of segments) {
    const [selector, another] = segment.selectors
    if (another !== undefined) throw queryError('where', 'must have one selector in brackets, there are several')
    if (segment.toString().startsWith('..')) throw queryError('where', 'must name each step of a path, there is ".."')
    if (!(selector instanceof NameSelector) && !(selector instanceof IndexSelector)) passes++
    if (selector instanceof FilterSelector) passes += passesOf(selector.expression)
  }
  return passes
}
