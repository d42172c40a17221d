import { expect, onTestFinished, test } from 'vitest'
import { HttpListener } from '../../src/listeners/http.ts'
import { ask, exchange } from '../support/http-request.ts'
import { CollectingWarnings } from '../support/listening.ts'

async function startHttpListener(): Promise<{ listener: HttpListener; port: number }> {
  const log = new CollectingWarnings()
  const listener = new HttpListener({ host: '127.0.0.1', port: 0, portOption: '--http-port', log })
  listener.server.on('request', (_request, response) => response.end('hello'))
  await listener.start()
  onTestFinished(async () => listener.stop())
  return { listener, port: listener.address.port }
}

test('HttpListener answers what is not HTTP with 400 and lives on', async () => {
  const { port } = await startHttpListener()
  expect(await exchange(port, Buffer.from([0x10, 0x0c, 0, 4, 0x4d, 0x51, 0x54, 0x54]))).toMatch(/^HTTP\/1\.1 400 /)
  expect(await exchange(port, `GET / HTTP/1.1\r\nX: ${'x'.repeat(300_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /)
  expect(await ask(port)).toMatchObject({ status: 200 })
})

test('HttpListener names its own option when the port is taken', async () => {
  const { port } = await startHttpListener()
  const log = new CollectingWarnings()
  await expect(
    new HttpListener({ host: '127.0.0.1', port, portOption: '--http-port', log }).start(),
  ).rejects.toMatchObject({
    code: 'LISTENER_PORT_IN_USE',
    message: `Cannot listen on 127.0.0.1:${port}: another program has the port; stop it or choose --http-port`,
  })
})

test('HttpListener closes connections that wait for nothing when it stops', async () => {
  const { listener, port } = await startHttpListener()
  const silent = exchange(port, '')
  const unfinished = exchange(port, 'GET / HTTP/1.1\r\n')
  expect(await ask(port)).toMatchObject({ status: 200 })
  await listener.stop()
  expect(await Promise.all([silent, unfinished])).toEqual(['', ''])
})
