import { quote } from '../base/quote.ts'
import type { Written } from '../base/written.ts'
import { closest, didYouMean } from '../base/closest.ts'
import { findOption, OPTIONS, SECTIONS } from './options.ts'
import type { Option } from './option.ts'
import type { Problems } from './problems.ts'
import { readText, ValueReader } from './read-value.ts'
import { isWritten } from './schema.ts'

/** A value that a source gives to an option, checked. */
export interface Entry {
  readonly option: Option
  readonly value: unknown
  /** Where it was read: `hubbub.yaml:12`, `HUBBUB_PORT`, `--port`. */
  readonly origin: string
  /** Where a part of it was read, such as `[1].path` of a list. */
  readonly originOf: (at: string) => string
}

/** What a variable or a flag says of an option. */
export interface OptionText {
  readonly option: Option
  readonly text: string
  /** `HUBBUB_PORT`, `--port`. */
  readonly origin: string
}

/** What a tree of values was read from; parts are named by dotted path. */
export interface TreeSource {
  /** Where a part stands: `hubbub.yaml:12`. */
  originOf(path: string): string
  /** A part with the places of all that is in it. */
  written?(path: string): Written
}

/** Reads the nested values of a file or a program. */
export function readTree(tree: unknown, source: TreeSource, problems: Problems): Entry[] {
  if (tree === null || tree === undefined) return []
  if (isMapping(tree)) return readMapping(tree, '', source, problems)
  problems.addSource(
    'CONFIG_INVALID',
    `Cannot use ${source.originOf('')}: a configuration is options by name, such as "port: 1883", it is ${quote(tree)}`,
  )
  return []
}

function readMapping(
  mapping: Readonly<Record<string, unknown>>,
  prefix: string,
  source: TreeSource,
  problems: Problems,
): Entry[] {
  return Object.entries(mapping).flatMap(([name, value]): Entry[] => {
    const path = prefix + name
    const option = name.includes('.') ? undefined : findOption(path)
    if (option !== undefined) {
      if (value === undefined) return []
      const shown = isWritten(option.schema) ? (source.written?.(path) ?? value) : value
      return readOption(option, shown, (at) => source.originOf(path + at), problems)
    }
    if (prefix !== '' || !SECTIONS.has(name)) {
      problems.add(source.originOf(path), `there is no option ${quote(path)}${hintForPath(path, name)}`)
      return []
    }
    if (isMapping(value)) return readMapping(value, `${name}.`, source, problems)
    const enabled = findOption(`${name}.enabled`)
    if (typeof value === 'boolean' && enabled !== undefined)
      return [{ option: enabled, value, origin: source.originOf(path), originOf: () => source.originOf(path) }]
    if (value !== null && value !== undefined) {
      problems.add(source.originOf(path), `${name} must hold options by name, it is ${quote(value)}`)
    }
    return []
  })
}

/** Checks the text of a variable or a flag. Returns no entry when it is wrong. */
export function readOptionText({ option, text, origin }: OptionText, problems: Problems): Entry[] {
  return readOption(option, readText(option.schema, text), () => origin, problems)
}

function readOption(option: Option, value: unknown, originOf: (at: string) => string, problems: Problems): Entry[] {
  const reader = new ValueReader(option.key, originOf(''))
  const read = reader.read(option.schema, value)
  for (const { at, what } of reader.faults) problems.add(originOf(at), what, option.key)
  return reader.faults.length === 0 ? [{ option, value: read, origin: originOf(''), originOf }] : []
}

function hintForPath(path: string, name: string): string {
  if (findOption(path) !== undefined) {
    const [section, leaf] = path.split('.')
    return `; write "${section}:" and, indented below it, "${leaf}:"`
  }
  const keys = OPTIONS.map((option) => option.key)
  const sameName = keys.find((key) => key === name || key.endsWith(`.${name}`))
  return didYouMean(closest(path, [...keys, ...SECTIONS]) ?? sameName)
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
