/** The hub that served the page, under whatever path it did. */
const BASE = new URL('./', document.baseURI)

/** The address of something of the hub's API, or with `mqtt` of its WebSocket. */
export function apiUrl(path: string, query: Readonly<Record<string, string | number | undefined>> = {}): string {
  const url = new URL(`api/v1/${path}`, BASE)
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value))
  return url.href
}

export function webSocketUrl(): string {
  const url = new URL('mqtt', BASE)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  return url.href
}

/** @throws Error with the hub's own words */
export async function ask<T>(method: 'GET' | 'POST' | 'DELETE', url: string, body?: unknown): Promise<T> {
  const json = body === undefined ? {} : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(url, { method, ...json })
  const answer: unknown = response.status === 204 ? undefined : await response.json()
  if (!response.ok) {
    const isProblem = typeof answer === 'object' && answer !== null && 'detail' in answer
    throw new Error(isProblem ? String(answer.detail) : response.statusText)
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the hub's own answers, by its schemas
  return answer as T
}
