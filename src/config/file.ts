import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { resolve } from 'node:path'
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

function readText(file: FileChoice, cwd: string, problems: Problems): string | undefined {
  const { name, askedBy } = file
  const by = askedBy === undefined ? '' : ` (${askedBy})`
  const bytes = new Uint8Array(MAX_FILE_BYTES + 1)
  let length = 0
  try {
    const descriptor = openSync(resolve(cwd, name), 'r')
    try {
      // Not readFileSync: that reads an endless device to the end.
      for (let count = -1; count !== 0; length += count)
        count = readSync(descriptor, bytes, length, bytes.length - length, null)
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    const reason = READ_FAULTS[errorCode(error)] ?? String(error)
    problems.addSource('CONFIG_UNREADABLE', `Cannot read ${JSON.stringify(name)}${by}: ${reason}`)
    return undefined
  }
  if (length > MAX_FILE_BYTES) {
    problems.addSource('CONFIG_INVALID', `Cannot use ${name}: it must be at most ${MAX_FILE_BYTES} bytes, it is longer`)
    return undefined
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length))
  } catch {
    problems.addSource('CONFIG_INVALID', `Cannot use ${name}: it must be text in UTF-8, it has bytes that are not`)
    return undefined
  }
}

const READ_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it must be a file, it is a folder',
  EACCES: 'the hub has no permission to read it',
  EPERM: 'the hub has no permission to read it',
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
