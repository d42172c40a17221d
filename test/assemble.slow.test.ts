import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { packagesLoaded, TELL_LOADED } from './support/bundle.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Starts and stops a hub in a process of its own, and tells which packages it loaded. */
async function packagesLoadedBy(config: object): Promise<string[]> {
  const program = `
    import { createHub } from './dist/hub/index.js'
    const hub = await createHub({ config: ${JSON.stringify({ port: 0, httpPort: 0, data: 'memory', logLevel: 'silent', ...config })} })
    await hub.stop()`
  const args = [TELL_LOADED, '--input-type=module', '--eval', program]
  return packagesLoaded((await promisify(execFile)(process.execPath, args, { cwd: ROOT })).stderr)
}

test('A hub loads the packages of what is switched on, and of nothing else', async () => {
  // Rules of users are written in YAML.
  const always = ['aedes', 'prom-client', 'yaml']
  expect(await packagesLoadedBy({})).toEqual([...always, 'fastify', 'ws', '@fastify/static'])
  expect(await packagesLoadedBy({ http: false, dashboard: false })).toEqual(always)
  expect(await packagesLoadedBy({ dashboard: false })).toEqual([...always, 'fastify', 'ws'])
})
