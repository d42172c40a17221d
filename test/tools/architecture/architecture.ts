import { blankNonCode, findClosures, findFunctionBodies, findImports, lineAt } from './source-text.ts'

/**
 * The rooms of `src`, top first: a room imports from those below it and never from those above [design.md, section 3].
 * A room is a folder, or a file that stands in `src` itself.
 */
const LAYERS = [
  'cli',
  'hub',
  'http',
  'history',
  'listeners',
  'admin',
  'connection',
  'broker',
  'session',
  'router',
  'topics',
  'store',
] as const

/** What everyone may use, and what these themselves may use. */
const COMMON: ReadonlyMap<string, readonly string[]> = new Map([
  ['base', []],
  ['protocol', ['base']],
  ['config', ['base']],
  ['observe', ['base', 'protocol']],
  ['trails', ['base', 'protocol', 'observe']],
])

/** What programs that embed the hub may use. The types that the methods of a hub name may come from any room. */
const INDEX_MAY_IMPORT: readonly string[] = ['hub', 'base', 'protocol']

/** Who may import more of `config` than types: whoever builds the configuration or reads it all. */
const CONFIG_READERS: ReadonlySet<string> = new Set(['cli', 'hub', 'config'])

/** The one room of each npm package. A package without a row may not be imported. */
const PACKAGE_ROOMS: ReadonlyMap<string, string> = new Map([
  ['aedes', 'broker'],
  ['json-p3', 'history'],
  ['lmdb', 'store'],
  ['pino', 'base'],
  ['pino-pretty', 'base'],
  ['prom-client', 'observe'],
  ['sorted-btree', 'session'],
  ['fastify', 'http'],
  ['@fastify/static', 'http'],
  ['@fastify/swagger', 'http'],
  ['@fastify/swagger-ui', 'http'],
  ['@fastify/type-provider-typebox', 'http'],
  ['typebox', 'http'],
  ['ws', 'listeners'],
  ['yaml', 'config'],
])

/** Who may end the process and read its environment. */
const PROCESS_ROOMS: ReadonlySet<string> = new Set(['cli', 'config'])

const MAX_SOURCE_LINES = 400
const MAX_TEST_LINES = 600

/** Tools that read a default export. */
const DEFAULT_EXPORT_FILES: ReadonlySet<string> = new Set(['test/vitest.config.ts', 'dashboard/vite.config.ts'])

