import { parseArgs } from 'node:util'
import { closest, didYouMean } from './closest.ts'
import { readTextEntry, type Entry } from './entries.ts'
import { flagName, type Option } from './option.ts'
import { OPTIONS } from './options.ts'
import type { Problems } from './problems.ts'

/** Flags that are not options of the hub. */
const SWITCHES = ['help', 'version', 'json', 'force'] as const
/** Flags that are not options of the hub, each with a value. */
const VALUE_FLAGS = ['config', 'session', 'client', 'url', 'filter', 'since', 'until'] as const

type Switch = (typeof SWITCHES)[number]
export type ValueFlag = (typeof VALUE_FLAGS)[number]

/** A command line, taken apart. */
export interface CommandLine {
  /** The words that are no flags: the command and what belongs to it. */
  readonly words: readonly string[]
  readonly switches: ReadonlySet<Switch>
  /** The values of flags that are not options. */
  readonly values: ReadonlyMap<ValueFlag, string>
  readonly entries: readonly Entry[]
}

const OPTION_BY_FLAG = new Map<string, Option>(OPTIONS.map((option) => [flagName(option.key), option]))
const FLAG_NAMES = [...OPTION_BY_FLAG.keys(), ...SWITCHES, ...VALUE_FLAGS]
const FLAG_TYPES = {
  ...Object.fromEntries(
    [...OPTION_BY_FLAG].map(([flag, { kind }]) => [flag, { type: kind === 'boolean' ? 'boolean' : 'string' } as const]),
  ),
  ...Object.fromEntries(VALUE_FLAGS.map((flag) => [flag, { type: 'string' } as const])),
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
  json: { type: 'boolean' },
  force: { type: 'boolean' },
} as const

/** Takes apart what was typed after `hubbub`. Of a flag that is given twice the last one counts. */
export function readCommandLine(argv: readonly string[], problems: Problems): CommandLine {
  const words: string[] = []
  const switches = new Set<Switch>()
  const entries: Entry[] = []
  const values = new Map<ValueFlag, string>()
  let unknownFlagIndex: number | undefined
  const { tokens } = parseArgs({ args: [...argv], options: FLAG_TYPES, strict: false, tokens: true })
  for (const token of tokens) {
    if (token.kind === 'positional') {
      // What follows an unknown flag is most likely its value, not a command.
      if (token.index - 1 !== unknownFlagIndex) words.push(token.value)
      continue
    }
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    const option = OPTION_BY_FLAG.get(name)
    const switchName = SWITCHES.find((known) => known === name)
    const valueName = VALUE_FLAGS.find((known) => known === name)
    const hasValue = value !== undefined && (token.inlineValue || !value.startsWith('--'))
    if (switchName !== undefined) {
      if (value === undefined) switches.add(switchName)
      else problems.add(rawName, `it takes no value, it has ${JSON.stringify(value)}`)
    } else if (valueName !== undefined && hasValue) {
      values.set(valueName, value)
    } else if (option?.kind === 'boolean') {
      readTextEntry(option, value ?? 'true', rawName, problems, entries)
    } else if (option !== undefined && hasValue) {
      readTextEntry(option, value, rawName, problems, entries)
    } else if (option !== undefined || valueName !== undefined) {
      problems.add(rawName, `it needs a value, as in ${rawName}=VALUE`, option?.key)
    } else {
      const sameName = FLAG_NAMES.find((known) => known.endsWith(`-${name}`))
      const near = closest(name, FLAG_NAMES) ?? sameName
      problems.add(rawName, `there is no such flag${didYouMean(near === undefined ? undefined : `--${near}`)}`)
      unknownFlagIndex = token.index
    }
  }
  return { words, switches, values, entries }
}
