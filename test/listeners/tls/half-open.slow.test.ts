import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import { connectAsync } from 'mqtt'
import { expect, onTestFinished, test, vi } from 'vitest'
import { maxOpenFiles } from '../../../src/base/open-files.ts'
import { addressOf } from '../../../src/listeners/listener.ts'
import { Certificates } from '../../support/certificates.ts'
import { startHubWithHttp } from '../../support/start-hub.ts'

/** Both ends of each are in this process, and other tests have files too. */
const HALF_OPEN = Math.min(5000, Math.floor(((maxOpenFiles() ?? 4096) - 1000) / 2))

/** What a client of TLS says first. */
async function firstOfTls(): Promise<Buffer> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connectSecure({ port: addressOf(server, 'test').port, host: '127.0.0.1', servername: 'localhost' })
  client.on('error', () => undefined)
  const bytes = await new Promise<Buffer>((resolve) => {
    server.once('connection', (socket) => socket.once('data', resolve))
  })
  client.destroy()
  server.close()
  return bytes
}

test(`${HALF_OPEN} connections that stop in the middle of TLS or of a WebSocket's request are gone after 10 s, and the hub serves others meanwhile`, async () => {
  const made = await Certificates.make()
  const { hub, httpPort } = await startHubWithHttp({
    config: {
      listeners: [
        { kind: 'mqtts', port: 0, ...made.options },
        { kind: 'http', port: 0 },
        { kind: 'https', port: 0, ...made.options },
      ],
    },
  })
  const portOf = (kind: string) => hub.addresses.listeners.find((listener) => listener.kind === kind)?.port ?? 0
  expect(portOf('http')).toBe(httpPort)
  const hello = await firstOfTls()
  const beginnings: readonly (readonly [port: number, bytes: Buffer])[] = [
    [portOf('mqtts'), hello],
    [portOf('mqtts'), hello.subarray(0, 20)],
    [portOf('mqtts'), Buffer.alloc(0)],
    [portOf('http'), Buffer.from('GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n')],
  ]
  let open = 0
  const sockets = Array.from({ length: HALF_OPEN }, (_, i) => {
    const [port, bytes] = beginnings[i % beginnings.length] ?? [0, Buffer.alloc(0)]
    // Of many addresses, as an attacker may have them.
    const localAddress = `127.0.${1 + (i % 200)}.${1 + (i % 7)}`
    const socket = connect({ port, host: '127.0.0.1', localAddress }, () => socket.write(bytes))
    open++
    socket.on('error', () => undefined)
    socket.on('close', () => open--)
    socket.resume()
    return socket
  })
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  const serve = async (): Promise<void> => {
    const client = await connectAsync({
      protocol: 'mqtts',
      host: 'localhost',
      port: portOf('mqtts'),
      ca: made.authority.certificate,
      reconnectPeriod: 0,
      connectTimeout: 20_000,
    })
    await client.publishAsync('a', 'x', { qos: 1 })
    await client.endAsync()
  }
  await serve()
  await vi.waitFor(() => expect(open).toBe(0), { timeout: 40_000, interval: 200 })
  await serve()
})
