import { readCommandLine } from '../../src/cli/command-line.ts'
import type { Completed } from '../../src/config/complete.ts'
import { loadConfig } from '../../src/config/load.ts'

/** Loads the configuration as `hubbub` does that is started with `argv`. */
export function loadConfigOf(
  argv: readonly string[],
  sources: { readonly env: NodeJS.ProcessEnv; readonly cwd: string },
): Completed {
  const { options, flags, problems } = readCommandLine(argv)
  return loadConfig({ flags: options, file: flags.get('config'), ...sources }, problems)
}
