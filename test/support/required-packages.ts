import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Commands that the slow tests run, and the Debian package of each. Never `mosquitto`: it would start a broker on 1883. */
const REQUIRED: ReadonlyMap<string, string> = new Map([
  ['mosquitto_pub', 'mosquitto-clients'],
  ['mosquitto_sub', 'mosquitto-clients'],
])
const INSTALL_TIMEOUT_MS = 300_000

const run = promisify(execFile)

/**
 * Installs what the slow tests need from the system, where it may. Where it may not, it says so and lets the tests run:
 * those that need it fail by themselves and name the package.
 */
export async function setup(): Promise<void> {
  const missing = await findMissingPackages()
  if (missing.length === 0) return
  const names = missing.join(' ')
  const prefix = await findRootPrefix()
  if (prefix === undefined || !(await isRunnable('apt-get', ['--version']))) {
    say(`Missing: ${names}. Install it with "sudo apt-get install ${names}"; the tests that need it will fail.`)
    return
  }
  say(`Installing ${names} with apt-get, which the tests need …`)
  try {
    await apt(prefix, ['update'])
    await apt(prefix, ['install', '-y', '--no-install-recommends', ...missing])
    say(`Installed ${names}.`)
  } catch (error) {
    say(
      `Cannot install ${names}, the tests that need it will fail: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

async function findMissingPackages(): Promise<string[]> {
  const found = await Promise.all(
    [...REQUIRED].map(async ([command, packageName]) => ((await isRunnable(command, ['--help'])) ? [] : [packageName])),
  )
  return [...new Set(found.flat())]
}

/** Tells whether a command exists, whatever it exits with. */
async function isRunnable(command: string, args: readonly string[]): Promise<boolean> {
  try {
    await run(command, args)
    return true
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ENOENT')
  }
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
