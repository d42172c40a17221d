import { STATUS_CODES } from 'node:http'
import { HubbubError } from '../base/errors.ts'
import { quote } from '../base/quote.ts'

/** One thing that is wrong with a request. */
export interface ParameterFault {
  /** Where: `limit`, `messages/0/topic`. */
  readonly parameter: string
  /** What it is now, if it is short. */
  readonly value: string | undefined
  readonly reason: string
}

/** A problem document [RFC 9457]. `type` is stable; the rest is for people. */
export interface ProblemDocument {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance: string
  readonly errors?: readonly ParameterFault[]
}

/** Every kind of problem, by the last part of its type `urn:hubbub:problem:…`, with its status and title. */
export const PROBLEMS = {
  'parameter-invalid': [400, 'A parameter is not valid'],
  'path-invalid': [400, 'The path cannot be read'],
  'request-invalid': [400, 'This is not HTTP'],
  'body-invalid': [400, 'The body cannot be read'],
  unauthorized: [401, 'This needs somebody who has signed in'],
  forbidden: [403, 'Who asks may not do this'],
  'cross-site': [403, 'Pages of other sites must not do this'],
  'not-found': [404, 'There is nothing here'],
  'method-not-allowed': [405, 'This cannot be done here'],
  'request-timeout': [408, 'The request did not come in time'],
  conflict: [409, 'This cannot be done now'],
  'body-too-large': [413, 'The body is too large'],
  'media-type-unsupported': [415, 'The body must be JSON'],
  'host-unknown': [421, 'The hub does not accept this host name'],
  'too-many': [429, 'There are too many at once'],
  'headers-too-large': [431, 'The address or the headers are too large'],
  internal: [500, 'There is a bug in the hub'],
  unavailable: [503, 'This is not available right now'],
  'no-reply': [504, 'There was no reply in time'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ProblemKind = keyof typeof PROBLEMS

/** Ends a request with a problem document. */
export class HttpProblem extends Error {
  readonly kind: ProblemKind
  readonly faults: readonly ParameterFault[]

  constructor(kind: ProblemKind, detail: string, faults: readonly ParameterFault[] = []) {
    super(detail)
    this.name = 'HttpProblem'
    this.kind = kind
    this.faults = faults
  }

  get status(): number {
    return PROBLEMS[this.kind][0]
  }

  document(instance: string): ProblemDocument {
    const [status, title] = PROBLEMS[this.kind]
    return {
      type: `urn:hubbub:problem:${this.kind}`,
      title,
      status,
      detail: this.message,
      instance,
      ...(this.faults.length > 0 && { errors: this.faults }),
    }
  }
}

/** One parameter is wrong. */
export function invalidParameter(parameter: string, value: unknown, reason: string): HttpProblem {
  const fault = { parameter, value: shown(value), reason }
  return new HttpProblem('parameter-invalid', describe(fault), [fault])
}

/** What Fastify and its validator throw. */
interface FastifyFault extends Error {
  readonly statusCode?: number
  readonly validation?: readonly ValidationFault[]
  readonly validationContext?: string
}

interface ValidationFault {
  readonly instancePath: string
  readonly keyword: string
  readonly message?: string
  readonly params: Readonly<Record<string, unknown>>
}

/** The problem that an error is to whoever sent the request; undefined: a bug of ours. `input` is what was validated. */
export function problemOf(error: unknown, input: (context: string) => unknown): HttpProblem | undefined {
  if (error instanceof HttpProblem) return error
  if (error instanceof HubbubError) return problemOfHub(error)
  if (!(error instanceof Error)) return undefined
  if (error.name === 'AbortError') return new HttpProblem('unavailable', 'The client has gone.')
  const { statusCode = 500, validation, validationContext = '' }: FastifyFault = error
  if (validation !== undefined) {
    const faults = validation.map((fault) => faultOf(fault, input(validationContext)))
    return new HttpProblem('parameter-invalid', faults.map(describe).join('; '), faults)
  }
  if (statusCode === 413) return new HttpProblem('body-too-large', error.message)
  if (statusCode === 415)
    return new HttpProblem('media-type-unsupported', 'Send it with "Content-Type: application/json".')
  if (statusCode === 404) return new HttpProblem('not-found', error.message)
  // Of the pages' folder: a path that leads out of it, or that no file can have.
  if (statusCode === 403) return new HttpProblem('not-found', 'The hub has nothing at this path.')
  return statusCode < 500 ? new HttpProblem('body-invalid', `${STATUS_CODES[statusCode]}: ${error.message}`) : undefined
}

/** The problem of bytes that Node's parser of HTTP did not take, by its code. */
export function problemOfParser(code: string | undefined): HttpProblem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new HttpProblem('request-timeout', 'The whole request must come within 30 seconds, its headers within 10.')
  if (code === 'HPE_HEADER_OVERFLOW')
    return new HttpProblem('headers-too-large', 'Path, query and headers may have 256 KiB together.')
  return new HttpProblem('request-invalid', 'The request cannot be read as HTTP/1.1.')
}

function problemOfHub(error: HubbubError): HttpProblem | undefined {
  switch (error.code) {
    case 'ARGUMENT_INVALID':
    case 'TOPIC_NAME_INVALID':
    case 'USER_INVALID':
    case 'TOPIC_FILTER_INVALID':
    case 'HISTORY_QUERY_INVALID':
      return new HttpProblem('parameter-invalid', error.message)
    case 'TOPIC_RESERVED':
    case 'PUBLISH_REFUSED':
    case 'PUBLISH_NOT_STORED':
    case 'HISTORY_DISABLED':
    case 'USERS_INVALID':
    case 'USERS_FAILED':
      return new HttpProblem('conflict', error.message)
    case 'ACCESS_DENIED':
      return new HttpProblem('forbidden', error.message)
    case 'REQUEST_NOT_HEARD':
      return new HttpProblem('not-found', error.message)
    case 'REQUEST_NOT_ANSWERED':
      return new HttpProblem('no-reply', error.message)
    case 'HUB_NOT_RUNNING':
      return new HttpProblem('unavailable', error.message)
    default:
      return undefined
  }
}

function faultOf(
  { instancePath, keyword, message = 'is not valid', params }: ValidationFault,
  input: unknown,
): ParameterFault {
  const path = instancePath.split('/').slice(1)
  const { missingProperty, additionalProperty, allowedValues, allowedValue } = params
  if (typeof missingProperty === 'string') path.push(missingProperty)
  if (typeof additionalProperty === 'string') path.push(additionalProperty)
  const allowed = Array.isArray(allowedValues) ? `: ${allowedValues.join(', ')}` : ''
  const reason =
    keyword === 'required'
      ? 'it is required'
      : keyword === 'additionalProperties'
        ? 'there is no such parameter'
        : allowedValue === undefined
          ? `it ${message}${allowed}`
          : `it must be ${JSON.stringify(allowedValue)}`
  return { parameter: path.join('/') || 'body', value: shown(valueAt(input, path)), reason }
}

function valueAt(input: unknown, path: readonly string[]): unknown {
  let value = input
  for (const name of path) value = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
  return value
}

function describe({ parameter, value, reason }: ParameterFault): string {
  return value === undefined ? `${parameter}: ${reason}` : `${parameter}: ${reason}, it is ${value}`
}

function shown(value: unknown): string | undefined {
  return value === undefined ? undefined : quote(value)
}
