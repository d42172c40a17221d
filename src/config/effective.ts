import type { Completed } from './complete.ts'
import { configValue } from './config.ts'
import { OPTIONS } from './options.ts'
import { formatValue } from './value.ts'

/** What `hubbub config` prints: a line for each option with its value and where that came from. */
export function effectiveText({ config, origins }: Completed): string {
  const rows = OPTIONS.map((option): [string, string, string] => [
    option.key,
    formatValue(option, configValue(config, option.key)),
    origins.get(option.key) ?? '',
  ])
  const keyWidth = Math.max(...rows.map(([key]) => key.length))
  const valueWidth = Math.max(...rows.map(([, value]) => value.length))
  return rows
    .map(([key, value, origin]) => `${key.padEnd(keyWidth)}  ${value.padEnd(valueWidth)}  ${origin}\n`)
    .join('')
}

/** The same for programs. `config` has the form of a configuration file, in which `Infinity` is null. */
export function effectiveJson({ config, origins }: Completed): string {
  return `${JSON.stringify({ config, origins: Object.fromEntries(origins) }, undefined, 2)}\n`
}
