import type { Completed } from './complete.ts'
import { buildConfig, configValue } from './config.ts'
import { OPTIONS } from './options.ts'
import { formatValue, hideSecrets } from './value-text.ts'

const MAX_COLUMN = 60

/** What `hubbub config` prints: a line for each option with its value and where that came from. */
export function effectiveText({ config, origins }: Completed): string {
  const rows = OPTIONS.map(({ key, schema }): [string, string, string] => [
    key,
    formatValue(schema, configValue(config, key)),
    origins.get(key) ?? '',
  ])
  const keyWidth = Math.max(...rows.map(([key]) => key.length))
  // A list of rules may be long: its line is, the others stay as they are.
  const valueWidth = Math.max(...rows.map(([, value]) => (value.length > MAX_COLUMN ? 0 : value.length)))
  return rows
    .map(([key, value, origin]) => `${key.padEnd(keyWidth)}  ${value.padEnd(valueWidth)}  ${origin}\n`)
    .join('')
}

/** The same for programs. `config` has the form of a configuration file, in which `Infinity` is null; secrets are hidden. */
export function effectiveJson({ config, origins }: Completed): string {
  const shown = buildConfig(
    new Map(OPTIONS.map(({ key, schema }) => [key, hideSecrets(schema, configValue(config, key))])),
  )
  return `${JSON.stringify({ config: shown, origins: Object.fromEntries(origins) }, undefined, 2)}\n`
}
