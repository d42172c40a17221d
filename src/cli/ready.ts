import { setTimeout as sleep } from 'node:timers/promises'
import { readDurationMs } from '../base/durations.ts'
import { HubbubError } from '../base/errors.ts'
import type { CommandCall } from './command.ts'
import { hubUrl } from './hub-url.ts'

const ASK_TIMEOUT_MS = 3000
const ASK_EVERY_MS = 100

/** Asks a running hub whether it can do its work, with `--wait` until it can. @throws HubbubError `HUB_UNREACHABLE`, `COMMAND_INVALID` */
export async function ready({ flags, loadConfig }: CommandCall): Promise<string> {
  const { config } = await loadConfig()
  const url = flags.get('url') ?? hubUrl(config)
  const wait = flags.get('wait') ?? '0s'
  const waitMs = readDurationMs(wait)
  if (waitMs === undefined) {
    throw new HubbubError(
      'COMMAND_INVALID',
      `Cannot wait ${JSON.stringify(wait)}: --wait must be a duration such as 60s`,
    )
  }
  const startedAtMs = performance.now()
  for (;;) {
    const fault = await faultAt(`${url.replace(/\/+$/, '')}/readyz`)
    if (fault === undefined) return 'ready\n'
    if (performance.now() - startedAtMs >= waitMs) {
      throw new HubbubError('HUB_UNREACHABLE', `Cannot use the hub at ${url}: it must be ready, it is not: ${fault}`)
    }
    await sleep(ASK_EVERY_MS)
  }
}

/** Why the hub is not ready; undefined: it is. */
async function faultAt(address: string): Promise<string | undefined> {
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) })
    const text = await response.text()
    return response.ok ? undefined : text.trim()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return error.cause instanceof Error ? error.cause.message : error.message
  }
}
