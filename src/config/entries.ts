import { quote } from '../base/quote.ts'
import { closest, didYouMean } from './closest.ts'
import { findOption, OPTIONS, SECTIONS } from './options.ts'
import type { Option } from './option.ts'
import type { Problems } from './problems.ts'
import { checkValue, describeFaults, readText } from './value.ts'

/** A value that a source gives to an option, checked. */
export interface Entry {
  readonly option: Option
  readonly value: unknown
  /** Where it was read: `hubbub.yaml:12`, `HUBBUB_PORT`, `--port`. */
  readonly place: string
}

/** What a variable or a flag says of an option. */
export interface OptionText {
  readonly option: Option
  readonly text: string
  /** `HUBBUB_PORT`, `--port`. */
  readonly place: string
}

/** Reads the nested values of a file or a program. `placeOf` tells where a dotted path stands. */
export function readTree(tree: unknown, placeOf: (path: string) => string, problems: Problems): Entry[] {
  const entries: Entry[] = []
  if (tree === null || tree === undefined) return entries
  if (!isMapping(tree)) {
    problems.addSource(
      'CONFIG_INVALID',
      `Cannot use ${placeOf('')}: a configuration is options by name, such as "port: 1883", it is ${quote(tree)}`,
    )
    return entries
  }
  readMapping(tree, '', placeOf, problems, entries)
  return entries
}

function readMapping(
  mapping: Readonly<Record<string, unknown>>,
  prefix: string,
  placeOf: (path: string) => string,
  problems: Problems,
  entries: Entry[],
): void {
  for (const [name, value] of Object.entries(mapping)) {
    const path = prefix + name
    const option = name.includes('.') ? undefined : findOption(path)
    if (option !== undefined) {
      if (value !== undefined) check(option, value, value, (at) => placeOf(path + at), problems, entries)
    } else if (prefix === '' && SECTIONS.has(name)) {
      const enabled = findOption(`${name}.enabled`)
      if (isMapping(value)) readMapping(value, `${name}.`, placeOf, problems, entries)
      else if (typeof value === 'boolean' && enabled !== undefined) {
        entries.push({ option: enabled, value, place: placeOf(path) })
      } else if (value !== null && value !== undefined) {
        problems.add(placeOf(path), `${name} must hold options by name, it is ${quote(value)}`)
      }
    } else {
      problems.add(placeOf(path), `there is no option ${quote(path)}${hintForPath(path, name)}`)
    }
  }
}

/** Checks the text of a variable or a flag. Returns no entry when it is wrong. */
export function readOptionText({ option, text, place }: OptionText, problems: Problems): Entry[] {
  const entries: Entry[] = []
  check(option, readText(option, text), text, () => place, problems, entries)
  return entries
}

function check(
  option: Option,
  value: unknown,
  asWritten: unknown,
  placeOf: (at: string) => string,
  problems: Problems,
  entries: Entry[],
): void {
  const checked = checkValue(option, value)
  if (checked.isValid) {
    entries.push({ option, value: checked.value, place: placeOf('') })
    return
  }
  const isParsed = typeof value === 'number' || option.kind === 'list'
  for (const { at, what } of describeFaults(option, isParsed ? value : asWritten))
    problems.add(placeOf(at), what, option.key)
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
