import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { Plugin } from 'vite'

const brotli = promisify(brotliCompress)
const zip = promisify(gzip)

/** Files smaller than this are not worth a second one. */
const MIN_BYTES = 1024

/** Lays `.br` and `.gz` beside each file of the build, so that the hub compresses nothing while it serves. */
export function precompress(): Plugin {
  let outDir = ''
  return {
    name: 'precompress',
    apply: 'build',
    configResolved(config) {
      outDir = join(config.root, config.build.outDir)
    },
    async closeBundle() {
      const names = await readdir(outDir, { recursive: true })
      await Promise.all(names.filter((name) => /\.(html|js|css|svg|json)$/.test(name)).map(compressFile))
    },
  }

  async function compressFile(name: string): Promise<void> {
    const path = join(outDir, name)
    const bytes = await readFile(path)
    if (bytes.length < MIN_BYTES) return
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
    await Promise.all([
      brotli(bytes, { params }).then((packed) => writeFile(`${path}.br`, packed)),
      zip(bytes, { level: 9 }).then((packed) => writeFile(`${path}.gz`, packed)),
    ])
  }
}
