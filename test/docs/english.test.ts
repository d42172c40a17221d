import { readdirSync } from 'node:fs'
import { extname, join } from 'node:path'
import { expect, test } from 'vitest'
import { BANNED, findBanned } from './banned-phrases.ts'
import { readPage, ROOT } from './pages.ts'

const FOLDERS = new Set(['src', 'devices', 'dashboard', 'docs', 'examples', 'packaging'])
const EXTENSIONS = new Set(['', '.html', '.ino', '.json', '.md', '.py', '.service', '.ts', '.tsx', '.yaml', '.yml'])
const NOT_OURS = new Set(['node_modules', 'dist'])

/** All that people read of the product: strings, comments and pages. */
function findTexts(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : findTexts(path)
    return EXTENSIONS.has(extname(entry.name)) ? [path] : []
  })
}

test('Strings, comments and pages of the product are free of banned phrases', () => {
  const names = readdirSync(ROOT)
  const texts = [
    ...names.filter((name) => name.endsWith('.md') || name === 'Dockerfile'),
    ...names.filter((name) => FOLDERS.has(name)).flatMap(findTexts),
  ]
  expect(texts.length).toBeGreaterThan(300)
  expect(texts.flatMap((path) => findBanned(readPage(path)).map((found) => `${path}:${found}`))).toEqual([])
})

test.each(BANNED)('"%s" is found in a string, a comment and a page; "%s" is not', (phrase, instead) => {
  const found = `2: "${phrase}", say "${instead}"`
  expect(findBanned(`import './a.ts'\nconst text = 'Then ${phrase} it.'\n`)).toEqual([found])
  expect(findBanned(`/**\n * Then ${phrase.replaceAll(' ', '\n * ')} it.\n */\n`)).toEqual([found])
  expect(findBanned(`\n// Then ${phrase.replaceAll(' ', '\n  // ')} it.\n`)).toEqual([found])
  expect(findBanned(`\nlog('Then ${phrase.replaceAll(' ', " ' +\n  '")} it.')\n`)).toEqual([found])
  expect(findBanned(`# Page\nThen ${phrase.toUpperCase()} it.\n`)).toEqual([found])
  expect(findBanned(`Then ${instead} it.\n`)).toEqual([])
})
