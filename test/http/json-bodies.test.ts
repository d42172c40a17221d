import fc from 'fast-check'
import { expect, test } from 'vitest'
import { runs } from '../support/runs.ts'
import { hasMoreParts } from '../../src/http/json-bodies.ts'

/** By the value itself: each member of a list or an object but the first is behind a comma, each of an object behind a colon too. */
function partsOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const members = Object.values(value)
  const separators = Math.max(0, members.length - 1) + (Array.isArray(value) ? 0 : members.length)
  return 1 + separators + members.reduce((sum: number, member) => sum + partsOf(member), 0)
}

test('Parts of JSON are counted as its reader meets them, whatever is in its texts', () => {
  const text = fc.string({ unit: fc.constantFrom('"', '\\', '[', '{', ',', ':', 'a', 'я', '\n') })
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, text, fc.integer(), fc.constant(null), tie('list'), tie('members')),
    list: fc.array(tie('value'), { maxLength: 4 }),
    members: fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  }))
  fc.assert(
    fc.property(value, (one) => {
      const json = Buffer.from(JSON.stringify(one))
      const parts = partsOf(JSON.parse(json.toString()))
      expect(hasMoreParts(json, parts)).toBe(false)
      if (parts > 0) expect(hasMoreParts(json, parts - 1)).toBe(true)
    }),
    { numRuns: runs(500) },
  )
})

test('What is no JSON is left to the parser, and read no further than it takes to see that', () => {
  for (const text of ['"""""', '"a" "b" [1,2,3]', '"never ends [[[[', '"ends with \\']) {
    expect(hasMoreParts(Buffer.from(text), 1)).toBe(false)
  }
})
