import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Packages that are loaded as CommonJS, and so can be seen in the cache of `require`. */
const PACKAGES = ['fastify', 'ws', 'sorted-btree', 'prom-client']

/** Starts and stops a hub in a process of its own, and tells which packages were loaded. */
async function packagesLoadedBy(config: object): Promise<string[]> {
  const program = `
    import { createRequire } from 'node:module'
    import { createHub } from './dist/index.js'
    const hub = await createHub({ config: ${JSON.stringify({ port: 0, httpPort: 0, data: 'memory', logLevel: 'silent', ...config })} })
    await hub.stop()
    console.log(Object.keys(createRequire(import.meta.url).cache).join('\\n'))`
  const args = ['--input-type=module', '--eval', program]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT })
  const files = stdout.split('\n')
  return PACKAGES.filter((name) => files.some((file) => file.includes(`/node_modules/${name}/`)))
}

test('A hub loads the packages of what is switched on, and of nothing else', async () => {
  const always = ['sorted-btree', 'prom-client']
  expect(new Set(await packagesLoadedBy({}))).toEqual(new Set(PACKAGES))
  expect(new Set(await packagesLoadedBy({ http: false }))).toEqual(new Set(always))
})
