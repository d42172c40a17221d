import { parseArgs } from 'node:util'
import { closest, didYouMean } from '../base/closest.ts'
import type { OptionText } from '../config/entries.ts'
import { flagName, type Option } from '../config/option.ts'
import { OPTIONS } from '../config/options.ts'
import { Problems } from '../config/problems.ts'
import { isBoolean } from '../config/schema.ts'
import type { Command, Flag } from './command.ts'
import { COMMANDS, GENERAL_FLAGS } from './commands.ts'

/** A command line, taken apart. */
export interface CommandLine {
  /** The words that are no flags: the command and what belongs to it. */
  readonly words: readonly string[]
  /** Flags that are not options, by name; one that takes no value has an empty one. */
  readonly flags: ReadonlyMap<string, string>
  /** What flags say of options, in the order typed. */
  readonly options: readonly OptionText[]
  /** What is wrong with the flags. */
  readonly problems: Problems
}

/** The command that was asked for, and the word that it is about. */
export interface ChosenCommand {
  readonly command: Command
  readonly operand: string
}

const OPTION_BY_FLAG: ReadonlyMap<string, Option> = new Map(OPTIONS.map((option) => [flagName(option.key), option]))
const FLAG_BY_NAME: ReadonlyMap<string, Flag> = new Map(
  [...GENERAL_FLAGS, ...COMMANDS.flatMap(({ flags = [] }) => flags)].map((flag) => [flag.name, flag]),
)
const FLAG_NAMES = [...OPTION_BY_FLAG.keys(), ...FLAG_BY_NAME.keys()]

/** Takes apart what was typed after `hubbub`. Of a flag that is given twice the last one counts. Never throws. */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const words: string[] = []
  const flags = new Map<string, string>()
  const options: OptionText[] = []
  const problems = new Problems()
  let unknownFlagIndex: number | undefined
  for (const token of parseArgs({ args: [...argv], options: argumentTypes(), strict: false, tokens: true }).tokens) {
    if (token.kind === 'positional') {
      // What follows an unknown flag is most likely its value, not a command.
      if (token.index - 1 !== unknownFlagIndex) words.push(token.value)
      continue
    }
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    const option = OPTION_BY_FLAG.get(name)
    const flag = FLAG_BY_NAME.get(name)
    const hasValue = value !== undefined && (token.inlineValue || !value.startsWith('--'))
    if (option === undefined && flag === undefined) {
      const near = closest(name, FLAG_NAMES) ?? FLAG_NAMES.find((known) => known.endsWith(`-${name}`))
      problems.add(rawName, `there is no such flag${didYouMean(near === undefined ? undefined : `--${near}`)}`)
      unknownFlagIndex = token.index
    } else if (takesValue(option ?? flag) && !hasValue) {
      problems.add(rawName, `it needs a value, as in ${rawName}=VALUE`, option?.key)
    } else if (option !== undefined) {
      options.push({ option, text: value ?? 'true', origin: rawName })
    } else if (takesValue(flag) || value === undefined) {
      flags.set(name, value ?? '')
    } else {
      problems.add(rawName, `it takes no value, it has ${JSON.stringify(value)}`)
    }
  }
  return { words, flags, options, problems }
}

function argumentTypes() {
  const types: Record<string, { type: 'boolean' | 'string'; short?: string }> = {}
  for (const [name, option] of OPTION_BY_FLAG) types[name] = { type: takesValue(option) ? 'string' : 'boolean' }
  for (const [name, flag] of FLAG_BY_NAME) {
    const { short } = flag
    types[name] = { type: takesValue(flag) ? 'string' : 'boolean', ...(short !== undefined && { short }) }
  }
  return types
}

function takesValue(flag: Option | Flag | undefined): boolean {
  return flag !== undefined && ('key' in flag ? !isBoolean(flag.schema) : flag.value !== undefined)
}

/** The command that words begin with, none being `start`; undefined when there is no such command. */
export function findCommand(words: readonly string[]): Command | undefined {
  if (words.length === 0) return COMMANDS[0]
  return COMMANDS.find(({ name }) => name.split(' ').every((word, i) => words[i] === word))
}

/** Finds the command, and checks that it takes what was typed with it. @throws HubbubError `COMMAND_INVALID` */
export function chooseCommand({ words, flags, problems }: CommandLine): ChosenCommand {
  const command = findCommand(words)
  const operands = words.slice(words.length === 0 ? 0 : command?.name.split(' ').length)
  const fault = command === undefined ? unknownCommand(words) : callFault(command, operands, flags)
  if (command !== undefined && fault === undefined) return { command, operand: operands[0] ?? '' }
  problems.addSource('COMMAND_INVALID', `Cannot run ${fault}`)
  throw problems.error
}

function unknownCommand([first = '', second]: readonly string[]): string {
  const isOfTwo = second !== undefined && COMMANDS.some(({ name }) => name.startsWith(`${first} `))
  const typed = isOfTwo ? `${first} ${second}` : first
  const near = closest(typed, [...COMMANDS.map(({ name }) => name), 'help'])
  return `${JSON.stringify(typed)}: there is no such command${didYouMean(near)}`
}

function callFault(
  { name, operand, flags: own = [] }: Command,
  operands: readonly string[],
  flags: CommandLine['flags'],
): string | undefined {
  const what = operand?.toLowerCase()
  if (what !== undefined && operands.length === 0)
    return `"${name}" without a ${what}: name it, as in "hubbub ${name} ${operand}"`
  if (operands.length > (what === undefined ? 0 : 1))
    return `"${name}" with ${JSON.stringify(operands.at(-1))}: it takes ${what === undefined ? 'flags only' : `one ${what}`}`
  const stray = [...flags.keys()].find((typed) => ![...GENERAL_FLAGS, ...own].some((flag) => flag.name === typed))
  return stray === undefined ? undefined : `"${name}" with --${stray}: ${ownersText(stray)}`
}

/** Those that are named in full, or nobody would read on. */
const MAX_OWNERS = 3

/** `only "config", "inspect" and "explain" take it` */
function ownersText(flag: string): string {
  const owners = COMMANDS.filter(({ flags = [] }) => flags.some(({ name }) => name === flag))
  if (owners.length > MAX_OWNERS) return 'it does not take it; "hubbub help COMMAND" lists what a command takes'
  const names = owners.map(({ name }) => `"${name}"`)
  const last = names.pop()
  return names.length === 0 ? `only ${last} takes it` : `only ${names.join(', ')} and ${last} take it`
}
