import { resolve } from 'node:path'
import { complete, type Completed, type ConfigJudges } from './complete.ts'
import { type OptionText, readOptionText } from './entries.ts'
import { CONFIG_FILE_VARIABLE, readEnvironment } from './environment.ts'
import { findDefaultFile, readConfigFile, type FileChoice } from './file.ts'
import { Problems } from './problems.ts'

/** A configuration, and where it was read. */
export interface Loaded extends Completed {
  /** The path of the file; undefined: there is none. */
  readonly file: string | undefined
}

/** What a configuration is read from. */
export interface ConfigSources {
  /** What the command line says of options. */
  readonly flags: readonly OptionText[]
  /** The file that the command line names. */
  readonly file: string | undefined
  readonly env: Readonly<NodeJS.ProcessEnv>
  readonly cwd: string
}

/**
 * Reads the configuration: defaults, then the file, then the environment, then flags; what comes later wins. Throws one
 * `HubbubError` with a line for every mistake in any of them, after those that `problems` holds already.
 */
export function loadConfig(
  { flags, file, env, cwd }: ConfigSources,
  problems = new Problems(),
  judges?: ConfigJudges,
): Loaded {
  const flagEntries = flags.flatMap((flag) => readOptionText(flag, problems))
  const environmentEntries = readEnvironment(env, problems)
  const choice = chooseFile(file, env[CONFIG_FILE_VARIABLE], cwd, problems)
  const fileEntries = choice === undefined ? [] : readConfigFile(choice, cwd, problems)
  const completed = complete([...fileEntries, ...environmentEntries, ...flagEntries], problems, judges)
  return { ...completed, file: choice === undefined ? undefined : resolve(cwd, choice.name) }
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
