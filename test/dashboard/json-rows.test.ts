import { expect, test } from 'vitest'
import { jsonRows } from '../../dashboard/worker/json-rows.ts'

test('jsonRows keeps numbers as they were written', () => {
  const { rows } = jsonRows('{"a": 1.10, "b": 123456789012345678901234567890, "c": [1e400]}', 100)
  expect(rows.filter(({ type }) => type === 'number').map(({ text }) => text)).toEqual([
    '1.10',
    '123456789012345678901234567890',
    '1e400',
  ])
})

test('jsonRows names members and says how deep they are', () => {
  const { rows, left } = jsonRows('{"a":{"b":"c"}}', 100)
  expect(rows.map(({ depth, key, text }) => [depth, key, text])).toEqual([
    [0, '', '{'],
    [1, 'a', '{'],
    [2, 'b', '"c"'],
    [1, '', '}'],
    [0, '', '}'],
  ])
  expect(left).toBe(0)
})

test('jsonRows reads no more than it is asked for, however deep the text is nested', () => {
  const { rows, left } = jsonRows('['.repeat(1_000_000), 50)
  expect(rows.length).toBe(50)
  expect(left).toBe(999_950)
})

test('jsonRows ends with what is no JSON, as it is', () => {
  expect(jsonRows('{"a": oops}', 100).rows.at(-1)).toEqual({ depth: 0, key: '', text: 'oops}', type: 'fault' })
  expect(jsonRows(`1${' '.repeat(5000)}oops`, 100).rows.at(-1)?.text).toBe('oops')
  expect(jsonRows(' \n', 100).rows).toEqual([{ depth: 0, key: '', text: '␠␊', type: 'fault' }])
})

test('jsonRows gives no path below names that are very long', () => {
  const [, short, long] = jsonRows(`{"a":1,"${'b'.repeat(1500)}":2}`, 100).rows
  expect(short?.path).toEqual(['a'])
  expect(long?.path).toBeUndefined()
})
