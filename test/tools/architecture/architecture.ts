import { findCircles } from './circles.ts'
import {
  blankNonCode,
  findClosures,
  findFunctionBodies,
  findImports,
  type ImportedModule,
  lineAt,
} from './source-text.ts'

/**
 * The floors of `src`, top first [src/README.md]: a room imports from lower floors, never from above and never from a
 * room beside it. A room is a folder, or a file that stands in `src` itself; some rooms are still empty.
 */
export const FLOORS: readonly (readonly string[])[] = [
  ['cli'],
  ['index'],
  ['hub'],
  ['assemble'],
  ['http', 'gateways', 'bridges', 'cluster', 'history', 'replay'],
  ['admin', 'listeners'],
  ['connection', 'broker'],
  ['session'],
  ['router'],
  ['topics', 'store', 'auth'],
  ['trails', 'observe'],
  ['protocol', 'config'],
  ['base'],
]

const FLOOR_BY_ROOM: ReadonlyMap<string, number> = new Map(
  FLOORS.flatMap((rooms, floor) => rooms.map((room) => [room, floor])),
)

/** What programs that embed the hub may use. The types that the methods of a hub name may come from any room. */
const INDEX_MAY_IMPORT: ReadonlySet<string> = new Set(['hub', 'base', 'protocol', 'store'])

/** Who may import more of `config` than types: whoever builds the configuration or reads it all. */
const CONFIG_READERS: ReadonlySet<string> = new Set(['cli', 'hub', 'assemble', 'config'])

/** The folders of each npm package; what lies below them may use it too. A package without a row may not be imported. */
const PACKAGE_FOLDERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['aedes', ['src/broker']],
  ['hash-wasm', ['src/auth/passwords']],
  ['jose', ['src/auth/tokens']],
  ['json-p3', ['src/history/query']],
  ['lmdb', ['src/store/disk', 'src/history/log', 'src/bridges']],
  ['pino', ['src/base']],
  ['pino-pretty', ['src/base']],
  ['prom-client', ['src/observe']],
  ['sorted-btree', ['src/session']],
  ['cookie', ['src/http']],
  ['fastify', ['src/http']],
  ['ajv', ['src/http']],
  ['fast-json-stringify', ['src/http']],
  ['@fastify/compress', ['src/http']],
  ['@fastify/static', ['src/http']],
  ['@fastify/swagger', ['src/http']],
  ['@fastify/swagger-ui', ['src/http']],
  ['@fastify/type-provider-typebox', ['src/http']],
  ['typebox', ['src/config', 'src/http', 'devices']],
  ['ws', ['src/listeners']],
  ['@peculiar/x509', ['src/cli']],
  ['reflect-metadata', ['src/cli']],
  ['yaml', ['src/base', 'devices']],
  ['mqtt', ['devices', 'dashboard/worker', 'dashboard/app/pages', 'dashboard/app/account']],
  ['cborg', ['devices/kinds']],
  ['websocket-stream', ['devices/network']],
  ['preact', ['dashboard/app']],
  ['@preact/signals', ['dashboard/app']],
  ['@tanstack/virtual-core', ['dashboard/app/conversation']],
  ['uplot', ['dashboard/app']],
  ['uqr', ['dashboard/app/account']],
  ['vite', ['dashboard']],
])

/** What of `src` the dashboard may name: types alone, and none that needs Node. */
const API_TYPES = 'src/http/api-types.ts'

/** Who may end the process and read its environment. */
const PROCESS_ROOMS: ReadonlySet<string> = new Set(['cli', 'config'])

/** The length at which one looks at a file again. */
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
  readonly imports: readonly ImportedModule[]
}

/**
 * Checks files by the rules of style.md, "Architecture, kept by a test". Keys are paths from the repository's root. Returns
 * what is wrong as `path:line: what`, in order; only `.ts` and `.tsx` files are looked at.
 */
export function checkArchitecture(textByPath: ReadonlyMap<string, string>): string[] {
  const files = [...textByPath]
    .filter(([path]) => /\.tsx?$/.test(path) && !path.endsWith('.d.ts'))
    .map(([path, text]) => cutFile(path, text))
  return [...files.flatMap(checkFile), ...checkCircles(files)].toSorted()
}

