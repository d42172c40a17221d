import { describe, expect, test } from 'vitest'
import { readText, ValueReader } from '../../src/config/read-value.ts'
import { orUnlimited, whole, type Schema } from '../../src/config/schema.ts'
import { allowedText, formatValue, hideSecrets } from '../../src/config/value-text.ts'

const NAME = { type: 'string', pattern: '^[a-z]+$', wanted: 'a name' } as const
const PASSWORD = { type: 'string', pattern: '^.{8}', wanted: 'a password of 8 characters', writeOnly: true } as const
const LOGINS = {
  type: 'array',
  items: {
    type: 'object',
    title: 'login',
    properties: {
      name: NAME,
      password: PASSWORD,
      hosts: { type: 'array', items: NAME, wanted: 'a list of names' },
      tries: orUnlimited(whole(1, 9)),
    },
    required: ['name'],
  },
} as const satisfies Schema

function read(schema: Schema, value: unknown): { value: unknown; faults: string[] } {
  const reader = new ValueReader('key')
  const inCode = reader.read(schema, value)
  return { value: inCode, faults: reader.faults.map(({ at, what }) => `${at}: ${what}`) }
}

describe('ValueReader', () => {
  test('reads a text, and a list of items that have lists themselves', () => {
    expect(read(NAME, 'abc')).toEqual({ value: 'abc', faults: [] })
    const logins = [
      { name: 'a', hosts: ['b', 'c'], tries: null },
      { name: 'd', password: '12345678' },
    ]
    expect(read(LOGINS, logins)).toEqual({ value: [{ ...logins[0], tries: Infinity }, logins[1]], faults: [] })
  })

  test('tells each fault of each item, with where it is', () => {
    const logins = [{ hosts: ['b', 3], tries: 0, nme: 'a' }, { name: 'd', hosts: 'e' }, 7]
    expect(read(LOGINS, logins).faults).toEqual([
      '[0].nme: key[0].nme is not known; did you mean "name"?',
      '[0].name: key[0].name must be a name, it is missing',
      '[0].hosts[1]: key[0].hosts[1] must be a name, it is 3',
      '[0].tries: key[0].tries must be a whole number from 1 to 9 or null, it is 0',
      '[1].hosts: key[1].hosts must be a list of names, it is "e"',
      '[2]: key[2] must be a login with fields by name, it is not',
    ])
    expect(
      read(
        LOGINS,
        Array.from({ length: 20 }, () => ({})),
      ).faults,
    ).toHaveLength(20)
  })

  test('gives an object that nobody can change', () => {
    const { value } = read(LOGINS, [{ name: 'a', hosts: ['b'] }])
    expect(Object.isFrozen(value)).toBe(true)
    expect(value).toSatisfy(([login]: { hosts: string[] }[]) => Object.isFrozen(login) && Object.isFrozen(login?.hosts))
  })
})

describe('A secret', () => {
  const MARKER = 'hunter2'

  test('is in no error, whatever stands in its place', () => {
    const wrongs: [Schema, unknown][] = [
      [PASSWORD, MARKER],
      [PASSWORD, [MARKER]],
      [LOGINS, MARKER],
      [LOGINS, [MARKER]],
      [LOGINS, [{ name: 'a', password: MARKER }]],
      [LOGINS, [{ name: 'a', password: { deep: MARKER } }]],
      [LOGINS, readText(LOGINS, `[{"password": "${MARKER}"`)],
    ]
    for (const [schema, value] of wrongs) {
      const { faults } = read(schema, value)
      expect(faults).toHaveLength(1)
      expect(faults[0]).toMatch(/ must be .*, it is not$/)
      expect(faults[0]).not.toContain(MARKER)
    }
  })

  test('is hidden where values are printed, and nothing else is', () => {
    const logins = [{ name: 'a', password: MARKER, tries: 3 }]
    expect(hideSecrets(PASSWORD, MARKER)).toBe('(hidden)')
    expect(hideSecrets(LOGINS, logins)).toEqual([{ name: 'a', password: '(hidden)', tries: 3 }])
    expect(formatValue(PASSWORD, MARKER)).toBe('(hidden)')
    expect(formatValue(LOGINS, logins)).toBe('[{"name":"a","password":"(hidden)","tries":3}]')
  })
})

test('allowedText names the fields of a list of items', () => {
  expect(allowedText(LOGINS)).toBe(
    'a list of logins, each with name (a name), password (a password of 8 characters), hosts (a list of names) and tries (a whole number from 1 to 9 or null)',
  )
})
