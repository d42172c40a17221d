import { expect, onTestFinished, test } from 'vitest'
import { HttpListener } from '../../src/listeners/http.ts'
import { exchange } from '../support/http-request.ts'
import { CollectingWarnings } from '../support/listening.ts'

/** 10 s to send the headers, and up to 2.5 s until the next look. */
const GUARD_MS = 20_000

test('HttpListener closes connections that never send a request or never finish its headers', async () => {
  const log = new CollectingWarnings()
  const listener = new HttpListener({ host: '127.0.0.1', port: 0, portOption: '--http-port', log })
  await listener.start()
  onTestFinished(async () => listener.stop())
  const { port } = listener.address
  const [silent, unfinished] = await Promise.all([
    exchange(port, '', GUARD_MS),
    exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\n', GUARD_MS),
  ])
  expect(silent).toMatch(/^HTTP\/1\.1 408 /)
  expect(unfinished).toMatch(/^HTTP\/1\.1 408 /)
})
