import { createServer } from 'node:http'
import { connect } from 'node:net'
import { expect, test } from 'vitest'

test('A unit test cannot open a socket', async () => {
  expect(() => connect(1883, '127.0.0.1')).toThrow('Cannot open a socket')
  expect(() => createServer().listen(0)).toThrow('Cannot open a socket')
  await expect(fetch('http://127.0.0.1:1')).rejects.toThrow('fetch failed')
})
