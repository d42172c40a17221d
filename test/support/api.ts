import { expect } from 'vitest'

/** What the API answered. */
export interface ApiAnswer {
  readonly status: number
  readonly headers: Headers
  /** Parsed when it is JSON; undefined when there is none. */
  readonly body: unknown
}

/** Asks the API of a hub on 127.0.0.1. */
export class ApiClient {
  readonly #url: string

  constructor(httpPort: number, basePath = '') {
    this.#url = `http://127.0.0.1:${httpPort}${basePath}/api/v1`
  }

  get(path: string, query: Readonly<Record<string, string | number | boolean>> = {}): Promise<ApiAnswer> {
    return this.#ask('GET', path, query)
  }

  delete(path: string, query: Readonly<Record<string, string | number | boolean>> = {}): Promise<ApiAnswer> {
    return this.#ask('DELETE', path, query)
  }

  post(path: string, json?: unknown): Promise<ApiAnswer> {
    const body =
      json === undefined ? {} : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(json) }
    return this.#ask('POST', path, {}, body)
  }

  async #ask(
    method: string,
    path: string,
    query: Readonly<Record<string, string | number | boolean>>,
    init: RequestInit = {},
  ): Promise<ApiAnswer> {
    const parameters = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) parameters.set(name, String(value))
    const answer = await fetch(`${this.#url}${path}${parameters.size === 0 ? '' : `?${parameters.toString()}`}`, {
      ...init,
      method,
    })
    const isJson = answer.headers.get('content-type')?.includes('json') === true
    const body: unknown = isJson ? await answer.json() : void (await answer.text())
    return { status: answer.status, headers: answer.headers, body }
  }
}

/** Expects a problem document of that status in which a parameter is named. */
export function expectProblem(answer: ApiAnswer, status: number, parameter?: string): void {
  expect(answer.headers.get('content-type')).toContain('application/problem+json')
  expect(answer.body).toMatchObject({ status, title: expect.any(String), detail: expect.any(String) })
  expect(answer.status).toBe(status)
  if (parameter !== undefined) expect(answer.body).toMatchObject({ errors: [{ parameter }] })
}

/** A field of what the API answered. */
export function fieldOf({ body }: ApiAnswer, name: string): unknown {
  if (typeof body !== 'object' || body === null) throw new Error(`no ${name}: the answer has no body`)
  return Reflect.get(body, name)
}

/** The cursor behind a page. */
export function cursorOf(answer: ApiAnswer): string {
  return String(fieldOf(answer, 'nextCursor'))
}

/** One field of each entry of a list in what the API answered. */
export function eachOf(answer: ApiAnswer, list: string, name: string): unknown[] {
  const entries = fieldOf(answer, list)
  if (!Array.isArray(entries)) throw new Error(`no ${list}: ${JSON.stringify(answer.body)}`)
  return entries.map((entry: unknown) =>
    typeof entry === 'object' && entry !== null ? Reflect.get(entry, name) : entry,
  )
}