/** What allocates or waits. In a constructor or outside of functions it happens once, so it may stand there. */
const HOT_PATH_FAULTS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\bawait\b/g, 'await'],
  [/\.\.\./g, 'spread or rest'],
  [/\bJSON\./g, 'JSON.'],
  [/\bnew RegExp\b/g, 'new RegExp'],
  [/\.map\(/g, '.map('],
  [/\.filter\(/g, '.filter('],
  [/\.forEach\(/g, '.forEach('],
]

/** A TypeScript file, cut once for all rules. */
interface SourceFile {
  readonly path: string
  readonly text: string
  /** The text without comments and contents of strings. */
  readonly code: string
}

/**
 * Checks files by the rules of style.md, "Architecture, kept by a test". Keys are paths from the repository's root. Returns
 * what is wrong as `path:line: what`, in order; only `.ts` and `.tsx` files are looked at.
 */
export function checkArchitecture(textByPath: ReadonlyMap<string, string>): string[] {
  return [...textByPath]
    .filter(([path]) => /\.tsx?$/.test(path) && !path.endsWith('.d.ts'))
    .flatMap(([path, text]) => checkFile({ path, text, code: blankNonCode(text) }))
    .toSorted()
}

function checkFile(file: SourceFile): string[] {
  const faults = [...checkLength(file), ...checkDefaultExport(file)]
  if (file.path.startsWith('src/')) faults.push(...checkRoom(file), ...checkProcess(file), ...checkHotPath(file))
  else if (!file.path.startsWith('test/')) faults.push(...checkOutsider(file))
  return faults
}

function checkLength({ path, text }: SourceFile): string[] {
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
  const max = path.startsWith('test/') ? MAX_TEST_LINES : MAX_SOURCE_LINES
  return lines > max ? [`${path}:${lines}: is longer than ${max} lines`] : []
}

function checkDefaultExport(file: SourceFile): string[] {
  if (DEFAULT_EXPORT_FILES.has(file.path)) return []
  return findAll(file, /\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/g, 'has a default export')
}

function checkRoom(file: SourceFile): string[] {
  const room = roomOf(file.path)
  const allowed = allowedImports(room)
  if (allowed === undefined) return [`${file.path}:1: room "${room}" has no row in the table of layers`]
  return findImports(file.text, file.code).flatMap(({ specifier, isTypeOnly, line }) => {
    const fault = importFault(file.path, room, allowed, specifier, isTypeOnly)
    return fault === undefined ? [] : [`${file.path}:${line}: ${fault}`]
  })
}

function importFault(
  path: string,
  room: string,
  allowed: readonly string[],
  specifier: string,
  isTypeOnly: boolean,
): string | undefined {
  if (specifier.startsWith('node:')) return undefined
  if (!specifier.startsWith('.')) return packageFault(room, specifier)
  const target = resolve(path, specifier)
  if (!target.startsWith('src/')) return `imports "${specifier}", which is outside of src`
  const targetRoom = roomOf(target)
  if (targetRoom === room || (room === 'index' && isTypeOnly)) return undefined
  if (!allowed.includes(targetRoom)) return `room "${room}" may not import from "${targetRoom}"`
  if (targetRoom === 'config' && !isTypeOnly && !CONFIG_READERS.has(room)) {
    return `room "${room}" may import only types from "config"`
  }
  return undefined
}

function packageFault(room: string, specifier: string): string | undefined {
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  const packageRoom = PACKAGE_ROOMS.get(name)
  if (packageRoom === undefined) return `package "${name}" has no room`
  return packageRoom === room ? undefined : `package "${name}" belongs in room "${packageRoom}" alone`
}

function checkProcess(file: SourceFile): string[] {
  if (PROCESS_ROOMS.has(roomOf(file.path))) return []
  return findAll(file, /\bprocess\s*\.\s*(?:exit|env)\b/g, 'uses process.exit or process.env')
}

function checkHotPath(file: SourceFile): string[] {
  if (!file.text.startsWith('// Hot path:')) return []
  const bodies = findFunctionBodies(file.code)
  const isInBody = (offset: number): boolean => bodies.some(({ start, end }) => offset > start && offset < end)
  const faults = HOT_PATH_FAULTS.flatMap(([pattern, name]) =>
    [...file.code.matchAll(pattern)].map(({ index }) => ({ index, name })),
  )
  const closures = findClosures(file.code).map((index) => ({ index, name: 'a closure' }))
  return [...faults, ...closures]
    .filter(({ index }) => isInBody(index))
    .map(({ index, name }) => `${file.path}:${lineAt(file.text, index)}: has ${name} in a hot path`)
}

/** Devices and the dashboard use the hub over the network only. */
function checkOutsider(file: SourceFile): string[] {
  return findImports(file.text, file.code)
    .filter(({ specifier }) => specifier.startsWith('.') && resolve(file.path, specifier).startsWith('src/'))
    .map(({ line }) => `${file.path}:${line}: imports from src`)
}

function findAll({ path, text, code }: SourceFile, pattern: RegExp, fault: string): string[] {
  return [...code.matchAll(pattern)].map(({ index }) => `${path}:${lineAt(text, index)}: ${fault}`)
}

/** `src/router/x.ts` is in room `router`, `src/hub.ts` in room `hub`. */
function roomOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.tsx?$/, '')
}

function allowedImports(room: string): readonly string[] | undefined {
  if (room === 'index') return INDEX_MAY_IMPORT
  const common = COMMON.get(room)
  if (common !== undefined) return common
  const layer = LAYERS.findIndex((name) => name === room)
  return layer === -1 ? undefined : [...LAYERS.slice(layer + 1), ...COMMON.keys()]
}

function resolve(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1)
}
