import { describe, expect, test } from 'vitest'
import { Where } from '../../../src/history/query/where.ts'

function jsonOf(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

/** A list that takes that many bytes, which are even. */
function numbers(bytes: number): Buffer {
  return Buffer.from(`[${'1,'.repeat(bytes / 2 - 2)}10]`)
}

describe('A condition on JSON', () => {
  test.each([
    ['@.temperature > 20', { temperature: 21 }, true],
    ['@.temperature > 20', { temperature: 20 }, false],
    ['@.a == @.b', { a: [1, { x: 2 }], b: [1, { x: 2 }] }, true],
    ['@[?@.on == true]', [{ on: false }, { on: true }], true],
    ['count(@[*]) > 2', [1, 2, 3], true],
    ['@.a && !@.b', { a: 1, b: 0 }, false],
  ])('%s of %j: %s', (expression, value, holds) => {
    expect(new Where(expression).matches(jsonOf(value))).toBe(holds)
  })

  test('holds for nothing that is no JSON', () => {
    expect(new Where('@.a == 1').matches(Buffer.from('{"a":1'))).toBe(false)
  })

  test.each([
    '$.a == 1',
    '@..a == 1',
    "@['a','b'] == 1",
    '@.a ==',
    'match(@.a, "(a+)+$")',
    '@[?@[?$.a == 1]]',
    '@[?@..a]',
    'x'.repeat(1001),
  ])('refuses %s', (expression) => {
    expect(() => new Where(expression)).toThrow(
      expect.objectContaining({ code: 'HISTORY_QUERY_INVALID', message: expect.stringContaining('where') }),
    )
  })

  test('does not look into payloads that are too large for it, and says so', () => {
    expect(new Where('@[0] == 1').matches(numbers(262_144))).toBe(true)
    expect(new Where('@[0] == 1').matches(numbers(262_148))).toBeUndefined()
    // Names and positions are found at once, however many there are.
    expect(new Where(Array.from({ length: 40 }, (_, i) => `@[${i}] == 2`).join(' || ')).matches(numbers(262_144))).toBe(
      false,
    )
    // Each of these looks through all of it, and asks something of each member.
    expect(new Where('@[?@ == 9]').matches(numbers(30_000))).toBe(false)
    expect(new Where('@[?@ == 9]').matches(numbers(40_000))).toBeUndefined()
    const many = Array.from({ length: 60 }, (_, i) => `@ == ${i + 20}`)
    for (const where of [
      new Where(many.map((one) => `@[?${one}]`).join(' || ')),
      new Where(`@[?${many.join(' || ')}]`),
      new Where(`@[?@[?${many.join(' || ')}]]`),
    ]) {
      expect(where.matches(numbers(500))).toBe(false)
      expect(where.matches(numbers(1100))).toBeUndefined()
    }
    // That both are there is no comparison of them.
    const both = Buffer.from(`{"a":1,"b":2,"z":"${'z'.repeat(200_000)}"}`)
    expect(new Where('@.a && @.b && (@.z || @.y)').matches(both)).toBe(true)
    expect(new Where('@.a == @.b || @.a == @.c').matches(numbers(200_000))).toBeUndefined()
    expect(new Where('@[?@[?@ == 2]]').matches(numbers(200_000))).toBeUndefined()
  })

  test('does not find out what is deeper, or longer, than the stack is', () => {
    const deep = '['.repeat(60_000) + ']'.repeat(60_000)
    expect(new Where('@.a == @.b').matches(Buffer.from(`{"a":${deep},"b":${deep}}`))).toBeUndefined()
  })
})
