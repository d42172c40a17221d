import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A program that tests run and that its package cannot be installed for, since it would start a service. */
interface Tool {
  readonly packageName: string
  /** Where the program lies in the package. */
  readonly path: string
  /** Packages of libraries that a small system does not have. */
  readonly libraries: readonly string[]
}

export const TOOLS = {
  promtool: { packageName: 'prometheus', path: 'usr/bin/promtool', libraries: [] },
  prometheus: { packageName: 'prometheus', path: 'usr/bin/prometheus', libraries: [] },
  haproxy: {
    packageName: 'haproxy',
    path: 'usr/sbin/haproxy',
    libraries: ['liblua5.3-0', 'libopentracing-c-wrapper0'],
  },
  mosquitto: { packageName: 'mosquitto', path: 'usr/sbin/mosquitto', libraries: ['libdlt2', 'libwrap0'] },
} as const satisfies Readonly<Record<string, Tool>>

export type ToolName = keyof typeof TOOLS

/** Where packages are unpacked whose programs are not installed. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const UNPACKED = 'node_modules/.cache/debian'
export const UNPACKED_FOLDER = join(ROOT, UNPACKED)

/** Debian's own Python: its packages install for no other. */
export const DEBIAN_PYTHON = '/usr/bin/python3'
export const DEBIAN_PYTHON_FOLDER = '/usr/lib/python3/dist-packages'

/** The path of a command, as a shell finds it. */
export function findOnPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/**
 * The path of a tool: installed, or unpacked by `required-packages.ts`; undefined when it is neither. `root`: the repository, for who
 * does not run from its source.
 */
export function findTool(name: ToolName, root = ROOT): string | undefined {
  const { packageName, path } = TOOLS[name]
  const places = [join('/usr/sbin', name), join('/usr/local/sbin', name), join(root, UNPACKED, packageName, path)]
  return findOnPath(name) ?? places.find((place) => existsSync(place))
}

/** The path of a tool, or an error that says how to get it. */
export function requireTool(name: ToolName): string {
  const path = findTool(name)
  if (path !== undefined) return path
  throw new Error(
    `${name} is missing: npm test takes it from Debian's package "${TOOLS[name].packageName}" with apt-get`,
  )
}
