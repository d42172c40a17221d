import { environmentName, flagName, type Option } from '../config/option.ts'
import { OPTIONS } from '../config/options.ts'
import type { Schema } from '../config/schema.ts'
import { allowedText, formatValue } from '../config/value-text.ts'
import type { Command, Flag } from './command.ts'
import { findCommand } from './command-line.ts'
import { COMMANDS, GENERAL_FLAGS } from './commands.ts'

const LINE_CHARACTERS = 80
/** Where the summary of a command begins. */
const SUMMARY_INDENT = ' '.repeat(23)

const SOURCES = `An option may stand in the file (port: 1884), in the environment
(HUBBUB_PORT=1884) or on the command line (--port 1884). The command line wins
over the environment, and the environment over the file.
`

const EXAMPLES = `Examples:
  hubbub                                    on this machine only, MQTT on port 1883
  hubbub --port 1884 --log-level debug      on another port, telling more
  hubbub --host 0.0.0.0 --allow-anonymous   for all devices of a trusted network
  hubbub config --config my-hub.yaml        only check a file
`

/** What `help` prints about words: about a command, about all options, else about Hubbub. */
export function helpOn(words: readonly string[]): string {
  if (words[0] === 'options') return optionsText()
  const command = words.length === 0 ? undefined : findCommand(words)
  return command === undefined ? helpText() : commandText(command)
}

/** What `--help` prints: enough for somebody who has never seen a hub. */
export function helpText(): string {
  const options: readonly Option[] = OPTIONS
  const everyday = options
    .filter((option) => option.isEveryday === true)
    .map((option) => {
      const value = placeholder(option.schema)
      const summary = `${option.summary} (default ${formatValue(option.schema, option.default)})`
      return flagText({ name: flagName(option.key), summary, ...(value !== undefined && { value }) })
    })
  return [
    'Hubbub: an MQTT message hub for IoT that runs with one command.\n',
    'Usage: hubbub [command] [flags]\n',
    'Commands:',
    ...COMMANDS.map((command) => commandLine(nameOf(command), command.summary)),
    commandLine('help COMMAND', 'Explain a command and its flags.'),
    commandLine('help options', 'Explain every option, with its limits.'),
    '\nFlags for every day:',
    ...everyday,
    `${GENERAL_FLAGS.map(flagText).join('\n')}\n`,
    SOURCES,
    EXAMPLES,
  ].join('\n')
}

/** What `hubbub COMMAND --help` prints. */
export function commandText(command: Command): string {
  const { summary, flags = [] } = command
  return [
    `Usage: hubbub ${nameOf(command)} [flags]\n`,
    `${wrap(summary, '')}\n`,
    ...(flags.length > 0 ? ['Flags:', `${flags.map(flagText).join('\n')}\n`] : []),
    'Every option of the hub is a flag too: see "hubbub help options".\n',
  ].join('\n')
}

function nameOf({ name, operand }: Command): string {
  return operand === undefined ? name : `${name} ${operand}`
}

function commandLine(name: string, summary: string): string {
  return `  ${name}`.padEnd(SUMMARY_INDENT.length) + wrap(summary, SUMMARY_INDENT).trimStart()
}

function flagText({ name, short, value, summary }: Flag): string {
  const names = `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`
  return `  ${names}\n${wrap(summary, '      ')}`
}

function placeholder(schema: Schema): string | undefined {
  if ('enum' in schema) return 'WORD'
  if (schema.type === 'string') return schema.placeholder ?? 'TEXT'
  return schema.type === 'boolean'
    ? undefined
    : schema.type === 'array'
      ? 'LIST'
      : schema.type === 'written'
        ? 'JSON'
        : 'NUMBER'
}

/** What `help options` prints: every option with all that there is to know. */
export function optionsText(): string {
  const intro =
    'Every option, as it is named in a file; below it its flag and its variable. Sizes may be written like "64 KiB", ' +
    '"1 MiB" or "2 GiB"; null is written as null everywhere; lists in flags and variables are separated by commas, lists of ' +
    'rules are JSON. ' +
    'A group ends at the dot: in a file, "limits:" is one line and its options are indented below it.'
  const options = OPTIONS.map((option) =>
    [
      `${option.key} (default ${formatValue(option.schema, option.default)})`,
      `  --${flagName(option.key)}, ${environmentName(option.key)}`,
      wrap(option.summary, '      '),
      wrap(`Allowed: ${allowedText(option.schema)}.`, '      '),
    ].join('\n'),
  )
  return `${wrap(intro, '')}\n\n${options.join('\n\n')}\n`
}

/** The table of all options in `docs/configuration.md`. A test compares the page with it. */
export function optionsTable(): string {
  const rows = OPTIONS.map((option) => [
    `\`${option.key}\``,
    `\`${formatValue(option.schema, option.default)}\``,
    allowedText(option.schema),
    option.summary,
    option.needsRestart ? 'yes' : 'no',
  ])
  const lines = [
    ['Option', 'Default', 'Allowed', 'What it is for', 'Restart'],
    ['---', '---', '---', '---', '---'],
    ...rows,
  ]
  return lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`).join('')
}

function wrap(text: string, indent: string): string {
  const lines: string[] = []
  let line = indent
  for (const word of text.split(' ')) {
    const isFirst = line === indent
    if (!isFirst && line.length + 1 + word.length > LINE_CHARACTERS) {
      lines.push(line)
      line = indent + word
    } else {
      line += isFirst ? word : ` ${word}`
    }
  }
  return [...lines, line].join('\n')
}
