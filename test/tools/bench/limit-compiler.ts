// Makes the limit, a C server, when there is a compiler.
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const sourcePath = fileURLToPath(new URL('../../test/tools/bench/limit-server.c', import.meta.url))

export const limitPath = fileURLToPath(new URL('../../node_modules/.cache/bench/limit-server', import.meta.url))

/** Compiles it; says why that is not possible, or undefined when it is done. */
export function whyNotCompiled(): string | undefined {
  mkdirSync(dirname(limitPath), { recursive: true })
  try {
    execFileSync('cc', ['-O2', '-Wall', '-Wextra', '-o', limitPath, sourcePath], {
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    return undefined
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    return said === ''
      ? 'there is no C compiler; with one: apt-get install gcc libc6-dev'
      : `it does not compile: ${said.split('\n').find((line) => line.includes('error')) ?? said}`
  }
}
