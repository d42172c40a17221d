import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const NOT_OURS: ReadonlySet<string> = new Set(['node_modules', 'dist', 'data', 'coverage', '.git'])

/** Where a page points: `path` from the root of the repository, and the heading behind `#`. */
export interface PageLink {
  readonly path: string
  readonly anchor: string | undefined
}

/** The text of a file, named from the root of the repository. */
export function readPage(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** Every Markdown file of the repository, named from its root. */
export function findPages(folder = ''): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : findPages(path)
      return entry.name.endsWith('.md') ? [path] : []
    })
    .toSorted()
}

/** The links and pictures of a page that lead to files of the repository; what stands in code is none. */
export function linksOf(page: string, text = readPage(page)): PageLink[] {
  return Array.from(withoutCode(text).matchAll(/\]\(<?([^)\s>]+)>?\)/g), ([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#', 2)
      return { path: path === '' ? page : join(page, '..', path), anchor }
    })
}

/** What can stand behind `#` in a link to a page, as GitHub makes it of the headings; and anchors that are written out. */
export function anchorsOf(text: string): string[] {
  const page = withoutFences(text)
  const seen = new Map<string, number>()
  const headings = Array.from(page.matchAll(/^#{1,6} +(.+)$/gm), ([, heading = '']) => {
    const anchor = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
    const before = seen.get(anchor) ?? 0
    seen.set(anchor, before + 1)
    return before === 0 ? anchor : `${anchor}-${before}`
  })
  return [...headings, ...Array.from(page.matchAll(/<a id="([^"]+)">/g), ([, anchor = '']) => anchor)]
}

/** The contents of the code blocks in a language. */
export function codeBlocks(text: string, language: string): string[] {
  return Array.from(text.matchAll(/^```(\w*)\n([^]*?)^```$/gm))
    .filter(([, name]) => name === language)
    .map(([, , code = '']) => code)
}

function withoutFences(text: string): string {
  return text.replaceAll(/^```[^]*?^```$/gm, '')
}

function withoutCode(text: string): string {
  return withoutFences(text).replaceAll(/`[^`\n]*`/g, '')
}
