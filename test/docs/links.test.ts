import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { anchorsOf, findPages, linksOf, readPage, ROOT } from './pages.ts'

/** Links of a page that lead nowhere. */
function deadLinks(page: string, text?: string): string[] {
  return linksOf(page, text).flatMap(({ path, anchor }) => {
    if (!existsSync(join(ROOT, path))) return [path]
    return anchor === undefined || anchorsOf(readPage(path)).includes(anchor) ? [] : [`${path}#${anchor}`]
  })
}

describe('Links between pages', () => {
  test.each(findPages())('of %s lead to files and headings that are there', (page) => {
    expect(deadLinks(page)).toEqual([])
  })

  test('are found: a missing file, a missing heading, a picture; not what stands in code', () => {
    const text = [
      '[a](gone.md) [b](../README.md#no-such-heading) ![c](gone.webp) [d](#nor-here) [e](../README.md#what-it-does)',
      '`[f](gone-in-code.md)` [g](https://example.org/gone)',
      '```sh\n[h](gone-in-block.md)\n```',
    ].join('\n')
    expect(deadLinks('docs/README.md', text)).toEqual([
      'docs/gone.md',
      'README.md#no-such-heading',
      'docs/gone.webp',
      'docs/README.md#nor-here',
    ])
  })

  test('lead from the index of docs/ to each of its pages', () => {
    const linked = new Set(linksOf('docs/README.md').map(({ path }) => path))
    const pages = findPages('docs').filter((page) => page !== 'docs/README.md')
    expect(pages.length).toBeGreaterThan(8)
    expect(pages.filter((page) => !linked.has(page))).toEqual([])
  })
})
