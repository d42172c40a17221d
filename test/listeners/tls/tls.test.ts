import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:https'
import { connect as connectPlain } from 'node:net'
import { promisify } from 'node:util'
import { connectAsync, type MqttClient } from 'mqtt'
import { describe, expect, onTestFinished, test } from 'vitest'
import { anonymous, Gate } from '../../../src/auth/gate.ts'
import type { Peer } from '../../../src/auth/identity.ts'
import type { PartialConfig } from '../../../src/config/config.ts'
import { Certificates } from '../../support/certificates.ts'
import { guarded } from '../../support/guard.ts'
import { mosquittoPub, mosquittoSub } from '../../support/mosquitto.ts'
import { startHub, startHubWithHttp, type TestHub } from '../../support/start-hub.ts'
import { connectTls, startTlsListener, tlsSettings, untilClosed } from '../../support/tls-listener.ts'

type Listener = NonNullable<PartialConfig['listeners']>[number]

const run = promisify(execFile)

/** The port of the listener with that name. */
function portOf({ hub }: Pick<TestHub, 'hub'>, name: string): number {
  return hub.addresses.listeners.find((listener) => listener.name === name)?.port ?? 0
}

/** A gate without users that writes down where clients come from. */
function watchedGate(peers: Peer[]): Gate {
  return new Gate({
    authenticate: (credentials, peer) => {
      peers.push(peer)
      return anonymous(credentials, peer)
    },
    renew: (identity) => identity,
    identityOf: () => undefined,
  })
}

async function nextMessage(client: MqttClient): Promise<Buffer> {
  const message = new Promise<Buffer>((resolve) => {
    client.once('message', (_topic, payload) => resolve(payload))
  })
  return guarded(message, () => 'a message')
}

async function startSecureHub(
  made: Certificates,
  listener: Partial<Listener> = {},
  gate?: Gate,
): Promise<TestHub & { readonly securePort: number }> {
  const listeners: Listener[] = [
    { kind: 'mqtt', port: 0 },
    { kind: 'mqtts', port: 0, ...made.options, ...listener },
  ]
  const started = await startHub({ config: { listeners }, gate })
  return { ...started, securePort: portOf(started, 'mqtts') }
}

