import { JSONPathEnvironment, JSONPathError, type JSONPathQuery, jsonpath } from 'json-p3'
import { queryError } from './query-error.ts'

const MAX_CHARACTERS = 1000
/** Longer payloads are not searched: they would hold the event loop for longer than everything else. */
const MAX_JSON_BYTES = 256 * 1024
/** The same of what an expression looks through all in all, which takes longer than to find a name. */
const MAX_PASSED_BYTES = 128 * 1024
/** A selector of all members makes an object for each. */
const SELECTOR_PASSES = 2

/** How much of it takes about a microsecond, as one of work does. */
const TERMS_A_WORK = 5
const PASSED_BYTES_A_WORK = 20

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
  readonly #effort: Effort

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
    this.#effort = effortOf(selector.expression)
  }

  /** The payloads that it looks into have at most so many bytes. */
  get maxBytes(): number {
    const { passes } = this.#effort
    return passes === 0 ? MAX_JSON_BYTES : MAX_PASSED_BYTES / passes
  }

  /** What it takes to look into a payload of that size, by the measure of a `PageBudget`. */
  work(payloadBytes: number): number {
    const { passes, terms } = this.#effort
    return payloadBytes > this.maxBytes ? 0 : terms / TERMS_A_WORK + (passes * payloadBytes) / PASSED_BYTES_A_WORK
  }

  /** Whether the payload is JSON for which the expression holds; undefined when there is too much in it to find out. */
  matches(payload: Buffer): boolean | undefined {
    if (payload.length > this.maxBytes) return undefined
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

/** What an expression takes of a payload: how often it may look through all of it, and how much it does for each of its members. */
interface Effort {
  /** For each selector of all members, and each comparison of two paths, times what is done for each member. */
  readonly passes: number
  /** Paths and values that are looked at to answer it once. */
  readonly terms: number
}

const NOTHING: Effort = { passes: 0, terms: 0 }
const VALUE: Effort = { passes: 0, terms: 1 }
const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>='])

/**
 * What an expression takes. Refuses what could visit parts of a payload more than once for each step, which would take time that
 * grows with a power of its size.
 * @throws HubbubError `HISTORY_QUERY_INVALID`
 */
function effortOf(expression: unknown): Effort {
  if (expression instanceof LogicalExpression) return effortOf(expression.expression)
  if (expression instanceof PrefixExpression) return effortOf(expression.right)
  if (expression instanceof InfixExpression) {
    const { left, operator, right } = expression
    const isOfTwoPaths = COMPARISONS.has(operator) && left instanceof RelativeQuery && right instanceof RelativeQuery
    return sum([effortOf(left), effortOf(right), { passes: isOfTwoPaths ? 1 : 0, terms: 0 }])
  }
  if (expression instanceof FunctionExtension) return sum([VALUE, ...expression.args.map(effortOf)])
  if (expression instanceof RootQuery)
    throw queryError('where', 'must begin its paths with @, which is the payload, there is one with $')
  return expression instanceof RelativeQuery ? effortOfPath(expression.path) : VALUE
}

function effortOfPath({ segments }: JSONPathQuery): Effort {
  let passes = 0
  for (const segment of segments) {
    const [selector, another] = segment.selectors
    if (another !== undefined) throw queryError('where', 'must have one selector in brackets, there are several')
    if (segment.toString().startsWith('..')) throw queryError('where', 'must name each step of a path, there is ".."')
    if (selector instanceof NameSelector || selector instanceof IndexSelector) continue
    const each = selector instanceof FilterSelector ? effortOf(selector.expression) : NOTHING
    // What a filter asks of each member, and what that looks through below the member.
    passes += SELECTOR_PASSES + each.terms + each.passes
  }
  return { passes, terms: segments.length + 1 }
}

function sum(efforts: readonly Effort[]): Effort {
  return efforts.reduce(
    (all, { passes, terms }) => ({ passes: all.passes + passes, terms: all.terms + terms }),
    NOTHING,
  )
}
