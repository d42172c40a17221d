import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const HOOKS = `
  import { writeSync } from 'node:fs'
  export async function load(url, context, next) {
    writeSync(2, url + '\\n')
    return next(url, context)
  }`
const REGISTER = `import { register } from 'node:module'; register(${JSON.stringify(dataUrl(HOOKS))})`

/** What Node takes to write the address of each module that it loads to standard error, in a line of its own. */
export const TELL_LOADED = `--import=${dataUrl(REGISTER)}`

/** A word of each package that stands in its code and in no other. */
const WORDS: Readonly<Record<string, string>> = {
  aedes: 'aedes',
  'prom-client': 'openmetrics-text',
  yaml: 'BLOCK_AS_IMPLICIT_KEY',
  fastify: 'FST_ERR_BAD_URL',
  ws: 'WS_ERR_INVALID_UTF8',
  '@fastify/static': 'allowedPath',
}

/** Those of a few packages that are in the parts of the bundle that were loaded, by what `TELL_LOADED` made Node write. */
export function packagesLoaded(stderr: string): string[] {
  const parts = stderr.split('\n').filter((line) => line.includes('/dist/hub/'))
  const code = parts.map((part) => readFileSync(fileURLToPath(part), 'utf8')).join('\n')
  return Object.entries(WORDS).flatMap(([name, word]) => (code.includes(word) ? [name] : []))
}

function dataUrl(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`
}
