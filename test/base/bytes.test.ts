import { expect, test } from 'vitest'
import { formatBytes, readBytes } from '../../src/base/bytes.ts'

test.each([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [1024, '1 KiB'],
  [1536, '1.5 KiB'],
  [1_048_576, '1 MiB'],
  [1_200_000, '1.1 MiB'],
  [1_610_612_736, '1.5 GiB'],
  [1024 ** 4, '1024 GiB'],
])('formatBytes of %d is %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})

test.each([
  ['4096', 4096],
  ['7 B', 7],
  ['64 KiB', 65_536],
  ['2GiB', 2_147_483_648],
  ['1.5 GiB', 1_610_612_736],
  ['0.3 KiB', undefined],
  ['1.5', undefined],
  ['64 KB', undefined],
  ['-1', undefined],
  [' 1', undefined],
  ['1e3', undefined],
  ['', undefined],
])('readBytes of %j is %s', (text, bytes) => {
  expect(readBytes(text)).toBe(bytes)
})
