import { existsSync, readFileSync } from 'node:fs'

/** The version of Hubbub, from the `package.json` that is nearest above this file: in `src`, in `dist`, installed. */
export function readVersion(): string {
  let file = new URL('../../package.json', import.meta.url)
  for (let above = file; !existsSync(file); file = above) {
    above = new URL('../package.json', file)
    if (above.href === file.href) return 'unknown'
  }
  const { version }: { version: string } = JSON.parse(readFileSync(file, 'utf8'))
  return version
}
