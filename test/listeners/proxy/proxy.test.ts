import { existsSync, linkSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import { connectAsync, MqttClient } from 'mqtt'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { PartialConfig } from '../../../src/config/config.ts'
import { ApiClient, eachOf } from '../../support/api.ts'
import { Certificates } from '../../support/certificates.ts'
import { guarded } from '../../support/guard.ts'
import { exchange } from '../../support/http-request.ts'
import { connectPacket } from '../../support/packets.ts'
import { binaryHeader, sslField } from '../../support/proxy-headers.ts'
import { startHub, startHubWithHttp, type TestHub } from '../../support/start-hub.ts'
import { startTlsListener, tlsSettings } from '../../support/tls-listener.ts'

type Listener = NonNullable<PartialConfig['listeners']>[number]

const TEXT = Buffer.from('PROXY TCP4 192.0.2.7 127.0.0.1 50000 1883\r\n')
const ADDRESSES = Buffer.from([192, 0, 2, 7, 127, 0, 0, 1, 0xc3, 0x50, 0x07, 0x5b])
const CONNECT = connectPacket({ clientId: 'behind' })
const PROXIED = { proxyProtocol: true, trustedProxies: ['127.0.0.1'] }

async function startProxied(listener: Partial<Listener> = {}): Promise<TestHub> {
  return startHub({ config: { listeners: [{ kind: 'mqtt', port: 0, ...PROXIED, ...listener }] } })
}

function open(port: number, pieces: readonly Buffer[], localAddress?: string): Socket {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, localAddress })
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined)
  void (async () => {
    for (const piece of pieces) await new Promise((resolve) => socket.write(piece, resolve))
  })()
  return socket
}

/** The address that the log has of the client, once it is let in. */
async function addressOf({ log }: TestHub): Promise<unknown> {
  const line = log.lines.firstThat(({ fields, text }) => (text === 'client connected' ? fields : undefined))
  return (await guarded(line, () => 'the client to be let in'))['address']
}

async function refusalOf({ log }: TestHub): Promise<unknown> {
  const line = log.lines.firstThat(({ fields, text }) => (text === 'connection refused' ? fields : undefined))
  return (await guarded(line, () => 'a refusal'))['reason']
}

describe('A listener with proxyProtocol', () => {
  test.each([
    ['version 1', TEXT],
    ['version 2', binaryHeader(1, 0x11, ADDRESSES)],
  ])('knows the client by the header, %s: in one piece with CONNECT, apart, byte by byte', async (_, header) => {
    const all = Buffer.concat([header, CONNECT])
    const bytes = Array.from(all, (_byte, i) => all.subarray(i, i + 1))
    for (const pieces of [[all], [header, CONNECT], bytes]) {
      const hub = await startProxied()
      open(hub.port, pieces)
      expect(await addressOf(hub)).toBe('192.0.2.7:50000')
    }
  })

  test('knows who asks for itself, as a health check does, by its own address', async () => {
    const hub = await startProxied()
    open(hub.port, [binaryHeader(0, 0, Buffer.alloc(0)), CONNECT])
    expect(await addressOf(hub)).toMatch(/^127\.0\.0\.1:\d+$/)
  })

  test('refuses connections that do not come through a proxy of the list, before a byte is read', async () => {
    const hub = await startProxied()
    open(hub.port, [TEXT, CONNECT], '127.0.0.2')
    expect(await refusalOf(hub)).toBe('only the proxies of this listener (trustedProxies) may connect to it')
  })

  test('refuses what is no header, and one that does not come within 3 s', async () => {
    const first = await startProxied()
    open(first.port, [CONNECT])
    expect(await refusalOf(first)).toBe(
      'the header of the proxy is wrong: it does not begin with a PROXY protocol header',
    )
    const second = await startProxied()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    open(second.port, [TEXT.subarray(0, 10)])
    await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(0))
    vi.advanceTimersByTime(3000)
    expect(await refusalOf(second)).toBe('the header of the proxy did not come within 3000 ms')
  })

  test('counts clients by the address that the proxy says', async () => {
    const hub = await startProxied({ maxConnectionsPerAddress: 1 })
    const other = Buffer.from('PROXY TCP4 192.0.2.8 127.0.0.1 50000 1883\r\n')
    open(hub.port, [TEXT, CONNECT])
    await addressOf(hub)
    open(hub.port, [TEXT, CONNECT])
    const limit = hub.log.lines.firstThat(({ fields }) => (fields['limit'] === undefined ? undefined : fields))
    expect(await guarded(limit, () => 'the limit')).toEqual({
      listener: 'mqtt',
      address: '192.0.2.7:50000',
      limit: 'connections-per-address',
    })
    open(hub.port, [other, connectPacket({ clientId: 'another' })])
    await hub.log.lines.firstThat(({ fields }) => (fields['address'] === '192.0.2.8:50000' ? true : undefined))
    expect(hub.hub.ledger.limitHits['connections-per-address']).toBe(1)
  })

  test.each([
    [true, 'alice'],
    [false, undefined],
  ])('takes the name in a certificate of the proxy with proxyCertificates %s', async (proxyCertificates, name) => {
    const made = await Certificates.make()
    const proxies = { sendHeader: true, sendCertificate: proxyCertificates, trusted: ['127.0.0.1'] }
    const entry = { maxConnections: Infinity, maxConnectionsPerAddress: Infinity, proxies }
    const { port, transports } = await startTlsListener(tlsSettings(made), { entry })
    const raw = open(port, [binaryHeader(1, 0x11, ADDRESSES, sslField(7, 0, 'alice'))])
    // Behind the header, and in one segment with it or not, the client begins its handshake.
    connectSecure({ socket: raw, servername: 'localhost', ca: made.authority.certificate }).on('error', () => undefined)
    const [transport] = await transports.atLeast(1)
    expect(transport?.door).toEqual({ listener: 'secure', certificateName: name, identity: undefined })
    expect(transport?.remoteAddress).toBe('192.0.2.7:50000')
  })
})

