import { resolve } from 'node:path'
import { HubbubError } from '../base/errors.ts'
import type { Config } from '../config/config.ts'

/** The data folder, for a command that works on it. @throws HubbubError `COMMAND_INVALID` when there is none */
export function dataFolder(command: string, { data }: Config): string {
  if (data !== 'memory') return resolve(data)
  throw new HubbubError(
    'COMMAND_INVALID',
    `Cannot run "${command}": a data folder is required, data is "memory"; name one with --data`,
  )
}
