#!/usr/bin/env node
import { HubbubError } from '../base/errors.ts'
import { readVersion } from '../base/package.ts'
import type { Loaded } from '../config/load.ts'
import { chooseCommand, type CommandLine, readCommandLine } from './command-line.ts'
import { helpOn } from './help.ts'

const EXIT_BUG = 70

let isStackWanted = false

/** Does what a command line asks for. Returns what is to be printed. @throws HubbubError */
async function run(argv: readonly string[]): Promise<string | void> {
  const line = readCommandLine(argv)
  const { words, flags } = line
  if (flags.has('version')) return `hubbub ${readVersion()}\n`
  if (words[0] === 'help') return helpOn(words.slice(1))
  if (flags.has('help')) return helpOn(words)
  const { command, operand } = chooseCommand(line)
  return command.run({ operand, flags, loadConfig: (file) => loadConfig(line, command.isOfServing === true, file) })
}

async function loadConfig(
  { options, flags, problems }: CommandLine,
  isOfServing: boolean,
  file = flags.get('config'),
): Promise<Loaded> {
  // Loaded here, so that help and mistakes answer at once.
  const [{ loadConfig: load }, { CONFIG_JUDGES }] = await Promise.all([
    import('../config/load.ts'),
    import('../assemble/config-checks.ts'),
  ])
  const sources = { flags: options, file, env: process.env, cwd: process.cwd() }
  // A copy: a hub loads it again when it is told to, perhaps after a mistake.
  // The first user has to be added before there is one.
  const judges = isOfServing ? CONFIG_JUDGES : { ...CONFIG_JUDGES, hasUsers: () => true }
  const loaded = load(sources, problems.copy(), judges)
  isStackWanted = ['debug', 'trace'].includes(loaded.config.logLevel)
  return loaded
}

function fail(error: unknown): never {
  if (error instanceof HubbubError) {
    for (const line of error.message.split('\n')) process.stderr.write(`hubbub: ${line}\n`)
    process.exit(error.exitCode)
  }
  const text = error instanceof Error ? error.message : String(error)
  const advice = isStackWanted ? '' : ' (a bug of Hubbub; --log-level debug tells more)'
  process.stderr.write(`hubbub: ${text}${advice}\n`)
  if (isStackWanted && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  process.exit(EXIT_BUG)
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever read the output has gone, as in `hubbub --help | head -1`: nothing is wrong, and a running hub goes on.
  if (error.code === 'EPIPE') return
  process.stderr.write(`hubbub: Cannot write to standard output: ${error.message}\n`)
  process.exitCode = 1
})
process.stderr.on('error', () => undefined) // there is nobody left to tell
process.on('uncaughtException', fail)
try {
  const text = await run(process.argv.slice(2))
  if (text !== undefined) process.stdout.write(text)
} catch (error) {
  fail(error)
}
