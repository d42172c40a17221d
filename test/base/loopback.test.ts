import { expect, test } from 'vitest'
import { isLoopback } from '../../src/base/loopback.ts'

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
