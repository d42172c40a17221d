import { expect, test } from 'vitest'
import { closest, didYouMean } from '../../src/base/closest.ts'

test.each([
  ['prot', ['port', 'host'], 'port'],
  ['listners', ['limits', 'listeners'], 'listeners'],
  ['HTTP_PORT', ['port', 'httpPort'], 'httpPort'],
  ['loglevle', ['logLevel'], 'logLevel'],
  ['hos', ['host', 'port'], 'host'],
  ['hostt', ['host', 'port'], 'host'],
  ['bananas', ['host', 'port'], undefined],
  ['x', ['y'], undefined],
  ['', ['host'], undefined],
  ['🙂', ['host'], undefined],
])('closest to %j in %j is %j', (typed, names, expected) => {
  expect(closest(typed, names)).toBe(expected)
})

test('didYouMean is empty without a suggestion', () => {
  expect(didYouMean(undefined)).toBe('')
  expect(didYouMean('port')).toBe('; did you mean "port"?')
})
