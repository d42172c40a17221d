import { connectAsync, type IClientOptions } from 'mqtt'
import { expect, test, vi } from 'vitest'
import { anonymous, Gate } from '../../../src/auth/gate.ts'
import type { Peer } from '../../../src/auth/identity.ts'
import { Certificates } from '../../support/certificates.ts'
import { requireTool } from '../../support/debian-tools.ts'
import { freePort } from '../../support/free-port.ts'
import { guarded } from '../../support/guard.ts'
import { startProcess } from '../../support/processes.ts'
import { startHubWithHttp } from '../../support/start-hub.ts'

test('HAProxy passes clients on: with version 1 and 2, through TLS, with the name in a certificate, and to HTTP', async () => {
  const made = await Certificates.make()
  const alice = await made.client('alice')
  made.write('both.pem', `${made.server.certificate}${made.server.key}`)
  const peers: Peer[] = []
  const gate = new Gate({
    authenticate: (credentials, peer) => {
      peers.push(peer)
      return anonymous(credentials, peer)
    },
    renew: (identity) => identity,
    identityOf: () => undefined,
  })
  const proxied = { port: 0, host: '127.0.0.1', proxyProtocol: true, trustedProxies: ['127.0.0.1'] }
  const { hub } = await startHubWithHttp({
    gate,
    config: {
      listeners: [
        { name: 'plain', kind: 'mqtt', ...proxied, proxyCertificates: true },
        { name: 'secure', kind: 'mqtts', ...proxied, ...made.options },
        { name: 'pages', kind: 'http', ...proxied },
      ],
    },
  })
  const portOf = (name: string) => hub.addresses.listeners.find((listener) => listener.name === name)?.port ?? 0
  const ports = await Promise.all(Array.from({ length: 5 }, async () => freePort()))
  const [v1 = 0, v2 = 0, through = 0, ended = 0, pages = 0] = ports
  const tls = `ssl crt ${made.file('both.pem')} ca-file ${made.file('ca.pem')} verify optional`
  const config = made.write(
    'haproxy.cfg',
    [
      'defaults',
      ' mode tcp',
      ' timeout connect 5s',
      ' timeout client 30s',
      ' timeout server 30s',
      ...(
        [
          [v1, '', 'plain', 'send-proxy'],
          [v2, '', 'plain', 'send-proxy-v2'],
          [through, '', 'secure', 'send-proxy-v2'],
          [ended, tls, 'plain', 'send-proxy-v2-ssl-cn'],
          [pages, '', 'pages', 'send-proxy'],
        ] as const
      ).flatMap(([port, bind, name, how]) => [
        `listen to-${port}`,
        ` bind 127.0.0.1:${port} ${bind}`,
        ` server hub 127.0.0.1:${portOf(name)} ${how}`,
      ]),
      '',
    ].join('\n'),
  )
  const haproxy = await startProcess(requireTool('haproxy'), ['-db', '-V', '-f', config])
  const connectBy = async (port: number, options: IClientOptions = {}): Promise<Peer | undefined> => {
    const before = peers.length
    // It takes a moment to listen.
    await vi.waitFor(
      async () => {
        const client = await connectAsync({ host: 'localhost', port, reconnectPeriod: 0, ...options })
        await client.endAsync()
      },
      { timeout: 8000, interval: 100 },
    )
    return peers[before]
  }
  const ca = made.authority.certificate
  const known = { host: '127.0.0.1', certificateName: undefined }
  expect(await guarded(connectBy(v1), () => 'version 1')).toMatchObject({ ...known, listener: 'plain' })
  expect(await guarded(connectBy(v2), () => 'version 2')).toMatchObject({ ...known, listener: 'plain' })
  expect(await guarded(connectBy(through, { protocol: 'mqtts', ca }), () => 'TLS')).toMatchObject({
    ...known,
    listener: 'secure',
  })
  const certificate = { protocol: 'mqtts' as const, ca, cert: alice.certificate, key: alice.key }
  expect(await guarded(connectBy(ended, certificate), () => 'TLS of the proxy')).toMatchObject({
    certificateName: 'alice',
    listener: 'plain',
  })
  expect((await fetch(`http://localhost:${pages}/readyz`)).status).toBe(200)
  await haproxy.end()
})
