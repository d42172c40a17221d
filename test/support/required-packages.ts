import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import { DEBIAN_PYTHON_FOLDER, findOnPath, findTool, type ToolName, TOOLS, UNPACKED_FOLDER } from './debian-tools.ts'

/**
 * Commands that the slow tests run, or paths of libraries they need, and the Debian packages of each. What would start a service is in
 * `debian-tools.ts`.
 */
const REQUIRED: ReadonlyMap<string, readonly string[]> = new Map([
  ['mosquitto_pub', ['mosquitto-clients']],
  ['mosquitto_sub', ['mosquitto-clients']],
  // The fonts have Cyrillic and emoji, which a small system lacks.
  ['chromium', ['chromium', 'fonts-dejavu-core', 'fonts-noto-color-emoji']],
  ['g++', ['g++']],
  ['docker-compose', ['docker-compose']],
  ['systemd-analyze', ['systemd']],
  [join(DEBIAN_PYTHON_FOLDER, 'paho/mqtt/client.py'), ['python3-paho-mqtt']],
  [join(DEBIAN_PYTHON_FOLDER, 'jinja2/sandbox.py'), ['python3-jinja2']],
])
const INSTALL_TIMEOUT_MS = 300_000

const run = promisify(execFile)

/**
 * Installs what the slow tests need from the system, where it may. Where it may not, it says so and lets the tests run:
 * those that need it fail by themselves and name the package.
 */
export async function setup(): Promise<void> {
  const tools = Object.keys(TOOLS)
    .filter(isToolName)
    .filter((name) => findTool(name) === undefined)
  const missing = [...findMissingPackages(), ...tools.flatMap((name) => TOOLS[name].libraries)]
  if (missing.length === 0 && tools.length === 0) return
  const hasApt = findOnPath('apt-get') !== undefined
  if (missing.length > 0) await install(missing, hasApt)
  for (const name of tools) if (findTool(name) === undefined) await unpack(name, hasApt)
}

async function install(packages: readonly string[], hasApt: boolean): Promise<void> {
  const names = packages.join(' ')
  const prefix = await findRootPrefix()
  if (prefix === undefined || !hasApt) {
    say(`Missing: ${names}. Install it with "sudo apt-get install ${names}"; the tests that need it will fail.`)
    return
  }
  say(`Installing ${names} with apt-get, which the tests need …`)
  try {
    await apt(prefix, ['update'])
    await apt(prefix, ['install', '-y', '--no-install-recommends', ...packages])
    say(`Installed ${names}.`)
  } catch (error) {
    say(`Cannot install ${names}, the tests that need it will fail: ${textOf(error)}`)
  }
}

/** Takes a program out of its package: installed, that would start a service. Needs no root where apt knows the package. */
async function unpack(name: ToolName, hasApt: boolean): Promise<void> {
  const { packageName } = TOOLS[name]
  if (!hasApt) {
    say(`Missing: ${name}, of Debian's package ${packageName}; the tests that need it will fail.`)
    return
  }
  say(`Taking ${name}, which the tests need, out of Debian's package ${packageName} …`)
  mkdirSync(UNPACKED_FOLDER, { recursive: true })
  const folder = mkdtempSync(join(UNPACKED_FOLDER, 'download-'))
  try {
    await download(packageName, folder)
    const file = readdirSync(folder).find((entry) => entry.endsWith('.deb')) ?? ''
    await run('dpkg', ['-x', join(folder, file), join(folder, 'files')])
    renameSync(join(folder, 'files'), join(UNPACKED_FOLDER, packageName))
  } catch (error) {
    say(`Cannot take ${name} out of ${packageName}, the tests that need it will fail: ${textOf(error)}`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function download(packageName: string, folder: string): Promise<void> {
  const options = { cwd: folder, timeout: INSTALL_TIMEOUT_MS }
  try {
    await run('apt-get', ['download', packageName], options)
  } catch (error) {
    // The lists are old, or there are none.
    const prefix = await findRootPrefix()
    if (prefix === undefined) throw error
    await apt(prefix, ['update'])
    await run('apt-get', ['download', packageName], options)
  }
}

function isToolName(name: string): name is ToolName {
  return name in TOOLS
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function findMissingPackages(): string[] {
  const missing = [...REQUIRED].filter(([name]) => !(isAbsolute(name) ? existsSync(name) : findOnPath(name)))
  return [...new Set(missing.flatMap(([, packages]) => packages))]
}

/** What to put before a command so that it runs as root: nothing, or sudo; undefined where neither works. */
async function findRootPrefix(): Promise<readonly string[] | undefined> {
  if (process.getuid?.() === 0) return []
  try {
    await run('sudo', ['-n', 'true'])
    return ['sudo', '-n']
  } catch {
    return undefined
  }
}

async function apt(prefix: readonly string[], args: readonly string[]): Promise<void> {
  // sudo drops the environment, so it is set behind it.
  const [command = 'env', ...rest] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args]
  await run(command, rest, { timeout: INSTALL_TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 })
}

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
