/** TypeScript source as text, read without a compiler: TypeScript 7 has no stable API to parse with. */

/** After one of these a slash begins a regular expression, not a division. */
const BEFORE_REGEXP = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|delete|await|yield))\s*$/

/**
 * Replaces comments and what is inside of strings, templates and regular expressions by spaces, so that what is left is
 * code. Length and lines stay, so offsets hold in both texts; quotes stay too. Code inside of `${}` is kept.
 */
export function blankNonCode(source: string): string {
  const out: string[] = []
  /** For each open `${`, how many braces are open inside of it. */
  const templateDepths: number[] = []
  let at = 0
  const keep = (count: number): void => {
    out.push(source.slice(at, at + count))
    at += count
  }
  const blankTo = (end: number): void => {
    out.push(source.slice(at, end).replaceAll(/[^\n]/g, ' '))
    at = end
  }
  const blankTemplate = (): void => {
    const end = templateEnd(source, at)
    blankTo(end)
    if (source[at] === '`') keep(1)
    else if (at < source.length) {
      keep(2)
      templateDepths.push(0)
    }
  }
  while (at < source.length) {
    const char = source[at] ?? ''
    const two = source.slice(at, at + 2)
    const depth = templateDepths.at(-1)
    if (two === '//') blankTo(indexOrEnd(source, '\n', at))
    else if (two === '/*') blankTo(Math.min(indexOrEnd(source, '*/', at + 2) + 2, source.length))
    else if (char === "'" || char === '"') {
      keep(1)
      blankTo(quotedEnd(source, at, char))
      keep(1)
    } else if (char === '`') {
      keep(1)
      blankTemplate()
    } else if (char === '/' && BEFORE_REGEXP.test(out.join('').slice(-40))) {
      keep(1)
      blankTo(regexpEnd(source, at))
      keep(1)
    } else if (char === '}' && depth === 0) {
      templateDepths.pop()
      keep(1)
      blankTemplate()
    } else {
      if (depth !== undefined && (char === '{' || char === '}')) {
        templateDepths[templateDepths.length - 1] = depth + (char === '{' ? 1 : -1)
      }
      keep(1)
    }
  }
  return out.join('')
}

function indexOrEnd(source: string, text: string, from: number): number {
  const index = source.indexOf(text, from)
  return index === -1 ? source.length : index
}

function quotedEnd(source: string, from: number, quote: string): number {
  let at = from
  while (at < source.length && source[at] !== quote && source[at] !== '\n') at += source[at] === '\\' ? 2 : 1
  return at
}

function regexpEnd(source: string, from: number): number {
  let at = from
  let isInClass = false
  while (at < source.length && source[at] !== '\n' && (isInClass || source[at] !== '/')) {
    if (source[at] === '[') isInClass = true
    if (source[at] === ']') isInClass = false
    at += source[at] === '\\' ? 2 : 1
  }
  return at
}

function templateEnd(source: string, from: number): number {
  let at = from
  while (at < source.length && source[at] !== '`' && source.slice(at, at + 2) !== '${')
    at += source[at] === '\\' ? 2 : 1
  return at
}

export function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split('\n').length
}

export interface ImportedModule {
  readonly specifier: string
  readonly isTypeOnly: boolean
  readonly line: number
}

const IMPORTS = [
  /\bimport\s+(type\s+)?(?:[\w$*{},\s]+?\s*\bfrom\s*)?(['"])/g,
  /\bexport\s+(type\s+)?(?:\*(?:\s+as\s+[\w$]+)?|\{[^}]*\})\s*from\s*(['"])/g,
  /\bimport\s*\(\s*()(['"])/g,
]

/** All modules that a file names: imports, exports from, and `import()`. */
export function findImports(source: string, code = blankNonCode(source)): ImportedModule[] {
  return IMPORTS.flatMap((pattern) =>
    [...code.matchAll(pattern)].map((match) => {
      const start = match.index + match[0].length
      return {
        specifier: source.slice(start, code.indexOf(match[2] ?? "'", start)),
        isTypeOnly: match[1] !== undefined && match[1] !== '',
        line: lineAt(source, match.index),
      }
    }),
  )
}

type BlockKind = 'class' | 'constructor' | 'function' | 'object'

export interface FunctionBody {
  readonly start: number
  readonly end: number
}

/**
 * Finds the bodies of functions and methods by their braces, without constructors and whatever is in one: what a
 * constructor does happens once. Bodies inside of bodies are part of the outer one.
 */
export function findFunctionBodies(code: string): FunctionBody[] {
  const bodies: FunctionBody[] = []
  const open: { kind: BlockKind; start: number }[] = []
  let headerStart = 0
  for (const match of code.matchAll(/[{};]/g)) {
    const at = match.index
    if (match[0] === '{') open.push({ kind: blockKind(code.slice(headerStart, at)), start: at })
    if (match[0] === '}') {
      const block = open.pop()
      const isOutermost = open.every(({ kind }) => kind === 'class' || kind === 'object')
      if (block?.kind === 'function' && isOutermost) bodies.push({ start: block.start, end: at })
    }
    headerStart = at + 1
  }
  return bodies
}

function blockKind(header: string): BlockKind {
  if (/\bconstructor\s*\([^]*\)\s*$/.test(header)) return 'constructor'
  if (/\b(?:class|interface|namespace)\s[^()]*$/.test(header)) return 'class'
  if (/=>\s*$/.test(header)) return 'function'
  if (/(?:^\s*|[=(,:[?&|<]\s*|\b(?:return|import|export|type)\s*)$/.test(header)) return 'object'
  return 'function'
}

/** Finds functions written as values: arrows and `function` expressions, not types of functions. */
export function findClosures(code: string): number[] {
  const arrows = [...code.matchAll(/=>/g)].map(({ index }) => index).filter((index) => !isFunctionType(code, index))
  const expressions = [...code.matchAll(/[=(,:?[]\s*(?:async\s+)?function\b/g)].map(({ index }) => index)
  return [...arrows, ...expressions].toSorted((a, b) => a - b)
}

/** `(a: A) => B` is a type behind a colon, a `<`, a `|`, a `&`, or the `=` of a type alias. */
function isFunctionType(code: string, arrow: number): boolean {
  const before = code.slice(0, arrow).trimEnd()
  if (!before.endsWith(')')) return false
  let depth = 0
  let at = before.length - 1
  for (; at >= 0; at--) {
    if (before[at] === ')') depth++
    if (before[at] === '(' && --depth === 0) break
  }
  const ahead = before.slice(Math.max(0, at - 200), at).trimEnd()
  return /[:<|&]$/.test(ahead) || /\btype\s+[\w$<>, ]+=\s*$/.test(ahead) || /:\s*\($/.test(ahead)
}
