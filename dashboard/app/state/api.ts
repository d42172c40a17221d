import { signal } from '@preact/signals'
import type { Answer, Call, Given, Question } from '../../../src/http/api-types.ts'

/** The hub that served the page, under whatever path it did. */
const BASE = new URL('./', document.baseURI)

/** What no page of another site can send: required with what changes something. */
const OWN_PAGE = { 'X-Hubbub': '1' }

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

/** Calls that answer with nothing but that it is done. */
type Order = Exclude<Call, Question>

/** The hub answered, with a no in its own words. */
export class ProblemError extends Error {
  readonly status: number
  /** What the hub calls this kind of no: `unauthorized`. */
  readonly kind: string

  constructor(status: number, kind: string, detail: string) {
    super(detail)
    this.status = status
    this.kind = kind
  }
}

/** How often the hub has said that nobody has signed in. */
export const unauthorized = signal(0)

/** What the hub answers to a call. @throws ProblemError with the hub's own words; any other when there was no answer of the hub */
export async function ask<C extends Question>(call: C, ...given: GivenWith<C>): Promise<Answer<C>> {
  const { body }: AnyGiven = given[0] ?? {}
  return (await answered(call, apiUrl(call, ...given), body)).json()
}

/** Has the hub do something that it answers with nothing. @throws as `ask` */
export async function order<C extends Order>(call: C, ...given: GivenWith<C>): Promise<void> {
  const { body }: AnyGiven = given[0] ?? {}
  await answered(call, apiUrl(call, ...given), body)
}

/** For a page that goes: nobody waits for the answer. */
export function orderLast<C extends Order>(call: C, ...given: GivenWith<C>): void {
  fetch(apiUrl(call, ...given), { method: methodOf(call), headers: OWN_PAGE, keepalive: true }).catch(() => undefined)
}

async function answered(call: Call, url: string, body: unknown): Promise<Response> {
  const method = methodOf(call)
  const own = method === 'GET' ? {} : OWN_PAGE
  const json =
    body === undefined
      ? { headers: own }
      : { headers: { ...own, 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(url, { method, ...json })
  if (response.ok) return response
  if (response.status === 401) unauthorized.value++
  const problem: unknown = await response.json()
  throw new ProblemError(
    response.status,
    textIn(problem, 'type').replace(/^.*:/, ''),
    textIn(problem, 'detail') || response.statusText,
  )
}

function methodOf(call: Call): string {
  return call.slice(0, call.indexOf(' '))
}

function textIn(value: unknown, name: string): string {
  const text: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
  return typeof text === 'string' ? text : ''
}
