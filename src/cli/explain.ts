import { HubbubError } from '../base/errors.ts'
import type { CommandCall } from './command.ts'
import { hubUrl } from './hub-url.ts'

const TIMEOUT_MS = 10_000

/** Asks a running hub why messages of a topic did or did not arrive. @throws HubbubError `HUB_UNREACHABLE`, `COMMAND_INVALID` */
export async function explain({ operand: topic, flags, loadConfig }: CommandCall): Promise<string> {
  const { config } = await loadConfig()
  const url = flags.get('url') ?? hubUrl(config)
  const clientId = flags.get('client')
  const query = new URLSearchParams({ topic, ...(clientId !== undefined && { clientId }) })
  const answer = await askHub(url, `/api/v1/explain?${query.toString()}`)
  if (flags.has('json')) return `${JSON.stringify(answer, undefined, 2)}\n`
  const summary: unknown = Reflect.get(answer, 'summary')
  return Array.isArray(summary) ? `${summary.join('\n')}\n` : ''
}

async function askHub(url: string, path: string): Promise<object> {
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    throw new HubbubError(
      'COMMAND_INVALID',
      `Cannot ask ${JSON.stringify(url)}: --url must be like http://127.0.0.1:8080`,
    )
  }
  const address = `${url.replace(/\/+$/, '')}${path}`
  let response: Response
  let body: unknown
  try {
    response = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    body = response.headers.get('content-type')?.includes('json') === true ? await response.json() : undefined
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : ''
    throw new HubbubError('HUB_UNREACHABLE', `Cannot ask the hub at ${url}: ${reason}; name it with --url`, { cause })
  }
  if (typeof body !== 'object' || body === null) {
    throw new HubbubError('HUB_UNREACHABLE', `Cannot ask the hub at ${url}: what answers there is not a hub`)
  }
  if (response.ok) return body
  throw new HubbubError('COMMAND_INVALID', `Cannot explain: ${String(Reflect.get(body, 'detail'))}`)
}
