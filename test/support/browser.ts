import { parseSetCookie } from 'cookie'
import type { ApiAnswer } from './api.ts'

/** Asks as a page of the hub does in a browser: with its origin, the hub's header, and the cookie that it was given. */
export class BrowserClient {
  readonly origin: string
  cookie: string | undefined = undefined

  constructor(httpPort: number) {
    this.origin = `http://127.0.0.1:${httpPort}`
  }

  get headers(): Record<string, string> {
    return { Origin: this.origin, 'X-Hubbub': '1', ...(this.cookie !== undefined && { Cookie: this.cookie }) }
  }

  /** Signs in, and keeps the cookie. */
  async signIn(user: string, password: string): Promise<ApiAnswer> {
    const answer = await this.ask('POST', '/session', { user, password })
    this.keep(answer)
    return answer
  }

  async signOut(): Promise<ApiAnswer> {
    const answer = await this.ask('DELETE', '/session')
    this.keep(answer)
    return answer
  }

  async ask(method: string, path: string, json?: unknown, headers: Record<string, string> = {}): Promise<ApiAnswer> {
    const response = await fetch(`${this.origin}/api/v1${path}`, {
      method,
      headers: { ...this.headers, ...(json !== undefined && { 'Content-Type': 'application/json' }), ...headers },
      ...(json !== undefined && { body: JSON.stringify(json) }),
    })
    const isJson = response.headers.get('content-type')?.includes('json') === true
    const body: unknown = isJson ? await response.json() : void (await response.text())
    return { status: response.status, headers: response.headers, body }
  }

  /** Keeps the cookie of an answer, or forgets it. */
  keep({ headers }: ApiAnswer): void {
    const set = headers.get('set-cookie')
    if (set === null) return
    const { name, value = '', maxAge } = parseSetCookie(set)
    this.cookie = maxAge === 0 ? undefined : `${name}=${value}`
  }
}
