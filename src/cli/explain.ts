import { askHub } from './ask-hub.ts'
import type { CommandCall } from './command.ts'
import { hubUrl } from './hub-url.ts'

/** Asks a running hub why messages of a topic did or did not arrive. @throws HubbubError `HUB_UNREACHABLE`, `COMMAND_INVALID` */
export async function explain({ operand: topic, flags, loadConfig }: CommandCall): Promise<string> {
  const { config } = await loadConfig()
  const url = flags.get('url') ?? hubUrl(config)
  const clientId = flags.get('client')
  const query = new URLSearchParams({ topic, ...(clientId !== undefined && { clientId }) })
  const answer = await askHub(
    url,
    { verb: 'explain', method: 'GET', path: `/api/v1/explain?${query.toString()}` },
    flags.get('token-file'),
  )
  if (flags.has('json')) return `${JSON.stringify(answer, undefined, 2)}\n`
  const summary: unknown = Reflect.get(answer, 'summary')
  return Array.isArray(summary) ? `${summary.join('\n')}\n` : ''
}
