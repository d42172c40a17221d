import { askHub } from './ask-hub.ts'
import type { CommandCall } from './command.ts'
import { hubUrl } from './hub-url.ts'

/** Has a running hub read its configuration, users and certificates again. @throws HubbubError as `askHub` does */
export async function reload({ flags, loadConfig }: CommandCall): Promise<string> {
  // Looked at here first: what is wrong is told at once, with file and line.
  const { config } = await loadConfig()
  const question = { verb: 'reload', method: 'POST', path: '/api/v1/config/reload' } as const
  const answer = await askHub(flags.get('url') ?? hubUrl(config), question, flags.get('token-file'))
  if (flags.has('json')) return `${JSON.stringify(answer, undefined, 2)}\n`
  const [applied, needRestart] = [keysOf(answer, 'applied'), keysOf(answer, 'needRestart')]
  const lines = [
    applied.length === 0
      ? 'Nothing that can change while the hub runs has changed.'
      : `In force: ${applied.join(', ')}.`,
  ]
  lines.push('Users and certificates were read again.')
  if (needRestart.length > 0) lines.push(`With a restart only: ${needRestart.join(', ')}.`)
  return `${lines.join('\n')}\n`
}

function keysOf(answer: object, name: string): readonly unknown[] {
  const keys: unknown = Reflect.get(answer, name)
  return Array.isArray(keys) ? keys : []
}
