import type { Answer, Call, Given, Question } from '../../../src/http/api-types.ts'

/** The hub that served the page, under whatever path it did. */
const BASE = new URL('./', document.baseURI)

/** `Given`, without knowing of what call. */
interface AnyGiven {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly body?: unknown
}

/** What has to be given with a call, if anything. */
export type GivenWith<C extends Call> =
  unknown extends Given<C> ? [] : object extends Given<C> ? [given?: Given<C>] : [given: Given<C>]

/** The address that a call asks. */
export function apiUrl<C extends Call>(call: C, ...given: GivenWith<C>): string
export function apiUrl(call: Call, { params = {}, query = {} }: AnyGiven = {}): string {
  const path = call.slice(call.indexOf('/')).replaceAll(/:(\w+)/g, (_, name) => encodeURIComponent(params[name] ?? ''))
  const url = new URL(`api/v1${path}`, BASE)
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value))
  return url.href
}

/** The address of the hub's WebSocket for MQTT. */
export function webSocketUrl(): string {
  const url = new URL('mqtt', BASE)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  return url.href
}

/** The hub answered, with a no in its own words. */
export class ProblemError extends Error {
  readonly status: number

  constructor(status: number, detail: string) {
    super(detail)
    this.status = status
  }
}

/** What the hub answers to a call. @throws ProblemError with the hub's own words; any other when there was no answer of the hub */
export async function ask<C extends Question>(call: C, ...given: GivenWith<C>): Promise<Answer<C>> {
  const { body }: AnyGiven = given[0] ?? {}
  const json = body === undefined ? {} : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(apiUrl(call, ...given), { method: call.slice(0, call.indexOf(' ')), ...json })
  if (response.ok) return response.json()
  const problem: unknown = await response.json()
  const isProblem = typeof problem === 'object' && problem !== null && 'detail' in problem
  throw new ProblemError(response.status, isProblem ? String(problem.detail) : response.statusText)
}
