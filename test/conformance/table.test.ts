import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const FOLDER = 'test/conformance'

/** All normative statements of MQTT 3.1.1, its Appendix B. */
const MQTT_311 = `
  1.5.3-1..3 2.2.2-1..2 2.3.1-1..7
  3.1.0-1..2 3.1.2-1..24 3.1.3-1..11 3.1.4-1..5 3.2.0-1 3.2.2-1..6
  3.3.1-1..12 3.3.2-1..3 3.3.4-1 3.3.5-1..2 3.6.1-1
  3.8.1-1 3.8.3-1..4 3.8.4-1..6 3.9.3-1..2 3.10.1-1 3.10.3-1..2 3.10.4-1..6 3.12.4-1 3.14.1-1 3.14.4-1..3
  4.1.0-1..2 4.3.1-1 4.3.2-1..2 4.3.3-1..2 4.4.0-1 4.5.0-1..2 4.6.0-1..6
  4.7.1-1..3 4.7.2-1 4.7.3-1..4 4.8.0-1..2
  6.0.0-1..4 7.0.0-1..2 7.1.1-1 7.1.2-1`

/** All normative statements of MQTT 5.0, its Appendix B. */
const MQTT_5 = `
  1.5.4-1..3 1.5.5-1 1.5.7-1 2.1.3-1 2.2.1-2..6 2.2.2-1
  3.1.0-1..2 3.1.2-1..30 3.1.3-1..12 3.1.4-1..6 3.2.0-1..2 3.2.2-1..22
  3.3.1-1..13 3.3.2-1..20 3.3.4-1..10 3.4.2-1..3 3.5.2-1..3 3.6.1-1 3.6.2-1..3 3.7.2-1..3
  3.8.1-1 3.8.3-1..5 3.8.4-1..8 3.9.2-1..2 3.9.3-1..2 3.10.1-1 3.10.3-1..2 3.10.4-1..6 3.11.2-1..2 3.11.3-1..2
  3.12.4-1 3.14.0-1 3.14.1-1 3.14.2-1..4 3.14.4-1..3 3.15.1-1 3.15.2-1..3
  4.1.0-1..2 4.2.0-1 4.3.1-1 4.3.2-1..5 4.3.3-1..13 4.4.0-1..2 4.5.0-1..2 4.6.0-1..6
  4.7.0-1 4.7.1-1..2 4.7.2-1 4.7.3-1..4 4.8.2-1..6 4.9.0-1..3
  4.12.0-1..7 4.12.1-1..2 4.13.1-1 4.13.2-1
  6.0.0-1..4`

interface Row {
  readonly number: string
  readonly coverage: string
}

/** `3.1.2-1..3` means `3.1.2-1`, `3.1.2-2` and `3.1.2-3`. */
function expand(ranges: string): string[] {
  return ranges
    .trim()
    .split(/\s+/)
    .flatMap((range) => {
      const [, section, first, last = first] = /^([\d.]+)-(\d+)(?:\.\.(\d+))?$/.exec(range) ?? []
      if (section === undefined) throw new Error(`"${range}" is no range of statements`)
      const count = Number(last) - Number(first) + 1
      return Array.from({ length: count }, (_, i) => `${section}-${Number(first) + i}`)
    })
}

/** The rows of the table under a heading of the README. */
function rowsUnder(heading: string): Row[] {
  const text = readFileSync(`${FOLDER}/README.md`, 'utf8')
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? ''
  return section.split('\n').flatMap((line) => {
    const [, number, coverage] = /^\| MQTT-(\S+) \| .+ \| (.+) \|$/.exec(line) ?? []
    return number === undefined || coverage === undefined ? [] : [{ number, coverage }]
  })
}

/** The texts in quotes of a source file, each within its line. */
function literalsOf(path: string): string[] {
  const source = readFileSync(path, 'utf8')
  return Array.from(source.matchAll(/(['"`])((?:\\.|(?!\1).)*)\1/g), ([, , literal = '']) => literal)
}

/** What is wrong with the last cell of a row: the test that it names must be there, and name the statement. */
function faultOf({ number, coverage }: Row): string | undefined {
  if (coverage === 'binds clients' || /^none can: \w/.test(coverage)) return undefined
  const [, path, name] = /^`(\S+)` “(.+)”$/.exec(coverage) ?? []
  if (path === undefined || name === undefined) return `${number}: "${coverage}" is neither a test nor a reason`
  if (!existsSync(path)) return `${number}: there is no ${path}`
  const names = literalsOf(path).filter((literal) => literal.startsWith(name))
  if (names.length === 0) return `${number}: ${path} has no test "${name}"`
  const isNamed = names.some((literal) => literal.includes(`[MQTT-${number}]`) || literal.includes(`[MQTT5-${number}]`))
  return isNamed ? undefined : `${number}: "${name}" in ${path} does not name it`
}

describe.each([
  ['MQTT 3.1.1', MQTT_311],
  ['MQTT 5.0', MQTT_5],
])('The table of %s', (heading, statements) => {
  test('has a row for every statement of the standard, in order, and no other', () => {
    expect(rowsUnder(heading).map(({ number }) => number)).toEqual(expand(statements))
  })

  test('names tests that there are', () => {
    expect(rowsUnder(heading).flatMap((row) => faultOf(row) ?? [])).toEqual([])
  })
})

test('Tests of this folder name no statement that the standard does not have', () => {
  const known = { new: new Set(expand(MQTT_5)), old: new Set(expand(MQTT_311)) }
  const unknown = readdirSync(FOLDER)
    .filter((file) => file.endsWith('.test.ts') && file !== 'table.test.ts')
    .flatMap((file) => {
      const numbers = known[file.includes('311') ? 'old' : 'new']
      const source = readFileSync(`${FOLDER}/${file}`, 'utf8')
      return Array.from(source.matchAll(/\[MQTT-([\d.]+-\d+)\]/g), ([, number = '']) => ({ file, number })).filter(
        ({ number }) => !numbers.has(number),
      )
    })
  expect(unknown).toEqual([])
})

test('faultOf finds a file or a test that is gone, a test that does not name the statement, and a reason that is none', () => {
  const absent = ['no', 'such', 'test'].join(' ')
  const own = `${FOLDER}/table.test.ts`
  const faults = ['`test/none.test.ts` “name”', `\`${own}\` “${absent}”`, `\`${own}\` “The table of”`, 'because'].map(
    (coverage) => faultOf({ number: '1.5.4-1', coverage }),
  )
  expect(faults).toEqual([
    '1.5.4-1: there is no test/none.test.ts',
    `1.5.4-1: ${own} has no test "no such test"`,
    `1.5.4-1: "The table of" in ${own} does not name it`,
    '1.5.4-1: "because" is neither a test nor a reason',
  ])
})
