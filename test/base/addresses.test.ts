import { expect, test } from 'vitest'
import { formatAddress, isLoopback, reachableHost } from '../../src/base/addresses.ts'

test.each([
  ['127.0.0.1', true],
  ['127.255.255.254', true],
  ['::1', true],
  ['0:0:0:0:0:0:0:1', true],
  ['::ffff:127.0.0.1', true],
  ['::ffff:7f00:1', true],
  ['localhost', true],
  ['LocalHost', true],
  ['', false],
  ['0.0.0.0', false],
  ['::', false],
  ['::ffff:0.0.0.0', false],
  ['126.255.255.255', false],
  ['128.0.0.1', false],
  ['::2', false],
  ['fe80::1%eth0', false],
  ['127.1', false],
  ['notlocalhost', false],
  ['localhost.example.org', false],
  ['127.0.0.1.example.org', false],
])('isLoopback of %j is %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected)
})

test('formatAddress puts an IPv6 address in brackets', () => {
  expect(formatAddress('::1', 1883)).toBe('[::1]:1883')
  expect(formatAddress('127.0.0.1', 1883)).toBe('127.0.0.1:1883')
})

test.each([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
  ['127.0.0.1', '127.0.0.1'],
  ['192.0.2.1', '192.0.2.1'],
  ['hub.example.org', 'hub.example.org'],
])('reachableHost of %s is %s', (host, expected) => {
  expect(reachableHost(host)).toBe(expected)
})
