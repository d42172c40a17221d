import { closest, didYouMean } from '../base/closest.ts'
import { type Entry, readOptionText } from './entries.ts'
import { environmentName } from './option.ts'
import { OPTIONS } from './options.ts'
import type { Problems } from './problems.ts'

/** Names the configuration file; the only variable of the hub that is not an option. */
export const CONFIG_FILE_VARIABLE = 'HUBBUB_CONFIG'

const OPTION_BY_VARIABLE = new Map(OPTIONS.map((option) => [environmentName(option.key), option]))

/** Reads the variables that begin with HUBBUB_. An unknown one is a mistake: a typing error must not pass in silence. */
export function readEnvironment(environment: Readonly<NodeJS.ProcessEnv>, problems: Problems): Entry[] {
  const entries: Entry[] = []
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith('HUBBUB_') || name === CONFIG_FILE_VARIABLE || text === undefined) continue
    const option = OPTION_BY_VARIABLE.get(name)
    if (option !== undefined) {
      entries.push(...readOptionText({ option, text, origin: name }, problems))
      continue
    }
    const names = [...OPTION_BY_VARIABLE.keys(), CONFIG_FILE_VARIABLE]
    const sameName = names.find((known) => known.endsWith(name.slice('HUBBUB'.length)))
    problems.add(name, `there is no such variable${didYouMean(closest(name, names) ?? sameName)}`)
  }
  return entries
}
