import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { SEARCHED_BYTES, TextSearch } from '../../src/base/text-search.ts'
import { runs } from '../support/runs.ts'

/** Of so few letters that texts are often found, and nearly found. */
const LETTERS = fc.string({ unit: fc.constantFrom('a', 'B', 'ж'), maxLength: 60 })

test('A text is found where it is, in upper or lower case', () => {
  fc.assert(
    fc.property(
      LETTERS.filter((text) => text !== ''),
      LETTERS,
      LETTERS,
      fc.boolean(),
      (text, before, after, isThere) => {
        const searched = isThere ? before + text.toUpperCase() + after : before + after
        const wanted = searched.toLowerCase().includes(text.toLowerCase())
        expect(new TextSearch(text).isIn(searched)).toBe(wanted)
        expect(new TextSearch(text).isInPayload(Buffer.from(searched))).toBe(wanted)
      },
    ),
    { numRuns: runs(2000) },
  )
})

test('A text of 1,000 characters is found behind what nearly is the same, and not where only nearly the same is', () => {
  const text = `${'a'.repeat(500)}b${'a'.repeat(499)}`
  const nearly = 'a'.repeat(200_000)
  expect(new TextSearch(text).isIn(nearly)).toBe(false)
  expect(new TextSearch(text).isIn(nearly + text)).toBe(true)
})

test('A payload is searched as far as its first 256 KiB', () => {
  const search = new TextSearch('sought')
  const before = 'x'.repeat(SEARCHED_BYTES - 6)
  expect(search.isInPayload(Buffer.from(`${before}sought`))).toBe(true)
  expect(search.isInPayload(Buffer.from(`${before}xsought`))).toBe(false)
})