describe('A listener of kind mqtts', () => {
  test('serves MQTT.js, messages of many TLS records too', async () => {
    const made = await Certificates.make()
    const { securePort: port } = await startSecureHub(made)
    const ca = made.authority.certificate
    const client = await connectAsync({ protocol: 'mqtts', host: 'localhost', port, ca, reconnectPeriod: 0 })
    await client.subscribeAsync('a', { qos: 1 })
    const received = nextMessage(client)
    await client.publishAsync('a', 'x'.repeat(100_000), { qos: 1 })
    expect((await received).length).toBe(100_000)
    await client.endAsync()
  })

  test.each(['tlsv1.2', 'tlsv1.3'])('serves MQTT over %s', async (version) => {
    const made = await Certificates.make()
    const { port, owners, transports } = await startTlsListener(tlsSettings(made))
    const name = version === 'tlsv1.2' ? 'TLSv1.2' : 'TLSv1.3'
    const socket = await connectTls(port, { ca: made.authority.certificate, minVersion: name, maxVersion: name })
    expect(socket.getProtocol()).toBe(name)
    socket.write('to the hub')
    await transports.atLeast(1)
    expect(String(await owners[0]?.untilReceived(10))).toBe('to the hub')
    const { securePort } = await startSecureHub(made)
    const args = ['--cafile', made.file('ca.pem'), '--tls-version', version]
    await mosquittoPub(securePort, { topic: 'a', payload: 'x', qos: 1, args })
  })

  test('takes mosquitto_pub and mosquitto_sub with certificates, and tells the gate whose they are', async () => {
    const made = await Certificates.make()
    await made.client('alice')
    const peers: Peer[] = []
    const { securePort: port } = await startSecureHub(
      made,
      { ca: made.file('ca.pem'), clientCertificates: 'required' },
      watchedGate(peers),
    )
    const args = [
      '--cafile',
      made.file('ca.pem'),
      '--cert',
      made.file('alice.pem'),
      '--key',
      made.file('alice-key.pem'),
    ]
    const subscriber = await mosquittoSub(port, { topics: ['a'], args })
    await mosquittoPub(port, { topic: 'a', payload: 'hello', args })
    expect(await subscriber.messages.atLeast(1)).toMatchObject([{ topic: 'a', payload: Buffer.from('hello') }])
    await subscriber.stop()
    expect(peers).toMatchObject([
      { host: '127.0.0.1', listener: 'mqtts', certificateName: 'alice' },
      { host: '127.0.0.1', listener: 'mqtts', certificateName: 'alice' },
    ])
  })

  test('shows openssl s_client a chain that it can verify', async () => {
    const made = await Certificates.make()
    const { port } = await startTlsListener(tlsSettings(made))
    const openssl = run('openssl', [
      's_client',
      '-connect',
      `127.0.0.1:${port}`,
      '-CAfile',
      made.file('ca.pem'),
      '-verify_hostname',
      'localhost',
      '-verify_return_error',
    ])
    openssl.child.stdin?.end()
    expect((await openssl).stdout).toContain('Verify return code: 0 (ok)')
  })

  test.each([
    ['commonName', { commonName: 'alice' }, 'alice'],
    ['dns', { names: ['first.example', 'second.example'] }, 'first.example'],
    ['email', {}, undefined],
  ] as const)('knows a client by %s', async (clientName, wish, name) => {
    const made = await Certificates.make()
    const alice = await made.client('somebody', wish)
    const { port, transports } = await startTlsListener(
      tlsSettings(made, { ca: made.file('ca.pem'), clientCertificates: 'optional', clientName }),
    )
    await connectTls(port, { ca: made.authority.certificate, cert: alice.certificate, key: alice.key })
    const [transport] = await transports.atLeast(1)
    expect(transport?.door).toEqual({ listener: 'secure', certificateName: name, identity: undefined })
  })

  test('takes a client without a certificate where it may have none, and refuses a bad one even there', async () => {
    const made = await Certificates.make()
    const other = await Certificates.make()
    const mallory = await other.client('mallory')
    const { port, transports, refusals } = await startTlsListener(
      tlsSettings(made, { ca: made.file('ca.pem'), clientCertificates: 'optional' }),
    )
    await connectTls(port, { ca: made.authority.certificate })
    const [transport] = await transports.atLeast(1)
    expect(transport?.door.certificateName).toBe(undefined)
    const refused = await connectTls(port, {
      ca: made.authority.certificate,
      cert: mallory.certificate,
      key: mallory.key,
    })
    await untilClosed(refused)
    expect(await refusals.atLeast(1)).toMatchObject([
      { kind: 'certificate-refused', reason: expect.stringContaining('another CA') as unknown },
    ])
  })

  test('refuses versions of TLS below the one that is asked for, and says why', async () => {
    const made = await Certificates.make()
    const { port, refusals } = await startTlsListener(tlsSettings(made, { minVersion: 'TLSv1.3' }))
    await expect(connectTls(port, { ca: made.authority.certificate, maxVersion: 'TLSv1.2' })).rejects.toThrow(/alert/)
    expect(await refusals.atLeast(1)).toMatchObject([
      { kind: 'tls-failed', reason: expect.stringContaining('too old') as unknown },
    ])
  })

  test('says that a client does not trust it', async () => {
    const made = await Certificates.make()
    const other = await Certificates.make()
    const { port, refusals } = await startTlsListener(tlsSettings(made))
    const args = ['--cafile', other.file('ca.pem')]
    await expect(mosquittoPub(port, { topic: 'a', payload: 'x', args })).rejects.toThrow(/exit code/)
    const [refusal] = await refusals.atLeast(1)
    expect(refusal).toMatchObject({ kind: 'tls-failed', listener: 'secure' })
    expect(refusal?.reason).toContain("the client does not trust the hub's certificate")
    expect(refusal?.address).toMatch(/^127\.0\.0\.1:\d+$/)
  })

  test('has a certificate for each name that is asked for, and one for all others', async () => {
    const made = await Certificates.make()
    for (const name of ['one', 'many']) {
      made.writePair(name, await made.client(name, { use: 'server', names: [`${name}.example`, `a.${name}.example`] }))
    }
    const files = (name: string) => ({ certificate: made.file(`${name}.pem`), key: made.file(`${name}-key.pem`) })
    const { port } = await startTlsListener(
      tlsSettings(made, {
        certificates: [
          { names: ['One.example'], ...files('one') },
          { names: ['*.many.example'], ...files('many') },
        ],
      }),
    )
    const shown = async (servername: string): Promise<unknown> => {
      const socket = await connectTls(port, { servername, rejectUnauthorized: false })
      return socket.getPeerCertificate().subject.CN
    }
    expect(await shown('one.example')).toBe('one')
    expect(await shown('ONE.EXAMPLE')).toBe('one')
    expect(await shown('a.many.example')).toBe('many')
    expect(await shown('a.b.many.example')).toBe('hub')
    expect(await shown('many.example')).toBe('hub')
    expect(await shown('')).toBe('hub')
  })
})

