import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { resolve } from 'node:path'
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit, type Document, type YAMLError } from 'yaml'
import { readTree, type Entry } from './entries.ts'
import type { Problems } from './problems.ts'

const DEFAULT_FILES = ['hubbub.yaml', 'hubbub.yml', 'hubbub.json']
const MAX_FILE_BYTES = 256 * 1024
// The parser recurses, and near the end of the stack V8 may abort the process instead of throwing: no catch helps. With
// MAX_FILE_BYTES, indentation alone stays below 800 levels; these bound what nests without it. Fine at 1,000 levels.
const MAX_BRACKETS = 200
const MAX_INDICATORS_IN_LINE = 100

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
  const fail = (line: number | undefined, what: string): void =>
    problems.addSource('CONFIG_INVALID', `Cannot use ${name}${line === undefined ? '' : `:${line}`}: ${what}`)
  if (isNestedTooDeep(text)) {
    fail(undefined, 'it is nested deeper than a configuration can be')
    return []
  }
  const lineCounter = new LineCounter()
  const document = parseDocument(text, {
    lineCounter,
    prettyErrors: false,
    stringKeys: true,
    resolveKnownTags: false,
    logLevel: 'error',
  })
  const faults: YAMLError[] = [...document.errors, ...document.warnings]
  for (const { code, pos } of faults) {
    if (code !== 'DUPLICATE_KEY') continue
    const [key = ''] = /^[\w.-]*/.exec(text.slice(pos[0]).replace(/^["']/, '')) ?? []
    fail(lineCounter.linePos(pos[0]).line, `"${key}" is here a second time`)
  }
  // What follows the first syntax error mostly follows from it.
  const syntaxFault = faults.find(({ code }) => code !== 'DUPLICATE_KEY')
  if (syntaxFault !== undefined) {
    fail(lineCounter.linePos(syntaxFault.pos[0]).line, describeSyntax(syntaxFault))
    return []
  }
  const alias = findAlias(document)
  if (alias !== undefined) {
    fail(
      lineCounter.linePos(alias).line,
      '"*" stands for an alias, which cannot be used here; put text that begins with it in quotes',
    )
    return []
  }
  const lineByPath = findLines(document, lineCounter)
  return readTree(
    document.toJS(),
    (path) => {
      // A field that is missing stands where its item does.
      const line = lineByPath.get(path) ?? lineByPath.get(path.slice(0, path.lastIndexOf('.')))
      return line === undefined ? name : `${name}:${line}`
    },
    problems,
  )
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

function isNestedTooDeep(text: string): boolean {
  if ((text.match(/[[{]/g)?.length ?? 0) > MAX_BRACKETS) return true
  return text.split('\n').some((line) => (line.match(/[-?:]\s/g)?.length ?? 0) > MAX_INDICATORS_IN_LINE)
}

function describeSyntax({ code, message }: YAMLError): string {
  if (code === 'BAD_ALIAS') return 'text that begins with "*" must be in quotes'
  if (code === 'MULTIPLE_DOCS') return 'there must be one document, a second one begins here'
  return `it must be valid YAML or JSON, there is a mistake: ${message}`
}

/** Where the first alias is. None is allowed, since a few of them can name billions of values. */
function findAlias(document: Document.Parsed): number | undefined {
  let position: number | undefined
  visit(document, {
    Alias(_, { range }) {
      position = range?.[0] ?? 0
      return visit.BREAK
    },
  })
  return position
}

/** The line of each option, section and item of a list, by dotted path; '' is the first line of the content. */
function findLines(document: Document.Parsed, lineCounter: LineCounter): Map<string, number> {
  const lineByPath = new Map<string, number>()
  const note = (node: unknown, path: string): void => {
    if (isMap(node)) {
      for (const { key, value } of node.items) {
        if (!isScalar(key)) continue
        const keyPath = path === '' ? String(key.value) : `${path}.${String(key.value)}`
        if (key.range) lineByPath.set(keyPath, lineCounter.linePos(key.range[0]).line)
        note(value, keyPath)
      }
    } else if (isSeq(node)) {
      for (const [i, item] of node.items.entries()) {
        const itemPath = `${path}[${i}]`
        if (isNode(item) && item.range) lineByPath.set(itemPath, lineCounter.linePos(item.range[0]).line)
        note(item, itemPath)
      }
    }
  }
  const start = document.contents?.range?.[0]
  if (start !== undefined) lineByPath.set('', lineCounter.linePos(start).line)
  note(document.contents, '')
  return lineByPath
}
