import { describe, expect, test } from 'vitest'
import { completeConfig } from '../../src/config/complete.ts'
import type { PartialConfig } from '../../src/config/config.ts'
import { listenersOf } from '../../src/config/listener-settings.ts'
import { HubbubError } from '../../src/base/errors.ts'

type Listeners = NonNullable<PartialConfig['listeners']>

function faultsOf(listeners: Listeners, config: PartialConfig = {}): readonly string[] {
  try {
    completeConfig({ ...config, listeners })
  } catch (error) {
    if (error instanceof HubbubError)
      return error.message.split('\n').map((line) => line.replace('Cannot use createHub: ', ''))
    throw error
  }
  return []
}

const TLS = { kind: 'mqtts', certificate: 'a.pem', key: 'a-key.pem' } as const

describe('listenersOf', () => {
  test('makes port and httpPort two listeners', () => {
    expect(listenersOf(completeConfig({ port: 1, httpPort: 2 }))).toMatchObject([
      { name: 'mqtt', kind: 'mqtt', host: 'localhost', port: 1, portOption: '--port', key: undefined },
      { name: 'http', kind: 'http', host: 'localhost', port: 2, portOption: '--http-port', key: undefined },
    ])
    expect(listenersOf(completeConfig({ http: false })).map(({ kind }) => kind)).toEqual(['mqtt'])
  })

  test('are the same of a configuration that was completed before', () => {
    const config = completeConfig({ listeners: [{ kind: 'mqtt', name: 'a', maxConnections: null }, TLS] })
    expect(listenersOf(completeConfig(config))).toEqual(listenersOf(config))
  })

  test('fills in what a list leaves out: the name by the kind, the host by the option, the port by the kind', () => {
    const listeners: Listeners = [
      { kind: 'mqtt' },
      { ...TLS, host: '127.0.0.1' },
      { kind: 'http', port: 0, maxConnections: 10 },
      { ...TLS, kind: 'https', name: 'pages' },
      { kind: 'unix', path: '/run/hubbub.sock' },
    ]
    expect(listenersOf(completeConfig({ host: '::1', listeners }))).toMatchObject([
      { name: 'mqtt', host: '::1', port: 1883, tls: undefined, maxConnections: Infinity, key: 'listeners[0]' },
      { name: 'mqtts', host: '127.0.0.1', port: 8883, tls: { certificate: 'a.pem', clientCertificates: 'off' } },
      { name: 'http', port: 0, maxConnections: 10 },
      { name: 'pages', port: 8443, tls: { minVersion: 'TLSv1.2' }, portOption: 'listeners[3].port' },
      { name: 'unix', path: '/run/hubbub.sock' },
    ])
  })
})

describe('A list of listeners', () => {
  test.each<[string, Listeners, string]>([
    [
      'two with one name',
      [{ kind: 'mqtt' }, { kind: 'mqtt', port: 1 }],
      'listeners[1].name must be one that no other listener has, it is missing: without it the name is the kind, as that of listeners[0]',
    ],
    [
      'two at one place',
      [{ kind: 'mqtt' }, { kind: 'http', port: 1883 }],
      'listeners[1] must listen elsewhere than listeners[0], both are at localhost:1883',
    ],
    [
      'TLS without a certificate',
      [{ kind: 'mqtts', key: 'k' }],
      'listeners[0].certificate must be a PEM file, it is missing; "hubbub cert" makes one to try',
    ],
    [
      'a certificate without TLS',
      [{ kind: 'mqtt', certificate: 'c' }],
      'listeners[0].certificate belongs to the kinds "mqtts" and "https", the kind is "mqtt"',
    ],
    [
      'client certificates without who signs them',
      [{ ...TLS, clientCertificates: 'required' }],
      'listeners[0].ca must be the PEM file of those who sign client certificates, it is missing',
    ],
    [
      'who signs client certificates that nobody asks for',
      [{ ...TLS, ca: 'ca' }],
      'listeners[0].ca needs clientCertificates to be "optional" or "required"',
    ],
    [
      'a Unix socket without a path',
      [{ kind: 'unix' }],
      'listeners[0].path must be the path of a socket, it is missing',
    ],
    [
      'a Unix socket with a port',
      [{ kind: 'unix', path: 's', port: 1 }],
      'listeners[0].port has no meaning for a Unix socket: leave it out',
    ],
    [
      'PROXY headers of anybody',
      [{ kind: 'mqtt', proxyProtocol: true }],
      'listeners[0].trustedProxies must be a list of the addresses of the proxies, since anybody else could say any address',
    ],
    [
      'proxies that say nothing',
      [{ kind: 'mqtt', trustedProxies: ['::1'] }],
      'listeners[0].trustedProxies needs proxyProtocol: true',
    ],
    [
      'certificates of a proxy without its header',
      [{ kind: 'mqtt', proxyCertificates: true }],
      'listeners[0].proxyCertificates needs proxyProtocol: true',
    ],
    [
      'no network',
      [{ kind: 'http', trustedProxies: ['10.0.0.0/33'] }],
      'listeners[0].trustedProxies[0] must be an IP address or a network such as "10.0.0.0/8", it is "10.0.0.0/33"',
    ],
    [
      'a name that no rule could say',
      [{ kind: 'mqtt', name: 'a b' }],
      'listeners[0].name must be a name of letters, digits, "-" and "_", of 32 at most, it is "a b"',
    ],
  ])('is refused with %s', (_, listeners, fault) => {
    expect(faultsOf(listeners)).toContain(fault)
  })

  test('is refused beside the short form, and with HTTP that is switched off', () => {
    expect(faultsOf([{ kind: 'mqtt' }], { port: 1884 })).toEqual([
      'port is the short form of a listener, and counts only without listeners (createHub): leave one of them out',
    ])
    expect(faultsOf([{ kind: 'http' }], { http: false })).toEqual([
      'listeners[0].kind must not be "http" while http.enabled is false',
    ])
  })

  test('is refused when strangers can reach one of them, unless that is allowed', () => {
    const listeners: Listeners = [
      { kind: 'unix', path: 's' },
      { kind: 'mqtt', host: '192.0.2.1' },
    ]
    expect(() => completeConfig({ listeners })).toThrow(
      expect.objectContaining({
        code: 'LISTENER_UNSAFE',
        message: expect.stringContaining('Cannot listen on 192.0.2.1 (listeners[1], createHub)') as unknown,
      }),
    )
    expect(listenersOf(completeConfig({ listeners, allowAnonymous: true }))).toHaveLength(2)
    const withCertificates: Listeners = [{ ...TLS, host: '0.0.0.0', ca: 'ca', clientCertificates: 'required' }]
    expect(listenersOf(completeConfig({ listeners: withCertificates }))).toHaveLength(1)
    const optional: Listeners = [{ ...TLS, host: '0.0.0.0', ca: 'ca', clientCertificates: 'optional' }]
    expect(() => completeConfig({ listeners: optional })).toThrow(expect.objectContaining({ code: 'LISTENER_UNSAFE' }))
  })
})
