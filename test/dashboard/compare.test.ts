import { describe, expect, test } from 'vitest'
import { compareJson, numberAt } from '../../dashboard/worker/compare.ts'
import { jsonRows } from '../../dashboard/worker/json-rows.ts'

function differences(text: string, before: string): string[] {
  return compareJson(text, before).rows.map(({ type, key, text: value }) => `${type} ${key}: ${value}`)
}

describe('The difference from the message before', () => {
  test('is what changed, came and went, wherever it stands', () => {
    const before = '{"a":1,"b":{"c":[1,2,{"d":true}],"e":"x"},"gone":null}'
    const text = '{"a":1,"b":{"c":[1,3,{"d":false}],"e":"x"},"new":"y"}'
    expect(differences(text, before)).toEqual([
      'changed b › c › 1: 2 → 3',
      'changed b › c › 2 › d: true → false',
      'added new: "y"',
      'removed gone: null',
    ])
  })

  test('is nothing for equal values, whatever their spaces and order; a number that is written otherwise is other', () => {
    expect(differences('{ "a": 1, "b": [ 2 ] }', '{"b":[2],"a":1}')).toEqual([])
    expect(differences('{"a":1.10}', '{"a":1.1}')).toEqual(['changed a: 1.1 → 1.10'])
    expect(differences('21.5', '21')).toEqual(['changed : 21 → 21.5'])
  })

  test('ends, and says what is left, for texts that are very long or deep', () => {
    const long = JSON.stringify(Array.from({ length: 20_000 }, (_, index) => index))
    expect(compareJson(long, '[]').left).toBeGreaterThan(0)
    const deep = `${'['.repeat(100_000)}1${']'.repeat(100_000)}`
    expect(differences(deep, deep)).toEqual([])
    const [open, close] = ['['.repeat(50), ']'.repeat(50)]
    expect(differences(`${open}2${close}`, `${open}1${close}`)).toEqual(['changed : 1 → 2'])
  })

  test('is shown also of what is no JSON', () => {
    expect(differences('open the door', 'close the door')).toEqual(['changed : close the door → open the door'])
  })
})

describe('The path of a value', () => {
  test('leads to it in the parsed JSON', () => {
    const text = '{"a":{"b":[10,[20,{"c":30}]]},"d":[],"e":{},"f":40}'
    const numbers = jsonRows(text, 100).rows.filter(({ type }) => type === 'number')
    expect(numbers.map(({ path = [] }) => numberAt(JSON.parse(text), path))).toEqual([10, 20, 30, 40])
  })

  test('leads nowhere in other values, and never to what an object inherits', () => {
    expect(numberAt({ a: '1' }, ['a'])).toBeNull()
    expect(numberAt({ a: 1 }, ['a', 'b'])).toBeNull()
    expect(numberAt([1, 2], ['length'])).toBeNull()
    expect(numberAt({}, ['constructor', 'length'])).toBeNull()
    expect(numberAt(5, [])).toBe(5)
  })
})
