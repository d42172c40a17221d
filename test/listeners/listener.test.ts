import { createServer } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { HubbubError } from '../../src/base/errors.ts'
import { listen, peerHost, stopListening } from '../../src/listeners/listener.ts'
import { CollectingWarnings } from '../support/listening.ts'

const log = new CollectingWarnings()

test('listen names the listener, the reason and the option to change for each error of the system', async () => {
  const cases = [
    ['EADDRINUSE', 'LISTENER_PORT_IN_USE', 'another program has the port; stop it or choose --http-port'],
    ['EACCES', 'LISTENER_NO_PERMISSION', 'this user may not open the port; choose --http-port from 1024 up'],
    ['EADDRNOTAVAIL', 'LISTENER_BAD_ADDRESS', 'this machine does not have the address; choose --host'],
    ['EAFNOSUPPORT', 'LISTENER_BAD_ADDRESS', 'this machine does not have the address; choose --host'],
    ['ENOTFOUND', 'LISTENER_BAD_ADDRESS', 'the host name has no address; choose --host'],
    ['ENOBUFS', 'LISTENER_FAILED', 'no room'],
  ] as const
  for (const [systemCode, code, reason] of cases) {
    const cause = Object.assign(new Error('no room'), { code: systemCode })
    expect(await listenError(cause)).toMatchObject({ code, message: `Cannot listen on [::1]:80: ${reason}`, cause })
  }
})

test('listen rejects a port that another server has, and an address that is not of this machine', async () => {
  const server = createServer()
  onTestFinished(() => void server.close())
  await listen(server, { host: '127.0.0.1', port: 0, portOption: '--port' }, log)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const second = createServer()
  await expect(listen(second, { host: '127.0.0.1', port, portOption: '--port' }, log)).rejects.toMatchObject({
    code: 'LISTENER_PORT_IN_USE',
    message: `Cannot listen on 127.0.0.1:${port}: another program has the port; stop it or choose --port`,
  })
  expect(second.listening).toBe(false)
  await expect(listen(second, { host: '203.0.113.7', port, portOption: '--port' }, log)).rejects.toMatchObject({
    code: 'LISTENER_BAD_ADDRESS',
  })
})

test('listen warns of failing accepts once a minute, and survives them', async () => {
  const { lines } = new CollectingWarnings()
  const server = createServer()
  onTestFinished(() => void server.close())
  const now = vi.spyOn(performance, 'now').mockReturnValue(1000)
  onTestFinished(() => now.mockRestore())
  await listen(
    server,
    { host: '127.0.0.1', port: 0, portOption: '--port' },
    { warn: (fields, text) => lines.push({ fields, text }) },
  )
  const error = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' })
  server.emit('error', error)
  server.emit('error', error)
  expect(lines.items).toEqual([{ fields: { err: error, address: '127.0.0.1:0' }, text: 'cannot accept connections' }])
  now.mockReturnValue(61_000)
  server.emit('error', error)
  expect(lines.items.length).toBe(2)
})

test('stopListening does nothing to a server that does not listen', async () => {
  await expect(stopListening(createServer())).resolves.toBe(undefined)
})

test('peerHost shows an IPv4 peer of an IPv6 socket as the IPv4 peer that it is', () => {
  expect(peerHost('::ffff:192.0.2.7')).toBe('192.0.2.7')
  expect(peerHost('2001:db8::7')).toBe('2001:db8::7')
  expect(peerHost(undefined)).toBe('unknown')
})

/** What listening rejects with when the system says `cause`. */
async function listenError(cause: Error): Promise<HubbubError> {
  const server = createServer()
  vi.spyOn(server, 'listen').mockImplementation(() => {
    server.emit('error', cause)
    return server
  })
  return listen(server, { host: '::1', port: 80, portOption: '--http-port' }, log).then(
    () => {
      throw new Error('it listened')
    },
    (error: HubbubError) => error,
  )
}
