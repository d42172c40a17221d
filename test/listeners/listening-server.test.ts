import { once } from 'node:events'
import { connect, createServer, Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { connectAsync } from 'mqtt'
import { expect, onTestFinished, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { ListeningServer } from '../../src/listeners/listening-server.ts'
import { listen, stopListening } from '../../src/listeners/listener.ts'
import { CollectingWarnings } from '../support/listening.ts'
import { startHubWithHttp } from '../support/start-hub.ts'

const log = new CollectingWarnings()
const LOCALHOST = { host: 'localhost', port: 0, portOption: '--port' }
/** Some containers and kernels are without; what a hub does there is tested below on every machine. */
const HAS_IPV6 = Object.values(networkInterfaces()).some((addresses = []) =>
  addresses.some(({ address }) => address === '::1'),
)

async function startServer(options = LOCALHOST): Promise<ListeningServer> {
  const listening = new ListeningServer(greeter(), options, {}, log)
  onTestFinished(async () => listening.stop())
  await listening.start()
  return listening
}

function greeter(): Server {
  return createServer((socket) => socket.end('hello'))
}

/** What the server on this address says, or the code of the error that there is none. */
async function greetingOf(host: string, port: number): Promise<string> {
  const socket = connect({ host, port })
  try {
    const [chunk]: unknown[] = await once(socket, 'data')
    return String(chunk)
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'no code'
  } finally {
    socket.destroy()
  }
}

/** As on a machine that does not have the address. */
function withoutAddress(missing: string): void {
  const listenOf = Reflect.get(Server.prototype, 'listen')
  const spy = vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server, ...args: unknown[]) {
    const [options] = args
    if (typeof options !== 'object' || options === null || !('host' in options) || options.host !== missing)
      return Reflect.apply(listenOf, this, args)
    this.emit('error', Object.assign(new Error('no such address'), { code: 'EADDRNOTAVAIL' }))
    return this
  })
  onTestFinished(() => spy.mockRestore())
}

test.skipIf(!HAS_IPV6)('localhost is listened on at both its addresses with one port, until it stops', async () => {
  const listening = await startServer()
  const { host, port } = listening.address('mqtt')
  expect(host).toBe('localhost')
  for (const address of ['127.0.0.1', '::1']) expect(await greetingOf(address, port)).toBe('hello')
  await listening.stop()
  for (const address of ['127.0.0.1', '::1']) expect(await greetingOf(address, port)).toBe('ECONNREFUSED')
})

test('An address is listened on alone', async () => {
  const { host, port } = (await startServer({ ...LOCALHOST, host: '127.0.0.1' })).address('mqtt')
  expect(host).toBe('127.0.0.1')
  expect(await greetingOf('127.0.0.1', port)).toBe('hello')
  expect(await greetingOf('::1', port)).not.toBe('hello')
})

test.each([
  ['::1', '127.0.0.1'],
  ['127.0.0.1', '::1'],
])('A machine without %s is reached at %s', async (missing, there) => {
  withoutAddress(missing)
  const { port } = (await startServer()).address('mqtt')
  expect(await greetingOf(there, port)).toBe('hello')
})

test.skipIf(!HAS_IPV6)('A port that another program has at ::1 is not taken at 127.0.0.1 either', async () => {
  const other = createServer()
  await listen(other, { ...LOCALHOST, host: '::1' }, log)
  onTestFinished(async () => stopListening(other))
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  await expect(startServer({ ...LOCALHOST, port })).rejects.toMatchObject({
    code: 'LISTENER_PORT_IN_USE',
    message: `Cannot listen on [::1]:${port}: another program has the port; stop it or choose --port`,
  })
  expect(await greetingOf('127.0.0.1', port)).toBe('ECONNREFUSED')
})

test.skipIf(!HAS_IPV6)('A hub on localhost serves MQTT, HTTP and MQTT over WebSocket at ::1 too', async () => {
  const { hub, port, httpPort } = await startHubWithHttp({ config: { host: 'localhost' } })
  expect(hub.addresses).toMatchObject({
    mqtt: { host: 'localhost', port },
    http: { host: 'localhost', port: httpPort },
  })
  for (const address of ['127.0.0.1', '[::1]']) {
    const answer = await fetch(`http://${address}:${httpPort}/readyz`)
    expect(answer.status).toBe(200)
    await answer.arrayBuffer()
    await (await connectAsync(`mqtt://${address}:${port}`, { reconnectPeriod: 0 })).endAsync()
    const socket = new WebSocket(`ws://${address}:${httpPort}/mqtt`, 'mqtt')
    await once(socket, 'open')
    const closed = once(socket, 'close')
    socket.terminate()
    await closed
  }
})
