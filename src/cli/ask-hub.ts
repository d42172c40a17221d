import { readFileSync } from 'node:fs'
import { HubbubError } from '../base/errors.ts'

const TIMEOUT_MS = 10_000
const UNAUTHORIZED = 401

/** How a hub is asked, and what for: the verb of errors. */
export interface HubQuestion {
  readonly verb: string
  readonly method: 'GET' | 'POST'
  /** Behind the address of the hub. */
  readonly path: string
}

/**
 * Asks a running hub over HTTP. `tokenFile` has an API token, "-" is standard input: what a command line holds, others can see.
 * @throws HubbubError `HUB_UNREACHABLE`, `COMMAND_INVALID` with what the hub has against it
 */
export async function askHub(
  url: string,
  { verb, method, path }: HubQuestion,
  tokenFile: string | undefined,
): Promise<object> {
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    throw new HubbubError(
      'COMMAND_INVALID',
      `Cannot ask ${JSON.stringify(url)}: --url must be like http://127.0.0.1:8080`,
    )
  }
  const headers = tokenFile === undefined ? {} : { authorization: `Bearer ${readToken(tokenFile)}` }
  const address = `${url.replace(/\/+$/, '')}${path}`
  let response: Response
  let body: unknown
  try {
    response = await fetch(address, { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS) })
    body = response.headers.get('content-type')?.includes('json') === true ? await response.json() : undefined
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : ''
    throw new HubbubError('HUB_UNREACHABLE', `Cannot ask the hub at ${url}: ${reason}; name it with --url`, { cause })
  }
  if (typeof body !== 'object' || body === null) {
    throw new HubbubError('HUB_UNREACHABLE', `Cannot ask the hub at ${url}: what answers there is not a hub`)
  }
  if (response.ok) return body
  const detail = String(Reflect.get(body, 'detail'))
  const hint =
    response.status === UNAUTHORIZED
      ? ' Make a token with "hubbub user token NAME" and name its file with --token-file.'
      : ''
  throw new HubbubError('COMMAND_INVALID', `Cannot ${verb}: ${detail}${hint}`)
}

function readToken(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8').trim()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : ''
    throw new HubbubError('COMMAND_INVALID', `Cannot read the token in ${JSON.stringify(file)}: ${reason}`, { cause })
  }
}
