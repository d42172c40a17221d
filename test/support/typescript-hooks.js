import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** A hook of Node: takes the types out of the files of `src`. Vitest does it by itself for what it loads. */
export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts') || url.includes('/node_modules/')) return next(url, context)
  const { transformWithOxc } = await import('vite')
  const path = fileURLToPath(url)
  const { code } = await transformWithOxc(await readFile(path, 'utf8'), path)
  return { format: 'module', source: code, shortCircuit: true }
}
