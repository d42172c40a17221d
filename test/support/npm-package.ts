import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const CACHE_FOLDER = fileURLToPath(new URL('../../node_modules/.cache/npm', import.meta.url))

/** How long `beforeAll` may wait for `installPackage`. */
export const INSTALL_TIMEOUT_MS = 300_000

const run = promisify(execFile)

/**
 * The folder of an npm package that a test runs and the project does not depend on; the first call installs it, with what it needs,
 * where `npm ci` clears it away. `beside` pins packages that go with it. No script is run while it is installed.
 */
export async function installPackage(name: string, version: string, beside: readonly string[] = []): Promise<string> {
  const specs = [`${name}@${version}`, ...beside]
  const folder = join(CACHE_FOLDER, [`${name}-${version}`, ...beside].join('+').replaceAll('/', '-'))
  if (!existsSync(folder)) await install(specs, folder)
  return join(folder, 'node_modules', name)
}

async function install(specs: readonly string[], folder: string): Promise<void> {
  mkdirSync(CACHE_FOLDER, { recursive: true })
  const begun = mkdtempSync(join(CACHE_FOLDER, 'install-'))
  const flags = ['--prefix', begun, '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock']
  try {
    await run('npm', ['install', ...flags, ...specs], { timeout: INSTALL_TIMEOUT_MS })
    renameSync(begun, folder)
  } catch (cause) {
    rmSync(begun, { recursive: true })
    // Another test may have been quicker.
    if (!existsSync(folder)) throw new Error(`cannot install ${specs.join(', ')}, which the test runs`, { cause })
  }
}
