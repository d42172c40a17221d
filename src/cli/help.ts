import { environmentName, flagName, type Option } from '../config/option.ts'
import { OPTIONS } from '../config/options.ts'
import { allowedText, formatValue } from '../config/value.ts'

const LINE_CHARACTERS = 80

const START = `Hubbub: an MQTT message hub for IoT that runs with one command.

Usage: hubbub [command] [flags]

Commands:
  start         Run the hub. This is what hubbub does without a command.
  config        Check the configuration and print every value and where it came
                from, without starting. With --json for programs.
  inspect       Count what the data folder holds, also while a hub uses it.
                --session ID shows the session of one client. With --json for
                programs.
  explain TOPIC Ask a running hub why messages of a topic did or did not
                arrive: who subscribes, and what each session did with the last
                ones. --client ID asks for one client. --url names a hub other
                than the configured one. With --json for programs.
  history export
                Write the recorded messages of the data folder as NDJSON, also
                while a hub uses it. --filter, --since and --until say which:
                --filter 'home/#' --since 7d.
  history import FILE
                Add what was exported ("-" for standard input) to a data folder
                that no hub uses. A running hub takes it at
                POST /api/v1/history/import.
  backup FILE   Copy the store to a file, also while a hub uses it. --force
                replaces a file that is there.
  restore FILE  Make a backup the store of the data folder. --force moves a
                store that is there aside.
  help options  Explain every option, with its limits.

Flags for every day:
`

const END = `
  --config FILE
      Read options from this YAML or JSON file (default ./hubbub.yaml,
      ./hubbub.yml or ./hubbub.json, if there is one).
  -h, --help
      Print this text.
  --version
      Print the version.

An option may stand in the file (port: 1884), in the environment
(HUBBUB_PORT=1884) or on the command line (--port 1884). The command line wins
over the environment, and the environment over the file.

Examples:
  hubbub                                    on this machine only, MQTT on port 1883
  hubbub --port 1884 --log-level debug      on another port, telling more
  hubbub --host 0.0.0.0 --allow-anonymous   for all devices of a trusted network
  hubbub config --config my-hub.yaml        only check a file
`

/** What `--help` prints: enough for somebody who has never seen a hub. */
export function helpText(): string {
  const options: readonly Option[] = OPTIONS
  const flags = options
    .filter((option) => option.isEveryday === true)
    .map((option) => {
      const value = option.kind === 'boolean' ? '' : ` ${PLACEHOLDERS[option.kind]}`
      const text = `${option.summary} (default ${formatValue(option, option.default)})`
      return `  --${flagName(option.key)}${value}\n${wrap(text, '      ')}`
    })
  return START + flags.join('\n') + END
}

const PLACEHOLDERS = {
  host: 'ADDRESS',
  folder: 'FOLDER',
  number: 'NUMBER',
  choice: 'WORD',
  origins: 'LIST',
  list: 'JSON',
  path: 'PATH',
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
      `${option.key} (default ${formatValue(option, option.default)})`,
      `  --${flagName(option.key)}, ${environmentName(option.key)}`,
      wrap(option.summary, '      '),
      wrap(`Allowed: ${allowedText(option)}.`, '      '),
    ].join('\n'),
  )
  return `${wrap(intro, '')}\n\n${options.join('\n\n')}\n`
}

/** The table of all options in `docs/configuration.md`. A test compares the page with it. */
export function optionsTable(): string {
  const rows = OPTIONS.map((option) => [
    `\`${option.key}\``,
    `\`${formatValue(option, option.default)}\``,
    allowedText(option),
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