/** The address, without its port, that the hub takes for that of a request with such a header. */
async function forwardedAs(trustedProxies: readonly string[], forwarded: string): Promise<string> {
  const listener: Listener = { kind: 'http', port: 0, trustedProxies }
  const { httpPort } = await startHubWithHttp({ config: { listeners: [listener] } })
  const upgrade = `Host: 127.0.0.1:${httpPort}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`
  await exchange(httpPort, `GET /nowhere HTTP/1.1\r\n${upgrade}X-Forwarded-For: ${forwarded}\r\n\r\n`)
  const [address] = eachOf(await new ApiClient(httpPort).get('/mishaps'), 'mishaps', 'address')
  return String(address).replace(/:\d+$/, '')
}

describe('X-Forwarded-For', () => {
  test.each([
    ['of a proxy that is trusted', ['127.0.0.0/8'], '192.0.2.7', '192.0.2.7'],
    [
      'of several, the last that is not trusted',
      ['127.0.0.1', '10.0.0.0/8'],
      '6.6.6.6, 192.0.2.7, 10.1.1.1',
      '192.0.2.7',
    ],
    ['with a port and in brackets', ['127.0.0.1'], '[2001:db8::7]:4711', '[2001:db8::7]'],
    ['not of anybody else', ['10.0.0.0/8'], '192.0.2.7', '127.0.0.1'],
    ['not when it is no address', ['127.0.0.1'], 'unknown, <b>', '127.0.0.1'],
  ])('counts %s', async (_, trusted, forwarded, address) => {
    expect(await forwardedAs(trusted, forwarded)).toBe(address)
  })
})

describe('A Unix socket', () => {
  test('serves MQTT, is removed at the stop, and takes the place of one that a killed hub has left', async () => {
    const made = await Certificates.make()
    const path = made.file('hub.sock')
    // What stays of a hub that was killed: the file, and nobody behind it.
    const dead = createServer()
    await new Promise<void>((resolve) => void dead.listen(made.file('other.sock'), resolve))
    linkSync(made.file('other.sock'), path)
    await new Promise((resolve) => void dead.close(resolve))
    const started = await startHub({ config: { listeners: [{ kind: 'unix', path }] } })
    expect(started.hub.addresses).toEqual({
      mqtt: { host: path, port: 0 },
      http: undefined,
      listeners: [{ name: 'unix', kind: 'unix', host: path, port: 0 }],
    })
    const client = new MqttClient(() => connect({ path }), { reconnectPeriod: 0 })
    await guarded(new Promise((resolve) => client.once('connect', resolve)), () => 'the client')
    expect(await addressOf(started)).toBe('unix:1')
    await client.endAsync()
    await started.hub.stop()
    expect(existsSync(path)).toBe(false)
  })

  test('is refused where another program listens', async () => {
    const made = await Certificates.make()
    const path = made.file('hub.sock')
    await startHub({ config: { listeners: [{ kind: 'unix', path }] } })
    await expect(startHub({ config: { listeners: [{ kind: 'unix', path }] } })).rejects.toMatchObject({
      code: 'LISTENER_PORT_IN_USE',
      message: `Cannot listen on ${path}: another program listens there, or the file is no socket; choose another path`,
    })
  })
})

test('Several listeners of one kind serve side by side, each with its own limit', async () => {
  const listeners: Listener[] = [
    { kind: 'mqtt', port: 0, name: 'inside' },
    { kind: 'mqtt', port: 0, name: 'outside', maxConnections: 1 },
  ]
  const { hub, log } = await startHub({ config: { listeners } })
  const [inside, outside] = hub.addresses.listeners
  expect(hub.addresses.mqtt).toEqual({ host: inside?.host, port: inside?.port })
  const clients = await Promise.all(
    [inside, inside, outside].map(async (listener) =>
      connectAsync({ host: '127.0.0.1', port: listener?.port ?? 0, reconnectPeriod: 0 }),
    ),
  )
  open(outside?.port ?? 0, [CONNECT])
  const limit = log.lines.firstThat(({ fields }) => (fields['limit'] === undefined ? undefined : fields))
  expect(await guarded(limit, () => 'the limit')).toMatchObject({ listener: 'outside', limit: 'connections' })
  await Promise.all(clients.map(async (client) => client.endAsync()))
})
