import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { linksOf, ROOT } from './pages.ts'

/** Pages for users. Those about the sources may link to sources, which are not in the package. */
const PAGES_FOR_USERS = /^(?:README|SECURITY|CHANGELOG)\.md$|^(?:docs|examples)\/.*\.md$/

/** The paths of all files that `npm publish` would send. */
async function packedFiles(): Promise<string[]> {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts']
  const { stdout } = await promisify(execFile)('npm', args, { cwd: ROOT, maxBuffer: 16 * 1024 ** 2 })
  const [{ files }]: [{ files: readonly { readonly path: string }[] }] = JSON.parse(stdout)
  return files.map(({ path }) => path)
}

describe('The package', async () => {
  const files = await packedFiles()

  test('has the hub, the license and the papers', () => {
    expect(files).toEqual(
      expect.arrayContaining(['package.json', 'LICENSE', 'README.md', 'CHANGELOG.md', 'SECURITY.md', 'docs/README.md']),
    )
    expect(files).toEqual(
      expect.arrayContaining([
        'dist/hub/main.js',
        'dist/hub/index.js',
        // Of the thread that hashes passwords.
        'dist/hub/hash-worker.js',
        'dist/hub/types/index.d.ts',
        'dist/dashboard/index.html',
      ]),
    )
    const built = files.filter((path) => path.startsWith('dist/')).map((path) => path.split('/')[1])
    expect(new Set(built)).toEqual(new Set(['hub', 'dashboard']))
  })

  test('has the license of every package that is in its bundles', () => {
    expect(readFileSync(join(ROOT, 'dist/hub/licenses.md'), 'utf8')).toMatch(/^## aedes - [\d.]+ \(MIT\)$/m)
    expect(readFileSync(join(ROOT, 'dist/dashboard/licenses.md'), 'utf8')).toMatch(/^## preact - [\d.]+ \(MIT\)$/m)
    expect(files).toEqual(expect.arrayContaining(['dist/hub/licenses.md', 'dist/dashboard/licenses.md']))
  })

  test('has every file that its README and its pages for users link to', () => {
    const pages = files.filter((path) => PAGES_FOR_USERS.test(path))
    expect(pages.length).toBeGreaterThan(10)
    const missing = pages.flatMap((page) =>
      linksOf(page)
        .filter(({ path }) => !files.includes(path) && !files.some((file) => file.startsWith(`${path}/`)))
        .map(({ path }) => `${path} (${page})`),
    )
    expect(missing).toEqual([])
  })

  test('has no sources, no tests, and one picture', () => {
    const others = files.filter((path) => /^(?:src|test|devices|dashboard)\//.test(path))
    expect(others.filter((path) => !path.endsWith('.md'))).toEqual(['dashboard/screenshots/room-laptop-light-en.webp'])
  })
})