describe('A listener of kind https', () => {
  test('serves the API and MQTT over WebSocket, and knows them as secure', async () => {
    const made = await Certificates.make()
    const alice = await made.client('alice')
    const peers: Peer[] = []
    const listener: Listener = {
      kind: 'https',
      port: 0,
      ...made.options,
      ca: made.file('ca.pem'),
      clientCertificates: 'optional',
    }
    const started = await startHubWithHttp({ config: { listeners: [listener] }, gate: watchedGate(peers) })
    const port = started.httpPort
    const ca = made.authority.certificate
    const asked = request({ host: 'localhost', port, path: '/readyz', ca })
    asked.end()
    const [response]: unknown[] = await guarded(once(asked, 'response'), () => 'an answer')
    expect(response).toMatchObject({ statusCode: 200 })
    expect(started.hub.addresses).toMatchObject({
      http: { port },
      mqtt: { port },
      listeners: [{ kind: 'https', port }],
    })
    const client = await connectAsync(`wss://localhost:${port}/mqtt`, {
      ca,
      cert: alice.certificate,
      key: alice.key,
      reconnectPeriod: 0,
    })
    await client.subscribeAsync('a')
    const received = nextMessage(client)
    await client.publishAsync('a', 'x')
    expect(await received).toEqual(Buffer.from('x'))
    await client.endAsync()
    expect(peers).toMatchObject([{ listener: 'https', certificateName: 'alice', host: '127.0.0.1' }])
  })
})

describe('What comes to the wrong port is told in one line', () => {
  test.each([
    ['MQTT', 'mqtt-on-tls', Buffer.from([0x10, 0x0c, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 0])],
    ['HTTP', 'http-on-tls', Buffer.from('GET / HTTP/1.1\r\nHost: hub\r\n\r\n')],
    ['garbage', 'tls-failed', Buffer.from('hello\r\n')],
    ['a PROXY header', 'proxy-protocol', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n')],
    [
      'garbage that begins like a handshake',
      'tls-failed',
      Buffer.concat([Buffer.from([0x16, 3, 1, 0, 9]), Buffer.alloc(64)]),
    ],
  ])('%s on a port for TLS', async (_, kind, bytes) => {
    const made = await Certificates.make()
    const { port, refusals } = await startTlsListener(tlsSettings(made))
    const socket = connectPlain(port, '127.0.0.1', () => socket.write(bytes))
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined)
    socket.resume()
    await guarded(once(socket, 'close'), () => 'the connection to be closed')
    expect(refusals.items).toMatchObject([{ kind, listener: 'secure' }])
  })

  test('of MQTT on a port for TLS the log has one, with listener, address and reason', async () => {
    const made = await Certificates.make()
    const { securePort: port, log } = await startSecureHub(made)
    await expect(mosquittoPub(port, { topic: 'a', payload: 'x' })).rejects.toThrow(/exit code/)
    expect(await log.lines.atLeast(1)).toEqual([
      {
        level: 'info',
        text: 'connection refused',
        fields: {
          listener: 'mqtts',
          address: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as unknown,
          reason: 'MQTT without TLS came to a port for TLS',
        },
      },
    ])
  })

  test('TLS on a plain port', async () => {
    const made = await Certificates.make()
    const { port, log } = await startSecureHub(made)
    await expect(connectTls(port, {})).rejects.toThrow()
    expect(await log.lines.atLeast(1)).toMatchObject([
      { fields: { reason: expect.stringContaining('a TLS handshake came to the port for plain MQTT') as unknown } },
    ])
  })
})
