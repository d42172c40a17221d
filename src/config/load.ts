import { complete, type Completed } from './complete.ts'
import { CONFIG_FILE_VARIABLE, readEnvironment } from './environment.ts'
import { findDefaultFile, readConfigFile, type FileChoice } from './file.ts'
import { readCommandLine } from './flags.ts'
import { Problems } from './problems.ts'

/** What a configuration is read from. */
export interface ConfigSources {
  /** What was typed after `hubbub`. */
  readonly argv: readonly string[]
  readonly env: Readonly<NodeJS.ProcessEnv>
  readonly cwd: string
}

/**
 * Reads the configuration: defaults, then the file, then the environment, then flags; what comes later wins. Throws one
 * `HubbubError` with a line for every mistake in any of them.
 */
export function loadConfig({ argv, env, cwd }: ConfigSources): Completed {
  const problems = new Problems()
  const commandLine = readCommandLine(argv, problems)
  const environmentEntries = readEnvironment(env, problems)
  const file = chooseFile(commandLine.values.get('config'), env[CONFIG_FILE_VARIABLE], cwd, problems)
  const fileEntries = file === undefined ? [] : readConfigFile(file, cwd, problems)
  return complete([...fileEntries, ...environmentEntries, ...commandLine.entries], problems)
}

function chooseFile(
  flag: string | undefined,
  variable: string | undefined,
  cwd: string,
  problems: Problems,
): FileChoice | undefined {
  if (flag !== undefined) return { name: flag, askedBy: '--config' }
  if (variable !== undefined) return { name: variable, askedBy: CONFIG_FILE_VARIABLE }
  return findDefaultFile(cwd, problems)
}
