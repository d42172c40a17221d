import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { readTextFile } from '../base/text-file.ts'
import { partAt, placeOf, plainOf } from '../base/written.ts'
import { readYaml } from '../base/yaml.ts'
import { readTree, type Entry } from './entries.ts'
import type { Problems } from './problems.ts'

const DEFAULT_FILES = ['hubbub.yaml', 'hubbub.yml', 'hubbub.json']
/** Room for some 20,000 access rules. */
const MAX_FILE_BYTES = 2 * 1024 * 1024

/** A configuration file and who asked for it. */
export interface FileChoice {
  /** As the user wrote it; messages name it so. */
  readonly name: string
  /** `--config` or `HUBBUB_CONFIG`; undefined for a file that is just there. */
  readonly askedBy: string | undefined
}

/** Looks for a configuration file in the working folder. Two of them are a mistake: which one counts would be a guess. */
export function findDefaultFile(cwd: string, problems: Problems): FileChoice | undefined {
  const [name, other] = DEFAULT_FILES.filter((candidate) => existsSync(resolve(cwd, candidate)))
  if (name !== undefined && other !== undefined) {
    problems.addSource(
      'CONFIG_INVALID',
      `Cannot use ${other}: ${name} is in the same folder; remove one of them or name one with --config`,
    )
  }
  return name === undefined ? undefined : { name, askedBy: undefined }
}

/** Reads a YAML or JSON file; JSON is read as the YAML that it is. Every mistake goes to `problems`. */
export function readConfigFile(file: FileChoice, cwd: string, problems: Problems): Entry[] {
  const text = readText(file, cwd, problems)
  if (text === undefined) return []
  const { name } = file
  const { content, faults } = readYaml(text, name)
  for (const { line, what } of faults) {
    problems.addSource('CONFIG_INVALID', `Cannot use ${placeOf({ file: name, line })}: ${what}`)
  }
  if (content === undefined) return []
  const source = {
    originOf: (path: string) => placeOf(partAt(content, path)),
    written: (path: string) => partAt(content, path),
  }
  return readTree(plainOf(content), source, problems)
}

function readText({ name, askedBy }: FileChoice, cwd: string, problems: Problems): string | undefined {
  const file = readTextFile(resolve(cwd, name), MAX_FILE_BYTES)
  if ('text' in file) return file.text
  const by = askedBy === undefined ? '' : ` (${askedBy})`
  if (file.isRead) problems.addSource('CONFIG_INVALID', `Cannot use ${name}: ${file.fault}`)
  else problems.addSource('CONFIG_UNREADABLE', `Cannot read ${JSON.stringify(name)}${by}: ${file.fault}`)
  return undefined
}
