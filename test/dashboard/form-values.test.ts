import { expect, test } from 'vitest'
import { changesOf, currentValues, parametersOf, runFault, valueIn } from '../../dashboard/app/details/form-values.ts'
import { type Field, readAnnouncement } from '../../dashboard/worker/announcement.ts'

const NOTHING = new Map<string, string>()

function fieldsOf(properties: object, required: readonly string[] = []): readonly Field[] {
  const commands = { set: { parameters: { required, properties } } }
  return readAnnouncement(JSON.stringify({ commands })).commands[0]?.fields ?? []
}

test('currentValues takes of each field the first value that the field can have', () => {
  const fields = fieldsOf({
    level: { type: 'integer' },
    mode: { enum: ['day', 'night'] },
    isOn: { type: 'boolean' },
    name: { type: 'string' },
    constructor: { type: 'string' },
  })
  const state = new Map<string, unknown>([
    ['level', 'high'],
    ['mode', 'dusk'],
    ['isOn', false],
  ])
  const telemetry = new Map<string, unknown>([
    ['level', 7],
    ['mode', 'night'],
    ['isOn', true],
    ['name', ''],
  ])
  expect([...currentValues(fields, [undefined, state, telemetry])]).toEqual([
    ['level', '7'],
    ['mode', '"night"'],
    ['isOn', 'false'],
    ['name', ''],
  ])
})

test('valueIn is what was put in, else what the device has, else the default, and never the minimum', () => {
  const [first, second] = fieldsOf({ a: { type: 'number', minimum: 5 }, b: { type: 'number', default: 3 } }, ['a', 'b'])
  if (first === undefined || second === undefined) throw new Error('two fields were announced')
  expect([first, second].map((field) => valueIn(field, NOTHING, NOTHING))).toEqual(['', '3'])
  expect(valueIn(second, NOTHING, new Map([['b', '4']]))).toBe('4')
  expect(valueIn(second, new Map([['b', '']]), new Map([['b', '4']]))).toBe('')
})

test('changesOf knows equal numbers and equal JSON, and that an empty field leaves all as it is', () => {
  const fields = fieldsOf({ a: { type: 'number' }, b: {}, c: { type: 'number' }, d: { type: 'string' } })
  const current = new Map(Object.entries({ a: '21', b: '{"x":1}', c: '1', d: 'text' }))
  const edits = new Map(Object.entries({ a: '21.0', b: '{ "x": 1 }', c: '', d: '' }))
  expect(changesOf(fields, edits, current).map(({ field, from, to }) => [field.name, from, to])).toEqual([
    ['d', 'text', ''],
  ])
})

test('A command that changes nothing is not run, nor one that lacks what is required', () => {
  const fields = fieldsOf({ a: { type: 'number' }, b: { type: 'number' } }, ['a'])
  const current = new Map([['a', '1']])
  expect(runFault(fields, NOTHING, NOTHING)).toBe('missing')
  expect(runFault(fields, NOTHING, current)).toBe('unchanged')
  expect(runFault(fields, new Map([['a', '']]), current)).toBe('missing')
  expect(runFault(fields, new Map([['a', '2']]), current)).toBe(undefined)
  expect(runFault(fields, new Map([['b', '2']]), current)).toBe(undefined)
  expect(runFault([], NOTHING, NOTHING)).toBe(undefined)
})

test('parametersOf leaves out what may be left out and stays as it is', () => {
  const fields = fieldsOf({ a: { type: 'number' }, b: { type: 'number' }, c: { type: 'boolean', default: true } }, [
    'a',
  ])
  const current = new Map(Object.entries({ a: '1', b: '2' }))
  expect(parametersOf(fields, new Map([['a', '3']]), current)).toEqual({ a: 3, c: true })
  expect(parametersOf(fields, new Map([['b', '3']]), current)).toEqual({ a: 1, b: 3, c: true })
})
