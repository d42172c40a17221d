import { existsSync, readFileSync } from 'node:fs'

/** The version of Hubbub. */
export function readVersion(): string {
  const file = packageFile('package.json')
  if (!existsSync(file)) return 'unknown'
  const { version }: { version: string } = JSON.parse(readFileSync(file, 'utf8'))
  return version
}

/** A file of this package by its path there, whether this runs from `src`, from `dist` or installed. */
export function packageFile(path: string): URL {
  let folder = new URL('.', import.meta.url)
  while (!existsSync(new URL('package.json', folder))) {
    const above = new URL('..', folder)
    if (above.href === folder.href) break
    folder = above
  }
  return new URL(path, folder)
}