function cutFile(path: string, text: string): SourceFile {
  const code = blankNonCode(text)
  return { path, text, code, imports: findImports(text, code) }
}

function checkFile(file: SourceFile): string[] {
  const faults = [...checkLength(file), ...checkDefaultExport(file)]
  if (file.path.startsWith('test/')) return faults
  faults.push(...checkPackages(file))
  if (file.path.startsWith('src/')) faults.push(...checkRoom(file), ...checkProcess(file), ...checkHotPath(file))
  else faults.push(...checkOutsider(file))
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
  const floor = FLOOR_BY_ROOM.get(room)
  if (floor === undefined) return [`${file.path}:1: room "${room}" stands on no floor`]
  return file.imports.flatMap(({ specifier, isTypeOnly, line }) => {
    if (!specifier.startsWith('.')) return []
    const fault = importFault(room, floor, resolve(file.path, specifier), specifier, isTypeOnly)
    return fault === undefined ? [] : [`${file.path}:${line}: ${fault}`]
  })
}

function importFault(
  room: string,
  floor: number,
  target: string,
  specifier: string,
  isTypeOnly: boolean,
): string | undefined {
  if (!target.startsWith('src/')) return `imports "${specifier}", which is outside of src`
  const targetRoom = roomOf(target)
  if (targetRoom === room) return undefined
  const targetFloor = FLOOR_BY_ROOM.get(targetRoom) ?? 0
  if (targetFloor === floor) return `room "${room}" may not import from "${targetRoom}", which is beside it`
  if (targetFloor < floor) return `room "${room}" may not import from "${targetRoom}", which is above it`
  if (room === 'index' && !isTypeOnly && !INDEX_MAY_IMPORT.has(targetRoom))
    return `room "index" may import only types from "${targetRoom}"`
  if (targetRoom === 'config' && !isTypeOnly && !CONFIG_READERS.has(room))
    return `room "${room}" may import only types from "config"`
  return undefined
}

function checkPackages({ path, imports }: SourceFile): string[] {
  return imports.flatMap(({ specifier, line }) => {
    if (specifier.startsWith('.') || specifier.startsWith('node:')) return []
    const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
    const folders = PACKAGE_FOLDERS.get(name)
    if (folders === undefined) return [`${path}:${line}: package "${name}" has no folder`]
    if (folders.some((folder) => path.startsWith(`${folder}/`))) return []
    return [`${path}:${line}: package "${name}" belongs in ${folders.join(', ')}`]
  })
}

/** Files that import each other in a circle, by values or by types alone, can be neither read nor tested one without the other. */
function checkCircles(files: readonly SourceFile[]): string[] {
  const product = files.filter(({ path }) => !path.startsWith('test/'))
  const paths = new Set(product.map(({ path }) => path))
  const targets = new Map(
    product.map(({ path, imports }) => [
      path,
      imports
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => resolve(path, specifier))
        .filter((target) => paths.has(target)),
    ]),
  )
  return findCircles(targets).map((circle) => `${circle[0]}:1: imports itself in a circle: ${circle.join(' → ')}`)
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

/** Devices and the dashboard use the hub over the network only; the page takes the types of the API besides. */
function checkOutsider(file: SourceFile): string[] {
  return file.imports.flatMap(({ specifier, isTypeOnly, line }) => {
    const target = specifier.startsWith('.') ? resolve(file.path, specifier) : ''
    if (!target.startsWith('src/')) return []
    const isAllowed = isTypeOnly && target === API_TYPES && file.path.startsWith('dashboard/')
    return isAllowed ? [] : [`${file.path}:${line}: imports from src`]
  })
}

function findAll({ path, text, code }: SourceFile, pattern: RegExp, fault: string): string[] {
  return [...code.matchAll(pattern)].map(({ index }) => `${path}:${lineAt(text, index)}: ${fault}`)
}

/** `src/router/x.ts` is in room `router`, `src/hub.ts` in room `hub`. */
function roomOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.tsx?$/, '')
}

function resolve(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1)
}
