import { isMap, isScalar, isSeq, Lexer, LineCounter, parseDocument, visit, type Document, type YAMLError } from 'yaml'
import { Written, type WrittenValue } from './written.ts'

// The parser recurses, and near the end of the stack V8 may abort the process instead of throwing: no catch helps. These bound
// what nests. Fine at 1,000 levels.
const MAX_OPEN_BRACKETS = 100
const MAX_INDICATORS_IN_LINE = 100
const MAX_INDENTED = 800

/** What is wrong with a text, and in which line when that can be told. */
export interface YamlFault {
  readonly line: number | undefined
  /** As the end of "Cannot use …: ". */
  readonly what: string
}

/** What a text says; undefined when a mistake leaves nothing to be read. */
export interface YamlText {
  readonly content: Written | undefined
  readonly faults: readonly YamlFault[]
}

/** Reads YAML 1.2, or JSON as the YAML that it is; `file` is what its parts are said to be of. Takes any text and never throws. */
export function readYaml(text: string, file: string): YamlText {
  if (isNestedTooDeep(text)) {
    return {
      content: undefined,
      faults: [{ line: undefined, what: 'it is nested deeper than a configuration can be' }],
    }
  }
  const lineCounter = new LineCounter()
  const lineAt = (offset: number): number => lineCounter.linePos(offset).line
  const document = parseDocument(text, {
    lineCounter,
    prettyErrors: false,
    stringKeys: true,
    resolveKnownTags: false,
    logLevel: 'error',
  })
  const found: YAMLError[] = [...document.errors, ...document.warnings]
  const faults = found
    .filter(({ code }) => code === 'DUPLICATE_KEY')
    .map(({ pos: [start] }): YamlFault => {
      const [key = ''] = /^[\w.-]*/.exec(text.slice(start).replace(/^["']/, '')) ?? []
      return { line: lineAt(start), what: `"${key}" is here a second time` }
    })
  // What follows the first syntax error mostly follows from it.
  const syntaxFault = found.find(({ code }) => code !== 'DUPLICATE_KEY')
  if (syntaxFault !== undefined) {
    faults.push({ line: lineAt(syntaxFault.pos[0]), what: describeSyntax(syntaxFault) })
    return { content: undefined, faults }
  }
  const alias = findAlias(document)
  if (alias !== undefined) {
    const what = '"*" stands for an alias, which cannot be used here; put text that begins with it in quotes'
    return { content: undefined, faults: [...faults, { line: lineAt(alias), what }] }
  }
  return { content: writtenOf(document.contents, file, lineAt(document.contents?.range?.[0] ?? 0), lineAt), faults }
}

function isNestedTooDeep(text: string): boolean {
  for (const line of text.split('\n')) {
    if ((line.match(/[-?:]\s/g)?.length ?? 0) > MAX_INDICATORS_IN_LINE || line.search(/[^ \t]/) > MAX_INDENTED)
      return true
  }
  // Brackets in quotes are none, which only the lexer can tell.
  if ((text.match(/[[{]/g)?.length ?? 0) <= MAX_OPEN_BRACKETS) return false
  let open = 0
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') open++
    else if (token === ']' || token === '}') open--
    if (open > MAX_OPEN_BRACKETS) return true
  }
  return false
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

function writtenOf(node: unknown, file: string, line: number, lineAt: (offset: number) => number): Written {
  const made = (value: WrittenValue, source = ''): Written => new Written(file, line, value, source)
  if (isMap(node)) {
    const fields = new Map<string, Written>()
    for (const { key, value } of node.items) {
      if (!isScalar(key)) continue
      fields.set(String(key.value), writtenOf(value, file, key.range ? lineAt(key.range[0]) : line, lineAt))
    }
    return made(fields)
  }
  if (isSeq(node)) {
    return made(
      node.items.map((item) => {
        const start = isMap(item) || isSeq(item) || isScalar(item) ? item.range?.[0] : undefined
        return writtenOf(item, file, start === undefined ? line : lineAt(start), lineAt)
      }),
    )
  }
  if (!isScalar(node)) return made(null)
  const { value, source } = node
  const known = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null
  return made(known, source ?? String(value))
}
